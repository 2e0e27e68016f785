"""Opens runs, whole or not. Reading never writes; only ``recover_run`` does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracer.arrow_arrays import encode, integers, present
from tracer.command_line import command_line
from tracer.errors import RunError, WriteError, first_line
from tracer.given_files import check_file
from tracer.runs.journal import JournalRow, read_journal
from tracer.runs.parts import Part, missing_logs, missing_rows, part_path, parts_of
from tracer.runs.run_files import is_locked, locked_error
from tracer.runs.run_index import ListedRun, RunIndex
from tracer.runs.run_info import RunInfo, read_run_info, write_run_info
from tracer.runs.run_writer import WAITING, write_part
from tracer.runs.sample_store import keep_samples, read_samples
from tracer.runs.schema import SINCE_VERSION_2, TABLES
from tracer.runs.tables import rows_table
from tracer.runs.windows import RunWindow, windows_of
from tracer.stages import SERIAL_STAGES
from tracer.whole_files import NEW

UNCLOSED = (
    "the run was not closed (killed, a power cut, or a disk that took no last word): the window being timed then, if "
    "there was one, is not in it"
)


@dataclass
class StoredRun:
    """
    A run on disk as it stood when it was opened; each table is read once and kept.

    ``state`` is ``recording``, ``complete`` or ``recovered``. ``dropped`` says in sentences what is not there; a
    damaged part is found when its table is read.
    """

    folder: Path
    info: RunInfo
    state: str
    dropped: list[str]
    rows: list[JournalRow] = field(default_factory=list)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    _tables: dict[str, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The folder's name, which may have changed since the run was made."""
        return self.folder.name

    def spans(self) -> pa.Table:
        """Columns as ``schema.SPANS``."""
        return self._table("spans")

    def windows(self) -> pa.Table:
        """Columns as ``schema.WINDOWS``, by number."""
        return self._table("windows")

    @cached_property
    def each_window(self) -> tuple[RunWindow, ...]:
        """The windows by number, those of a host's calibration told from those of an accuracy pass."""
        return windows_of(self.windows(), self.results(), self._commands)

    def results(self) -> pa.Table:
        """Columns as ``schema.RESULTS``, by window."""
        return self._table("results")

    def samples(self) -> pa.Table:
        """Columns as ``device_state.SAMPLES``: frequencies, temperatures and power, where the machine tells them."""
        if "samples" not in self._tables:
            self._tables["samples"], sentences = read_samples(self.folder, self.info.run_id)
            for sentence in sentences:
                self._drop(sentence)
        return self._tables["samples"]

    @property
    def table_bytes(self) -> int:
        """Memory of the tables that were read."""
        return sum(table.nbytes for table in self._tables.values())

    def uncovered(self, parts: list[Part]) -> list[JournalRow]:
        """Rows of the journal that none of ``parts`` holds."""
        return [row for row in self.rows if not any(part.first <= row.seq <= part.last for part in parts)]

    def _commands(self) -> dict[int, int]:
        """How many commands came over the line since the window before, by window."""
        spans = self.spans()
        stage = encode(spans, "stage")
        read = (stage.codes == stage.code_of(SERIAL_STAGES[0])) & present(spans, "window")
        windows, counts = np.unique(integers(spans, "window")[read], return_counts=True)
        return dict(zip(windows.tolist(), counts.tolist(), strict=True))

    def _table(self, name: str) -> pa.Table:
        if name not in self._tables:
            table = self._read_table(name)
            # Sorting and casting import what takes a quarter of a second, and the parts are in their order.
            sorted_already = name == "spans" or not (np.diff(integers(table, "window", missing=1 << 62)) < 0).any()
            self._tables[name] = table if sorted_already else table.sort_by("window")
        return self._tables[name]

    def span_tables(self) -> Iterator[pa.Table]:
        """The spans, those of a part at a time, and none kept: for what needs each once."""
        return self._read_tables("spans")

    def _read_table(self, name: str) -> pa.Table:
        return pa.concat_tables(self._read_tables(name)).unify_dictionaries()

    def _read_tables(self, name: str) -> Iterator[pa.Table]:
        whole = []
        for part in self.parts.get(name, []):
            try:
                table = read_table(part.path, TABLES[name])
            except (pa.ArrowException, OSError, ValueError, LookupError) as error:
                self._drop(f"{name}/{part.path.name} is damaged ({first_line(error)}): what it held is left out")
                continue
            whole.append(part)
            yield table
        rows = self.uncovered(whole)
        if rows or not whole:
            yield rows_table(name, rows, self.info.run_id)

    def _drop(self, sentence: str) -> None:
        if sentence not in self.dropped:
            self.dropped.append(sentence)


def stored_run(ref: str | Path, traces: Path = Path("traces")) -> StoredRun:
    """
    Open a run.

    Args:
        ref: its folder, its name within ``traces``, or ``last`` for the newest.
        traces: folder of the runs.

    Raises:
        RunError: if there is none, its ``run.json`` is damaged, or a newer version wrote it.
    """
    folder = _find(str(ref), traces)
    # First whether it is locked: a run that ends meanwhile then reads as recording, not as killed.
    locked = is_locked(folder)
    info = read_run_info(folder / "run.json")
    dropped = list(info.not_recorded)
    rows: list[JournalRow] = []
    for path in sorted(folder.glob("journal-*.arrows")):
        try:
            journal = read_journal(path)
        except OSError as error:
            dropped.append(f"{path.name} is not readable ({first_line(error)}): what it held is left out")
            continue
        rows += journal.rows
        if journal.torn_bytes and not locked:
            dropped.append(f"{path.name}: its last {journal.torn_bytes} bytes are no whole window and are left out")
    rows.sort(key=lambda row: row.seq)
    # Parts after journals, spans last: what moves from one to the other meanwhile is seen in one of them at least.
    parts = {table: parts_of(folder / table) for table in sorted(TABLES, key="spans".__eq__)}
    state = info.state
    if state == "recording" and not locked:
        state = "recovered"
        dropped.append(UNCLOSED)
    run = StoredRun(folder, info, state, dropped, rows, parts)
    if ref == "last" and not (rows or parts["windows"]):
        dropped += _newest_with_windows(traces)
    if state != "recording":
        dropped += missing_rows(parts, [row.seq for row in rows], info.journal) + missing_logs(folder)
    return run


def recover_run(ref: str | Path, traces: Path = Path("traces")) -> StoredRun:
    """
    Make a run whole that was not closed: parts from what its journal holds, state ``recovered``; others stay as they
    are, but for what a writer that was killed left beside its files.

    Raises:
        RunError: if there is none, or it is being recorded.
        WriteError: if the disk does not take it; then it reads as before.
    """
    folder = _find(str(ref), traces)
    try:
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            info = read_run_info(folder / "run.json")
            if info.state == "recording" or any(folder.glob("journal-*.arrows")):
                _rewrite(folder, traces)
            for leftover in (*folder.rglob(NEW), *folder.glob(".room-for-*")):
                leftover.unlink()
        finally:
            os.close(lock)
    except BlockingIOError:
        raise locked_error(folder) from None
    except OSError as error:
        remedy = "it can be read as it is, or copied to where there is room"
        raise WriteError(folder, "cannot be made whole", error, remedy) from None
    return stored_run(folder, traces)


def _rewrite(folder: Path, traces: Path) -> None:
    run = stored_run(folder, traces)
    for table in TABLES:
        # A kill between the parts of two tables leaves one ahead: each takes what it lacks.
        rows = run.uncovered(run.parts[table])
        if rows:
            write_part(part_path(folder, table, rows[0].seq, rows[-1].seq), table, rows, run.info.run_id)
    # The lock is ours, so it reads as locked: what the journal lost has to be asked for.
    torn = [(path.name, read_journal(path).torn_bytes) for path in sorted(folder.glob("journal-*.arrows"))]
    lost = [f"{name}: its last {count} bytes were no whole window and were left out" for name, count in torn if count]
    known = [*run.info.not_recorded, *lost, *keep_samples(folder, run.info.run_id)]
    known = [sentence for sentence in known if sentence != WAITING]
    if run.info.state == "recording":
        known.append(UNCLOSED)
    facts = {"rows": 1 + max(_last_rows(run), default=-1), **run.info.journal}
    write_run_info(folder / "run.json", replace(run.info, state="recovered", not_recorded=known, journal=facts))
    for name, _ in torn:
        (folder / name).unlink()


def _find(ref: str, traces: Path) -> Path:
    if ref != "last":
        for folder in (traces / ref, Path(ref)):
            if os.path.isfile(folder / "run.json"):  # noqa: PTH113 -- false, not an error, for a name that none can be
                return folder
    runs = _readable(traces)
    if ref == "last" and runs:
        return runs[-1].folder
    demo = command_line("demo", traces=traces)
    names = ", ".join(one.called for one in runs[-5:])
    raise RunError(
        ref, f"no such run in {traces}", f"there are {names}" if names else f"there is none yet: `{demo}` makes two"
    )


def _newest_with_windows(traces: Path) -> list[str]:
    """What is said where the newest run is empty."""
    for one in reversed(_readable(traces)[:-1]):
        if stored_run(one.folder).windows().num_rows:
            return [f"no window is in it; {one.called} is the newest run that has one"]
    return []


def _readable(traces: Path) -> list[ListedRun]:
    """The runs that can be read, oldest first."""
    return [one for one in RunIndex(traces).listed if one.problem is None]


def _last_rows(run: StoredRun) -> list[int]:
    return [*(row.seq for row in run.rows), *(part.last for parts in run.parts.values() for part in parts)]


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The columns of a Parquet file of a run, refused by Arrow's own errors where its pages are damaged."""
    check_file(path)
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read(columns=schema.names)
    for name in SINCE_VERSION_2.intersection(schema.names).difference(table.schema.names):
        table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    table = table.select(schema.names)
    table = table if table.schema == schema else table.cast(schema)
    # Checksums are of pages: damage to what describes them may still point outside a dictionary.
    table.validate(full=True)
    return table
