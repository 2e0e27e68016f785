"""Before a run is ready: what is said, what is kept apart, and how a signal ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.ending_signals import ended_at_once, ending_signals
from runner.runtime_output import RuntimeOutput, tell
from tests.children import PATIENCE_S, forked, read_until, running
from tests.conftest import ROOT
from tests.serial_client import running_dut
from tracer.errors import RunError
from tracer.runs.run_folder import free_run_name
from tracer.runs.run_store import stored_run


def test_what_is_written_by_descriptor_is_kept_and_what_is_said_meanwhile_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with RuntimeOutput() as output:
        with output.kept():
            os.write(1, b"to standard output\n")
            os.write(2, b"failed call to cuInit\n")
            output.say("loading\n")
        output.say("loaded\n")
        assert output.text() == "to standard output\nfailed call to cuInit\n"
        assert output.text(7) == "cuInit\n"
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "loading\nloaded\n")


def test_what_was_kept_is_shown_when_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def load() -> None:
        with RuntimeOutput() as output, output.kept():
            os.write(2, b"cannot map the weights\n")
            raise ValueError("no model")

    with pytest.raises(ValueError, match="no model"):
        load()
    assert "cannot map the weights" in capfd.readouterr().err
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_a_terminal_that_is_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        tell("run complete")
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            gone.close()


def test_nohup_takes_the_hang_up_out_of_the_signals_that_end_a_run() -> None:
    assert ending_signals() == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ending_signals() == (signal.SIGINT, signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_process_in_the_middle_of_a_call_and_cleans_before(number: int, tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "from pathlib import Path\n"
        "from runner.inference.window_runner import StopFlag\n"
        "stop = StopFlag(); stop.install()\n"
        "with stop.ending_at_once(Path(sys.argv[1]).touch):\n"
        "    print('loading', file=sys.stderr, flush=True)\n"
        "    time.sleep(600)\n"
    )
    cleaned = tmp_path / "cleaned"
    command = [sys.executable, "-c", program, str(cleaned)]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        read_until(child.stderr, "loading")
        child.send_signal(number)
        assert child.wait(PATIENCE_S) == 128 + number
    assert cleaned.exists()


def test_after_the_block_a_signal_is_the_handlers_again() -> None:
    def work() -> None:
        heard: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
        with ended_at_once(lambda: None):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]

    with forked(work) as child:
        assert os.waitpid(child, 0)[1] == 0


def test_a_run_says_what_it_does_until_it_is_ready_and_keeps_what_the_runtime_said(tmp_path: Path) -> None:
    with running_dut(tmp_path) as dut:
        said = (tmp_path / "traces" / "run" / "runtime.log").read_text()
        dut.send_signal(signal.SIGHUP)
        assert dut.wait(PATIENCE_S) == 0
    assert "TensorFlow Lite" in said
    assert stored_run("run", tmp_path / "traces").state == "complete"


def test_a_signal_before_the_model_is_loaded_leaves_no_run_and_no_port(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{tmp_path / 'dut'}"]
    command += ["--traces", str(tmp_path / "traces"), "--name", "run"]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        read_until(child.stderr, "loading")
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE_S) == 128 + signal.SIGINT
        assert "nothing was recorded" in child.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_and_a_folder_that_cannot_be_are_refused_before_a_model_is_loaded(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine").mkdir()
    assert free_run_name(tmp_path / "deeper" / "still", "mine") == "mine"
    with pytest.raises(RunError, match="a run of that name exists"):
        free_run_name(tmp_path, "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Not a directory"):
        free_run_name(tmp_path / "file" / "traces", "mine")
