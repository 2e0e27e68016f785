"""The other side of ``runner.bench.overhead.child``: start it, have it run blocks, see it end."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

from runner.children import NOBODYS_FOLDER, end_child, module_command
from runner.inference.blocks import Block, BlockTime
from runner.inference.models import ModelChoice
from runner.nsys.start import start_nsys
from tracer.errors import ProcessError, last_line

START_S = 300.0
"""For a runtime to load and settle; TensorFlow under a profiler on a busy board takes minutes."""

END_S = 120.0
"""For a tool to write what it collected."""


@contextmanager
def open_worker(
    choice: ModelChoice,
    folder: Path,
    wrap: Callable[[Sequence[str]], tuple[list[str], dict[str, str] | None]] | None = None,
    start_s: float = START_S,
) -> Iterator[Block]:
    """
    Run a child that answers blocks.

    ``folder`` takes its socket and its log, on a path short enough for a socket; ``wrap`` gives, from its command
    line, that of the nsys that runs it, with the environment. It is to be ready within ``start_s``.

    Raises:
        ProcessError: if it does not start, does not answer, or does not end well.
    """
    log, address = folder / "child.log", str(folder / "s")
    orders = {"choice": {**asdict(choice), "path": str(choice.path)}, "collected": wrap is not None}
    command = module_command("runner.bench.overhead.child", address, json.dumps(orders), folder=Path.cwd())
    command, environment = (command, None) if wrap is None else wrap(command)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(1)
        start = partial(_started, command, environment, log)
        awaited = partial(_awaited, server, time.monotonic() + start_s)
        process = start() if wrap is None else start_nsys(start, awaited)
        try:
            with _connected(server, process, log, start_s) as lines:
                yield lambda count: _run(lines, count, log)
            code = process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            raise _failed(f"did not end within {END_S:.0f} s", log) from None
        finally:
            end_child(process)
    if code:
        raise _failed(f"ended with code {code}", log)


def _started(command: list[str], environment: dict[str, str] | None, log: Path) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C is for us, who then close the socket."""
    out, none = subprocess.STDOUT, subprocess.DEVNULL
    with log.open("wb") as written:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=written,
            stderr=out,
            stdin=none,
            start_new_session=True,
            cwd=NOBODYS_FOLDER,
        )


def _awaited(server: socket.socket, limit: float) -> bool:
    """Whether the child has called, or its time is up."""
    return bool(select.select([server], [], [], 0)[0]) or time.monotonic() > limit


def _failed(problem: str, log: Path) -> ProcessError:
    said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return ProcessError(f"a child process to be measured {problem}; it said: {last_line(said)}")


@contextmanager
def _connected(
    server: socket.socket, process: subprocess.Popen[bytes], log: Path, start_s: float
) -> Iterator[IO[str]]:
    server.settimeout(0.2)
    connection = None
    for _ in range(int(start_s / 0.2) + 1):
        try:
            connection, _ = server.accept()
            break
        except TimeoutError:
            if process.poll() is not None:
                raise _failed(f"ended with code {process.returncode} before it was ready", log) from None
    if connection is None:
        raise _failed(f"was not there within {start_s:.0f} s", log)
    with connection:
        connection.settimeout(start_s)
        with connection.makefile("rw", encoding="utf-8") as lines:
            words = _heard(lines, log)
            if "error" in words:
                raise ProcessError(str(words["error"]))
            yield lines


def _run(lines: IO[str], count: int, log: Path) -> BlockTime:
    lines.write(json.dumps({"inferences": count}) + "\n")
    lines.flush()
    words = _heard(lines, log)
    return BlockTime(int(words["wall_ns"]), int(words["cpu_ns"]))


def _heard(lines: IO[str], log: Path) -> dict[str, Any]:
    try:
        line = lines.readline()
    except (TimeoutError, ConnectionError):
        line = ""
    if not line:
        raise _failed("stopped answering", log)
    words: dict[str, Any] = json.loads(line)
    return words
