"""The journal: whole windows or none, whatever happens to the file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recorded import window
from tracer.recording.window import RecordedWindow
from tracer.runs.journal import JournalFile, JournalRow, JournalRows, read_journal
from tracer.runs.schema import JOURNAL


def rows(count: int) -> list[JournalRow]:
    return [JournalRow.of(window(number, first=4 * number), number) for number in range(count)]


def written(path: Path, count: int) -> bytes:
    journal = JournalFile(path)
    for row in rows(count):
        journal.append(row.message())
    journal.close()
    return path.read_bytes()


def same(one: JournalRow, other: JournalRow) -> bool:
    facts = {key: list(value) if isinstance(value, tuple) else value for key, value in one.facts.items()}
    return (
        one.seq == other.seq
        and facts == other.facts
        and np.array_equal(one.edges, other.edges)
        and np.array_equal(one.serial, other.serial)
    )


def test_a_row_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written(tmp_path / "j", 3)
    found = read_journal(tmp_path / "j")
    assert found.torn_bytes == 0
    assert all(same(one, other) for one, other in zip(rows(3), found.rows, strict=True))


def test_a_window_without_inferences_or_with_numpy_numbers_is_kept(tmp_path: Path) -> None:
    empty = window(0, inferences=0, warmups=0, state="aborted")
    facts = {name: getattr(empty, name) for name in RecordedWindow.__slots__}
    numpy = RecordedWindow(**{**facts, "cpu_ns": np.int64(7), "probabilities": (np.float32(0.5),), "serial": ()})
    journal = JournalFile(tmp_path / "j")
    journal.append(JournalRow.of(numpy, 0).message())
    journal.close()
    row = read_journal(tmp_path / "j").rows[0]
    assert (row.facts["cpu_ns"], row.facts["probabilities"]) == (7, [0.5])
    assert row.edges.shape == (0, 4)
    assert row.serial.shape == (0, 3)


def test_the_readings_of_a_window_are_not_copied_before_they_are_written() -> None:
    recorded = window(0, inferences=1000)
    assert np.shares_memory(JournalRow.of(recorded, 0).edges, recorded.edges)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_bit_that_flips_costs_at_most_its_window_and_those_after_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    whole = written(path, 3)
    size = len(rows(1)[0].message())
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place // 8] ^= 1 << place % 8
    path.write_bytes(flipped)
    found = read_journal(path).rows
    before = max(0, place // 8 - JOURNAL.serialize().size) // (size + 64)
    assert len(found) >= before
    assert all(same(one, other) for one, other in zip(rows(3), found, strict=False))


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"ARROW1" * 9])
def test_a_file_that_is_no_journal_has_no_rows(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    assert read_journal(tmp_path / "j").rows == []
    assert read_journal(tmp_path / "j").torn_bytes == len(content)


def test_a_journal_that_is_gone_has_no_rows(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "j") == JournalRows([], 0)


def test_a_row_knows_what_it_makes_and_what_it_weighs() -> None:
    (row,) = rows(1)
    # Four inferences of three stages with four edges of 8 bytes each; two spans of the line of three numbers.
    assert (row.spans, row.nbytes) == (4 * 3 + 2, 4 * 4 * 8 + 2 * 3 * 8 + 1000)


def test_a_write_that_cannot_be_taken_back_is_cut_off_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalFile(tmp_path / "j")
    first, second, third = (row.message() for row in rows(3))
    journal.append(first)
    real = os.write
    answers = iter([100])

    def dying(fd: int, data: bytes) -> int:
        for count in answers:
            return real(fd, bytes(data[:count]))
        raise OSError(errno.EIO, "Input/output error")

    def refused(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", dying)
        broken.setattr(os, "ftruncate", refused)
        with pytest.raises(OSError, match="Input/output"):
            journal.append(second)
    assert read_journal(tmp_path / "j").torn_bytes == 100
    journal.append(third)
    assert [row.seq for row in read_journal(tmp_path / "j").rows] == [0, 2]


def test_a_journal_that_the_disk_does_not_take_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            JournalFile(tmp_path / "j")
    JournalFile(tmp_path / "j").close()
