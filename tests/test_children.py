# ruff: noqa: PT012 -- what fails in these blocks is the block
"""What a test starts is gone when it ends, also when it fails, hangs or stands beside other programs of the kind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.children import forked, is_gone, meanwhile, read_until, running, wait_until
from tests.conftest import ROOT
from tests.needs import needs_nsys
from tests.serial_client import Client, below_profiler, running_dut

LAUNCHER = """
import signal, subprocess, sys, time
# In a session of its own, and deaf to what is said to its launcher.
words = [sys.executable, "-c", "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"]
child = subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else lambda *_: sys.exit())
try:
    print("set", flush=True)
    child.wait()
finally:
    child.kill()
"""


def test_a_failure_beside_a_dut_leaves_no_child_and_no_line(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), running_dut(tmp_path) as child, Client(tmp_path / "dut") as client:
        assert client.ask(b"name%")[-1] == "m-ready"
        raise ZeroDivisionError
    assert child.returncode is not None
    assert is_gone(child.pid)
    assert not (tmp_path / "dut").is_symlink()


@needs_nsys
@pytest.mark.slow
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_failure_beside_a_dut_below_nsys_leaves_neither(tmp_path: Path, *, by_hand: bool) -> None:
    nsys = ["nsys", "profile", "-t", "nvtx", "-s", "none", "--cpuctxsw=none", "-o", str(tmp_path / "x")]
    options, before = ([], nsys) if by_hand else (["--nsys"], [])
    with pytest.raises(ZeroDivisionError), running_dut(tmp_path, options, before) as child:
        [dut] = below_profiler(tmp_path)
        assert dut != child.pid
        assert not is_gone(dut)
        raise ZeroDivisionError
    assert is_gone(child.pid)
    assert is_gone(dut)


def test_a_dut_that_ends_before_it_is_ready_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="there is no such model"), running_dut(tmp_path, ["--model", "none"]):
        pass


@pytest.mark.parametrize("words", [[], ["deaf"]])
def test_a_child_in_another_session_goes_with_its_launcher(words: list[str]) -> None:
    below: list[int] = []
    command = [sys.executable, "-c", LAUNCHER, *words]
    with (
        pytest.raises(ZeroDivisionError),
        running(
            command, lambda: below if words else [], 0.5 if words else 60, stdout=subprocess.PIPE, text=True
        ) as launcher,
    ):
        below.append(int(launcher.stdout.readline()))
        read_until(launcher.stdout, "set")
        raise ZeroDivisionError
    assert is_gone(launcher.pid)
    wait_until(lambda: is_gone(below[0]), "the child of the launcher ends")


def test_a_copy_of_the_process_is_killed_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), forked(signal.pause) as child:
        raise ZeroDivisionError
    assert is_gone(child)


def test_a_thread_ends_with_its_block_and_its_failure_is_the_blocks() -> None:
    with pytest.raises(ZeroDivisionError), meanwhile(lambda stop: stop.wait()) as thread:
        raise ZeroDivisionError
    assert not thread.is_alive()
    with pytest.raises(KeyError), meanwhile(lambda _: {}["none"]):
        pass


def test_a_dut_that_is_silent_or_gone_ends_a_read(tmp_path: Path) -> None:
    master, slave = os.openpty()
    path = tmp_path / "tty"
    path.symlink_to(os.ttyname(slave))
    try:
        with Client(path) as client:
            with pytest.raises(AssertionError, match=r"said nothing for 0\.05 s"):
                client.read(limit_s=0.05)
            os.write(master, b"half an ans")
            os.close(master)
            master = -1
            with pytest.raises(AssertionError, match="is gone"):
                for _ in range(2):
                    client.read()
    finally:
        for fd in (master, slave):
            if fd >= 0:
                os.close(fd)


HANGS = """
import subprocess, sys, time
import pytest
from tests.children import running

def test_hangs():
    with running([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        print("child", child.pid, flush=True)
        time.sleep(600)

def test_next():
    pass
"""


def test_a_test_that_hangs_is_ended_with_its_children_and_the_next_one_runs(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    command += ["-p", "no:cacheprovider", "--timeout", "2", str(tmp_path / "test_it.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout
    assert "1 failed, 1 passed" in said
    assert "Timeout" in said
    [pid] = re.findall(r"(?m)^child (\d+)$", said)
    assert is_gone(int(pid))


def test_every_test_has_a_time_limit(pytestconfig: pytest.Config) -> None:
    assert float(pytestconfig.getini("timeout")) > 0


def test_nothing_looks_for_programs_by_their_names() -> None:
    """Who signals by a pattern ends a program of somebody else, sooner or later."""
    searched = re.compile(
        r"\b(" + "|".join(["p" + "grep", "p" + "kill", "kill" + "all", "ps" + "util", "pid" + "of"]) + r")\b"
    )
    files = [ROOT / "Makefile", ROOT / ".ci" / "run"]
    for room in ("tracer", "runner", "dashboard", "tests", "tools"):
        files += (ROOT / room).rglob("*.py")
    assert [str(path) for path in files if searched.search(path.read_text(encoding="utf-8"))] == []
