"""What makes a DUT's clock wrong is named only where the log's bounds exclude the other causes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sessions import Plan, energyrunner_lines, write_log
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.clock_causes import Bounds, idle_bounds, standing_counter, window_bounds
from tracer.sessions.clock_marks import ClockRate
from tracer.sessions.open_session import build_session


def judged(lines: list[str]) -> SessionAudit:
    with tempfile.TemporaryDirectory() as folder:
        return audit_session(build_session(write_log(Path(folder), lines)))


def text_of(plan: Plan, rule: str = "clock-rate") -> str:
    return next(one.text for one in judged(energyrunner_lines(plan)).findings if one.rule == rule)


@pytest.mark.parametrize(
    ("ratio", "idle", "said"),
    [
        (1.5, 1.5, "a timer at another frequency, of the DUT or of the host, does this"),
        (1.05, 1.05, "CPU time, or a timer at another frequency, does this, and these bounds exclude neither"),
        (0.7, 0.7, "CPU time, or a timer at another frequency, does this, and these bounds exclude neither"),
        (1.3, 0.3, "CPU time of several threads (`clock()`) does this, one frequency does not"),
        (
            0.5,
            0.1,
            "CPU time, or a timer that stands still for a part of the time, does this, one frequency does not",
        ),
        (1.05, 2.0, "the clock changes its speed, or was set"),
    ],
)
def test_a_cause_stands_alone_only_where_the_others_are_excluded(ratio: float, idle: float, said: str) -> None:
    text = text_of(replace(Plan(), ratio=ratio, idle=idle))
    assert text.endswith(said), text


def test_windows_that_agree_leave_no_other_frequency() -> None:
    text = text_of(replace(Plan(), idle=0.2), "clock-idle")
    assert text.endswith("CPU time, or a timer that stands still for a part of the time, does this")


def test_a_counter_that_stands_to_the_end_is_no_cpu_time() -> None:
    lines = energyrunner_lines(replace(Plan(), first_us=(1 << 32) - 30_000_000))
    stood = []
    for line in lines:
        head, mark, us = line.partition("m-lap-us-")
        stood.append(f"{head}{mark}{min(int(us), (1 << 32) - 1)}" if mark else line)
    found = judged(stood)
    lap = standing_counter(found.session)
    assert lap is not None
    assert lap.us == 4_294_967_295
    told = [one.text for one in found.findings if one.rule == "clock-rate"]
    assert [text for text in told if "stands at 4294967295 to the end: its maximum" in text]
    assert not [text for text in told if "CPU time" in text]


def test_the_rates_that_all_windows_allow_are_those_of_the_narrowest_bounds() -> None:
    found = judged(energyrunner_lines(replace(Plan(), ratio=1.05, idle=1.05)))
    bounds = window_bounds(found.session, list(found.windows))
    assert bounds is not None
    assert bounds.low < 1.05 < bounds.high
    assert bounds.high - bounds.low < 0.01
    assert idle_bounds(ClockRate(2.0, 1.0, 0.1, 0.5, ())).low == pytest.approx(4 / 3, rel=1e-3)
    assert not Bounds(1.0, 1.1).meets(Bounds(1.2, 1.3))


def test_a_boards_short_gaps_exclude_neither_cause(shared_data: Path) -> None:
    found = audit_session(build_session(shared_data / "cases" / "clock-cause-short-gaps"))
    (text,) = [one.text for one in found.findings if one.rule == "clock-rate"]
    assert "CPU time, or a timer at another frequency, does this, and these bounds exclude neither" in text


def test_the_jetson_of_2021_is_told_from_a_timer(shared_data: Path) -> None:
    found = audit_session(build_session(shared_data / "energyrunner-sessions" / "20210823155208"))
    (text,) = [one.text for one in found.findings if one.rule == "clock-rate"]
    assert text.endswith("CPU time of several threads (`clock()`) does this, one frequency does not")
