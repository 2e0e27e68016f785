"""Windows of a long log that are counted many at once are what their lines tell one by one."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sessions import accuracy_plan, energyrunner_lines, write_log
from tracer.sessions.energyrunner import EnergyrunnerReader
from tracer.sessions.open_session import build_session


def long_log() -> list[str]:
    return energyrunner_lines(replace(accuracy_plan(200), counts=(7,) * 200, mode="bmark"))


_FAULTS = {
    "lost": lambda lines, at: [*lines[:at], *lines[at + 1 :]],
    "twice": lambda lines, at: [*lines[: at + 1], *lines[at:]],
    "chatter": lambda lines, at: [*lines[:at], f"{lines[at][:10]}dut: heap 0x1F, 12 left", *lines[at:]],
    "unstamped": lambda lines, at: [*lines[:at], "m-ready", *lines[at:]],
    "back": lambda lines, at: [*lines[:at], f"00001.000{lines[at][9:]}", *lines[at + 1 :]],
    "fact": lambda lines, at: [*lines[:at], f"{lines[at][:10]}parser: m-version[9.9.9]", *lines[at:]],
    "mode": lambda lines, at: [
        *lines[:at],
        f"{lines[at][:10]}parser: m-bm-cfg-name[ulp-mlperf]-key[runMode]-val[multi]",
        *lines[at:],
    ],
    "count": lambda lines, at: [
        *lines[:at],
        *"\n".join(lines[at:]).replace("infer-start-7", "infer-start-1", 1).split("\n"),
    ],
    "again": lambda lines, at: [*lines[:at], f'{lines[at][:10]}parser: Command "dut results"', *lines[at:]],
    "restart": lambda lines, at: [*lines[:at], f"{lines[at][:10]}dut: m-init-done", *lines[at:]],
    "long": lambda lines, at: [*lines[:at], f"{lines[at][:10]}dut: m-lap-us-{'9' * 5000}", *lines[at:]],
    "none": lambda lines, at: lines,
}


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(sorted(_FAULTS)), st.integers(2400, 4200)), max_size=4), st.integers(1, 4))
@settings(max_examples=30)
def test_windows_that_are_passed_over_at_once_give_what_their_lines_give_one_by_one(
    faults: list[tuple[str, int]], keep: int
) -> None:
    lines = long_log()
    for name, at in faults:
        lines = _FAULTS[name](lines, at)
    with tempfile.TemporaryDirectory() as folder:
        path = write_log(Path(folder), lines)
        at_once = build_session(path, keep)
        # No window is whole in so small a chunk.
        with mock.patch("tracer.sessions.log_lines.CHUNK", 200):
            assert build_session(path, keep) == at_once


@pytest.mark.parametrize(("fault", "at"), [(name, 3000 + number) for number, name in enumerate(sorted(_FAULTS))])
def test_a_fault_among_windows_that_are_passed_over_is_what_its_lines_say(
    tmp_path: Path, fault: str, at: int
) -> None:
    path = write_log(tmp_path, _FAULTS[fault](long_log(), at))
    at_once = build_session(path, 4)
    with mock.patch("tracer.sessions.log_lines.CHUNK", 200):
        assert build_session(path, 4) == at_once
    assert len(at_once.marks) == 3 * 4


def test_of_a_long_log_most_lines_are_not_read_one_by_one(tmp_path: Path) -> None:
    path, read = write_log(tmp_path, long_log() * 4), EnergyrunnerReader._take
    with mock.patch.object(EnergyrunnerReader, "_take", autospec=True, side_effect=read) as one_by_one:
        session = build_session(path, keep=5)
    assert session.dropped_windows == 4 * 200 - 5
    assert one_by_one.call_count < 0.4 * 4 * len(long_log())


def test_windows_are_passed_over_only_when_all_the_laps_are_kept_that_may_be(tmp_path: Path) -> None:
    path = write_log(tmp_path, long_log() * 2)
    every, some = build_session(path), build_session(path, keep=120)
    # More windows than show a pattern, and no two laps of theirs are alike.
    assert some.windows == every.windows[:120]
    assert some.marks == every.marks[: 3 * 120]
    assert some.dropped_windows == 2 * 200 - 120


@pytest.mark.parametrize("told", [('"dut infer 7', "m-infer-start-7"), ("m-infer-start-7",)])
def test_a_window_of_one_inference_among_others_that_repeat_is_how_the_host_measured(
    tmp_path: Path, told: tuple[str, ...]
) -> None:
    lines = long_log()
    later = next(place for place, line in enumerate(lines) if place > 3000 and '"dut infer 7' in line)
    text = "\n".join(lines[later:])
    for words in told:
        text = text.replace(words, words.replace("7", "1"), 1)
    session = build_session(write_log(tmp_path, [*lines[:later], *text.split("\n")]), keep=3)
    assert session.dropped_windows == 200 - 1 - 3
    assert session.notes == (
        "1 time the host measured by one inference how many a window takes",
        "196 windows beyond the first 3 not kept: no figure is made of them",
    )
