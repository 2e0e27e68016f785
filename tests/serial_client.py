"""A real DUT as a child process on a pseudo-terminal, and the least that a host is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Client:
    """The least that a host is: writes a command, reads to ``m-ready``."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def ask(self, command: bytes) -> list[str]:
        os.write(self.fd, command)
        data = b""
        while not data.endswith(b"m-ready\r\n"):
            data += os.read(self.fd, 4096)
        return data.decode().split("\r\n")[:-1]

    def load(self, data: bytes) -> None:
        self.ask(f"db load {len(data)}%".encode())
        for start in range(0, len(data), 31):
            last = self.ask(f"db {data[start : start + 31].hex()}%".encode())
        assert last == ["m-load-done", "m-ready"]


@contextmanager
def running_dut(
    folder: Path,
    options: Sequence[str] = (),
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """A DUT on ``folder/dut`` that is ready and records ``folder/traces/run``; killed if it is still there then."""
    command = [*before, sys.executable, "-m", "runner", "run", "--port", f"pty:{folder / 'dut'}"]
    command += ["--traces", str(folder / "traces"), "--name", "run", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        while "ready on" not in (line := child.stderr.readline()):
            assert line, "the DUT ended before it was ready"
        yield child
        child.kill()


def results(lines: list[str]) -> list[float]:
    found = [match[1] for line in lines if (match := re.match(r"m-results-\[(.*)\]$", line))]
    return [float(value) for value in found[-1].split(",")]
