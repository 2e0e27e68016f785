"""Floods, noise, numbers too large, hosts that come and go: the real DUT answers on and loses nothing."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.attacks.lines import TcpHost, ended, flood, listening_dut, noise
from tests.children import read_until
from tests.serial_client import Client, running_dut

MESSAGES = 130_000
BURSTS = 5
REOPENED = 200
TCP_HOSTS = 90
"""Of more gaps than a hundred a run keeps the count alone, and says so with its exit code."""

FLOODED = 2_000


@pytest.mark.timeout(900)
def test_a_line_that_is_flooded_and_reopened_answers_and_every_window_is_kept(tmp_path: Path) -> None:
    rng = random.Random(2021)
    with running_dut(tmp_path) as dut:
        with Client(tmp_path / "dut") as client:
            client.load(bytes(490))
            flood(client, b"name%", MESSAGES)
            flood(client, b"infer 1 0%", FLOODED)
            flood(client, b"infer 4294967296 0%", FLOODED, b"must be <=")
            assert client.ask(b"name%")[-2:] == ["m-name-dut-[kws-trace]", "m-ready"]
        for burst in range(BURSTS):
            with Client(tmp_path / "dut") as client:
                # `infer%` makes eleven inferences: thousands of such windows in one burst are enough.
                data = noise(rng, 1 << 20, b"infer 1 0" if burst else b"infer ")
                os.set_blocking(client.fd, False)
                _pour(client, data)
        for number in range(REOPENED):
            # Half a command is left behind each time.
            with Client(tmp_path / "dut") as client:
                os.write(client.fd, b"\r\nname%")
                _until(client, b"m-name-dut-[kws-trace]")
                os.write(client.fd, b"infer 1 0"[: number % 9])
        with Client(tmp_path / "dut") as client:
            os.write(client.fd, b"\r\nresults%")
            _until(client, b"m-results-[")
        run = ended(dut, tmp_path)
    states = run.windows()["state"].to_pylist()
    assert len(states) >= FLOODED
    assert set(states) == {"complete"}


def _pour(client: Client, data: bytes) -> None:
    """Write all, read whatever comes meanwhile; a DUT whose answers nobody reads throws them away after 5 s."""
    deadline = time.monotonic() + 120
    while data:
        assert time.monotonic() < deadline, f"{len(data)} bytes were never read"
        try:
            data = data[os.write(client.fd, data[:4096]) :]
        except BlockingIOError:
            time.sleep(0.001)
        try:
            os.read(client.fd, 65536)
        except BlockingIOError:
            continue


def _until(client: Client, word: bytes) -> None:
    said = b""
    while word not in said:
        said += client.read()


def test_what_comes_during_a_window_is_answered_after_it(tmp_path: Path) -> None:
    with running_dut(tmp_path) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        client.begin(3_000)
        os.write(client.fd, b"infer 2 0%name%")
        said = b""
        while b"m-name-dut" not in said:
            said += client.read()
        run = ended(dut, tmp_path)
    order = [said.index(word) for word in (b"m-results", b"m-infer-start-2\r", b"m-name-dut")]
    assert order == sorted(order)
    assert [(one["inferences"], one["state"]) for one in run.windows().to_pylist()] == [
        (3_000, "complete"),
        (2, "complete"),
    ]


@pytest.mark.parametrize("how", ["hangs up", "is followed by another"])
def test_a_tcp_host_that_goes_in_a_long_window_gives_the_line_to_the_next(tmp_path: Path, how: str) -> None:
    with listening_dut(tmp_path) as (dut, port):
        first = TcpHost(port)
        first.load()
        first.send(b"infer 1000000 0%")
        first.read_to(b"m-lap-us")
        if how == "hangs up":
            first.close()
        second = TcpHost(port)
        second.send(b"infer 3 0%")
        assert b"m-infer-start-3\r\n" in second.read_to(b"m-ready\r\n")
        if how != "hangs up":
            assert b"another host has connected" in first.read_to(b"]\r\n").lower()
        assert dut.stderr is not None
        read_until(dut.stderr, "the gap is in the record")
        run = ended(dut, tmp_path)
    cut, whole = run.windows().to_pylist()
    assert (cut["state"], whole["state"], whole["inferences"]) == ("aborted", "complete", 3)
    assert 0 < cut["inferences"] < 1_000_000


def test_ninety_tcp_hosts_one_after_the_other_are_each_answered_their_first_command(tmp_path: Path) -> None:
    with listening_dut(tmp_path) as (dut, port):
        for _ in range(TCP_HOSTS):
            host = TcpHost(port)
            host.send(b"name%")
            host.read_to(b"m-name-dut-[kws-trace]\r\nm-ready\r\n")
            host.close()
        run = ended(dut, tmp_path)
    assert run.windows().num_rows == 0
