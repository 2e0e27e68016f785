"""The command blocks of the documentation that are marked as runnable do what they say when pasted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

_BLOCK = re.compile(r"<!-- runnable: ([^>]*?) -->\n```sh\n(.*?)```", re.DOTALL)


def blocks() -> dict[str, str]:
    """The marked blocks of the README by their mark."""
    return dict(_BLOCK.findall((ROOT / "README.md").read_text()))


def _pasted(text: str, port: Path) -> str:
    """A block as a newcomer pastes it, on a line of the test's own and with windows that are short."""
    quick = text.replace("kws-trace host --port", "kws-trace host --quiet --seconds 0.2 --port")
    return quick.replace("/tmp/kws-dut", str(port))


def test_every_mark_in_the_documentation_is_known() -> None:
    marks = {mark for page in ROOT.glob("docs/**/*.md") for mark, _ in _BLOCK.findall(page.read_text())}
    assert marks == set()
    assert set(blocks()) == {"terminal 1", "terminal 2", "after"}


@pytest.mark.slow
def test_the_session_in_two_terminals_runs_when_pasted(tmp_path: Path) -> None:
    # A clone after `make demo`: the environment is `.venv` in the folder that both terminals stand in.
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)
    plain = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    port, parts = tmp_path / "dut", blocks()

    def shell(text: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-ec", _pasted(text, port)]
        return subprocess.run(
            command, cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=120, check=False
        )

    told = tmp_path / "dut.log"
    with told.open("wb") as log:
        # `exec`: the signal of Ctrl-C reaches the device itself, as a terminal would send it.
        text = _pasted(parts["terminal 1"], port).replace("kws-trace run", "exec kws-trace run")
        device = subprocess.Popen(["bash", "-ec", text], cwd=tmp_path, env=plain, stdout=log, stderr=log)
    try:
        limit = time.monotonic() + 100
        while f"ready on pty:{port}" not in told.read_text():
            assert device.poll() is None, told.read_text()
            assert time.monotonic() < limit, told.read_text()
            time.sleep(0.05)
        driven = shell(parts["terminal 2"])
        assert driven.returncode == 0, driven.stderr
        assert "Median throughput is" in driven.stdout
        assert "Top-1: " in driven.stdout
        device.send_signal(signal.SIGINT)
        assert device.wait(60) == 0, told.read_text()
    finally:
        if device.poll() is None:
            device.kill()
            device.wait()
    read = shell('export PATH="$PWD/.venv/bin:$PATH"\n' + parts["after"])
    assert read.returncode == 0, read.stderr
    assert "median of 5 windows" in read.stdout
    assert "first  complete" in read.stdout
