"""Children, threads and servers of a test: whatever happens inside a block, nothing of it is left behind it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from runner.commands.dashboard import dashboard_command
from tests.conftest import ROOT

PATIENCE_S = 60.0
"""How long a child may take over what a quiet machine does in a second: only something that hangs takes longer."""


def wait_until(true: Callable[[], object], what: str, limit_s: float = PATIENCE_S) -> None:
    """Until ``true``; a failure that names ``what`` after ``limit_s``."""
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s: {what}"
        time.sleep(0.01)


@contextmanager
def running(
    command: Sequence[str], below: Callable[[], Sequence[int]] = tuple, gentle_s: float = 20.0, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """
    A child in a session of its own; one that is still there at the end of the block is ended.

    It gets SIGTERM first, so that a launcher can end what it launched; ``gentle_s`` later SIGKILL, with its group.

    Args:
        command: of the child.
        below: process ids of its descendants that stand in other sessions; asked while the child lives, which is the
            time in which these numbers are theirs.
        gentle_s: between the two signals.
        options: of ``subprocess.Popen``.
    """
    child = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield child
    finally:
        try:
            _end(child, below, gentle_s)
        finally:
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    # What a child that is gone was still to read cannot be flushed.
                    with contextlib.suppress(OSError):
                        pipe.close()


def _end(child: subprocess.Popen[Any], below: Callable[[], Sequence[int]], gentle_s: float) -> None:
    if child.poll() is not None:
        return
    for number, limit_s in ((signal.SIGTERM, gentle_s), (signal.SIGKILL, PATIENCE_S)):
        for pid in below():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGTERM:
            child.terminate()
        else:
            # It was not waited for: the number is still its own.
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(limit_s)
            return
    raise AssertionError(f"process {child.pid} outlives SIGKILL")


def is_gone(pid: int) -> bool:
    """Whether there is no such process, or it has ended and waits for whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def read_until(stream: IO[str], word: str) -> str:
    """The line with ``word``; a failure with all that was said if the stream ends before."""
    said = ""
    while word not in (line := stream.readline()):
        said += line
        assert line, f"the child ended before it said {word!r}:\n{said}"
    return line


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[int]:
    """A copy of this process that does ``work`` and exits, 1 if it fails; its process id. Killed if still there."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    try:
        yield child
    finally:
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


@contextmanager
def meanwhile(work: Callable[[threading.Event], object]) -> Iterator[threading.Thread]:
    """``work`` in a thread beside the block; it is given an event that is set when the block ends, and joined."""
    stop, failures = threading.Event(), []

    def guarded() -> None:
        try:
            work(stop)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive(), "a thread does not end"
    if failures:
        raise failures[0]


def after(delay_s: float, action: Callable[[], object]) -> Callable[[threading.Event], None]:
    """For ``meanwhile``: ``action`` once ``delay_s`` have passed, unless the block has ended."""

    def work(stop: threading.Event) -> None:
        if not stop.wait(delay_s):
            action()

    return work


def free_port() -> int:
    """Of the loopback; another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served_dashboard(
    traces: Path,
    log: Path,
    more: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    folder: Path = ROOT,
    page: Path | None = None,
) -> Iterator[str]:
    """
    The dashboard of ``traces`` as a program of its own; the address at which it answers.

    Args:
        traces: folder of the runs.
        log: takes what the server says.
        more: variables of its environment.
        host: that it listens on; asked for by the loopback's address.
        folder: that it is started in.
        page: of a profile, which is shown in place of the runs.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
    with ExitStack() as stack:
        said = stack.enter_context(log.open("w"))
        for _ in range(3):
            port = free_port()
            command = dashboard_command(traces, port, host, page)
            server = stack.enter_context(running(command, cwd=folder, env=environment, stdout=said, stderr=said))
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: server.poll() is not None or _healthy(address), "the dashboard answers")  # noqa: B023
            if server.poll() is None:
                break
        assert server.poll() is None, log.read_text(encoding="utf-8")
        yield address


def _healthy(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
    except OSError:
        return False
    return True
