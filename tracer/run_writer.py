"""
Writes a run: windows to the journal at once, Parquet parts from it between windows.

A part's name says which journal rows it covers, and readers leave out those rows of the journal: a kill between
any two steps loses nothing and doubles nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.errors import KwsTraceError
from tracer.journal import JournalFile, journal_batch
from tracer.run_info import RunInfo, write_run_info
from tracer.tables import results_table, span_batches, span_count, windows_table, write_spans
from tracer.window import RecordedWindow

PART_SPANS = 1 << 16
WAITING_BYTES = 64 << 20
"""Of windows that the disk does not take; beyond, the oldest are given up and counted."""


class RunExistsError(KwsTraceError):
    """The run's folder is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: a run of that name exists; give another --name, or remove it")


class TracesFolderError(KwsTraceError):
    """The folder of the runs cannot be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path}: cannot record here ({error.strerror}); give a folder you can write with --traces")


@dataclass
class _Row:
    seq: int
    batch: pa.RecordBatch
    journaled: bool


class RunWriter:
    """
    Records one run; make it with ``create``.

    A disk that does not take a window is reported, not raised: the device under test goes on answering.
    """

    def __init__(self, folder: Path, info: RunInfo, lock: int, on_problem: Callable[[str], None]) -> None:
        self.folder, self.info, self._lock, self._on_problem = folder, info, lock, on_problem
        self._waiting: list[_Row] = []
        self._seq = 0
        self._given_up = 0
        self._journal: JournalFile | None = JournalFile(folder / "journal-0.arrows")

    @classmethod
    def create(cls, traces: Path, name: str, info: RunInfo, on_problem: Callable[[str], None]) -> RunWriter:
        """
        Make the run's folder, lock it and write ``run.json``.

        Raises:
            RunExistsError: if the folder exists.
            TracesFolderError: if it cannot be made or written.
        """
        folder = traces / name
        if not name or Path(name).name != name:
            raise KwsTraceError(f"--name {name!r}: a run's name is one folder; leave out what is not part of a name")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if folder.exists():
                raise RunExistsError(folder) from None
            raise TracesFolderError(traces, FileExistsError(17, "a file is in the way")) from None
        except OSError as error:
            raise TracesFolderError(traces, error) from None
        try:
            lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX)
            write_run_info(folder / "run.json", info)
            return cls(folder, info, lock, on_problem)
        except OSError as error:
            raise TracesFolderError(traces, error) from None

    @property
    def name(self) -> str:
        """The run's folder within the traces folder."""
        return self.folder.name

    def append(self, window: RecordedWindow) -> None:
        """Put one window on disk before the host hears of its end."""
        batch = journal_batch(window, self._seq)
        row = _Row(self._seq, batch, journaled=False)
        self._seq += 1
        self._waiting.append(row)
        if self._journal is not None:
            try:
                self._journal.append(batch)
                row.journaled = True
            except OSError as error:
                self._problem("a window is not on disk yet", error)
        self._give_up_beyond_the_limit()

    def make_parts_if_due(self) -> None:
        """Make Parquet parts when enough spans wait; call it while no host is timing."""
        if sum(span_count(row.batch) for row in self._waiting) >= PART_SPANS:
            self._make_parts()

    def update_info(self, **facts: Any) -> None:
        """Change fields of ``run.json``."""
        self.info = replace(self.info, **facts)
        try:
            write_run_info(self.folder / "run.json", self.info)
        except OSError as error:
            self._problem("run.json is not up to date", error)

    def close(self, state: str = "complete") -> None:
        """Make the last parts, remove the journal, say the run's state, and let the lock go."""
        if self._make_parts(last=True):
            lost = [f"{self._given_up} windows that the disk did not take"] if self._given_up else []
            self.update_info(state=state, not_recorded=[*self.info.not_recorded, *lost])
        os.close(self._lock)

    def _make_parts(self, *, last: bool = False) -> bool:
        rows = [row.batch for row in self._waiting]
        try:
            if rows:
                covered = f"part-{self._waiting[0].seq:012d}-{self._waiting[-1].seq:012d}.parquet"
                write_parts(self.folder, covered, rows, self.info.run_id)
            self._start_journal(last=last)
        except OSError as error:
            self._problem("Parquet parts are not made yet", error)
            return False
        self._waiting = []
        return True

    def _start_journal(self, *, last: bool) -> None:
        old = self._journal
        self._journal = None if last else JournalFile(self.folder / f"journal-{self._seq}.arrows")
        if old is not None:
            old.close()
            old.path.unlink()

    def _give_up_beyond_the_limit(self) -> None:
        size = sum(row.batch.nbytes for row in self._waiting if not row.journaled)
        while size > WAITING_BYTES and len(self._waiting) > 1:
            size -= self._waiting.pop(0).batch.nbytes
            self._given_up += 1

    def _problem(self, what: str, error: OSError) -> None:
        self._on_problem(f"{what}: {error.strerror or error} in {self.folder}; recording goes on when there is room")


def write_parts(folder: Path, name: str, rows: Sequence[pa.RecordBatch], run_id: str) -> None:
    """
    Write one part of each table, whole under another name and then renamed.

    Raises:
        OSError: if the disk does not take them; then none of them is there.
    """
    plain = {"windows": windows_table, "results": results_table}
    try:
        for table in ("spans", *plain):
            (folder / table).mkdir(exist_ok=True)
            temporary = folder / table / f".{name}.new"
            if table == "spans":
                write_spans(temporary, span_batches(rows, run_id))
            else:
                pq.write_table(plain[table](rows, run_id), temporary, compression="zstd")
            temporary.rename(folder / table / name)
    except OSError:
        # The rows will be in a later, longer part: what is left of this one would double them.
        for table in ("spans", *plain):
            for leftover in (folder / table / f".{name}.new", folder / table / name):
                leftover.unlink(missing_ok=True)
        raise
