"""What is read and derived of runs is so once for all who look, and of a run that grows seldom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.looks import REFRESH_S, Looks, size_of
from tests.children import PATIENCE_S
from tests.dashboard_runs import plain_run, recording_run
from tests.gpu_runs import window
from tracer.runs.run_store import StoredRun
from tracer.runs.run_writer import RunWriter

VISITORS = 20


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[RunWriter]:
    writer = recording_run(tmp_path, "now")
    yield writer
    if writer.info.state == "recording":
        writer.close()


def count_windows(run: StoredRun) -> int:
    return run.windows().num_rows


def test_what_many_ask_for_at_once_is_derived_once(tmp_path: Path) -> None:
    looks, folder, derived = Looks(), plain_run(tmp_path, "run"), []
    all_there = threading.Barrier(VISITORS)

    def derive(run: StoredRun) -> list[int]:
        derived.append(run)
        return [count_windows(run)]

    def visit(_: int) -> list[int]:
        all_there.wait(PATIENCE_S)
        return looks.derived([looks.at(folder)], "windows", derive)

    with ThreadPoolExecutor(VISITORS) as visitors:
        found = list(visitors.map(visit, range(VISITORS)))
    assert len(derived) == 1
    assert all(one is found[0] for one in found)


def test_a_run_that_grows_is_derived_once_a_refresh_and_its_newest_alone_is_kept(growing: RunWriter) -> None:
    clock, derived = Clock(), []
    looks = Looks(clock, lambda: 0.0)

    def derive(run: StoredRun) -> int:
        derived.append(count_windows(run))
        return derived[-1]

    for turn in range(10):
        for _ in range(VISITORS):
            growing.append(window(100 + len(derived), 1, first=10_000 + len(derived)))
            assert looks.derived([looks.at(growing.folder)], "windows", derive) == derived[turn]
        clock.now_s += REFRESH_S
    assert len(derived) == 10
    assert derived == sorted(set(derived))
    assert len(looks.held()) == 1


def test_what_took_long_to_derive_rests_as_long_before_the_run_is_looked_at_anew(growing: RunWriter) -> None:
    clock, worked = Clock(), Clock()
    looks = Looks(clock, worked)

    def derive(_: StoredRun) -> None:
        worked.now_s += 10.0
        assert looks.at(growing.folder) is first  # while it is derived from, however long that takes
        clock.now_s += 10.0

    first = looks.at(growing.folder)
    looks.derived([first], "long", derive)
    growing.append(window(100, 1, first=10_000))
    clock.now_s += 9.9
    assert looks.at(growing.folder) is first
    clock.now_s += 0.2
    assert count_windows(looks.at(growing.folder).run) == count_windows(first.run) + 1


def test_the_end_of_a_run_is_seen_at_once(growing: RunWriter) -> None:
    looks = Looks(Clock())
    assert looks.at(growing.folder).run.state == "recording"
    growing.close()
    assert looks.at(growing.folder).run.state == "complete"


def test_a_run_is_opened_anew_when_a_file_of_it_changes_and_not_before(tmp_path: Path) -> None:
    looks, folder = Looks(), plain_run(tmp_path, "run")
    first = looks.at(folder)
    assert looks.derived([first], "text", lambda _: "old") == "old"
    assert looks.at(folder) is first
    (folder / "note.txt").write_text("another")
    second = looks.at(folder)
    assert second is not first
    assert looks.derived([second], "text", lambda _: "new") == "new"
    # Who looked before it changed is given what is newer.
    assert looks.derived([first], "text", lambda _: "old") == "new"


def test_what_is_kept_has_a_limit_in_bytes(tmp_path: Path) -> None:
    looks, folder = Looks(most_bytes=10_000), plain_run(tmp_path, "run")
    for number in range(10):
        looks.derived([looks.at(folder)], number, lambda _: bytes(3_000))
    assert [what for what, *_ in looks.held()] == [7, 8, 9]
    assert sum(looks.held().values()) <= 10_000
    assert size_of(bytes(1_000_000)) == pytest.approx(1_000_000, rel=0.01)


def test_tables_are_read_once_and_those_of_the_run_derived_from_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks()
    one, two = (looks.at(plain_run(tmp_path, name)) for name in ("one", "two"))

    def spans(run: StoredRun) -> int:
        return run.spans().num_rows

    def outer(run: StoredRun) -> int:
        return spans(run) + looks.derived([looks.at(run.folder)], "inner", spans)

    reads = []
    real = StoredRun._read_tables
    monkeypatch.setattr(StoredRun, "_read_tables", lambda run, name: reads.append(run.name) or real(run, name))
    assert looks.derived([one], "outer", outer) > 0
    assert looks.derived([one], "again", spans) > 0
    assert reads == ["one"]
    looks.derived([two], "outer", outer)
    assert (one.reader, one.run.table_bytes, two.run.table_bytes) == (None, 0, 0)
    monkeypatch.setattr("dashboard.looks.MOST_TABLE_BYTES", 1)
    looks.derived([two], "again", spans)
    assert two.reader is None


def test_two_that_derive_of_the_same_runs_in_either_order_do_not_wait_for_each_other(tmp_path: Path) -> None:
    looks = Looks()
    one, two = (looks.at(plain_run(tmp_path, name)) for name in ("one", "two"))

    def derive(*runs: StoredRun) -> str:
        return "-".join(looks.derived([looks.at(run.folder)], "name", lambda run: run.name) for run in runs)

    with ThreadPoolExecutor(2) as many:
        found = [
            many.submit(looks.derived, order, ("pair", turn), derive)
            for turn in range(50)
            for order in ([one, two], [two, one])
        ]
        assert {one.result(PATIENCE_S) for one in found} == {"one-two", "two-one"}
