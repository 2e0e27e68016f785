"""
``kill -9`` of the real DUT at each kind of moment, with a reader beside it: no window that was answered is lost.

``KWS_TRACE_KILLS`` says how many, as ``make kills`` does.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.children import PATIENCE_S, meanwhile, read_until, running
from tests.conftest import ROOT
from tests.serial_client import Client, running_dut
from tracer.runs.run_store import stored_run

KILLS = int(os.environ.get("KWS_TRACE_KILLS", "10"))
MOMENTS = ("start", "window", "between", "conversion", "shut-down")
START = ("loading", "warming up", "measuring", "ready on")

A_PART = 22_000
"""Inferences of three stages that make a part due."""


def kill_at_start(folder: Path, rng: random.Random) -> int:
    command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{folder / 'dut'}"]
    command += ["--traces", str(folder / "traces"), "--name", "run"]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        read_until(child.stderr, rng.choice(START))
        time.sleep(rng.uniform(0, 0.3))
        child.kill()
        child.wait(PATIENCE_S)
    return 0


def kill_later(folder: Path, rng: random.Random, moment: str) -> int:
    """How many windows were answered before it."""

    def read(stop: threading.Event) -> None:
        while not stop.wait(0.1):
            stored_run("run", folder / "traces").windows()

    with running_dut(folder) as dut, meanwhile(read), Client(folder / "dut") as client:
        client.load(bytes(490))
        answered = rng.randrange(1, 12)
        for _ in range(answered):
            client.ask(b"infer %d 2%%" % rng.choice((1, 1, 1, 1, 300)))
        if moment == "conversion":
            client.ask(b"infer %d 0%%" % A_PART)
            answered += 1
        elif moment == "window":
            client.begin(1_000_000)
        elif moment == "shut-down":
            dut.terminate()
        time.sleep(rng.uniform(0, {"between": 0.005, "shut-down": 2.0}.get(moment, 0.3)))
        dut.kill()
        dut.wait(PATIENCE_S)
    return answered


@pytest.mark.slow
@pytest.mark.timeout(240 * KILLS)
def test_no_kill_of_the_real_dut_loses_a_window_that_was_answered(tmp_path: Path) -> None:
    rng = random.Random(12)
    lost = dict.fromkeys(MOMENTS, 0)
    for number in range(KILLS):
        moment, folder = MOMENTS[number % len(MOMENTS)], tmp_path / str(number)
        folder.mkdir()
        answered = kill_at_start(folder, rng) if moment == "start" else kill_later(folder, rng, moment)
        if not (folder / "traces" / "run" / "run.json").exists():
            assert moment == "start"
            continue
        run = stored_run("run", folder / "traces")
        whole = [one for one in run.windows().to_pylist() if one["state"] == "complete"]
        lost[moment] += max(0, answered - len(whole))
        spans = run.spans().to_pandas()
        counts = spans[spans.inference.notna()].groupby("window").size()
        for one in whole:
            assert counts[one["window"]] == 3 * (one["inferences"] + one["warmups"]), (number, moment)
    assert lost == dict.fromkeys(MOMENTS, 0)


@pytest.mark.slow
def test_a_run_that_is_renamed_while_it_is_recorded_is_whole_under_its_new_name(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    with running_dut(tmp_path) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        client.ask(b"infer 1 0%")
        (folder / "run").rename(folder / "other")
        client.ask(b"infer %d 0%%" % A_PART)
        client.ask(b"infer 1 0%")
        dut.terminate()
        assert dut.wait(PATIENCE_S) == 0
        assert f"run complete: {folder / 'other'}" in dut.stderr.read()
    run = stored_run("other", folder)
    assert (run.state, len(run.windows()), run.dropped) == ("complete", 3, [])
    assert [path.name for path in folder.iterdir()] == ["other"]
    assert not [path for path in (folder / "other").iterdir() if path.name.startswith((".room", "journal"))]
