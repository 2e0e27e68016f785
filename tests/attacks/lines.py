"""What a hostile host does to a line, and a DUT that listens on TCP."""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.children import PATIENCE_S, free_port, read_until, running
from tests.conftest import ROOT
from tests.serial_client import Client
from tracer.runs.run_store import StoredRun, stored_run

READY = b"m-ready\r\n"


def flood(client: Client, command: bytes, messages: int, said: bytes = READY) -> None:
    """Send a command so many times without waiting, and read until each is answered, with ``said`` in it."""
    rest, answered, found, tail = command * messages, 0, 0, b""
    os.set_blocking(client.fd, False)
    try:
        while answered < messages:
            readable, writable, _ = select.select([client.fd], [client.fd] if rest else [], [], PATIENCE_S)
            assert readable or writable, f"the DUT stopped at {answered} of {messages}"
            if writable:
                rest = rest[os.write(client.fd, rest[:4096]) :]
            if readable:
                # Whole lines: what is counted is not read again with the rest of its line.
                lines, end, tail = (tail + os.read(client.fd, 65536)).rpartition(b"\n")
                answered += (lines + end).count(READY)
                found += (lines + end).count(said)
    finally:
        os.set_blocking(client.fd, True)
    assert (answered, found, tail) == (messages, messages, b"")


def noise(rng: random.Random, size: int, infer: bytes = b"infer ") -> bytes:
    """Bytes of every kind, with what a command ends and begins with among them more often."""
    kinds = (b"%", infer, b"db ", b"\r\n")
    return b"".join(rng.choice((*kinds, rng.randbytes(29))) for _ in range(size // 10))[:size]


@contextmanager
def listening_dut(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A real DUT on ``tcp-listen`` that records ``folder/traces/run``, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "runner", "run", "--port", f"tcp-listen:127.0.0.1:{port}"]
    command += ["--traces", str(folder / "traces"), "--name", "run"]
    child: subprocess.Popen[str]
    with running(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        read_until(child.stderr, "ready on")
        yield child, port


class TcpHost:
    """The least that a host is, over TCP."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)

    def send(self, command: bytes) -> None:
        self.connection.sendall(command)

    def read_to(self, word: bytes) -> bytes:
        """All that comes, to ``word``."""
        said = b""
        while word not in said:
            data = self.connection.recv(4096)
            assert data, f"the DUT hung up after {said!r}"
            said += data
        return said

    def load(self) -> None:
        """An input of zeros."""
        self.send(b"db load 490%" + b"".join(b"db %s%%" % (b"00" * 35) for _ in range(14)))
        self.read_to(b"m-load-done\r\nm-ready\r\n")

    def close(self) -> None:
        self.connection.close()


def ended(child: subprocess.Popen[str], folder: Path) -> StoredRun:
    """The run of a DUT that is told to end, and ends well."""
    child.terminate()
    assert child.wait(PATIENCE_S) == 0, child.stderr and child.stderr.read()
    run = stored_run("run", folder / "traces")
    assert run.state == "complete"
    return run
