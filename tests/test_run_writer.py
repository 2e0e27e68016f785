"""The writer of a run on a disk that refuses some of it: what is told, what is lost, and that the rest is whole."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import info, window
from tests.test_run_store_disk import numbers
from tracer.runs import run_writer
from tracer.runs.journal import JournalRow
from tracer.runs.run_info import read_run_info
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import WAITING, RunWriter

NOT_TAKEN = "which the disk did not take"


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def recorder(tmp_path: Path, problems: list[str], monkeypatch: pytest.MonkeyPatch) -> RunWriter:
    """Makes parts and syncs its journal whenever it may."""
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    monkeypatch.setattr(run_writer, "SYNC_S", 0.0)
    return RunWriter.create(tmp_path, "run", info(), problems.append)


def append(recorder: RunWriter, *windows: int) -> None:
    for number in windows:
        recorder.append(window(number, first=4 * number))
        recorder.make_parts_if_due()


def only(table: str) -> Callable[..., None]:
    """In place of ``write_part``: the disk takes the parts of one table."""
    real = run_writer.write_part
    return lambda path, of, *rest: real(path, of, *rest) if of == table else full()


Failing = Callable[[RunWriter, pytest.MonkeyPatch], None]


@pytest.mark.parametrize(
    ("what", "refuse"),
    [
        ("windows are not on disk", lambda one, patch: patch.setattr(one._journal, "append", full)),
        ("the journal is not synced", lambda one, patch: patch.setattr(one._journal, "sync", full)),
        ("the journal grows", lambda _, patch: patch.setattr(run_writer, "JournalFile", full)),
        ("Parquet parts are not made", lambda _, patch: patch.setattr(run_writer, "write_part", full)),
        ("run.json is not up to date", lambda _, patch: patch.setattr(run_writer, "write_run_info", full)),
    ],
)
def test_what_the_disk_refuses_is_told_once_each_time_that_it_begins(
    tmp_path: Path, recorder: RunWriter, problems: list[str], what: str, refuse: Failing
) -> None:
    told = f"{tmp_path / 'run'}: {what} (No space left on device); make room: it is tried again"
    for turn in range(2):
        with pytest.MonkeyPatch.context() as patch:
            refuse(recorder, patch)
            for number in range(2):
                append(recorder, 3 * turn + number)
                recorder.update_info(board=None)
        assert problems == [told] * (turn + 1)
        append(recorder, 3 * turn + 2)
        recorder.update_info(board="nano")
    assert recorder.close() == ""
    run = stored_run("run", tmp_path)
    assert (run.state, run.dropped, run.info.board, numbers(run)) == ("complete", [], "nano", list(range(6)))
    assert run.info.journal == {"rows": 6, "lost": []}


def test_windows_that_no_journal_took_are_in_no_table_where_not_every_table_took_them(
    tmp_path: Path, recorder: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(recorder, 0)
    monkeypatch.setattr(run_writer, "write_part", only("spans"))
    append(recorder, 1)
    monkeypatch.setattr(recorder._journal, "append", full)
    append(recorder, 2, 3)
    assert len(list((tmp_path / "run" / "spans").iterdir())) == 4
    sentences = [f"2 windows, from 2 to 3, {NOT_TAKEN}", WAITING]
    assert recorder.close() == "; ".join(sentences)
    run = stored_run("run", tmp_path)
    # Window 0 in a part of each table, 1 in the journal.
    assert (run.state, run.dropped, numbers(run)) == ("recovered", sentences, [0, 1])
    facts = read_run_info(tmp_path / "run" / "run.json")
    assert (facts.state, facts.not_recorded) == ("recovered", sentences)
    assert facts.journal == {"rows": 4, "lost": [2, 3]}


def test_as_many_windows_wait_as_there_is_memory_for_and_the_newest_always(
    tmp_path: Path, recorder: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(recorder, 0)
    size = JournalRow.of(window(1), 1).nbytes
    for room, first in ((3 * size, 1), (0, 6)):
        monkeypatch.setattr(run_writer, "WAITING_BYTES", room)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_writer, "write_part", full)
            patch.setattr(recorder._journal, "append", full)
            append(recorder, *range(first, first + 4))
        append(recorder, first + 4)
    assert recorder.close() == f"4 windows, from 1 to 8, {NOT_TAKEN}"
    run = stored_run("run", tmp_path)
    assert (run.info.journal, numbers(run)) == ({"rows": 11, "lost": [1, 6, 7, 8]}, [0, 2, 3, 4, 5, 9, 10])


def test_a_journal_is_synced_and_gaps_beyond_the_first_are_counted_once_a_second(
    tmp_path: Path, recorder: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced, counted = [0.0], [], []
    monkeypatch.setattr(run_writer, "SYNC_S", 1.0)
    monkeypatch.setattr(run_writer, "GAPS_KEPT", 2)
    monkeypatch.setattr(run_writer.time, "monotonic", lambda: now[0])
    recorder._synced_at = recorder._counted_at = now[0]
    monkeypatch.setattr(recorder._journal, "sync", lambda: synced.append(now[0]))
    path = tmp_path / "run" / "run.json"
    gap = {"start": "1", "end": "2", "why": "it was closed"}
    for _ in range(2):
        recorder.add_gap(gap)
    for now[0] in (0.0, 0.5, 1.0, 1.75, 2.0, 3.5, 4.25):
        recorder.make_parts_if_due()
        recorder.add_gap(gap)
        counted.append(read_run_info(path).more_gaps)
    assert synced == [1.0, 2.0, 3.5]
    assert counted == [0, 0, 3, 3, 5, 6, 6]
    recorder.close()
    facts = read_run_info(path)
    assert (facts.gaps, facts.more_gaps) == ([gap] * 2, 7)


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path, recorder: RunWriter) -> None:
    assert recorder.is_empty
    recorder.take_back()
    assert list(tmp_path.iterdir()) == []
