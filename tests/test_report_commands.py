"""``kws-trace report`` and ``kws-trace runs`` as a user calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.recorded import info, window
from tracer.runs.run_writer import RunWriter


def kws_trace(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runner", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    for name in ("first", "second"):
        recorder = RunWriter.create(tmp_path, name, info(name), lambda _: None)
        recorder.append(window(0, inferences=10))
        if name == "second":
            shutil.copytree(tmp_path / name, tmp_path / "dead")
        recorder.close()
    return tmp_path


def test_the_report_of_the_last_run_is_json_with_the_promised_keys(traces: Path) -> None:
    said = kws_trace("report", "--json", "--traces", str(traces))
    assert said.returncode == 0, said.stderr
    report = json.loads(said.stdout)
    assert {"run", "windows", "stages", "inference"} <= report.keys()
    assert {"inferences", "duration_ns", "rate_hz", "wall_duration_ns", "valid"} <= report["windows"][0].keys()
    figures = {"stage", "count", "total_ns", "median_ns", "p90_ns", "p99_ns", "share"}
    assert all(figures <= one.keys() for one in [*report["stages"], report["inference"]])


def test_a_run_that_is_not_there_is_told_with_those_that_are(traces: Path) -> None:
    said = kws_trace("report", "third", "--traces", str(traces))
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert "second" in said.stderr


def test_runs_are_listed_and_a_killed_one_is_made_whole(traces: Path) -> None:
    listed = json.loads(kws_trace("runs", "--json", "--traces", str(traces)).stdout)
    states = {run["name"]: run["state"] for run in listed["runs"]}
    assert states == {"first": "complete", "dead": "recovered", "second": "complete"}
    assert list((traces / "dead").glob("journal*"))
    said = kws_trace("runs", "--recover", "dead", "--traces", str(traces))
    assert said.returncode == 0
    assert "recovered" in said.stdout
    assert "killed" in said.stdout
    assert not list((traces / "dead").glob("journal*"))
