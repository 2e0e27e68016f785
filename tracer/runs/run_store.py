"""
Opens runs, whole or not, and never writes.

NumPy and Arrow are imported with the first table or journal that is read: a run of which everything is kept is opened
without either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.command_line import command_line
from tracer.errors import RunError, first_line
from tracer.runs.parts import TABLE_NAMES, Part, missing_logs, missing_rows, parts_of
from tracer.runs.run_files import is_locked
from tracer.runs.run_index import ListedRun, RunIndex
from tracer.runs.run_info import RunInfo, read_run_info
from tracer.runs.windows import RunWindow, windows_of

if TYPE_CHECKING:
    import pyarrow as pa

    from tracer.runs.journal import JournalRow

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
            from tracer.runs.sample_store import read_samples

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

    def span_tables(self) -> Iterator[pa.Table]:
        """The spans, those of a part at a time, and none kept: for what needs each once."""
        return self._read_tables("spans")

    def _commands(self) -> dict[int, int]:
        from tracer.runs.run_tables import commands_by_window

        return commands_by_window(self.spans())

    def _table(self, name: str) -> pa.Table:
        if name not in self._tables:
            from tracer.runs.run_tables import joined

            self._tables[name] = joined(name, self._read_tables(name))
        return self._tables[name]

    def _read_tables(self, name: str) -> Iterator[pa.Table]:
        from tracer.runs.run_tables import part_tables

        return part_tables(name, self.parts.get(name, []), self.uncovered, self.info.run_id, self._drop)

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
    folder = find_run(str(ref), traces)
    # First whether it is locked: a run that ends meanwhile then reads as recording, not as killed.
    locked = is_locked(folder)
    info = read_run_info(folder / "run.json")
    rows, torn = _journal_rows(folder, locked=locked)
    dropped = [*info.not_recorded, *torn]
    # Parts after journals, spans last: what moves from one to the other meanwhile is seen in one of them at least.
    parts = {table: parts_of(folder / table) for table in sorted(TABLE_NAMES, key="spans".__eq__)}
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


def _journal_rows(folder: Path, *, locked: bool) -> tuple[list[JournalRow], list[str]]:
    """The windows that wait in journals, in their order, and what of them is left out."""
    rows: list[JournalRow] = []
    dropped = []
    for path in sorted(folder.glob("journal-*.arrows")):
        from tracer.runs.journal import read_journal

        try:
            journal = read_journal(path)
        except OSError as error:
            dropped.append(f"{path.name} is not readable ({first_line(error)}): what it held is left out")
            continue
        rows += journal.rows
        if journal.torn_bytes and not locked:
            dropped.append(f"{path.name}: its last {journal.torn_bytes} bytes are no whole window and are left out")
    return sorted(rows, key=lambda row: row.seq), dropped


def find_run(ref: str, traces: Path) -> Path:
    """
    The folder of a run, as ``stored_run`` takes it.

    Raises:
        RunError: if there is none.
    """
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
