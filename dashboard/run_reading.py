"""What a page reads of the disk: the runs that may be shown, and a run's report with what is damaged told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from dashboard.kernel_detail import KernelDetail, kernel_detail
from tracer.errors import KwsTraceError, RunError
from tracer.report_types.report import Report
from tracer.reports.kept_report import keep_report
from tracer.reports.report import report_and_level
from tracer.runs.run_cache import RunCache
from tracer.runs.run_files import run_folder
from tracer.runs.run_index import RunIndex
from tracer.runs.run_store import StoredRun

Made = TypeVar("Made")

_FRAME = "pandas.DataFrame"

UNREADABLE = "the GPU timeline cannot be read: {}"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A folder of the traces folder that says it is a run; ``problem`` is why it cannot be opened, or empty."""

    name: str
    problem: str = ""


def run_entries(traces: Path) -> list[RunEntry]:
    """The runs of a folder, newest first, then those that cannot be opened."""
    listed = RunIndex(traces).listed
    entries = [RunEntry(one.folder.name, str(one.error or _link(one.folder) or "")) for one in reversed(listed)]
    return sorted(entries, key=lambda entry: bool(entry.problem))


def run_before(newest_first: Sequence[str], name: str) -> str:
    """The run before this one, or of the oldest the one after it."""
    place = newest_first.index(name)
    return newest_first[place + 1] if place + 1 < len(newest_first) else newest_first[place - 1]


def _link(folder: Path) -> RunError | None:
    """Of a run that is itself a link: it is not shown where it leads out. Links within it are found on opening it."""
    if not folder.is_symlink():
        return None
    try:
        run_folder(folder.parent, folder.name)
    except RunError as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class ReadReport:
    """
    A run's figures, and a sentence on captures that cannot be read; of damaged tables ``left_out`` tells.

    ``detail`` is of the same kernel level as the report: to compute it takes longer than all else together.
    """

    report: Report
    problems: tuple[str, ...]
    detail: KernelDetail | None


def read_report(run: StoredRun) -> ReadReport:
    """
    The report of a run, from the cache folder where it was derived before; what cannot be read is left out of it.

    Raises:
        KwsTraceError: if nothing of it can be read.
    """
    return kept_on_disk([run], "report", lambda: _derived(run), _read_report)


def recorded_report(run: StoredRun) -> Report | None:
    """
    The report without what its captures say, which takes longest; None where the whole one was derived before.

    Raises:
        KwsTraceError: if nothing of it can be read.
    """
    if not run.info.captures or RunCache([run], "report", Path(__file__).parent).read() is not None:
        return None
    return report_and_level(replace(run, info=replace(run.info, captures=[])))[0]


def kept_on_disk(
    runs: Sequence[StoredRun],
    kind: str,
    derive: Callable[[], Made],
    made: Callable[[Any], Made] = lambda found: found,
) -> Made:
    """
    What was derived of a run or of several, from the cache folder where it was derived before.

    Args:
        runs: as they were opened.
        kind: of what is derived, which is kept by itself.
        derive: gives what JSON holds, or a dataclass of that, of such dataclasses, and of frames.
        made: the same of that or its fields as they come back: a dataclass within is a dictionary, a tuple a list.
    """
    return RunCache(runs, kind, Path(__file__).parent).kept_or_made(
        derive,
        lambda found: json.dumps(found, default=_plain).encode(),
        lambda data: made(json.loads(data, object_hook=_with_frames)),
    )


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, pd.DataFrame):
        return {_FRAME: value.to_dict("list")}
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _with_frames(found: dict[str, Any]) -> Any:
    return pd.DataFrame(found[_FRAME]) if found.keys() == {_FRAME} else found


def _derived(run: StoredRun) -> ReadReport:
    try:
        report, level = report_and_level(run)
    except KwsTraceError as error:
        if not run.info.captures:
            raise
        rest = replace(run, info=replace(run.info, captures=[]))
        return ReadReport(report_and_level(rest)[0], (UNREADABLE.format(error),), None)
    keep_report(run, report)
    problem = report["capture_problem"]
    detail = None if level is None else kernel_detail(level)
    return ReadReport(report, (UNREADABLE.format(problem),) if problem else (), detail)


def _read_report(found: dict[str, Any]) -> ReadReport:
    detail = found["detail"]
    return ReadReport(found["report"], tuple(found["problems"]), None if detail is None else KernelDetail(**detail))


def what_is_left(folder: Path) -> list[dict[str, Any]]:
    """``table``, ``files`` and ``bytes`` of each folder of a run whose ``run.json`` is damaged."""
    rows = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            sizes = [file.lstat().st_size for file in path.iterdir() if file.is_file()]
            rows.append({"table": path.name, "files": len(sizes), "bytes": sum(sizes)})
    return rows
