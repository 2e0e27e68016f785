"""Launches that belong together: runs of one configuration, each by a process of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer.command_line import command_line
from tracer.errors import RunError
from tracer.runs.run_index import ListedRun, RunIndex
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import StoredRun, stored_run


@dataclass(frozen=True, slots=True)
class LaunchNumber:
    """Which launch of which set a run is: ``id`` of the set, ``number`` from 1, ``of`` how many were asked for."""

    id: str
    number: int
    of: int


def launch_name(name: str, number: int) -> str:
    """Of the run that is launch ``number`` of the set ``name``."""
    return f"{name}-{number}"


def launch_number(facts: Mapping[str, Any] | None) -> LaunchNumber | None:
    """What ``launch_set`` of ``run.json`` says; None for a run that stands alone, or says what no set can be."""
    identity, number, of = ((facts or {}).get(key) for key in ("id", "number", "of"))
    if not (isinstance(identity, str) and isinstance(number, int) and isinstance(of, int)):
        return None
    return LaunchNumber(identity, number, of)


def set_name(run: RunInfo | ListedRun) -> str | None:
    """The name that the runs of its set share, as it was given; None for a run that stands alone."""
    launch = launch_number(run.launch_set)
    return None if launch is None else run.name.removesuffix(f"-{launch.number}")


def launch_sets(traces: Path) -> dict[str, list[ListedRun]]:
    """The sets of a folder by their ids, oldest first; the launches of each in their order. None is opened."""
    sets: dict[str, dict[int, ListedRun]] = {}
    for run in RunIndex(traces).listed:
        launch = launch_number(run.launch_set)
        if launch is not None:
            sets.setdefault(launch.id, {})[launch.number] = run
    return {identity: [run for _, run in sorted(numbered.items())] for identity, numbered in sets.items()}


def launch_set(name_or_run: str | StoredRun, traces: Path) -> list[StoredRun]:
    """
    The launches of one set in order; those that were not made, or are gone, are left out.

    Args:
        name_or_run: the set's name, its id, the name of one of its runs, or such a run.
        traces: folder of the runs.

    Raises:
        RunError: if there is no such set. Of two sets of one name it is the newer.
    """
    for identity, runs in reversed(launch_sets(traces).items()):
        names = {identity, set_name(runs[0]), *(run.folder.name for run in runs)}
        if (name_or_run.name if isinstance(name_or_run, StoredRun) else name_or_run) in names:
            return [stored_run(run.folder) for run in runs]
    listed = command_line("runs", traces=traces)
    raise RunError(
        name_or_run if isinstance(name_or_run, str) else name_or_run.name,
        f"no set of launches in {traces} has that name",
        f"`{listed}` lists them; `kws-trace repeat` makes one",
    )


def is_launch_set(name: str, traces: Path) -> bool:
    """Whether the name is that of a set, and not of a run."""
    folders = (traces / name, Path(name))
    # os.path: false, not an error, for a name that none can be.
    if name == "last" or any(os.path.isfile(folder / "run.json") for folder in folders):  # noqa: PTH113
        return False
    return any(name in (identity, set_name(runs[0])) for identity, runs in launch_sets(traces).items())


def named_runs(name: str, traces: Path) -> list[StoredRun]:
    """
    The launches of the set of that name, or the one run.

    Raises:
        RunError: as ``launch_set`` and ``stored_run``.
    """
    return launch_set(name, traces) if is_launch_set(name, traces) else [stored_run(name, traces)]
