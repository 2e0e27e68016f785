"""A disk that fills, fails or is damaged: the run goes on, and what is lost is told."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recorded import info, window
from tracer.errors import RunError, WriteError
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.runs import run_writer
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter

Refuse = Callable[[str], None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Makes the writer's calls of that name fail as on a full disk, until undone."""

    def start(name: str) -> None:
        def full(*args: object, **kwargs: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(run_writer, name, full)

    return start


def numbers(run: StoredRun) -> list[int]:
    spans = run.spans().to_pandas()
    inside = spans[spans.inference.notna()]
    assert not inside.duplicated(["inference", "stage"]).any()
    found = [int(number) for number in run.windows()["window"].to_pylist()]
    assert sorted(inside.window.unique()) == found == run.results()["window"].to_pylist()
    return found


def started(traces: Path, problems: list[str] | None = None) -> RunWriter:
    return RunWriter.create(traces, "run", info(), (problems if problems is not None else []).append)


def test_parts_of_one_table_that_the_disk_refused_are_made_later_without_doubling_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    problems: list[str] = []
    recorder = started(tmp_path, problems)
    real = run_writer.write_part

    def only_spans(path: Path, table: str, *rest: object) -> None:
        if table != "spans":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, table, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(run_writer, "write_part", only_spans)
    for number in range(3):
        recorder.append(window(number, first=4 * number))
        recorder.make_parts_if_due()
    assert len(problems) == 1
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2]
    monkeypatch.setattr(run_writer, "write_part", real)
    recorder.append(window(3, first=12))
    recorder.close()
    run = stored_run("run", tmp_path)
    assert (run.state, run.dropped, numbers(run)) == ("complete", [], [0, 1, 2, 3])


def test_a_journal_that_cannot_be_changed_goes_on_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Refuse
) -> None:
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    problems: list[str] = []
    recorder = started(tmp_path, problems)
    with monkeypatch.context():
        refuse("JournalFile")
        for number in range(2):
            recorder.append(window(number, first=4 * number))
            recorder.make_parts_if_due()
    monkeypatch.undo()
    assert len(problems) == 1
    recorder.append(window(2, first=8))
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2]
    recorder.close()
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2]
    assert not list((tmp_path / "run").glob("journal*"))


def test_windows_beyond_the_limit_stay_in_the_journal_when_only_parts_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Refuse
) -> None:
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    monkeypatch.setattr(run_writer, "WAITING_BYTES", 3000)
    recorder = started(tmp_path)
    refuse("write_part")
    for number in range(10):
        recorder.append(window(number, first=4 * number))
        recorder.make_parts_if_due()
    monkeypatch.undo()
    recorder.append(window(10, first=40))
    recorder.close()
    run = stored_run("run", tmp_path)
    assert (run.state, run.dropped) == ("complete", [])
    assert numbers(run) == list(range(11))


def test_windows_that_no_disk_took_beyond_the_limit_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "WAITING_BYTES", 3000)
    problems: list[str] = []
    recorder = started(tmp_path, problems)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(recorder._journal, "append", full)
        for number in range(10):
            recorder.append(window(number, first=4 * number))
    assert len(problems) == 1
    recorder.close()
    run = stored_run("run", tmp_path)
    kept = numbers(run)
    assert kept == list(range(10 - len(kept), 10))
    assert run.dropped == [f"{10 - len(kept)} windows, from 0 to {9 - len(kept)}, which the disk did not take"]


def test_a_disk_that_is_full_at_the_end_leaves_the_journal_and_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Refuse
) -> None:
    problems: list[str] = []
    recorder = started(tmp_path, problems)
    recorder.append(window(0))
    refuse("write_part")
    monkeypatch.setattr(recorder._journal, "append", lambda message: run_writer.write_part())  # type: ignore[call-arg]
    recorder.append(window(1, first=4))
    assert recorder.close().startswith("window 1, which the disk did not take; its parts")
    run = stored_run("run", tmp_path)
    assert (run.state, numbers(run)) == ("recovered", [0])
    assert any("which the disk did not take" in sentence for sentence in run.dropped)


def test_a_start_that_the_disk_refuses_leaves_no_folder(tmp_path: Path, refuse: Refuse) -> None:
    refuse("JournalFile")
    with pytest.raises(RunError, match="No space"):
        started(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "last", "a/b", "/abs", "a\0b", "a\tb", "a\\b", "a" * 201])
def test_a_name_that_no_run_can_have_is_refused_before_anything_is_recorded(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError):
        RunWriter.create(tmp_path, name, info(), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_recovery_that_the_disk_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = started(tmp_path)
    recorder.append(window(0))
    shutil.copytree(tmp_path / "run", tmp_path / "dead")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("tracer.runs.run_recovery.write_part", full)
        with pytest.raises(WriteError, match="room") as caught:
            recover_run("dead", tmp_path)
    assert caught.value.exit_code == 1
    assert numbers(stored_run("dead", tmp_path)) == [0]
    assert numbers(recover_run("dead", tmp_path)) == [0]
    recorder.close()


def test_the_serial_spans_after_the_last_window_are_kept(tmp_path: Path) -> None:
    recorder = started(tmp_path)
    recorder.append(window(0))
    tail = window(-1, inferences=0, warmups=0, state="aborted")
    facts = {name: getattr(tail, name) for name in RecordedWindow.__slots__}
    recorder.append(RecordedWindow(**{**facts, "serial": (SerialSpan("serial_read", 10, 20),)}))
    recorder.close()
    run = stored_run("run", tmp_path)
    assert numbers(run) == [0]
    last = run.spans().to_pandas().query("window.isna()", engine="python")
    assert last[["stage", "start_ns", "duration_ns"]].values.tolist() == [["serial_read", 10, 20]]


def test_a_long_window_in_several_blocks_is_numbered_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.runs.tables.BLOCK", 7)
    monkeypatch.setattr("tracer.runs.tables.ROW_GROUP", 16)
    recorder = started(tmp_path)
    recorder.append(window(0, inferences=30, warmups=9))
    recorder.append(window(1, inferences=1, warmups=0, first=39))
    recorder.close()
    spans = stored_run("run", tmp_path).spans().to_pandas()
    for stage, duration in (("host_to_device", 1_000), ("session_run", 40_000), ("readback", 2_000)):
        rows = spans[spans.stage == stage].sort_values("inference")
        assert rows.inference.tolist() == list(range(40))
        assert rows.duration_ns.tolist() == [duration] * 40
        assert rows.warmup.tolist() == [True] * 9 + [False] * 31
        assert rows.window.tolist() == [0] * 39 + [1]
        assert (rows.start_ns.diff().dropna()[:-1] == 43_000).all()


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 3),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    kept=st.just(1.0) | st.floats(0, 1),
)
def test_no_damage_to_a_part_or_to_run_json_is_more_than_a_sentence(
    tmp_path: Path, which: int, changes: list[tuple[float, int]], kept: float
) -> None:
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    recorder = started(tmp_path)
    recorder.append(window(0))
    recorder.close()
    known = stored_run("run", tmp_path).spans().column("duration_ns").to_pylist()
    path = sorted(file for file in (tmp_path / "run").rglob("*") if file.is_file() and file.name != ".lock")[which]
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content[: round(kept * len(content))])
    try:
        run = stored_run("run", tmp_path)
        run.spans(), run.windows(), run.results()
    except RunError:
        assert path.name == "run.json"
        return
    spans = run.spans()
    # Either whole or left out and told: never other figures.
    assert spans.num_rows == 14 or any(sentence.startswith("spans/") for sentence in run.dropped)
    if spans.num_rows and path.name != "run.json":
        assert spans.column("duration_ns").to_pylist() == known


@pytest.mark.parametrize("change", [{"model": 3}, {"gaps": None}, {"baud": "fast"}, {"created": 5}, {"stages": {}}])
def test_a_run_json_with_a_value_of_another_kind_names_it(tmp_path: Path, change: dict[str, object]) -> None:
    started(tmp_path).close()
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RunError, match=next(iter(change))):
        stored_run("run", tmp_path)
