"""The runs of several folders as one: which there are, and which are left out and why."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tracer.errors import UsageError
from tracer.fleet.fleet_row import fleet_row
from tracer.fleet.kept_inferences import KeptInferences
from tracer.runs.run_index import Progress, RunIndex


@dataclass(frozen=True, slots=True)
class Fleet:
    """
    Runs of several roots, oldest first.

    ``rows`` are as ``fleet_row`` makes them, each with its ``name`` and ``folder``; ``left_out`` has a sentence for
    each run that is not among them: damaged, being recorded, or a copy of one that is.
    """

    rows: list[dict[str, Any]]
    left_out: list[str]


def read_fleet(folders: Iterable[Path], progress: Progress = lambda *_: None) -> Fleet:
    """
    List every run of the folders; of each only what changed since it was last asked for is read.

    ``progress`` is told how many of the changed runs of a folder are read.
    """
    rows, left_out = [], []
    for root in folders:
        index, inferences = RunIndex(root, "fleet"), KeptInferences(root)
        inferences.keep_only(one.folder for one in index.listed)
        left_out += [str(one.error) for one in index.listed if one.error]
        for name, row in index.rows(partial(fleet_row, keep=inferences.keep), progress, inferences.has):
            folder = root / name
            if row["damage"]:
                left_out.append(f"{folder}: {'; '.join(row['damage'])}")
            else:
                rows.append({"name": name, "folder": str(folder), **row})
    kept: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["created"], row["folder"])):
        first = kept.setdefault(row["run_id"], row)
        if first is not row:
            left_out.append(f"{row['folder']}: it is the same run as {first['folder']}")
    return Fleet(list(kept.values()), left_out)


def fleet_folders(roots: Iterable[str]) -> list[Path]:
    """
    The folders of runs that roots name: folders, or patterns of such (``labs/*/traces``).

    Raises:
        UsageError: if a root is no folder.
    """
    return list(dict.fromkeys(folder for root in roots for folder in _folders(root)))


def _folders(root: str) -> list[Path]:
    if Path(root).is_dir():
        # Its name may have what is a pattern elsewhere.
        return [Path(root)]
    found = sorted(path for path in map(Path, glob.glob(root)) if path.is_dir())  # noqa: PTH207
    if not found:
        raise UsageError("--root", f"{root} is no folder, and no pattern of one", "give a folder of runs")
    return found
