"""
Writes a run: windows to the journal at once, Parquet parts from it between windows.

A part's name says which journal rows it covers, and readers leave out those rows of the journal: a kill between
any two steps loses nothing and doubles nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracer.figure_text import counted
from tracer.recording.window import RecordedWindow
from tracer.runs.journal import JournalFile, JournalRow
from tracer.runs.parts import part_path, parts_of
from tracer.runs.run_folder import make_run_folder, not_recordable, release_room, remove_run_folder
from tracer.runs.run_info import RunInfo, write_run_info
from tracer.runs.schema import TABLES
from tracer.runs.tables import write_table
from tracer.whole_files import sync, written_whole

PART_SPANS = 1 << 16
WAITING_BYTES = 64 << 20
"""Of windows that wait for their part; beyond, the oldest stay in the journal, or are given up and counted."""

SYNC_S = 1.0
"""What a power cut may take of a run: the journal is synced as often as this, between windows."""

GAPS_KEPT = 100
"""Of the line's, in ``run.json``, which each of them rewrites: it stays small. Later ones are counted."""

WAITING = "its parts, which the disk did not take: its windows are in the journal, and `runs --recover` makes them"
"""Of a run that was ended on a full disk."""


class RunWriter:
    """
    Records one run; make it with ``create``.

    A disk that does not take a window is reported, not raised: the device under test goes on answering, and the
    window waits in memory for the next one's turn.
    """

    def __init__(self, folder: Path, info: RunInfo, lock: int, on_problem: Callable[[str], None]) -> None:
        self._folder, self.info, self._lock, self._on_problem = folder, info, lock, on_problem
        self._rows: list[JournalRow] = []
        """Rows that not every table has in a part."""
        self._unwritten: list[JournalRow] = []
        """Those of them that the journal does not hold."""
        self._covered = dict.fromkeys(TABLES, -1)
        self._lost: list[tuple[int, int]] = []
        """Row and window of those that neither the journal nor a part has."""
        self._seq = self._spans = self._bytes = 0
        self._synced_at = self._counted_at = time.monotonic()
        self._keep_journal = False
        self._failing: set[str] = set()
        self._journal = JournalFile(folder / "journal-0.arrows")

    @classmethod
    def create(cls, traces: Path, name: str, info: RunInfo, on_problem: Callable[[str], None]) -> RunWriter:
        """
        Make the run's folder, and ``traces`` if need be, lock it and write ``run.json``.

        ``on_problem`` is told, once each time it begins, that the disk does not take what is recorded.

        Raises:
            RunError: if no run can have the name, the folder exists, or it cannot be made or written.
        """
        folder, lock = make_run_folder(traces, name, info)
        try:
            return cls(folder, info, lock, on_problem)
        except OSError as error:
            remove_run_folder(folder, lock)
            raise not_recordable(folder, error) from None

    @property
    def folder(self) -> Path:
        """Where the run is now: somebody may rename it while it is recorded. As it was, where nobody can tell."""
        with contextlib.suppress(OSError):
            held = Path(f"/proc/self/fd/{self._lock}").readlink()
            if held.is_file():
                self._folder = held.parent
        return self._folder

    @property
    def name(self) -> str:
        """The run's folder within the traces folder."""
        return self.folder.name

    def append(self, window: RecordedWindow) -> None:
        """Put one window on disk before the host hears of its end; window -1 has the serial spans after the last."""
        row = JournalRow.of(window, self._seq)
        self._seq += 1
        self._rows.append(row)
        self._unwritten.append(row)
        self._spans += row.spans
        self._bytes += row.nbytes
        if not self._is_done("windows are not on disk", self._append_waiting):
            self._give_up_beyond_the_limit()

    def make_parts_if_due(self) -> None:
        """Sync the journal, and make Parquet parts when enough spans wait; call it while no host is timing."""
        if time.monotonic() - self._synced_at >= SYNC_S:
            self._sync_journal()
        if self._spans < PART_SPANS:
            return
        # Counted from here: parts that a full disk refuses are tried again, but not after every window.
        self._spans = 0
        if self._make_parts():
            # Where it cannot be changed the parts cover what the old one holds: it can go on.
            path = self.folder / f"journal-{self._seq}.arrows"
            self._is_done("the journal grows", lambda: self._change_journal(JournalFile(path)))

    def update_info(self, **facts: Any) -> None:
        """Change fields of ``run.json``."""
        self.info = replace(self.info, **facts)
        self._is_done("run.json is not up to date", lambda: write_run_info(self.folder / "run.json", self.info))

    def add_gap(self, gap: dict[str, str]) -> None:
        """Keep that the line ended and was opened again; of very many how many there were, told once a second."""
        if len(self.info.gaps) < GAPS_KEPT:
            self.update_info(gaps=[*self.info.gaps, gap])
        else:
            self.info = replace(self.info, more_gaps=self.info.more_gaps + 1)
            if time.monotonic() - self._counted_at >= SYNC_S:
                self.update_info()
                self._counted_at = time.monotonic()

    def close(self) -> str:
        """
        Make the last parts, remove the journal, say the run's state, and let the lock go; not more than once.

        Returns:
            What the record lacks, in a sentence; nothing where it is whole.
        """
        made = self._make_parts()
        if not made:
            release_room(self.folder, "journal")
            with contextlib.suppress(OSError):
                self._append_waiting()
            made = self._make_parts()
        self._give_up_unwritten()
        release_room(self.folder, "run.json")
        sentences = self._lacking()
        if not made:
            sentences.append(WAITING)
            self._sync_journal()
            self._journal.close()
        # Before the journal goes: a cut between the two leaves what parts cover.
        rows = {"rows": self._seq, "lost": [row for row, _ in self._lost]}
        state, known = ("complete" if made else "recovered"), self.info.not_recorded
        self.update_info(state=state, not_recorded=[*known, *sentences], journal=rows)
        release_room(self.folder, "journal")
        if made:
            self._change_journal(None)
        self._folder = self.folder
        os.close(self._lock)
        self._lock = -1
        return "; ".join(sentences)

    @property
    def is_empty(self) -> bool:
        """Whether no window was handed to it."""
        return self._seq == 0

    def take_back(self) -> None:
        """In place of ``close``, of a run that never began: remove its folder."""
        self._journal.close()
        remove_run_folder(self.folder, self._lock)

    def _give_up_unwritten(self) -> None:
        """Count what no journal took and not every table has in a part, and take it out of those that have."""
        if self._unwritten:
            for part in [part for table in TABLES for part in parts_of(self.folder / table)]:
                if part.last >= self._unwritten[0].seq:
                    # The journal has what else is in it. On a disk that takes nothing any more it stays.
                    with contextlib.suppress(OSError):
                        part.path.unlink()
        self._lost += [(row.seq, row.facts["window"]) for row in self._unwritten]

    def _lacking(self) -> list[str]:
        lost = [window for _, window in self._lost if window >= 0]
        if not lost:
            return []
        which = (
            f"window {lost[0]}" if len(lost) == 1 else f"{counted(len(lost), 'window')}, from {lost[0]} to {lost[-1]}"
        )
        return [f"{which}, which the disk did not take"]

    def _append_waiting(self) -> None:
        while self._unwritten:
            self._journal.append(self._unwritten[0].message())
            self._unwritten.pop(0)

    def _sync_journal(self) -> None:
        self._is_done("the journal is not synced", self._journal.sync)
        self._synced_at = time.monotonic()

    def _make_parts(self) -> bool:
        if not self._is_done("Parquet parts are not made", self._cover_tables):
            self._give_up_beyond_the_limit()
            return False
        self._rows, self._unwritten = [], []
        self._bytes = 0
        return True

    def _cover_tables(self) -> None:
        for table in TABLES:
            self._cover(table)

    def _cover(self, table: str) -> None:
        rows = [row for row in self._rows if row.seq > self._covered[table]]
        if not rows:
            return
        path = part_path(self.folder, table, rows[0].seq, rows[-1].seq)
        try:
            write_part(path, table, rows, self.info.run_id)
        finally:
            # Its folder may refuse to be synced when it is there already: another one would double its rows.
            if path.exists():
                self._covered[table] = rows[-1].seq

    def _change_journal(self, new: JournalFile | None) -> None:
        old = self._journal
        old.close()
        if new is not None:
            self._journal = new
        if not self._keep_journal:
            with contextlib.suppress(OSError):
                # Left behind it does no harm: parts cover it.
                (self.folder / old.path.name).unlink()
        self._keep_journal = False

    def _give_up_beyond_the_limit(self) -> None:
        while self._bytes > WAITING_BYTES and len(self._rows) > 1:
            row = self._rows.pop(0)
            self._bytes -= row.nbytes
            if self._unwritten and self._unwritten[0] is row:
                self._unwritten.pop(0)
                self._lost.append((row.seq, row.facts["window"]))
            else:
                # No part will have it: readers find it in the journal.
                self._keep_journal = True

    def _is_done(self, what: str, work: Callable[[], None]) -> bool:
        """Whether the disk took what ``work`` writes; ``what`` not taking it means is told once until it does."""
        try:
            work()
        except OSError as error:
            if what not in self._failing:
                self._failing.add(what)
                self._on_problem(f"{self.folder}: {what} ({error.strerror or error}); make room: it is tried again")
            return False
        self._failing.discard(what)
        return True


def write_part(path: Path, table: str, rows: Sequence[JournalRow], run_id: str) -> None:
    """
    Write one part of a table, whole, from at least one row of the journal, to a ``part_path``.

    Raises:
        OSError: if the disk does not take it; then it is not there, or was not synced.
    """
    if not path.parent.is_dir():
        path.parent.mkdir()
        sync(path.parent.parent)
    with written_whole(path) as temporary:
        write_table(temporary, table, rows, run_id)
