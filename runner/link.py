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
import termios
import time
import tty
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.port_errors import LineEndedError, PortError, WriteTimeoutError, busy_error, holder_of, port_error

__all__ = ["DutLink", "LineEndedError", "Link", "WriteTimeoutError", "open_dut_link", "open_host_link"]

_SLICE_S = 0.25
_READ_SIZE = 4096


def _never() -> bool:
    return False


class Link:
    """
    One end of a line.

    Args:
        spec: the port as the user named it.
        stopped: ends waits early when it becomes true.
    """

    def __init__(self, spec: str, stopped: Callable[[], bool] = _never) -> None:
        self.spec = spec
        self._stopped = stopped
        self._fd = -1
        self._poll = select.poll()

    def _attach(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

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
            poll.poll(min(left, _SLICE_S) * 1000)
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

    def close(self) -> None:
        """Close without a drain: what is not sent is thrown away first, or the kernel would wait for it."""
        if self._fd < 0:
            return
        self.discard()
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = -1


class DutLink(Link):
    """The DUT's end, which outlives a host that goes."""

    @abstractmethod
    def _open(self) -> None:
        """Open the line once; raises OSError or PortError while it is not there."""

    def reopen(self) -> bool:
        """Wait until the line is there again; False when told to stop before."""
        pause = 0.05
        while not self._stopped():
            Link.close(self)
            try:
                self._open()
            except (OSError, PortError, termios.error):
                pass
            else:
                if not self._hung_up():
                    return True
            # A gadget port opens at once and hangs up at once while no cable is there: do not spin.
            limit = time.monotonic() + pause
            while time.monotonic() < limit and not self._stopped():
                time.sleep(0.02)
            pause = min(2 * pause, 1.0)
        return False

    def _hung_up(self) -> bool:
        for _, event in self._poll.poll(0):
            if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                return True
        return False


class _DeviceLink(DutLink):
    """A serial device or ``socket://``, opened and configured by pyserial."""

    def __init__(self, spec: str, baud: int, stopped: Callable[[], bool]) -> None:
        super().__init__(spec, stopped)
        self._baud = baud
        self._serial: Any = None

    def _open(self) -> None:
        import serial

        self._drop_serial()
        options = {} if "://" in self.spec else {"exclusive": True}
        try:
            self._serial = serial.serial_for_url(self.spec, self._baud, timeout=0, **options)
        except serial.SerialException as error:
            # pyserial wraps what the system said; the number, where there is one, names the case.
            raise port_error(self.spec, OSError(error.errno, str(error))) from None
        # A descriptor of our own, so that pyserial's close, which may drain, is never what ends the line.
        self._attach(os.dup(self._serial.fileno()))

    def _drop_serial(self) -> None:
        if self._serial is not None:
            with contextlib.suppress(OSError, termios.error):
                self._serial.close()
            self._serial = None

    def reopen(self) -> bool:
        self._drop_serial()
        return super().reopen()

    def close(self) -> None:
        super().close()
        self._drop_serial()


class _PtyLink(DutLink):
    """The master of a pseudo-terminal; its slave is raw and held open, so that a host may come and go."""

    def __init__(self, spec: str, stopped: Callable[[], bool]) -> None:
        super().__init__(spec, stopped)
        self._path = Path(spec.removeprefix("pty:")).absolute()
        self._slave = -1

    def _open(self) -> None:
        self._claim()
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.chmod(os.ttyname(self._slave), 0o660)
        try:
            self._path.symlink_to(os.ttyname(self._slave))
        except OSError as error:
            os.close(master)
            raise PortError(
                self.spec, error.strerror or str(error), "name a path in a folder you can write"
            ) from None
        self._attach(master)

    def _claim(self) -> None:
        if not self._path.is_symlink():
            if self._path.exists():
                raise PortError(self.spec, "a file of that name is there", "name a path that is free")
            return
        target = os.readlink(self._path)
        if not target.startswith("/dev/pts/"):
            raise PortError(
                self.spec, f"it links to {target}, which is no pseudo-terminal", "name a path that is free"
            )
        holder = holder_of(target)
        if holder is not None:
            raise busy_error(self.spec, holder)
        self._path.unlink()

    def close(self) -> None:
        if self._fd < 0:
            return
        if self._path.is_symlink() and os.readlink(self._path) == os.ttyname(self._slave):
            self._path.unlink()
        super().close()
        os.close(self._slave)


class _ListenLink(DutLink):
    """One TCP client at a time; the next one is a line opened again."""

    def __init__(self, spec: str, stopped: Callable[[], bool]) -> None:
        super().__init__(spec, stopped)
        host, port = _address(spec, "tcp-listen:")
        try:
            self._server = socket.create_server((host, port), backlog=1)
        except OSError as error:
            raise PortError(
                spec, error.strerror or str(error), "name an address of this machine and a free port"
            ) from None
        self._server.settimeout(_SLICE_S)

    def _open(self) -> None:
        client, _ = self._server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._attach(client.detach())

    def read(self, timeout_s: float) -> bytes:
        if self._fd >= 0:
            return super().read(timeout_s)
        # No client yet: the first one is no gap.
        with contextlib.suppress(TimeoutError):
            self._open()
        return b""

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        if self._fd >= 0:
            super().write(data, timeout_s)

    def close(self) -> None:
        super().close()
        self._server.close()


def open_dut_link(spec: str, baud: int, stopped: Callable[[], bool] = _never) -> DutLink:
    """
    Open the DUT's end of a line.

    Args:
        spec: a device, ``pty:PATH``, ``tcp-listen:HOST:PORT`` or ``socket://HOST:PORT``.
        baud: of a device.
        stopped: ends every wait when it becomes true.

    Raises:
        PortError: if it is missing, busy, forbidden or of a kind that carries no line.
    """
    link: DutLink
    if spec.startswith("pty:"):
        link = _PtyLink(spec, stopped)
        link._open()
    elif spec.startswith("tcp-listen:"):
        link = _ListenLink(spec, stopped)
    else:
        _refuse_other_urls(spec)
        link = _open_device(spec, baud, stopped)
    return link


def open_host_link(spec: str, baud: int) -> Link:
    """
    Open the host's end: a device, the path of a ``pty:PATH``, ``tcp:HOST:PORT`` or ``socket://HOST:PORT``.

    Raises:
        PortError: as ``open_dut_link``.
    """
    plain = spec.removeprefix("pty:")
    if spec.startswith("tcp:"):
        host, port = _address(spec, "tcp:")
        plain = f"socket://{host}:{port}"
    _refuse_other_urls(plain)
    link = _open_device(plain, baud, _never)
    link.discard()
    return link


def _open_device(spec: str, baud: int, stopped: Callable[[], bool]) -> _DeviceLink:
    link = _DeviceLink(spec, baud, stopped)
    try:
        if "://" not in spec and (holder := holder_of(spec)) and "getty" in holder:
            raise busy_error(spec, holder)
        link._open()
    except OSError as error:
        raise port_error(spec, error) from None
    except (ValueError, termios.error) as error:
        raise PortError(spec, str(error), "check the port and --baud") from None
    return link


def _refuse_other_urls(spec: str) -> None:
    scheme, separator, _ = spec.partition("://")
    if separator and scheme != "socket":
        why = "it only answers itself" if scheme == "loop" else "it is no line that the DUT can hold"
        raise PortError(spec, why, "give a device, pty:PATH, tcp-listen:HOST:PORT or socket://HOST:PORT")


def _address(spec: str, prefix: str) -> tuple[str, int]:
    host, _, port = spec.removeprefix(prefix).rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise PortError(spec, "no address", f"write it {prefix}HOST:PORT, as {prefix}127.0.0.1:7000")
    return host.strip("[]"), int(port)
