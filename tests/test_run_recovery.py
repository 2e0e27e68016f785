"""What a killed writer left, made whole: which parts are made, what is said to be lost, what is removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.recorded import info, window
from tests.test_run_store import numbers
from tests.test_run_writer import full, only
from tracer.runs import run_writer
from tracer.runs.run_info import read_run_info
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import UNCLOSED, stored_run
from tracer.runs.run_writer import WAITING, RunWriter


def recording(traces: Path, *windows: int) -> RunWriter:
    recorder = RunWriter.create(traces, "run", info(), lambda _: None)
    for number in windows:
        recorder.append(window(number, first=4 * number))
    return recorder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_journal_that_was_torn_becomes_parts_and_what_was_torn_is_told(tmp_path: Path) -> None:
    recorder = recording(tmp_path, 0, 1)
    dead = shutil.copytree(recorder.folder, tmp_path / "dead")
    with (dead / "journal-0.arrows").open("ab") as journal:
        journal.write(b"\0" * 11)
    (dead / ".run.json.new").touch()
    (dead / "spans").mkdir()
    (dead / "spans" / ".part-1.parquet.new").touch()
    torn = "journal-0.arrows: its last 11 bytes are no whole window and are left out"
    before = stored_run("dead", tmp_path)
    assert (before.state, before.dropped, numbers(before)) == ("recovered", [torn, UNCLOSED], [0, 1])
    run = recover_run("dead", tmp_path)
    told = ["journal-0.arrows: left out, as no whole window: the last 11 bytes", UNCLOSED]
    assert (run.state, run.dropped, numbers(run)) == ("recovered", told, [0, 1])
    facts = read_run_info(dead / "run.json")
    assert (facts.state, facts.not_recorded, facts.journal) == ("recovered", told, {"rows": 2})
    part = "part-000000000000-000000000001.parquet"
    assert files(dead) == [".lock", f"results/{part}", "run.json", f"spans/{part}", f"windows/{part}"]
    (dead / ".lock").unlink()
    before_umask = os.umask(0)
    try:
        again = recover_run("dead", tmp_path)
    finally:
        os.umask(before_umask)
    assert (dead / ".lock").stat().st_mode & 0o777 == 0o644
    assert (again.info, again.dropped) == (run.info, told)
    recorder.close()


def test_of_tables_of_which_one_was_ahead_each_takes_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = recording(tmp_path, 0, 1)
    monkeypatch.setattr(run_writer, "PART_SPANS", 1)
    monkeypatch.setattr(run_writer, "write_part", only("spans"))
    recorder.make_parts_if_due()
    recorder.append(window(2, first=8))
    dead = shutil.copytree(recorder.folder, tmp_path / "dead")
    run = recover_run("dead", tmp_path)
    assert (numbers(run), run.info.journal) == ([0, 1, 2], {"rows": 3})
    first, last, both = "000000000000-000000000001", "000000000002-000000000002", "000000000000-000000000002"
    assert [name for name in files(dead) if "part" in name] == [
        *(f"results/part-{both}.parquet", f"spans/part-{first}.parquet"),
        *(f"spans/part-{last}.parquet", f"windows/part-{both}.parquet"),
    ]
    # What a closed run says of its disk, and of its journal, stays; that it waits for its parts does not.
    monkeypatch.setattr(recorder._journal, "append", full)
    recorder.append(window(3, first=12))
    lost = "window 3, which the disk did not take"
    assert recorder.close() == f"{lost}; {WAITING}"
    assert stored_run("run", tmp_path).dropped == [lost, WAITING]
    monkeypatch.undo()
    run = recover_run("run", tmp_path)
    assert (run.state, run.dropped, numbers(run)) == ("recovered", [lost], [0, 1, 2])
    assert run.info.journal == {"rows": 4, "lost": [3]}
