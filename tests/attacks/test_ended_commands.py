"""SIGINT, SIGTERM and SIGHUP at the worst moment of each command that writes a file, and of those that serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.programs import SCRIPT
from tests.children import PATIENCE_S, free_port, is_gone, read_until, running, wait_until
from tests.conftest import ROOT
from tests.nsys_export import NsysExport
from tests.submissions import Submission

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAMPLE = str(ROOT / "traces" / "sample-cpu")

SIGNALLED_WRITE = """
import os, sys
from contextlib import contextmanager
from tracer import whole_files

kept = whole_files.written_whole

@contextmanager
def signalled(path, **how):
    with kept(path, **how) as temporary:
        yield temporary
        assert temporary.stat().st_size
        os.kill(os.getpid(), {number})

whole_files.written_whole = signalled
from runner.program import main
main()
"""
"""The whole of a file is written, and does not yet stand in its place."""


def _submission(folder: Path) -> list[str]:
    made = Submission(folder / "given")
    words = ["submission", "tree", "--organization", "Acme", "--system", "board.json", "--run", str(made.run)]
    return [*words, "--performance", str(made.performance), "--accuracy", str(made.accuracy)]


def _profile(folder: Path) -> str:
    export = NsysExport()
    export.ranges([100, 1100], [900, 1900], "step", process=7, thread=7)
    export.kernels([200, 1200], [300, 1300], "gemm", process=7, correlation_id=[1, 2])
    export.write(folder / "given.sqlite")
    return str(folder / "given.sqlite")


WRITERS = {
    "breakdown": lambda folder: ["breakdown", _profile(folder), "--html", "out.html"],
    "report": lambda _: ["report", SAMPLE, "--html", "out.html"],
    "export": lambda _: ["export", SAMPLE, "--perfetto", "out.pftrace"],
    "baseline": lambda _: ["baseline", "set", "b", SAMPLE, "--traces", "."],
    "submission": _submission,
    "overhead": lambda _: ["overhead", "--backend", "litert", "--seconds=0.05", "--launches=1", "--traces", "."],
    "convert": lambda _: ["convert", "out.onnx"],
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_signal_while_a_file_is_written_leaves_neither_it_nor_half_of_it(
    tmp_path: Path, command: str, number: signal.Signals
) -> None:
    if command in ("convert", "overhead") and number != signal.SIGTERM:
        pytest.skip("it takes a runtime's time; one signal is enough")
    words = WRITERS[command](tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code = SIGNALLED_WRITE.format(number=int(number))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 128 + number, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_signal_ends_the_server_of_an_assistant_without_a_word(tmp_path: Path, number: signal.Signals) -> None:
    pytest.importorskip("mcp")
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    pipe = subprocess.PIPE
    command = [SCRIPT, "mcp", "--traces", str(ROOT / "traces")]
    with running(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        child.stdin.write(asked + "\n")
        child.stdin.flush()
        read_until(child.stdout, "serverInfo")
        child.send_signal(number)
        assert child.wait(PATIENCE_S) == 128 + number
        assert child.stderr.read() == ""


@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_signal_to_the_command_ends_the_dashboard_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    pytest.importorskip("streamlit")
    port = free_port()
    command = [SCRIPT, "dashboard", "--traces", str(tmp_path), "--port", str(port)]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        read_until(child.stdout, "URL")
        child.send_signal(number)
        assert child.wait(PATIENCE_S) == (0 if number == signal.SIGINT else 128 + number)
        assert "Traceback" not in child.stderr.read()
    wait_until(lambda: not _listens(port), "the server is gone")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


SIGNALLED_CHILD = """
import os, subprocess, sys

class Signalled(subprocess.Popen):
    def __init__(self, *arguments, **how):
        super().__init__(*arguments, **how)
        if not started:
            started.append(self.pid)
            print("child", self.pid, flush=True)
            os.kill(os.getpid(), {number})

started = []
subprocess.Popen = Signalled
from runner.program import main
main()
"""
"""The child is there, and who starts it does not know it yet."""


@pytest.mark.parametrize("number", SIGNALS, ids=str)
@pytest.mark.parametrize("command", ["repeat", "dashboard", "demo"])
def test_a_signal_while_a_child_is_started_ends_the_child_too(
    tmp_path: Path, command: str, number: signal.Signals
) -> None:
    words = [command, "--traces", str(tmp_path)]
    words = ["repeat", "2", *words[1:], "--", "infer", "--repeat", "1000000"] if command == "repeat" else words
    code = SIGNALLED_CHILD.format(number=int(number))
    with running([sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = int(read_until(parent.stdout, "child").split()[1])
        assert parent.wait(PATIENCE_S) in {0, 1, 128 + number}
        wait_until(lambda: is_gone(child), "the child ends")
