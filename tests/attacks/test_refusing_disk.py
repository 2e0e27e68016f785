"""
A disk below the real DUT that refuses any one call, or all from one on, with EIO or ENOSPC: no window is lost
without a word.

``KWS_TRACE_FAULTS`` says how many runs, as ``make faults`` does; 0 takes each step of a run in each way.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests.children import PATIENCE_S, running
from tests.conftest import ROOT
from tests.serial_client import Client
from tracer.errors import RunError
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run

FAULTS = int(os.environ.get("KWS_TRACE_FAULTS", "6"))
WINDOWS = (1, 20, 1)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that stands between the DUT and its disk; the test is skipped where no compiler is."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler, cc")
    library = tmp_path_factory.mktemp("shim") / "refusing_disk.so"
    source = Path(__file__).with_name("refusing_disk.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@dataclass(frozen=True)
class Driven:
    """How a DUT ended on such a disk: its exit code, what it said, windows that it answered, calls that it made."""

    code: int
    said: str
    answered: int
    calls: list[str]


def driven(folder: Path, shim: Path, first: int = 0, last: int = 0, number: int = errno.EIO) -> Driven:
    folder.mkdir()
    command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{folder / 'dut'}", "--backend", "litert"]
    command += ["--traces", str(folder / "traces"), "--name", "run"]
    refusing = {"FOLDER": folder / "traces", "LOG": folder / "log", "FROM": first, "TO": last, "ERRNO": number}
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    environment |= {f"REFUSING_{name}": str(value) for name, value in refusing.items()}
    said, answered = "", 0
    child: subprocess.Popen[str]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        for line in child.stderr:
            said += line
            if "ready on" in line:
                with Client(folder / "dut") as client:
                    client.load(bytes(490))
                    for count in WINDOWS:
                        client.ask(b"infer %d 1%%" % count)
                        answered += 1
                child.send_signal(signal.SIGTERM)
        return Driven(child.wait(PATIENCE_S), said, answered, (folder / "log").read_text().split())


def holds(folder: Path, ended: Driven) -> None:
    """Of what was answered nothing is lost without a word, on the terminal and, where it took one, on the disk."""
    assert "Traceback" not in ended.said
    assert "nobody foresaw" not in ended.said
    if not ended.answered:
        assert ended.code == 2
        assert ended.said.count("kws-trace: ") == 1
        with pytest.raises(RunError):
            stored_run("run", folder / "traces")
        return
    run = stored_run("run", folder / "traces")
    spans = run.spans().to_pandas()
    counts = spans[spans.inference.notna()].groupby("window").size()
    whole = [one for one in run.windows().to_pylist() if one["state"] == "complete"]
    assert [counts[one["window"]] for one in whole] == [3 * (one["inferences"] + one["warmups"]) for one in whole]
    if len(whole) < ended.answered:
        assert ended.code == 1
        assert "which the disk did not take" in ended.said
        assert run.dropped
    if ended.code == 0:
        assert (run.state, run.dropped) == ("complete", [])
    again = recover_run("run", folder / "traces") if run.state != "complete" else run
    assert [one["window"] for one in again.windows().to_pylist() if one["state"] == "complete"] == [
        one["window"] for one in whole
    ]


@pytest.mark.timeout(3_600)
def test_no_call_that_a_disk_refuses_loses_a_window_without_a_word(tmp_path: Path, shim: Path) -> None:
    good = driven(tmp_path / "good", shim)
    assert good.code == 0
    holds(tmp_path / "good", good)
    # Of a row of writes to one file the first and one more: each makes the same error.
    steps = [n for n, call in enumerate(good.calls, 1) if call != "write" or good.calls[n - 2 : n] != ["write"] * 2]
    ways = list(product(steps, (False, True), (errno.EIO, errno.ENOSPC)))
    random.Random(12).shuffle(ways)
    for tried, (first, stays, number) in enumerate(ways[: FAULTS or None]):
        folder = tmp_path / str(tried)
        ended = driven(folder, shim, first, 1_000_000 if stays else first, number)
        try:
            holds(folder, ended)
        except (AssertionError, RunError) as error:
            call = good.calls[first - 1]
            pytest.fail(f"call {first} ({call}) {'and later ' * stays}{errno.errorcode[number]}: {error}\n{ended}")
        shutil.rmtree(folder)
