"""A real DUT as a child process on a pseudo-terminal, and the least that a host is."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.children import PATIENCE_S, read_until, running
from tests.conftest import ROOT


class Client:
    """The least that a host is: writes a command, reads to ``m-ready``."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def read(self, limit_s: float = PATIENCE_S) -> bytes:
        """What came, at least a byte; a failure if the DUT is silent for ``limit_s`` or is gone."""
        assert select.select([self.fd], [], [], limit_s)[0], f"the DUT said nothing for {limit_s:g} s"
        try:
            data = os.read(self.fd, 4096)
        except OSError as error:
            raise AssertionError(f"the DUT is gone: {error}") from error
        assert data, "the DUT is gone"
        return data

    def ask(self, command: bytes) -> list[str]:
        os.write(self.fd, command)
        data = b""
        while not data.endswith(b"m-ready\r\n"):
            data += self.read()
        return data.decode().split("\r\n")[:-1]

    def begin(self, inferences: int) -> None:
        """A window; returns when it has begun."""
        os.write(self.fd, f"infer {inferences} 0%".encode())
        data = b""
        while b"m-lap-us" not in data:
            data += self.read()

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
    """
    A DUT on ``folder/dut`` that is ready and records ``folder/traces/run``; ended if it is still there at the end.

    Args:
        folder: of the test alone.
        options: of ``kws-trace run``.
        before: a profiler's command, the child then; ``below_profiler`` tells the DUT's own process id.
        environment: of the DUT.
    """
    command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{folder / 'dut'}"]
    command += ["--traces", str(folder / "traces"), "--name", "run", *options]
    if before:
        # The shell becomes the DUT: its number is written before, and stays.
        command = [*before, "sh", "-c", 'echo $$ > "$0"; exec "$@"', str(folder / "dut.pid"), *command]
    start = partial(
        running, command, lambda: below_profiler(folder), cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment
    )
    with ExitStack() as stack:
        child: subprocess.Popen[str] = stack.enter_context(start())
        try:
            read_until(child.stderr, "ready on")
        except AssertionError:
            if not before or below_profiler(folder):
                raise
            # As in runner.nsys.start: nsys itself has failed before what it runs had begun.
            child = stack.enter_context(start())
            read_until(child.stderr, "ready on")
        yield child


def below_profiler(folder: Path) -> list[int]:
    """The process id of ``running_dut``'s DUT below a profiler, by hand or by ``--nsys``; none without one."""
    files = (folder / "dut.pid", folder / "traces" / "run.profile" / "dut.pid")
    return [int(text) for path in files if path.exists() and (text := path.read_text())]


def results(lines: list[str]) -> list[float]:
    found = [match[1] for line in lines if (match := re.match(r"m-results-\[(.*)\]$", line))]
    return [float(value) for value in found[-1].split(",")]
