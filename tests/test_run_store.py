"""Runs on disk: nothing complete is lost or doubled, whatever happened to the process or the files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recorded import info, window
from tracer.errors import KwsTraceError, RunError
from tracer.runs import run_writer
from tracer.runs.run_index import RunIndex
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter


def writer(traces: Path, name: str = "run", problems: list[str] | None = None) -> RunWriter:
    return RunWriter.create(traces, name, info(name), (problems if problems is not None else []).append)


def killed(traces: Path, name: str = "dead") -> Path:
    """A copy of the run as a kill would leave it now: no lock on it."""
    return Path(shutil.copytree(traces / "run", traces / name))


def numbers(run: StoredRun) -> list[int]:
    spans = run.spans().to_pandas()
    inside = spans[spans.inference.notna()]
    assert (inside.groupby("window").size() == 12).all()
    assert not inside.duplicated(["inference", "stage"]).any()
    found = run.windows()["window"].to_pylist()
    assert sorted(inside.window.unique()) == found == run.results()["window"].to_pylist()
    return [int(number) for number in found]


def fill(recorder: RunWriter, count: int) -> None:
    for number in range(count):
        recorder.append(window(number, first=4 * number))


def test_a_run_is_read_back_as_it_was_recorded(tmp_path: Path) -> None:
    recorder = writer(tmp_path)
    fill(recorder, 2)
    recorder.close()
    run = stored_run("run", tmp_path)
    assert (run.state, run.dropped) == ("complete", [])
    spans = run.spans().to_pandas()
    assert spans[spans.stage == "session_run"].duration_ns.tolist() == [40_000] * 8
    assert spans[spans.stage == "serial_read"].inference.isna().all()
    assert spans.warmup.sum() == 6
    assert sorted(path.name for path in run.folder.iterdir()) == [".lock", "results", "run.json", "spans", "windows"]
    assert pq.read_table(tmp_path / "run" / "spans").num_rows == len(spans)


def test_a_run_being_recorded_is_readable_and_says_so(tmp_path: Path) -> None:
    recorder = writer(tmp_path)
    fill(recorder, 3)
    run = stored_run("run", tmp_path)
    assert run.state == "recording"
    assert numbers(run) == [0, 1, 2]
    with pytest.raises(RunError):
        recover_run("run", tmp_path)
    recorder.close()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1))
def test_a_journal_torn_at_any_byte_loses_only_its_last_window(tmp_path: Path, cut: float) -> None:
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    shutil.rmtree(tmp_path / "dead", ignore_errors=True)
    recorder = writer(tmp_path)
    ends = [(tmp_path / "run" / "journal-0.arrows").stat().st_size]
    for number in range(4):
        recorder.append(window(number, first=4 * number))
        ends.append((tmp_path / "run" / "journal-0.arrows").stat().st_size)
    journal = killed(tmp_path) / "journal-0.arrows"
    recorder.close()
    size = round(cut * ends[-1])
    os.truncate(journal, size)
    whole = sum(end <= size for end in ends[1:])
    run = stored_run("dead", tmp_path)
    assert run.state == "recovered"
    assert numbers(run) == list(range(whole))
    assert any("killed" in sentence for sentence in run.dropped)
    assert numbers(recover_run("dead", tmp_path)) == list(range(whole))
    assert not list((tmp_path / "dead").glob("journal*"))


def test_a_kill_between_any_two_steps_of_making_parts_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = writer(tmp_path)
    fill(recorder, 3)
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    copies: list[str] = []
    for name in ("replace", "unlink"):
        real = getattr(Path, name)

        def step(self: Path, *args: object, real: object = real, **kwargs: object) -> object:
            result = real(self, *args, **kwargs)  # type: ignore[operator]
            copies.append(f"dead{len(copies)}")
            killed(tmp_path, copies[-1])
            return result

        monkeypatch.setattr(Path, name, step)
    recorder.make_parts_if_due()
    monkeypatch.undo()
    recorder.append(window(3, first=12))
    assert len(copies) == 4
    for copy in copies:
        assert numbers(stored_run(copy, tmp_path)) == [0, 1, 2]
        assert numbers(recover_run(copy, tmp_path)) == [0, 1, 2]
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2, 3]
    recorder.close()
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2, 3]


def test_a_full_disk_is_reported_and_what_waits_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems: list[str] = []
    recorder = writer(tmp_path, problems=problems)
    fill(recorder, 1)
    real = os.write
    half = iter([True])

    def full(fd: int, data: bytes) -> int:
        if next(half, False):
            return real(fd, bytes(data[:100]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    recorder.append(window(1, first=4))
    assert len(problems) == 1
    assert "No space left" in problems[0]
    monkeypatch.undo()
    recorder.append(window(2, first=8))
    assert numbers(stored_run(killed(tmp_path), tmp_path)) == [0, 1, 2]
    recorder.close()
    assert numbers(stored_run("run", tmp_path)) == [0, 1, 2]


def test_a_folder_that_exists_or_cannot_be_made_is_refused(tmp_path: Path) -> None:
    writer(tmp_path).close()
    with pytest.raises(RunError, match="--name"):
        writer(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--traces"):
        writer(tmp_path / "file")
    with pytest.raises(KwsTraceError, match="one folder"):
        writer(tmp_path, "../elsewhere")


def test_a_run_is_found_by_folder_by_name_and_as_the_last(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="demo"):
        stored_run("last", tmp_path)
    for name in ("a", "b"):
        writer(tmp_path, name).close()
    (tmp_path / "b").rename(tmp_path / "renamed")
    assert stored_run("last", tmp_path).name == "renamed"
    assert stored_run(tmp_path / "a", tmp_path).info.name == "a"
    assert [run.folder.name for run in RunIndex(tmp_path).listed] == ["a", "renamed"]
    with pytest.raises(RunError, match="renamed"):
        stored_run("b", tmp_path)


def test_damage_is_told_by_part_and_the_rest_is_read(tmp_path: Path) -> None:
    recorder = writer(tmp_path)
    fill(recorder, 2)
    recorder.close()
    part = next((tmp_path / "run" / "spans").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:50])
    run = stored_run("run", tmp_path)
    assert run.spans().num_rows == 0
    assert run.windows().num_rows == 2
    assert part.name in run.dropped[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"run_id": 1}'])
def test_a_damaged_run_json_is_a_clear_error(tmp_path: Path, text: str) -> None:
    writer(tmp_path).close()
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run/run\.json: ") as told:
        stored_run("run", tmp_path)
    (listed,) = RunIndex(tmp_path).listed
    assert str(listed.error) == str(told.value)


def test_a_newer_run_is_refused_and_unknown_keys_survive_a_rewrite(tmp_path: Path) -> None:
    recorder = writer(tmp_path)
    fill(recorder, 1)
    dead = killed(tmp_path) / "run.json"
    recorder.close()
    facts = json.loads(dead.read_text())
    dead.write_text(json.dumps({**facts, "later": 7}))
    assert recover_run("dead", tmp_path).info.extra == {"later": 7}
    dead.write_text(json.dumps({**facts, "schema_version": 99}))
    with pytest.raises(RunError, match="newer kws-trace"):
        stored_run("dead", tmp_path)
