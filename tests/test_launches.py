"""Launches that belong together: made one after another, found again, reported as a set."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import app
from runner.launches import LAUNCH, checked_command, make_launches, taken_launch
from tests.children import PATIENCE_S, read_until, running
from tests.conftest import ROOT
from tests.recorded import info, window
from tools.report_schema import build_schema
from tracer.errors import KwsTraceError, RunError, UsageError
from tracer.report_types.launches import LaunchSetReport
from tracer.reports.launch_report import build_launch_report, mean_lines, over_launches, render_launch_report
from tracer.runs.launch_set import is_launch_set, launch_set, launch_sets
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.trust.checks import check
from tracer.trust.judgement import judgement, judgement_of_launches

PYTHON = sys.executable
PROGRAM = f"""#!{PYTHON} -ES
import json, os, signal, sys, time
from pathlib import Path
folder = Path(os.environ["FAKE_LAUNCHES"])
number = json.loads(os.environ["{LAUNCH}"])["number"]
(folder / f"launch-{{number}}.json").write_text(json.dumps([sys.argv[3:], json.loads(os.environ["{LAUNCH}"])]))
code = folder / f"code-{{number}}"
if (folder / "waits").exists():
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, lambda *_: sys.exit(0))
    print("waiting", flush=True)
    time.sleep(60)
sys.exit(int(code.read_text()) if code.exists() else 0)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake program in place of Python: notes how it was launched, ends with the code of ``code-NUMBER``."""
    program = tmp_path / "program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("FAKE_LAUNCHES", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(program))
    return tmp_path


def record(traces: Path, name: str, number: int | None, of: int = 3, inferences: int = 100) -> None:
    launch = None if number is None else {"id": "one", "number": number, "of": of}
    recorder = RunWriter.create(traces, name, replace(info(name), launch_set=launch), lambda _: None)
    recorder.append(window(0, inferences=inferences))
    recorder.close()


def test_launches_are_made_one_after_another_and_know_which_they_are(fake: Path) -> None:
    told: list[str] = []
    assert make_launches(["run", "--port", "x"], "mine", 3, told.append) == [0, 0, 0]
    said = [json.loads((fake / f"launch-{number}.json").read_text()) for number in (1, 2, 3)]
    assert [words for words, _ in said] == [["run", "--port", "x", "--name", f"mine-{n}"] for n in (1, 2, 3)]
    assert [launch["number"] for _, launch in said] == [1, 2, 3]
    assert {launch["of"] for _, launch in said} == {3}
    assert len({launch["id"] for _, launch in said}) == 1
    assert told == [f"launch {number} of 3: mine-{number}" for number in (1, 2, 3)]


def test_a_launch_with_a_gap_in_its_record_is_told_and_the_others_are_made(fake: Path) -> None:
    (fake / "code-2").write_text("1")
    told: list[str] = []
    assert make_launches(["infer"], "mine", 3, told.append) == [0, 1, 0]
    assert "launch 2 of 3 failed: exit code 1" in told


def test_a_launch_that_cannot_be_made_ends_the_series(fake: Path) -> None:
    (fake / "code-1").write_text("2")
    assert make_launches(["infer"], "mine", 3, lambda _: None) == [2]
    assert not (fake / "launch-2.json").exists()


def test_a_launch_takes_its_number_once_and_hands_it_to_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LAUNCH, json.dumps({"id": "a", "number": 1, "of": 2}))
    assert taken_launch() == {"id": "a", "number": 1, "of": 2}
    assert LAUNCH not in os.environ
    assert taken_launch() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_handed_to_the_launch_and_no_other_begins(fake: Path, number: signal.Signals) -> None:
    (fake / "waits").touch()
    code = (
        "import sys; from runner import launches; sys.executable = sys.argv[1]; "
        "print(launches.make_launches(['run'], 'mine', 3, lambda _: None))"
    )
    command = [PYTHON, "-c", code, str(fake / "program")]
    environment = {**os.environ, "FAKE_LAUNCHES": str(fake)}
    with running(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        read_until(child.stdout, "waiting")
        child.send_signal(number)
        said, _ = child.communicate(timeout=PATIENCE_S)
    assert said.split() == ["[0]"]
    assert not (fake / "launch-2.json").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "nothing to launch"),
        (["report", "last"], "`report` records no run"),
        (["run", "--name", "x"], "of the whole set"),
        (["infer", "--traces=x"], "of the whole set"),
    ],
)
def test_what_makes_no_set_is_refused(words: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        checked_command(words)


def test_a_run_of_a_later_launch_that_exists_is_told_before_the_first(tmp_path: Path) -> None:
    record(tmp_path, "mine-3", None)
    done = CliRunner().invoke(app, ["repeat", "3", "--name", "mine", "--traces", str(tmp_path), "--", "infer"])
    assert isinstance(done.exception, KwsTraceError)
    assert "mine-3" in str(done.exception)
    assert not (tmp_path / "mine-1").exists()


def test_a_set_is_found_by_its_name_its_id_and_each_of_its_runs_in_the_order_of_its_launches(tmp_path: Path) -> None:
    record(tmp_path, "alone", None)
    for number in (2, 1, 3):
        record(tmp_path, f"mine-{number}", number)
    for name in ("mine", "one", "mine-2", stored_run("mine-2", tmp_path)):
        assert [run.name for run in launch_set(name, tmp_path)] == ["mine-1", "mine-2", "mine-3"]
    assert list(launch_sets(tmp_path)) == ["one"]
    assert is_launch_set("mine", tmp_path)
    assert not is_launch_set("mine-2", tmp_path)
    with pytest.raises(RunError, match="no set of launches"):
        launch_set("alone", tmp_path)


def test_a_launch_whose_number_is_damaged_is_of_no_set(tmp_path: Path) -> None:
    record(tmp_path, "mine-1", 1)
    path = tmp_path / "mine-1" / "run.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "launch_set": {"id": "one", "number": "first"}}))
    assert launch_sets(tmp_path) == {}


def test_five_launches_give_an_interval_and_fewer_their_range() -> None:
    five = over_launches([100.0, 102.0, 98.0, 101.0, 99.0])
    assert five is not None
    assert (five["kind"], five["mean"]) == ("interval", 100.0)
    half = 2.776 * 2.5**0.5 / 5**0.5
    assert (five["low"], five["high"]) == pytest.approx((100 - half, 100 + half), rel=1e-4)
    assert five["deviation"] == pytest.approx(2.5**0.5 / 100)
    four = over_launches([100.0, 102.0, 98.0, None, 101.0])
    assert four is not None
    assert (four["count"], four["kind"], four["low"], four["high"]) == (4, "range", 98.0, 102.0)
    one = over_launches([100.0])
    assert one is not None
    assert (one["kind"], one["low"], one["deviation"]) == ("none", None, None)
    assert over_launches([None]) is None


def test_the_report_of_a_set_has_a_row_a_launch_and_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    record(tmp_path, "mine-1", 1)
    record(tmp_path, "mine-2", 2, inferences=200)
    empty = RunWriter.create(
        tmp_path, "mine-3", replace(info("mine-3"), launch_set={"id": "one", "number": 3, "of": 3}), lambda _: None
    )
    empty.close()
    report = build_launch_report(launch_set("mine", tmp_path))
    jsonschema.validate(json.loads(json.dumps(report)), build_schema(LaunchSetReport))
    assert [one["name"] for one in report["launches"]] == ["mine-1", "mine-2", "mine-3"]
    assert report["left_out"] == ["mine-3"]
    length = next(one for one in report["trust"]["checks"] if one["key"] == "length")
    assert (length["state"], "2 of 2 launches" in length["evidence"]) == ("bad", True)
    assert report["trust"]["worst"] == "bad"
    assert report["median_ns"] is not None
    assert (report["median_ns"]["count"], report["median_ns"]["mean"]) == (2, 43_000.0)
    # Each inference takes 43 us.
    same = "launches differ by 0.0 % (standard deviation)"
    assert mean_lines(report) == [
        f"mean rate: 23,255.8 inf/s, range 23,255.8 to 23,255.8 inf/s; {same}",
        f"mean median inference: 43.00 us, range 43.00 to 43.00 us; {same}",
    ]
    out = io.StringIO()
    render_launch_report(report, Console(file=out, width=80))
    assert "Left out of the means: mine-3" in out.getvalue()
    assert "The launches: not rule-valid" in " ".join(out.getvalue().split())
    assert "needs at least 5 launches" in out.getvalue()


def test_a_set_is_judged_by_the_worst_of_its_launches() -> None:
    fine = check("steadiness", "fine", "steady")
    trusts = {"a-1": judgement([fine], rule_valid=True, why_not=None)}
    assert judgement_of_launches(trusts)["worst"] == "fine"
    trusts["a-2"] = judgement([check("steadiness", "bad", "apart", "cool it")], rule_valid=False, why_not="too short")
    of_both = judgement_of_launches(trusts)
    assert of_both["checks"] == [check("steadiness", "bad", "apart (in a-2)", "cool it")]
    assert (of_both["rule_valid"], of_both["why_not_rule_valid"]) == (False, "a-2: too short")
    assert (judgement_of_launches({})["rule_valid"], judgement_of_launches({})["worst"]) == (None, "unknown")


def shown(command: list[str], traces: Path) -> Any:
    done = CliRunner().invoke(app, [*command, "--traces", str(traces), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_report_takes_a_set_and_a_run_of_it_and_runs_names_the_set(tmp_path: Path) -> None:
    for number in (1, 2):
        record(tmp_path, f"mine-{number}", number, of=2)
    assert shown(["report", "mine"], tmp_path)["of"] == 2
    assert shown(["report", "mine-1"], tmp_path)["run"]["name"] == "mine-1"
    rows = shown(["runs"], tmp_path)["runs"]
    assert [row["launch_set"]["name"] for row in rows] == ["mine", "mine"]
    assert [row["launch_set"]["number"] for row in rows] == [1, 2]
