"""How a child that should have ended is ended: by itself, else terminated, else killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from runner import children

SAYS_READY = "import signal, time; {}; print('ready', flush=True); time.sleep(600)"


def child(first: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", SAYS_READY.format(first)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_child_that_ends_in_time_keeps_its_own_code() -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    children.end_child(process, 60.0)
    assert process.returncode == 3


def test_a_child_that_stays_is_terminated() -> None:
    process = child("pass")
    children.end_child(process, 0.01)
    assert process.returncode == -signal.SIGTERM


def test_a_child_that_does_not_obey_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "TERMINATED_S", 0.01)
    process = child("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    children.end_child(process, 0.01)
    assert process.returncode == -signal.SIGKILL
