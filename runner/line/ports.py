"""The kinds of line a port names: a serial device, a pseudo-terminal, TCP; and how each is opened again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.line.link import SLICE_S, DutLink, Link, never
from runner.line.port_errors import LineEndedError, busy_error, holder_of, other_end_error, port_error
from tracer.errors import PortError

PERFORMANCE_BAUD, ENERGY_BAUD = 115200, 9600
"""What energyrunner and the MLCommons runner open a DUT with, in performance mode and in energy mode."""


class _DeviceLink(DutLink):
    """A serial device or ``socket://``, opened and configured by pyserial."""

    def __init__(self, spec: str, baud: int, stopped: Callable[[], bool]) -> None:
        super().__init__(spec, stopped)
        self._baud = baud
        self._serial: Any = None
        self.host = False

    def open(self) -> None:
        import serial

        self._drop_serial()
        options = {} if "://" in self.spec else {"exclusive": True}
        try:
            self._serial = serial.serial_for_url(self.spec, self._baud, timeout=0, **options)
        except serial.SerialException as error:
            # pyserial wraps what the system said; the number, where there is one, names the case.
            raise port_error(self.spec, OSError(error.errno, str(error)), host=self.host) from None
        # A descriptor of our own, so that pyserial's close, which may drain, is never what ends the line.
        self._attach(os.dup(self._serial.fileno()))
        _wait_for_a_byte(self._fd)

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

    def open(self) -> None:
        self._claim()
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        # A lock of this process on its range, which another DUT asks for; a host, like pyserial, locks by flock.
        fcntl.lockf(self._slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Path(os.ttyname(self._slave)).chmod(0o660)
        try:
            self._path.symlink_to(os.ttyname(self._slave))
        except OSError as error:
            os.close(master)
            raise PortError(
                self.spec, error.strerror or str(error), "name a path in a folder you can write"
            ) from None
        self._attach(master)

    def discard(self) -> None:
        # What the host has not read waits in the slave, which flushing the master does not reach.
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._slave, termios.TCIFLUSH)
        super().discard()

    def _claim(self) -> None:
        if not self._path.is_symlink():
            if self._path.exists():
                raise PortError(self.spec, "a file of that name is there", "name a path that is free")
            return
        target = str(self._path.readlink())
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
        if self._path.is_symlink() and str(self._path.readlink()) == os.ttyname(self._slave):
            self._path.unlink()
        super().close()
        os.close(self._slave)


class _ListenLink(DutLink):
    """One TCP client at a time: the next one takes the line over, since one that is there may be long dead."""

    def __init__(self, spec: str, stopped: Callable[[], bool]) -> None:
        super().__init__(spec, stopped)
        host, port = _address(spec, "tcp-listen:")
        try:
            self._server = socket.create_server((host, port), backlog=1)
        except OSError as error:
            raise PortError(
                spec, error.strerror or str(error), "name an address of this machine and a free port"
            ) from None
        self._server.settimeout(SLICE_S)

    def open(self) -> None:
        client, _ = self._server.accept()
        self._attach(client.detach())
        self._poll.register(self._server, select.POLLIN)

    def read(self, timeout_s: float) -> bytes:
        if self._fd < 0:
            # No client yet: the first one is no gap.
            with contextlib.suppress(TimeoutError):
                self.open()
            return b""
        if any(fd == self._server.fileno() for fd, _ in self._poll.poll(timeout_s * 1000)):
            self._give_way()
        return super().read(0.0)

    def look(self) -> None:
        if any(fd == self._server.fileno() for fd, _ in self._poll.poll(0)):
            self._give_way()
        super().look()

    def _give_way(self) -> None:
        super().look()  # one that is gone needs not be told
        with contextlib.suppress(PortError):
            self.write(b"e-[Another host has connected]\r\n", 0.0)
        raise LineEndedError(self.spec, "another host has connected")

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        if self._fd >= 0:
            super().write(data, timeout_s)

    def close(self) -> None:
        super().close()
        self._server.close()


def line_baud(asked: int | None, *, energy: bool) -> int:
    """The rate of a DUT's line: what was asked for, else the one that hosts expect."""
    return asked if asked is not None else ENERGY_BAUD if energy else PERFORMANCE_BAUD


def open_dut_link(spec: str, baud: int, stopped: Callable[[], bool] = never) -> DutLink:
    """
    Open the DUT's end of a line.

    ``spec`` is a device, ``pty:PATH``, ``tcp-listen:HOST:PORT`` or ``socket://HOST:PORT``; ``stopped`` ends waits.

    Raises:
        PortError: if it is missing, busy, forbidden or of a kind that carries no line.
    """
    link: DutLink
    if spec.startswith("pty:"):
        link = _PtyLink(spec, stopped)
        link.open()
    elif spec.startswith("tcp-listen:"):
        link = _ListenLink(spec, stopped)
    elif spec.startswith("tcp:"):
        raise other_end_error(spec)
    else:
        _refuse_other_urls(spec)
        _refuse_another_duts(spec)
        link = _open_device(spec, baud, stopped)
    return link


def open_host_link(spec: str, baud: int) -> Link:
    """Open the host's end: a device, the path of a ``pty:PATH``, ``tcp:HOST:PORT`` or ``socket://HOST:PORT``."""
    plain = spec.removeprefix("pty:")
    if spec.startswith("tcp-listen:"):
        raise other_end_error(spec)
    if spec.startswith("tcp:"):
        host, port = _address(spec, "tcp:")
        plain = f"socket://{host}:{port}"
    _refuse_other_urls(plain)
    link = _open_device(plain, baud, never, host=True)
    link.discard()
    return link


def _open_device(spec: str, baud: int, stopped: Callable[[], bool], *, host: bool = False) -> _DeviceLink:
    link = _DeviceLink(spec, baud, stopped)
    link.host = host
    try:
        # A second reader of a device would take half the bytes; a pseudo-terminal is held by whoever made it.
        if os.path.realpath(spec).startswith("/dev/tty") and (holder := holder_of(spec)):
            raise busy_error(spec, holder)
        link.open()
    except OSError as error:
        raise port_error(spec, error, host=host) from None
    except (ValueError, termios.error) as error:
        raise PortError(spec, str(error), "check the port and --baud") from None
    return link


def _refuse_another_duts(spec: str) -> None:
    """The far end of another DUT's pseudo-terminal is a host's: two DUTs would talk to one another."""
    if not os.path.realpath(spec).startswith("/dev/pts/"):
        return
    try:
        terminal = os.open(spec, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return  # what is wrong with it is told when it is opened as a line
    try:
        fcntl.lockf(terminal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PortError(
            spec, "another DUT is on its other end, and waits for a host", f"give another path, as pty:{spec}-2"
        ) from None
    finally:
        os.close(terminal)


def _wait_for_a_byte(fd: int) -> None:
    """Make an empty read mean a hang-up: with pyserial's VMIN of 0 it may also mean that nothing is there."""
    if os.isatty(fd):
        attributes = termios.tcgetattr(fd)
        attributes[6][termios.VMIN] = 1
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


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
