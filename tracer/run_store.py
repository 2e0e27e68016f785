"""Opens runs, whole or not. Reading never writes; only ``recover_run`` does."""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.errors import KwsTraceError
from tracer.journal import read_journal
from tracer.run_info import RunInfo, RunInfoError, read_run_info, write_run_info
from tracer.run_writer import write_parts
from tracer.schema import TABLES
from tracer.tables import results_table, spans_table, windows_table

_PART = re.compile(r"part-(\d+)-(\d+)\.parquet\Z")
_FROM_ROWS = {"spans": spans_table, "windows": windows_table, "results": results_table}


class RunNotFoundError(KwsTraceError):
    """No run answers to the name."""

    def __init__(self, ref: str, traces: Path, names: list[str]) -> None:
        there = ", ".join(names[-5:]) if names else "none: `kws-trace demo` makes two"
        super().__init__(f"{ref}: no such run in {traces}; there are {there}")


class RunLockedError(KwsTraceError):
    """A run that is being recorded cannot be rewritten."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: it is being recorded; end it first (Ctrl-C on its `kws-trace run`)")


@dataclass
class StoredRun:
    """
    A run on disk as it stood when it was opened.

    ``state`` is ``recording``, ``complete`` or ``recovered``; ``dropped`` says in sentences what is not there.
    """

    folder: Path
    info: RunInfo
    state: str
    dropped: list[str]
    rows: list[pa.RecordBatch] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder's name, which may have changed since the run was made."""
        return self.folder.name

    def spans(self) -> pa.Table:
        """Columns as ``schema.SPANS``."""
        return self._table("spans")

    def windows(self) -> pa.Table:
        """Columns as ``schema.WINDOWS``, by number."""
        return self._table("windows").sort_by("window")

    def results(self) -> pa.Table:
        """Columns as ``schema.RESULTS``, by window."""
        return self._table("results").sort_by("window")

    def uncovered(self, table: str) -> list[pa.RecordBatch]:
        """Rows of the journal that no part of ``table`` holds."""
        covered = max((last for _, _, last in _parts(self.folder / table)), default=-1)
        return [row for row in self.rows if row.column("seq")[0].as_py() > covered]

    def _table(self, name: str) -> pa.Table:
        schema = TABLES[name]
        tables = []
        for path, _, _ in _parts(self.folder / name):
            try:
                tables.append(pq.read_table(path, partitioning=None).cast(schema))
            except (pa.ArrowException, OSError, ValueError) as error:
                self._drop(f"{name}/{path.name} is damaged ({str(error).splitlines()[0]}): its rows are left out")
        tables.append(_FROM_ROWS[name](self.uncovered(name), self.info.run_id))
        return pa.concat_tables(tables).unify_dictionaries()

    def _drop(self, sentence: str) -> None:
        if sentence not in self.dropped:
            self.dropped.append(sentence)


def open_run(ref: str | Path, traces: Path = Path("traces")) -> StoredRun:
    """
    Open a run.

    Args:
        ref: its folder, its name within ``traces``, or ``last`` for the newest.
        traces: folder of the runs.

    Raises:
        RunNotFoundError: if there is none.
        RunInfoError: if its ``run.json`` is damaged or newer than this reader.
    """
    folder = _find(str(ref), traces)
    info = read_run_info(folder / "run.json")
    dropped = list(info.not_recorded)
    rows: list[pa.RecordBatch] = []
    for path in sorted(folder.glob("journal-*.arrows"), key=lambda found: int(found.stem.split("-")[1])):
        journal = read_journal(path)
        rows += journal.batches
        if journal.torn_bytes:
            dropped.append(f"{path.name}: the last {journal.torn_bytes} bytes are half a window, which is left out")
    state = info.state
    if state == "recording" and not _locked(folder):
        state = "recovered"
        dropped.append("the run was killed: the window being timed then, if there was one, is not in it")
    return StoredRun(folder, info, state, dropped, rows)


def list_runs(traces: Path) -> list[StoredRun]:
    """The runs of a folder, oldest first; folders that are none are left out, damaged ones too."""
    runs = []
    for path in traces.glob("*/run.json") if traces.is_dir() else []:
        try:
            runs.append(open_run(path.parent, traces))
        except RunInfoError:
            continue
    return sorted(runs, key=lambda run: run.info.created)


def damaged_runs(traces: Path) -> list[str]:
    """A sentence for each folder whose ``run.json`` cannot be read."""
    sentences = []
    for path in sorted(traces.glob("*/run.json")):
        try:
            read_run_info(path)
        except RunInfoError as error:
            sentences.append(str(error))
    return sentences


def recover_run(ref: str, traces: Path) -> StoredRun:
    """
    Make a killed run whole: parts from what its journal holds, state ``recovered``.

    Raises:
        RunLockedError: if it is being recorded.
    """
    folder = _find(ref, traces)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunLockedError(folder) from None
        # The lock is ours, so the state would read `recording`: decide by what run.json says.
        run = replace(open_run(folder, traces), state="recovered")
        if run.info.state == "recording":
            _rewrite(run)
    finally:
        os.close(lock)
    return open_run(folder, traces)


def _rewrite(run: StoredRun) -> None:
    for table in TABLES:
        for part in (run.folder / table).glob(".*.new"):
            part.unlink()
    # A kill between the tables' parts leaves some tables ahead: the longest list names the part, each takes its own.
    missing = {table: run.uncovered(table) for table in TABLES}
    longest = max(missing.values(), key=len)
    if longest:
        for table in TABLES:
            for path, first, _ in _parts(run.folder / table):
                if first >= longest[0].column("seq")[0].as_py():
                    path.unlink()
        first, last = (longest[i].column("seq")[0].as_py() for i in (0, -1))
        write_parts(run.folder, f"part-{first:012d}-{last:012d}.parquet", longest, run.info.run_id)
    sentences = [line for line in run.dropped if "half a window" in line]
    killed = "the run was killed: the window being timed then, if there was one, is not in it"
    lost = [*run.info.not_recorded, *sentences, killed]
    write_run_info(run.folder / "run.json", replace(run.info, state="recovered", not_recorded=lost))
    for path in run.folder.glob("journal-*.arrows"):
        path.unlink()


def _find(ref: str, traces: Path) -> Path:
    if ref == "last":
        runs = list_runs(traces)
        if not runs:
            raise RunNotFoundError(ref, traces, [])
        return runs[-1].folder
    for folder in (traces / ref, Path(ref)):
        if (folder / "run.json").is_file():
            return folder
    raise RunNotFoundError(ref, traces, [run.name for run in list_runs(traces)])


def _parts(folder: Path) -> list[tuple[Path, int, int]]:
    found = [(path, _PART.match(path.name)) for path in sorted(folder.glob("part-*.parquet"))]
    return [(path, int(match[1]), int(match[2])) for path, match in found if match]


def _locked(folder: Path) -> bool:
    try:
        lock = os.open(folder / ".lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
