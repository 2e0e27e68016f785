"""What a page reads of the disk: the runs that may be shown, and a run's report with what is damaged told apart."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dashboard.kernel_detail import KernelDetail, kernel_detail
from tracer.errors import KwsTraceError, RunError
from tracer.report_types.report import Report
from tracer.reports.report import report_and_level
from tracer.runs.run_files import run_folder
from tracer.runs.run_index import RunIndex
from tracer.runs.run_store import StoredRun, stored_run

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


def fingerprint(folder: Path) -> str:
    """Changes whenever a file of the run does: name, size and time of each, as a hash."""
    found = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(place) / name
            try:
                facts = path.lstat()
            except OSError:
                continue  # gone between the listing and here: a journal that became a part
            found.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return found.hexdigest()


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
    The report of a run; where its captures cannot be read, what is left: the report without a GPU timeline.

    Raises:
        KwsTraceError: if nothing of it can be read.
    """
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


def run_beside(run: StoredRun, name: str | None) -> StoredRun | None:
    """The run that an address names as the baseline of another; None for none, for itself, and where it has gone."""
    if name is None or name == run.name:
        return None
    try:
        return stored_run(run_folder(run.folder.parent, name))
    except KwsTraceError:
        return None


def what_is_left(folder: Path) -> list[dict[str, Any]]:
    """``table``, ``files`` and ``bytes`` of each folder of a run whose ``run.json`` is damaged."""
    rows = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            sizes = [file.lstat().st_size for file in path.iterdir() if file.is_file()]
            rows.append({"table": path.name, "files": len(sizes), "bytes": sum(sizes)})
    return rows
