"""A file of a run that is gone is told by its name: no figure changes silently."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from runner.accuracy.recorded_results import read_recorded
from tests.attacks.programs import SCRIPT, called
from tests.recorded import info, window
from tracer.runs import run_writer
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.runs.schema import TABLES


def run_of_three_parts(traces: Path, monkeypatch: pytest.MonkeyPatch, name: str = "run") -> Path:
    monkeypatch.setattr(run_writer, "PART_SPANS", 25)
    writer = RunWriter.create(traces, name, info(name), lambda _: None)
    for number in range(6):
        writer.append(window(number, first=4 * number))
        writer.make_parts_if_due()
    assert writer.close() == ""
    return traces / name


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_part_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, place: int
) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    assert stored_run(folder).dropped == []
    part = sorted((folder / table).iterdir())[place]
    part.unlink()
    assert stored_run(folder).dropped == [f"{table}/{part.name} is missing: the figures are without what it held"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_parts_that_are_gone_from_every_table_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    for table in TABLES:
        sorted((folder / table).iterdir())[place].unlink()
    rows = f"the part of the rows {2 * place} to {2 * place + 1} of the journal is missing"
    assert [sentence.split(": the figures")[0] for sentence in stored_run(folder).dropped] == [
        f"{table}: {rows}" for table in sorted(TABLES, key="spans".__eq__)
    ]


def test_a_table_that_is_gone_as_a_whole_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    shutil.rmtree(folder / "results")
    assert stored_run(folder).dropped == [
        "results: the part of the rows 0 to 5 of the journal is missing: the figures are without what it held"
    ]


def test_a_run_of_an_older_version_is_held_table_against_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    facts = json.loads((folder / "run.json").read_text())
    del facts["journal"]
    (folder / "run.json").write_text(json.dumps(facts))
    assert stored_run(folder).dropped == []
    part = sorted((folder / "spans").iterdir())[-1]
    part.unlink()
    assert stored_run(folder).dropped == [f"spans/{part.name} is missing: the figures are without what it held"]


def test_the_log_of_a_session_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    for name in ("session", "session-2", "session-3"):
        (folder / name).mkdir()
        (folder / name / "log.txt").touch()
    assert stored_run(folder).dropped == []
    (folder / "session" / "log.txt").unlink()
    shutil.rmtree(folder / "session-2")
    assert stored_run(folder).dropped == [
        f"{name}/log.txt is missing: what that session's host saw is not known" for name in ("session", "session-2")
    ]


def test_the_report_of_a_run_without_a_part_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    part = sorted((folder / "spans").iterdir())[1]
    part.unlink()
    said = subprocess.run([SCRIPT, "report", str(folder)], capture_output=True, text=True, check=True).stdout
    assert f"Lost: spans/{part.name} is missing" in " ".join(said.split())


def test_the_last_run_says_that_it_is_empty_and_which_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_of_three_parts(tmp_path, monkeypatch, "full")
    assert stored_run("last", tmp_path).dropped == []
    for name in ("empty", "emptier"):
        RunWriter.create(tmp_path, name, info(name), lambda _: None).close()
    assert stored_run("last", tmp_path).dropped == ["no window is in it; full is the newest run that has one"]


def test_what_killed_writers_left_is_swept_by_a_recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    before = sorted(folder.rglob("*"))
    for name in (
        ".run.json.new",
        "spans/.part-1.parquet.new",
        "gpu_work/.capture-0.parquet.new",
        ".room-for-journal",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    recover_run("run", tmp_path)
    shutil.rmtree(folder / "gpu_work")
    assert sorted(folder.rglob("*")) == before


def test_a_line_that_ends_for_ever_does_not_grow_run_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RunWriter.create(tmp_path, "run", info(), lambda _: None)
    written = []
    monkeypatch.setattr(run_writer, "SYNC_S", 3600.0)
    monkeypatch.setattr(run_writer, "write_run_info", lambda path, facts: written.append(facts))
    for number in range(10_000):
        writer.add_gap({"start": str(number), "end": str(number), "why": "it was closed"})
    assert len(written) == len(written[-1].gaps) == 100
    assert not writer.close()
    assert (len(written), len(written[-1].gaps), written[-1].more_gaps) == (101, 100, 9_900)


@pytest.mark.parametrize("command", ["compare", "export"])
def test_other_commands_tell_what_is_missing_beside_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    run_of_three_parts(tmp_path, monkeypatch, "whole")
    part = sorted((folder / "spans").iterdir())[1]
    part.unlink()
    rest = ["run", "whole", "--json"] if command == "compare" else ["run", "--perfetto", tmp_path / "out"]
    ended = called(command, *rest, "--traces", tmp_path)
    assert f"run: lost: spans/{part.name} is missing" in ended.err
    assert "lost" not in ended.out
    assert "whole: lost" not in ended.err


def test_an_accuracy_is_told_of_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_three_parts(tmp_path, monkeypatch)
    part = sorted((folder / "results").iterdir())[1]
    part.unlink()
    notes = read_recorded("run", tmp_path).notes
    assert notes == (f"results/{part.name} is missing: the figures are without what it held",)
