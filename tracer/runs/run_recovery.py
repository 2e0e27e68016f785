"""Makes a run whole that was not closed."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from pathlib import Path

from tracer.errors import WriteError
from tracer.figure_text import counted
from tracer.runs.journal import read_journal
from tracer.runs.parts import part_path
from tracer.runs.run_files import locked_error
from tracer.runs.run_info import read_run_info, write_run_info
from tracer.runs.run_store import UNCLOSED, StoredRun, find_run, stored_run
from tracer.runs.run_writer import WAITING, write_part
from tracer.runs.sample_store import keep_samples
from tracer.runs.schema import TABLES
from tracer.whole_files import NEW


def recover_run(ref: str | Path, traces: Path = Path("traces")) -> StoredRun:
    """
    Make a run whole that was not closed: parts from what its journal holds, state ``recovered``; others stay as they
    are, but for what a writer that was killed left beside its files.

    Raises:
        RunError: if there is none, or it is being recorded.
        WriteError: if the disk does not take it; then it reads as before.
    """
    folder = find_run(str(ref), traces)
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
    lost = [
        f"{name}: left out, as no whole window: the last {counted(count, 'byte')}" for name, count in torn if count
    ]
    known = [*run.info.not_recorded, *lost, *keep_samples(folder, run.info.run_id)]
    known = [sentence for sentence in known if sentence != WAITING]
    if run.info.state == "recording":
        known.append(UNCLOSED)
    facts = {"rows": 1 + max(_last_rows(run), default=-1), **run.info.journal}
    write_run_info(folder / "run.json", replace(run.info, state="recovered", not_recorded=known, journal=facts))
    for name, _ in torn:
        (folder / name).unlink()


def _last_rows(run: StoredRun) -> list[int]:
    return [*(row.seq for row in run.rows), *(part.last for parts in run.parts.values() for part in parts)]
