"""Signals at bad moments: while a command imports, and while a run starts."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.children import PATIENCE_S, read_until, running
from tests.conftest import ROOT

INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from {entry} import main
main()
"""


@pytest.mark.parametrize("module", ["runner.cli", "typer", "rich", "tracer.errors", "numpy", "pyarrow"])
def test_an_interrupt_while_a_command_imports_ends_it_without_a_word(module: str) -> None:
    code = INTERRUPTED_IMPORT.format(module=module, entry="runner.program")
    words = ["report", str(ROOT / "traces" / "sample-cpu")]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_while_a_child_of_ours_imports_ends_it_without_a_word() -> None:
    code = INTERRUPTED_IMPORT.format(module="dashboard.request_guard", entry="runner.start")
    words = ["dashboard.serve", "localhost", "run", "nothing.py"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("word", "number"),
    [("loading", signal.SIGINT), ("warming up", signal.SIGTERM), ("measuring", signal.SIGHUP)],
    ids=str,
)
def test_a_signal_while_a_run_starts_leaves_nothing_behind(tmp_path: Path, word: str, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{tmp_path / 'dut'}"]
    command += ["--traces", str(tmp_path / "traces")]
    child: subprocess.Popen[str]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        read_until(child.stderr, word)
        child.send_signal(number)
        assert child.wait(PATIENCE_S) == 128 + number
        assert "Traceback" not in child.stderr.read()
    assert list(tmp_path.iterdir()) == []


SIGNALLED_START = """
import os, sys
from runner.dut import run_job

kept = run_job.{step}

def signalled(*arguments):
    os.kill(os.getpid(), {number})
    return kept(*arguments)

run_job.{step} = signalled
from runner.cli import main
main()
"""


@pytest.mark.parametrize("step", ["keep_runtime_log", "open_capture", "give_back_freed"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_signal_after_the_folder_of_a_run_is_made_and_before_it_is_ready_takes_it_back(
    tmp_path: Path, step: str, number: signal.Signals
) -> None:
    code = SIGNALLED_START.format(step=step, number=int(number))
    command = [
        sys.executable,
        "-c",
        code,
        "run",
        "--port",
        f"pty:{tmp_path / 'dut'}",
        "--traces",
        str(tmp_path / "t"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 128 + number
    assert "ended before it was ready: nothing was recorded" in done.stderr
    assert "ready on" not in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.name != "t"] == []
