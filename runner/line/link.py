"""
The serial line as a file descriptor: one poll and one read for what comes, one write for what goes.

pyserial configures devices and parses its URLs; bytes go past it, since its own reads cost several times a
bare ``os.read``. No wait is for ever, and closing never waits for a drain.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import termios
import time
from abc import abstractmethod
from collections.abc import Callable

from runner.line.port_errors import LineEndedError, WriteTimeoutError
from tracer.errors import PortError

SLICE_S = 0.25
"""A wait looks this often whether it was told to stop."""

_READ_SIZE = 4096
_TCP_OPTIONS = {
    socket.TCP_NODELAY: 1,
    socket.TCP_KEEPIDLE: 10,
    socket.TCP_KEEPINTVL: 5,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 20_000,
}
"""Seconds, but the last, milliseconds, which is how long what was sent may wait for its acknowledgement."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


def never() -> bool:
    """Whether to stop: for those whom nothing stops."""
    return False


class Link:
    """
    One end of a line.

    ``stopped`` ends waits early when it becomes true.
    """

    def __init__(self, spec: str, stopped: Callable[[], bool] = never) -> None:
        self.spec = spec
        self._stopped = stopped
        self._fd = -1
        self._poll = select.poll()

    def _attach(self, fd: int) -> None:
        os.set_blocking(fd, False)
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            _tell_dead_peers(fd)
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN | select.POLLRDHUP)

    def read(self, timeout_s: float) -> bytes:
        """
        Whatever is there, at most 4096 bytes; empty when nothing came within ``timeout_s``.

        Raises:
            LineEndedError: if the far end hung up or the device went.
        """
        try:
            if not self._poll.poll(timeout_s * 1000):
                return b""
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LineEndedError(self.spec, error.strerror or "error") from None
        if not data:
            raise LineEndedError(self.spec, "end of file")
        return data

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        """
        Write all of ``data``.

        Raises:
            LineEndedError: if the far end hung up or the device went.
            WriteTimeoutError: if nobody reads for ``timeout_s``.
        """
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise LineEndedError(self.spec, error.strerror or "error") from None
        if sent < len(data):
            self._write_rest(data[sent:], timeout_s)

    def _write_rest(self, rest: bytes, timeout_s: float) -> None:
        limit = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        while rest:
            left = limit - time.monotonic()
            if left <= 0 or self._stopped():
                raise WriteTimeoutError(self.spec, timeout_s)
            poll.poll(min(left, SLICE_S) * 1000)
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise LineEndedError(self.spec, error.strerror or "error") from None

    def discard(self) -> None:
        """Throw away input not read and output not sent, without waiting."""
        with contextlib.suppress(OSError, termios.error):
            if os.isatty(self._fd):
                termios.tcflush(self._fd, termios.TCIOFLUSH)
        with contextlib.suppress(OSError):
            while self._poll.poll(0) and os.read(self._fd, _READ_SIZE):
                pass

    def look(self) -> None:
        """
        See whether somebody is still there, where nobody reads: what came stays to be read.

        Raises:
            LineEndedError: if the far end hung up or the device went.
        """
        if any(event & (_GONE | select.POLLRDHUP) for _, event in self._poll.poll(0)):
            raise LineEndedError(self.spec, "the host hung up")

    def close(self) -> None:
        """Close without a drain: what is not sent is thrown away first, or the kernel would wait for it."""
        if self._fd < 0:
            return
        self.discard()
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = -1


def _tell_dead_peers(fd: int) -> None:
    """Let the kernel end a connection whose other machine is gone, within half a minute, and send without delay."""
    with socket.socket(fileno=os.dup(fd)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _TCP_OPTIONS.items():
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


class DutLink(Link):
    """The DUT's end, which outlives a host that goes."""

    @abstractmethod
    def open(self) -> None:
        """Open the line once; raises OSError or PortError while it is not there."""

    def reopen(self) -> bool:
        """Wait until the line is there again; False when told to stop before."""
        pause = 0.05
        while not self._stopped():
            Link.close(self)
            try:
                self.open()
            except (OSError, PortError, termios.error):
                pass
            else:
                if not self._hung_up():
                    # What waits in a connection that is new is not stale: it is its first command.
                    if os.isatty(self._fd):
                        self.discard()
                    return True
            # A gadget port opens at once and hangs up at once while no cable is there: do not spin.
            limit = time.monotonic() + pause
            while time.monotonic() < limit and not self._stopped():
                time.sleep(0.02)
            pause = min(2 * pause, 1.0)
        return False

    def _hung_up(self) -> bool:
        return any(event & _GONE for _, event in self._poll.poll(0))
