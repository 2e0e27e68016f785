"""What a page reads of the disk: the runs that may be shown, and a run's report with what is damaged told apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard.kernel_detail import KernelDetail, kernel_detail
from tracer.errors import KwsTraceError, RunError
from tracer.report_types.report import Report
from tracer.reports.report import report_and_level
from tracer.runs.run_cache import RunCache
from tracer.runs.run_files import run_folder
from tracer.runs.run_index import RunIndex
from tracer.runs.run_store import StoredRun

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
    cache = RunCache(run, "page", Path(__file__).parent)
    data = cache.read()
    if data is not None:
        return _unpacked(data)
    found = _derived(run)
    cache.keep(_packed(found))
    return found


def _derived(run: StoredRun) -> ReadReport:
    try:
        report, level = report_and_level(run)
    except KwsTraceError as error:
        if not run.info.captures:
            raise
        rest = replace(run, info=replace(run.info, captures=[]))
        return ReadReport(report_and_level(rest)[0], (UNREADABLE.format(error),), None)
    problem = report["capture_problem"]
    detail = None if level is None else kernel_detail(level)
    return ReadReport(report, (UNREADABLE.format(problem),) if problem else (), detail)


def _packed(read: ReadReport) -> bytes:
    detail = read.detail
    frames = None if detail is None else {name: one.to_dict("list") for name, one in vars(detail).items()}
    return json.dumps({"report": read.report, "problems": read.problems, "detail": frames}).encode()


def _unpacked(data: bytes) -> ReadReport:
    found = json.loads(data)
    frames = found["detail"]
    detail = None if frames is None else KernelDetail(**{name: pd.DataFrame(one) for name, one in frames.items()})
    return ReadReport(found["report"], tuple(found["problems"]), detail)


def what_is_left(folder: Path) -> list[dict[str, Any]]:
    """``table``, ``files`` and ``bytes`` of each folder of a run whose ``run.json`` is damaged."""
    rows = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            sizes = [file.lstat().st_size for file in path.iterdir() if file.is_file()]
            rows.append({"table": path.name, "files": len(sizes), "bytes": sum(sizes)})
    return rows
