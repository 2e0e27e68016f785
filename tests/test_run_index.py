"""A list of runs is the same with its index as without, whatever happened to the runs or to the index."""

from __future__ import annotations

import fcntl
import io
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard_runs import plain_run, recording_run, recovered_run, windows_of
from tests.derived_rows import GOLDEN, changed, rows_now
from tests.many_runs import age, many_runs
from tracer.errors import RunError
from tracer.reports import run_row
from tracer.reports.run_list import RunList, list_runs, told_runs
from tracer.runs import run_index
from tracer.runs.launch_set import launch_sets
from tracer.runs.run_files import delete_run, rename_run
from tracer.runs.run_index import RunIndex, cache_folder
from tracer.runs.run_note import write_note
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    many_runs(tmp_path / "runs", 3)
    return tmp_path / "runs"


def index_file() -> Path:
    folder = cache_folder()
    assert folder is not None
    (path,) = (folder / "lists").iterdir()
    return path


def afresh(traces: Path) -> RunList:
    """The list where there is nothing to take it from, and nowhere to keep it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null")
        return list_runs(traces)


def opened(work: Callable[[], object]) -> int:
    """How many runs the work opens to list them."""
    names: list[Path] = []
    real = run_row.run_row
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_row, "run_row", lambda folder: (names.append(folder), real(folder))[1])
        work()
    return len(names)


def looks(work: Callable[[], object]) -> Counter[str]:
    """How often the work asks for a file's facts, opens a file and lists a folder."""
    found: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(io if name == "open" else os, name)
        return lambda *words, **options: (found.update([name]), real(*words, **options))[1]

    with pytest.MonkeyPatch.context() as patch:
        for name in ("stat", "scandir", "listdir"):
            patch.setattr(os, name, counted(name))
        patch.setattr(io, "open", counted("open"))
        work()
    return found


def _first(traces: Path) -> Path | None:
    return min((path.parent for path in traces.glob("*/run.json")), default=None)


def _rename(traces: Path) -> None:
    if folder := _first(traces):
        rename_run(traces, folder.name, f"{folder.name}x")


def _delete(traces: Path) -> None:
    if folder := _first(traces):
        delete_run(traces, folder.name)


def _new_run(traces: Path) -> None:
    plain_run(traces, f"new-{len(list(traces.iterdir()))}", windows_of(2, inferences=3, captured=0))


def _kill(traces: Path) -> None:
    recovered_run(traces, f"killed-{len(list(traces.iterdir()))}")


def _recover(traces: Path) -> None:
    for folder in traces.glob("killed-*"):
        recover_run(folder)


def _damage(traces: Path) -> None:
    if folder := _first(traces):
        (folder / "run.json").write_text("{", encoding="utf-8")


def _session(traces: Path) -> None:
    if folder := _first(traces):
        (folder / "session").mkdir(exist_ok=True)
        with (folder / "session" / "energyrunner.log").open("a", encoding="utf-8") as file:
            file.write("no log\n")


def _age(traces: Path) -> None:
    for folder in traces.iterdir():
        age(folder)


STEPS = (_rename, _delete, _new_run, _kill, _recover, _damage, _session)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=5), aged=st.booleans())
def test_whatever_is_done_to_the_runs_the_list_is_the_one_made_afresh(
    steps: list[Callable[[Path], None]], aged: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    traces = tmp_path_factory.mktemp("runs") / "traces"
    many_runs(traces, 1)
    list_runs(traces)
    for step in steps:
        step(traces)
        if aged:
            _age(traces)
        assert list_runs(traces) == afresh(traces)


def test_a_run_is_opened_once_and_again_where_it_changed(traces: Path) -> None:
    assert opened(lambda: list_runs(traces)) == 3
    assert opened(lambda: list_runs(traces)) == 0
    _session(traces)
    age(traces / "run-00000")
    assert opened(lambda: list_runs(traces)) == 1
    rename_run(traces, "run-00001", "renamed")
    assert opened(lambda: list_runs(traces)) == 1
    assert [row["name"] for row in list_runs(traces).rows] == ["run-00000", "renamed", "run-00002"]


def test_a_run_that_changed_just_now_is_not_kept(traces: Path) -> None:
    os.utime(traces / "run-00001" / "spans")
    assert [opened(lambda: list_runs(traces)) for _ in range(2)] == [3, 1]


def test_a_run_that_is_being_recorded_is_read_each_time(traces: Path) -> None:
    writer = recording_run(traces, "now")
    for _ in range(2):
        age(traces / "now")
        assert opened(lambda: list_runs(traces)) in (4, 1)
        assert list_runs(traces).rows[-1]["state"] == "recording"
    writer.close()
    age(traces / "now")
    assert list_runs(traces).rows[-1]["state"] == "complete"


def test_whether_somebody_records_a_run_that_was_not_closed_is_asked_each_time(traces: Path) -> None:
    recovered_run(traces, "killed")
    age(traces / "killed")
    assert opened(lambda: list_runs(traces)) == 4
    assert opened(lambda: list_runs(traces)) == 0
    with (traces / "killed" / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert list_runs(traces).rows[-1]["state"] == "recording"
    assert list_runs(traces).rows[-1]["state"] == "recovered"


@pytest.mark.parametrize("damage", [b"", b"{", b"kws-trace list 0 00000000\n", b"\xff\xfe\n\x00", None])
def test_a_damaged_or_deleted_index_is_made_again(traces: Path, damage: bytes | None) -> None:
    first, path = list_runs(traces), index_file()
    whole = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert list_runs(traces) == first
    assert path.read_bytes() == whole


def test_any_byte_that_is_lost_or_another_has_the_index_made_again(traces: Path) -> None:
    first, path = list_runs(traces), index_file()
    whole = path.read_bytes()
    for place in range(3, len(whole), len(whole) // 4):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert opened(lambda: list_runs(traces)) == 3
        path.write_bytes(whole[:place])
        assert list_runs(traces) == first


def test_another_version_of_what_is_derived_reads_the_runs_anew(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_runs(traces)
    monkeypatch.setitem(run_index.VERSIONS, "lists", run_index.VERSIONS["lists"] + 1)
    assert opened(lambda: list_runs(traces)) == 3
    assert opened(lambda: list_runs(traces)) == 0


def test_what_is_kept_of_known_runs_is_another_only_with_another_version() -> None:
    """To remake the file: ``python -m tests.derived_rows``."""
    assert not changed(rows_now()), "raise the version of these kinds in tracer/runs/run_index.py, then remake it"
    assert json.loads(GOLDEN.read_text(encoding="utf-8"))["versions"] == run_index.VERSIONS


def test_where_nothing_can_be_kept_the_list_is_made_each_time(traces: Path) -> None:
    assert afresh(traces) == list_runs(traces)
    assert opened(lambda: afresh(traces)) == 3


def test_nothing_is_written_into_a_run(traces: Path) -> None:
    def files() -> list[tuple[Path, int]]:
        return [(path, path.stat().st_mtime_ns) for path in sorted(traces.rglob("*"))]

    before = files()
    list_runs(traces)
    assert files() == before


def test_writers_at_one_index_leave_it_whole(traces: Path) -> None:
    found: list[RunList] = []
    threads = [threading.Thread(target=lambda: found.append(list_runs(traces)), daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [afresh(traces)] * 6
    assert opened(lambda: list_runs(traces)) == 0


def test_what_was_made_is_kept_where_the_list_is_left_early(traces: Path) -> None:
    rows = RunIndex(traces, "lists").rows(run_row.run_row, lambda *_: None)
    next(rows)
    next(rows)
    rows.close()
    assert opened(lambda: list_runs(traces)) == 1


def test_the_last_run_and_the_sets_of_launches_are_found_without_reading_a_run_twice(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = traces / "run-00001" / "run.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "launch_set": {"id": "one", "number": 1, "of": 2}}), encoding="utf-8")
    age(path.parent)
    assert stored_run("last", traces).name == "run-00002"

    def refused(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("tracer.runs.run_info.read_run_info", refused)
    assert stored_run("last", traces).name == "run-00002"
    assert [run.name for run in launch_sets(traces)["one"]] == ["run-00001"]
    with pytest.raises(RunError, match="there are run-00000, run-00001, run-00002"):
        stored_run("nowhere", traces)


@pytest.mark.parametrize(("work", "most"), [(told_runs, 5), (lambda traces: stored_run("last", traces), 1)])
def test_a_run_of_which_nothing_is_new_costs_so_many_looks(
    tmp_path: Path, work: Callable[[Path], object], most: int
) -> None:
    """Of a list: ``run.json``, the folder and its three tables; of the last run: ``run.json`` alone."""
    counts = []
    for count in (2, 5):
        many_runs(tmp_path / str(count), count)
        work(tmp_path / str(count))
        counts.append(looks(lambda: work(tmp_path / str(count))))  # noqa: B023 -- called here
    few, more = counts
    assert few["open"] >= 1
    assert {name: more[name] - few[name] for name in more | few} == {
        **dict.fromkeys(more | few, 0),
        "stat": 3 * most,
    }


def test_a_change_just_now_beside_a_time_to_come_is_not_kept(traces: Path) -> None:
    ahead_ns = time.time_ns() + 10**15
    os.utime(traces / "run-00001" / "windows", ns=(ahead_ns, ahead_ns))
    os.utime(traces / "run-00001" / "spans")
    assert [opened(lambda: list_runs(traces)) for _ in range(2)] == [3, 1]


def test_names_that_are_no_text_are_listed_and_not_kept(traces: Path) -> None:
    strange = traces / os.fsdecode(b"a\xff\tb\nc")
    (traces / "run-00001").rename(strange)
    age(strange)
    assert [opened(lambda: list_runs(traces)) for _ in range(2)] == [3, 1]
    assert strange.name in [row["name"] for row in list_runs(traces).rows]


def test_the_lines_of_a_list_are_kept_and_are_those_that_its_rows_give(traces: Path) -> None:
    assert opened(lambda: told_runs(traces)) == 3
    kept = told_runs(traces)
    assert opened(lambda: told_runs(traces)) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null")
        assert told_runs(traces) == kept
    write_note(traces, "run-00001", "fan off")
    delete_run(traces, "run-00002")
    (traces / "run-00000" / "run.json").write_text("{")
    told = told_runs(traces)
    assert [line for line in told if "fan off" in line] == ["  Note by hand: fan off"]
    assert [line.split("  ")[0] for line in told if "complete" in line] == ["run-00001"]
    assert told[-1].startswith("not readable: ")
