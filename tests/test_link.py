"""The line, over real pseudo-terminals and sockets."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.line.link import DutLink, Link
from runner.line.port_errors import LineEndedError, WriteTimeoutError, busy_error, port_error
from runner.line.ports import open_dut_link, open_host_link
from tests.children import after, forked, free_port, meanwhile, wait_until
from tracer.errors import PortError


class Pty:
    """The far end of a DUT that opened a device: a master, and a link to its slave that may be made anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = -1
        self.connect()

    def connect(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """Another process has the line open; its process id."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.hang_up)
            slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
            stack.callback(os.close, slave)
            yield stack.enter_context(forked(signal.pause))

    def hang_up(self) -> None:
        # As udev takes the name of a device that is gone: the system gives its number to the next that asks.
        self.path.unlink(missing_ok=True)
        os.close(self.master)
        self.master = -1


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Pty]:
    end = Pty(tmp_path / "tty")
    try:
        yield end
    finally:
        if end.master >= 0:
            end.hang_up()


@pytest.fixture
def lines() -> Iterator[contextlib.ExitStack]:
    """Closes what it holds when the test ends, however it ends."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def dut_link(lines: contextlib.ExitStack) -> Callable[..., DutLink]:
    return lambda *words: lines.enter_context(contextlib.closing(open_dut_link(*words)))


@pytest.fixture
def host_link(lines: contextlib.ExitStack) -> Callable[..., Link]:
    return lambda *words: lines.enter_context(contextlib.closing(open_host_link(*words)))


def read_all(link: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        got = link.read(2.0)
        assert got, f"only {data!r} came"
        data += got
    return data


def test_bytes_pass_both_ways_over_a_device(far: Pty, dut_link: Callable[..., DutLink]) -> None:
    link = dut_link(str(far.path), 115200)
    os.write(far.master, b"name%\r\x00\xff")
    assert read_all(link, 8) == b"name%\r\x00\xff"
    link.write(b"m-ready\r\n")
    assert os.read(far.master, 100) == b"m-ready\r\n"
    assert link.read(0.01) == b""
    link.close()


def test_a_line_that_hangs_up_is_told_and_opened_again_at_the_same_path(
    far: Pty, dut_link: Callable[..., DutLink]
) -> None:
    link = dut_link(str(far.path), 115200)
    far.hang_up()
    with pytest.raises(LineEndedError):
        link.read(2.0)
    with meanwhile(after(0.3, far.connect)):
        assert link.reopen() is True
    os.write(far.master, b"name%")
    assert read_all(link, 5) == b"name%"
    link.close()


def test_a_line_that_does_not_come_back_is_given_up_when_told_to_stop(
    far: Pty, dut_link: Callable[..., DutLink]
) -> None:
    stop = threading.Event()
    link = dut_link(str(far.path), 115200, stop.is_set)
    far.hang_up()
    with meanwhile(after(0.2, stop.set)):
        assert link.reopen() is False
    link.close()


def fill(link: Link) -> None:
    with pytest.raises(WriteTimeoutError):
        link.write(b"x" * 400_000, timeout_s=0.2)


@pytest.mark.parametrize("kind", ["device", "pty"])
def test_a_host_that_never_reads_ends_a_write_and_close_returns_at_once(
    kind: str, far: Pty, tmp_path: Path, dut_link: Callable[..., DutLink]
) -> None:
    link = dut_link(str(far.path) if kind == "device" else f"pty:{tmp_path / 'own'}", 115200)
    fill(link)
    began = time.monotonic()
    link.close()
    # The kernel would wait 30 s for a drain: this tells the two apart, and is no speed limit.
    assert time.monotonic() - began < 15


def test_what_was_not_read_is_discarded(far: Pty, dut_link: Callable[..., DutLink]) -> None:
    link = dut_link(str(far.path), 115200)
    os.write(far.master, b"stale")
    time.sleep(0.05)
    link.discard()
    os.write(far.master, b"new")
    assert read_all(link, 3) == b"new"
    link.close()


@pytest.fixture
def own(tmp_path: Path, dut_link: Callable[..., DutLink]) -> DutLink:
    return dut_link(f"pty:{tmp_path / 'dut'}", 115200)


def test_hosts_come_and_go_on_a_pseudo_terminal_of_the_duts(
    own: DutLink, tmp_path: Path, host_link: Callable[..., Link]
) -> None:
    for spec in (str(tmp_path / "dut"), f"pty:{tmp_path / 'dut'}"):
        host = host_link(spec, 115200)
        host.write(b"db 00ff%")
        assert read_all(own, 8) == b"db 00ff%"
        own.write(b"m-ready\r\n")
        assert read_all(host, 9) == b"m-ready\r\n"
        host.close()
    assert own.read(0.01) == b""


def test_a_host_does_not_see_what_was_said_before_it_came(
    own: DutLink, tmp_path: Path, host_link: Callable[..., Link]
) -> None:
    own.write(b"m-init-done\r\nm-ready\r\n")
    host = host_link(str(tmp_path / "dut"), 115200)
    assert host.read(0.05) == b""
    host.close()


def test_replies_that_nobody_read_are_discarded_on_a_pseudo_terminal(
    own: DutLink, tmp_path: Path, host_link: Callable[..., Link]
) -> None:
    host = host_link(str(tmp_path / "dut"), 115200)
    own.write(b"m-results-[]\r\n")
    own.discard()
    own.write(b"m-ready\r\n")
    assert read_all(host, 9) == b"m-ready\r\n"
    host.close()


def test_a_second_host_is_refused(own: DutLink, tmp_path: Path, host_link: Callable[..., Link]) -> None:
    host = host_link(str(tmp_path / "dut"), 115200)
    with pytest.raises(PortError, match="holds it"):
        open_host_link(str(tmp_path / "dut"), 115200)
    host.close()


def test_closing_removes_the_link(tmp_path: Path, dut_link: Callable[..., DutLink]) -> None:
    path = tmp_path / "dut"
    link = dut_link(f"pty:{path}", 115200)
    assert path.is_symlink()
    link.close()
    assert not path.is_symlink()


def test_the_link_of_a_dead_run_is_replaced(tmp_path: Path, dut_link: Callable[..., DutLink]) -> None:
    path = tmp_path / "dut"
    path.symlink_to("/dev/pts/99999")
    link = dut_link(f"pty:{path}", 115200)
    assert path.exists()
    link.close()


def test_a_file_is_never_replaced_by_a_link(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(PortError, match="file of that name"):
        open_dut_link(f"pty:{path}", 115200)
    assert path.read_text() == "mine"


def test_a_link_to_a_pseudo_terminal_that_somebody_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dut"
    with Pty(path).held() as child, pytest.raises(PortError, match=f"process {child}"):
        open_dut_link(f"pty:{path}", 115200)


def test_tcp_clients_are_served_one_after_the_other(
    dut_link: Callable[..., DutLink], host_link: Callable[..., Link]
) -> None:
    port = free_port()
    link = dut_link(f"tcp-listen:127.0.0.1:{port}", 115200)
    link.write(b"nobody is there\r\n")
    for spec in (f"tcp:127.0.0.1:{port}", f"socket://127.0.0.1:{port}"):
        host = host_link(spec, 115200)
        if spec.startswith("socket"):
            assert link.reopen() is True
        host.write(b"name%")
        assert read_all_patient(link, 5) == b"name%"
        link.write(b"m-ready\r\n")
        assert read_all(host, 9) == b"m-ready\r\n"
        host.close()
        with pytest.raises(LineEndedError):
            link.read(2.0)
    link.close()


def test_a_look_sees_that_the_far_end_hung_up_and_leaves_what_came(
    far: Pty, dut_link: Callable[..., DutLink]
) -> None:
    link = dut_link(str(far.path), 115200)
    os.write(far.master, b"infer 1 0%")
    link.look()
    assert read_all(link, 10) == b"infer 1 0%"
    far.hang_up()
    with pytest.raises(LineEndedError, match="hung up"):
        link.look()


@pytest.fixture
def listening(lines: contextlib.ExitStack) -> tuple[DutLink, Callable[[], socket.socket]]:
    """A DUT that listens, and what connects to it."""
    port = free_port()
    link = lines.enter_context(contextlib.closing(open_dut_link(f"tcp-listen:127.0.0.1:{port}", 115200)))
    return link, lambda: lines.enter_context(socket.create_connection(("127.0.0.1", port), 5.0))


def test_a_second_tcp_client_takes_over_its_first_command_is_kept_and_the_first_client_is_told(
    listening: tuple[DutLink, Callable[[], socket.socket]],
) -> None:
    link, connect = listening
    first = connect()
    first.sendall(b"name%")
    assert read_all_patient(link, 5) == b"name%"
    link.look()
    second = connect()
    second.sendall(b"profile%")
    for find in (link.look, lambda: link.read(2.0)):
        with pytest.raises(LineEndedError, match="another host"):
            find()
    assert link.reopen() is True
    assert read_all(link, 8) == b"profile%"
    assert first.recv(100).startswith(b"e-[Another host has connected]")


def test_a_tcp_client_that_hangs_up_is_seen_where_nobody_reads(
    listening: tuple[DutLink, Callable[[], socket.socket]],
) -> None:
    link, connect = listening
    client = connect()
    client.sendall(b"infer 1000000 0%")
    assert read_all_patient(link, 16) == b"infer 1000000 0%"
    client.close()
    with pytest.raises(LineEndedError):
        wait_until(link.look, "the client's end is seen")


def test_a_machine_that_vanishes_without_a_word_is_found_dead_within_half_a_minute(
    listening: tuple[DutLink, Callable[[], socket.socket]],
) -> None:
    link, connect = listening
    connect().sendall(b"name%")
    read_all_patient(link, 5)
    with socket.socket(fileno=os.dup(link._fd)) as served:
        options = {name: served.getsockopt(socket.IPPROTO_TCP, name) for name in (4, 5, 6, 18)}
        assert served.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    idle, interval, count, user_ms = options.values()
    assert idle + interval * count <= 30
    assert user_ms <= 30_000


def read_all_patient(link: Link, count: int) -> bytes:
    data = b""
    for _ in range(20):
        data += link.read(0.25)
        if len(data) >= count:
            break
    return data


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("/dev/ttyNONE9", "there is no such port"),
        ("loop://", "only answers itself"),
        ("rfc2217://x:1", "no line that the DUT can hold"),
        ("tcp-listen:7000", "write it tcp-listen:HOST:PORT"),
        ("tcp-listen:127.0.0.1:99999", "no address"),
        ("/dev/null", "not a serial port"),
        ("pty:/nonexistent/folder/dut", "name a path"),
        ("socket://127.0.0.1:1", "start what listens there first"),
    ],
)
def test_a_port_that_cannot_be_opened_says_why_and_what_to_do(spec: str, said: str) -> None:
    with pytest.raises(PortError, match=said) as raised:
        open_dut_link(spec, 115200)
    assert raised.value.exit_code == 2
    assert str(raised.value).startswith(spec)


def test_a_forbidden_port_names_the_group_and_a_getty_its_unit() -> None:
    assert "usermod -aG dialout" in str(port_error("/dev/ttyUSB0", PermissionError(13, "Permission denied")))
    message = str(busy_error("/dev/ttyGS0", "agetty (process 12)"))
    assert "agetty (process 12) holds it" in message
    assert "systemctl mask --now serial-getty@ttyGS0" in message
