"""Notes of a run: kept whole in its folder by a person's act alone, shown as they are, read wherever the run is."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from runner.cli import app
from tests import dashboard_runs as runs
from tracer.errors import RunError
from tracer.reports.html.export import run_html
from tracer.reports.report import build_report
from tracer.reports.run_list import list_runs
from tracer.runs.run_note import FILE, MOST_BYTES, read_note, write_note
from tracer.runs.run_store import stored_run

HOSTILE = 'fan off <script>alert("x")</script>\nclocks locked \x1b[31m **bold**'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return runs.plain_run(tmp_path, "run")


def test_a_note_is_in_the_report_in_the_list_and_in_the_document_and_acts_nowhere(run: Path) -> None:
    assert list_runs(run.parent).rows[0]["note"] is None
    write_note(run.parent, "run", HOSTILE)
    stored = stored_run(run)
    report = build_report(stored)
    assert report["run"]["note"] == HOSTILE.replace("\x1b", "\ufffd")
    assert list_runs(run.parent).rows[0]["note"] == report["run"]["note"]
    document = run_html(stored, report)
    assert "<script" not in document
    assert "clocks locked" in document
    for words in (["report", "run"], ["runs"]):
        said = CliRunner().invoke(app, [*words, "--traces", str(run.parent)])
        assert "Note by hand: fan off" in said.output
        assert "\x1b[31m" not in said.output
    told = json.loads(CliRunner().invoke(app, ["runs", "--json", "--traces", str(run.parent)]).output)
    assert "clocks locked" in json.dumps(told)


def test_an_empty_note_removes_it_and_a_long_one_is_refused(run: Path) -> None:
    write_note(run.parent, "run", "first")
    with pytest.raises(RunError, match="bytes"):
        write_note(run.parent, "run", "é" * (MOST_BYTES // 2 + 1))
    assert read_note(run) == "first"
    write_note(run.parent, "run", " \n ")
    assert not (run / FILE).exists()
    assert read_note(run) is None


def test_a_note_of_as_many_bytes_as_there_may_be_is_kept_line_by_line_without_blanks_at_its_ends(run: Path) -> None:
    longest = "é" * (MOST_BYTES // 2 - 2) + "\nabc\n"
    write_note(run.parent, "run", f"  {longest} ")
    assert (run / FILE).read_bytes() == longest.encode()
    assert read_note(run) == longest.strip()
    write_note(run.parent, "run", "first \r\n\n second\t\n")
    assert (run / FILE).read_text(encoding="utf-8") == "first\n\n second\n"
    assert [one.name for one in run.iterdir() if "note" in one.name] == [FILE]


def test_who_writes_at_once_writes_to_a_file_of_his_own(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (names.append(self.name), real(self, target))[1])
    write_note(run.parent, "run", "first")
    assert names == [f".{FILE}.{os.getpid()}-{threading.get_ident()}.new"]


@pytest.mark.parametrize("name", ["../run", "/etc", "", "absent"])
def test_no_note_is_written_outside_the_runs(run: Path, name: str) -> None:
    with pytest.raises(RunError):
        write_note(run.parent, name, "x")


def test_what_is_no_note_is_not_read(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not of this run")
    (run / FILE).symlink_to(secret)
    assert read_note(run) is None
    (run / FILE).unlink()
    os.mkfifo(run / FILE)
    assert read_note(run) is None
    (run / FILE).unlink()
    (run / FILE).write_bytes(b"\xff\xfe")
    assert read_note(run) is None
    (run / FILE).write_bytes(b"a" * (MOST_BYTES + 1))
    assert read_note(run) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(max_size=MOST_BYTES // 4))
def test_whatever_is_written_is_read_again_and_writing_that_changes_nothing(run: Path, text: str) -> None:
    write_note(run.parent, "run", text)
    once = read_note(run)
    write_note(run.parent, "run", once or "")
    assert read_note(run) == once
