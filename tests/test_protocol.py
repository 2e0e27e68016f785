"""The protocol, by tables of what is sent and what is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.line.protocol import (
    CommandReader,
    DutProtocol,
    Infer,
    Results,
    Timestamp,
    encode,
    lap_line,
    mode_line,
    print_lines,
    results_line,
)


@pytest.fixture
def protocol() -> DutProtocol:
    return DutProtocol("bench", (490, 1960))


def load(protocol: DutProtocol, data: bytes) -> list[str]:
    protocol.handle(f"db load {len(data)}")
    last: list[str] = []
    for i in range(0, len(data), 29):
        answer = protocol.handle("db " + data[i : i + 29].hex())
        assert isinstance(answer, list)
        last = answer
    return last


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("name", ["m-name-dut-[bench]", "m-ready"]),
        ("profile", ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]", "m-ready"]),
        ("db load 490", ["m-[Expecting 490 bytes]", "m-ready"]),
        ("db load", ["e-[Command 'db load' requires the # of bytes]", "m-ready"]),
        ("db load 0", ["e-[Command 'db load' must be >0 bytes]", "m-ready"]),
        ("db load 12", ["e-[Supplied buffer size 12: this model takes 490 or 1960 bytes]", "m-ready"]),
        ("db load x", ["e-[Command 'db load' needs a number of bytes, not 'x']", "m-ready"]),
        ("db", ["e-[Command 'db' requires a subcommand]", "m-ready"]),
        ("db 00", ["e-[Command 'db HEX' without 'db load N' before it]", "m-ready"]),
        ("infer", ["e-[Input has 0 bytes, expected 490: 'db load' first]", "m-ready"]),
        ("infer 0", ["e-[Inference iterations must be >0]", "m-ready"]),
        ("infer -3", ["e-[Inference iterations must be >0]", "m-ready"]),
        ("infer abc", ["e-[Inference iterations must be a number, not 'abc']", "m-ready"]),
        ("infer 1 -1", ["e-[Inference warmup must be >=0]", "m-ready"]),
        ("", ["m-ready"]),
        ("   ", ["m-ready"]),
        ("bogus word", ["e-[Unknown command: bogus]", "m-ready"]),
        (None, ["e-[Command too long]", "m-ready"]),
        ("timestamp", Timestamp()),
        ("results", Results()),
    ],
)
def test_a_command_is_answered_by_the_table(protocol: DutProtocol, sent: str | None, answered: object) -> None:
    assert protocol.handle(sent) == answered


def test_load_completes_only_when_the_buffer_is_full(protocol: DutProtocol) -> None:
    assert protocol.handle("db load 490") == ["m-[Expecting 490 bytes]", "m-ready"]
    assert protocol.handle("db " + "7f" * 30) == ["m-ready"]
    assert protocol.loaded is None
    assert load(protocol, bytes(490)) == ["m-load-done", "m-ready"]
    assert protocol.loaded == bytes(490)
    assert protocol.handle("infer") == Infer(1, 10)
    assert protocol.handle("infer 5 0") == Infer(5, 0)


def test_a_complete_buffer_survives_every_wrong_command(protocol: DutProtocol) -> None:
    data = bytes(i % 256 for i in range(490))
    load(protocol, data)
    for wrong in ("db 00", "db load 3", "db load -1", "db zz", "db 0", None, "nope", "infer 0"):
        answer = protocol.handle(wrong)
        assert isinstance(answer, list)
        assert answer[0].startswith("e-[")
        assert answer[-1] == "m-ready"
        assert protocol.loaded == data


def test_a_wrong_digit_loads_nothing_and_surplus_digits_are_ignored(protocol: DutProtocol) -> None:
    protocol.handle("db load 490")
    assert protocol.handle("db 00g1") == ["e-[Invalid hex digit 'g1']", "m-ready"]
    assert protocol.handle("db 000") == ["e-[Insufficent number of hex digits]", "m-ready"]
    for _ in range(16):
        protocol.handle("db " + "ab" * 30)
    assert protocol.handle("db " + "cd" * 10 + "zz") == ["m-load-done", "m-ready"]
    assert protocol.loaded == b"\xab" * 480 + b"\xcd" * 10


def test_print_gives_eight_bytes_a_line_and_the_blank_line_of_the_firmware() -> None:
    assert print_lines(bytes(range(10)), 10) == ["m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-09", ""]
    assert print_lines(bytes(range(8)), 8) == ["m-buffer-00-01-02-03-04-05-06-07"]
    assert print_lines(b"", 0) == []


def test_boot_and_results_lines_have_the_form_of_the_firmware() -> None:
    assert encode([mode_line("energy"), lap_line(7)]) == b"m-timestamp-mode-energy\r\nm-lap-us-7\r\n"
    assert results_line([0.0, 0.9999974]) == "m-results-[0.000000,0.999997]"


@pytest.mark.parametrize(
    ("sent", "commands"),
    [
        (b"name%name%", ["name", "name"]),
        (b"na", []),
        (b"na\xff\x00me%", ["name"]),
        (b"AT\rname%", ["name"]),
        (b"AT\r\nname%\n", ["name"]),
        (b"x" * 80 + b"%", ["x" * 80]),
        (b"x" * 81 + b"%name%", [None, "name"]),
        (b"x" * 500 + b"\rname%", ["name"]),
        (b"%", [""]),
    ],
)
def test_bytes_become_commands(sent: bytes, commands: list[str | None]) -> None:
    assert list(CommandReader().feed(sent)) == commands


@given(st.lists(st.binary(max_size=120), max_size=8))
def test_commands_do_not_depend_on_where_the_bytes_were_cut(pieces: list[bytes]) -> None:
    whole = list(CommandReader().feed(b"".join(pieces)))
    reader = CommandReader()
    assert [command for piece in pieces for command in reader.feed(piece)] == whole


@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([b"db load 490%", b"db 00%", b"infer 1%"]))))
def test_nothing_that_arrives_leaves_the_next_good_command_unanswered(pieces: list[bytes]) -> None:
    protocol, reader = DutProtocol("bench", (490,)), CommandReader()
    for piece in pieces:
        for command in reader.feed(piece):
            answer = protocol.handle(command)
            assert not isinstance(answer, list) or answer[-1] == "m-ready"
    answers = [protocol.handle(command) for command in reader.feed(b"%name%")]
    assert answers[-1] == ["m-name-dut-[bench]", "m-ready"]
