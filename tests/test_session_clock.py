"""What a session's two clocks say, whole: each window, the counter between them, and the sentences of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracer.sessions.clock_audit import LapState, Rate, WindowAudit, audit_window
from tracer.sessions.clock_causes import advance_cause, standing_text, window_cause
from tracer.sessions.clock_findings import clock_findings, lap_findings
from tracer.sessions.clock_marks import ClockRate, between_windows, idle_rate, whole_rate
from tracer.sessions.finding import SOURCES, Finding
from tracer.sessions.session import Evidence, HostLength, Lap, Session, SessionWindow

EXACT = HostLength(10.0, 10.0, 10.0)
ELEVEN = HostLength(11.0, 10.5, 11.5)
UNSEEN = HostLength(0.0, 0.0, 0.021)
WRAP_32, WRAP_31 = 4_294_967_296, 2_147_483_648
"""Microseconds after which a counter of 32 or of 31 bits starts anew."""


def line(number: int) -> Evidence:
    return Evidence("log.txt", number, f"line {number}")


def lap(number: int, us: int, host_s: float | None, window: int | None = None) -> Lap:
    return Lap(us, host_s, line(number), window)


def window(first_us: int, last_us: int, host: HostLength | None = None, number: int = 1) -> SessionWindow:
    laps = (lap(2 * number, first_us, None, number), lap(2 * number + 1, last_us, None, number))
    return SessionWindow(number, None, 220, 1, laps, host=host)


def session(*windows: SessionWindow, marks: tuple[Lap, ...] = (), **facts: Any) -> Session:
    told = {"host": "energyrunner", "kind": "performance", "mode": "bmark", **facts}
    return Session(Path("log.txt"), windows=windows, marks=marks, **told)


@pytest.mark.parametrize(
    ("first_us", "last_us", "host", "state", "elapsed_us", "ratio", "differ", "short"),
    [
        (5_000_000, 16_000_000, ELEVEN, "ok", 11e6, 1.0, False, False),
        (5_000_000, 27_000_000, ELEVEN, "ok", 22e6, 2.0, True, False),
        (WRAP_32 - 5_000_000, 6_000_000, ELEVEN, "wrapped", 11e6, 1.0, False, False),
        (WRAP_31 - 5_000_000, 6_000_000, ELEVEN, "wrapped", 11e6, 1.0, False, False),
        (WRAP_31 - 5_000_000, 6_000_000, None, "back", None, None, None, None),
        (16_000_000, 5_000_000, ELEVEN, "back", None, None, None, False),
        (5, 5, ELEVEN, "still", None, None, None, False),
        (5, 5, None, "still", None, None, None, None),
        (5, 5, UNSEEN, "ok", 0.0, None, False, True),
        (0, 9_999_999, None, "ok", 9_999_999.0, None, None, True),
        (0, 10_000_000, None, "ok", 10e6, None, None, False),
    ],
)
def test_a_window_is_judged_whole_by_its_laps_and_the_hosts_bounds(
    first_us: int,
    last_us: int,
    host: HostLength | None,
    state: LapState,
    elapsed_us: float | None,
    ratio: float | None,
    differ: bool | None,
    short: bool | None,
) -> None:
    true = Rate(20.0, 220 / 11.5, 220 / 10.5) if host is ELEVEN else None
    rate = 220e6 / elapsed_us if elapsed_us else None
    assert audit_window(window(first_us, last_us, host)) == WindowAudit(
        1, 220, state, elapsed_us, host, ratio, differ, short, rate, true
    )


def test_what_a_printed_length_is_exact_to_widens_what_the_clocks_may_differ_by() -> None:
    def judged(runtime_us: float, host: HostLength | None = EXACT) -> tuple[bool | None, bool | None]:
        told = audit_window(SessionWindow(1, None, 220, runtime_us=runtime_us, slack_us=500.0, host=host))
        return told.clocks_differ, told.short

    # 1 % of 10 s is 100 ms, and the printed length is exact to half a millisecond.
    assert [judged(us)[0] for us in (10_100_499, 10_100_501, 9_899_501, 9_899_499)] == [False, True, False, True]
    assert [judged(us, None)[1] for us in (9_999_499, 9_999_501, 10_000_499, 10_000_500)] == [True, None, None, False]


def test_no_window_of_no_inference_stands_still() -> None:
    told = audit_window(replace(window(5, 5), inferences=0))
    assert (told.laps, told.elapsed_us, told.rate_hz) == ("ok", 0.0, None)


GAP = (lap(3, 11_000_000, 11.0, 1), lap(4, 12_000_000, 13.0, 2))
"""A window ends by 11 s, and the next begins 2 s later by the host, 1 s later by the laps."""


def test_the_laps_advance_between_windows_is_that_of_the_gaps_alone() -> None:
    marks = (lap(2, 1_000_000, 1.0, 1), *GAP, lap(5, 23_000_000, 24.0, 2), lap(6, 23_250_000, 24.5), lap(7, 1, 25.0))
    windows = tuple(window(0, 1, ELEVEN, number) for number in (1, 2))
    told = session(*windows, marks=marks, restarts=frozenset({5}), latency_s=0.02)
    audits = [audit_window(one) for one in windows]
    # Gaps of 2 and of 0.5 s; the DUT started anew before the last lap. The longest is what proves it.
    assert idle_rate(told, audits) == ClockRate(
        1.25, 2.5, 2 * (0.02 / 2 + 0.001), 2 * (0.02 + 0.001), (line(3), line(4))
    )
    assert idle_rate(replace(told, no_host_times="none"), audits) is None
    assert idle_rate(session(*windows, marks=marks[:2]), audits) is None
    assert idle_rate(replace(told, windows=(replace(windows[0], host=None), windows[1])), audits) == ClockRate(
        0.25, 0.5, 0.02 + 0.001, 0.02 + 0.001, (line(5), line(6))
    )


def test_the_laps_advance_over_a_session_is_from_the_first_to_the_last_that_have_times() -> None:
    marks = (lap(1, 0, None), lap(2, 1_000_000, 1.0, 1), *GAP, lap(5, 23_000_000, 24.0, 2), lap(6, 30_000_000, None))
    told = session(marks=marks, latency_s=0.5, resolution_s=1.0)
    assert whole_rate(told) == ClockRate(22.0, 23.0, 1.5, 1.5, (line(2), line(5)))
    assert whole_rate(replace(told, restarts=frozenset({3}))) is None
    assert whole_rate(replace(told, marks=marks[:2])) is None
    assert whole_rate(replace(told, no_host_times="none")) is None


@pytest.mark.parametrize(("passed_s", "known"), [(3659.5, False), (3660.5, True), (3541.5, False), (3539.5, True)])
def test_an_hour_by_which_whole_seconds_are_apart_is_summer_time(passed_s: float, known: bool) -> None:
    marks = (lap(1, 0, 0.0), lap(2, 0, passed_s))
    assert (whole_rate(session(marks=marks, resolution_s=1.0)) is not None) is known
    assert whole_rate(session(marks=marks)) == ClockRate(0.0, passed_s, 0.001, 0.001, (line(1), line(2)))


@pytest.mark.parametrize(
    ("low_us", "passed_s", "rule"),
    [
        (109_000_000, 100.0, "laps-wrapped"),
        (111_000_001, 100.0, "laps-back"),
        (600_000_000, None, "laps-wrapped"),
        (600_000_001, None, "laps-back"),
    ],
)
def test_a_counter_that_is_lower_after_a_gap_wrapped_where_that_fits_the_time(
    low_us: int, passed_s: float | None, rule: str
) -> None:
    host_s = None if passed_s is None else 50.0 + passed_s
    marks = (lap(3, WRAP_32, 50.0, 1), lap(4, low_us, host_s, 2))
    wrapped = Finding(
        "laps-wrapped",
        "note",
        "the counter of the laps wraps between two windows (32 bits of microseconds): no figure is touched",
        "DUT API: `m-lap-us` is wall time in microseconds, and both laps of a window are of one clock",
        (line(3), line(4)),
    )
    text = "the laps go back between two windows: the DUT started anew, or its clock was set"
    back = replace(wrapped, rule="laps-back", severity="warning", text=text)
    assert between_windows(session(marks=marks)) == [wrapped if rule == "laps-wrapped" else back]
    assert between_windows(session(marks=marks, restarts=frozenset({1}))) == []
    assert between_windows(session(marks=tuple(replace(one, window=1) for one in marks))) == []


@pytest.mark.parametrize(
    ("first_us", "last_us", "rule", "text"),
    [
        (5, 5, "laps-still", "in window 1 the laps stand still: no rate is to be had from them"),
        (9, 5, "laps-back", "in window 1 the second lap is before the first: no rate is to be had from them"),
        (
            WRAP_32 - 5_000_000,
            6_000_000,
            "laps-wrapped",
            "in window 1 the counter of the laps wraps (32 bits of microseconds): it is put right here",
        ),
    ],
)
def test_broken_laps_are_an_error_whose_figure_is_the_rate(first_us: int, last_us: int, rule: str, text: str) -> None:
    one = window(first_us, last_us, ELEVEN)
    expected = Finding(rule, "error", text, SOURCES["laps"], (line(2), line(3)), (1,))
    assert lap_findings(session(one), [audit_window(one)]) == [expected]
    accuracy = session(one, kind="accuracy")
    assert lap_findings(accuracy, [audit_window(one)]) == [replace(expected, severity="warning")]


UNTOLD = "CPU time, or a timer at another frequency, does this: the log has no time between windows that tells which"


@pytest.mark.parametrize(
    ("last_us", "host", "text"),
    [
        (
            11_550_000,
            ELEVEN,
            "window 1 lasts 11.550 s by the laps, 11.000 s (10.500 to 11.500 s) by the host, 5.0 % too long",
        ),
        (
            13_200_000,
            HostLength(11.0, 10.989, 11.011),
            (
                "window 1 lasts 13.200 s by the laps, 11.000 s (10.989 to 11.011 s) by the host, 20.0 % too long: "
                "its rate, 16.667 inf/s, is too low by 16.7 %, the true one is 20.00 inf/s (19.98 to 20.02 inf/s)"
            ),
        ),
        (
            8_800_000,
            HostLength(11.0, 10.989, 11.011),
            (
                "window 1 lasts 8.800 s by the laps, 11.000 s (10.989 to 11.011 s) by the host, 20.0 % too short: "
                "its rate, 25.000 inf/s, is too high by 25.0 %, the true one is 20.00 inf/s (19.98 to 20.02 inf/s)"
            ),
        ),
        (
            11_000_000,
            HostLength(None, 8.0, 10.0),
            (
                "window 1 lasts 11.000 s by the laps, 8.000 to 10.000 s by the host: its rate, 20.000 inf/s, is "
                "too low by 9.1 to 27.3 % (22.00 to 27.50 inf/s)"
            ),
        ),
        (
            11_000_000,
            HostLength(None, 0.0, 10.0),
            "window 1 lasts 11.000 s by the laps, 0.000 to 10.000 s by the host",
        ),
    ],
)
def test_a_wrong_clock_is_one_sentence_with_the_lengths_and_the_true_rate(
    last_us: int, host: HostLength, text: str
) -> None:
    one = window(0, last_us, host)
    found = clock_findings(session(one), [replace(audit_window(one), clocks_differ=True)])
    if host is ELEVEN:
        text += ": its rate, 19.048 inf/s, is too low by 4.8 %, the true one is 20.00 inf/s (19.13 to 20.95 inf/s)"
    told = f"in window 1 the laps tell another time than the host: {text}. {UNTOLD}"
    assert found == [Finding("clock-rate", "error", told, SOURCES["laps"], (line(2), line(3)), (1,))]


def test_a_clock_that_is_wrong_only_between_windows_is_a_note_and_over_a_session_a_warning() -> None:
    whole = window(1_000_000, 12_000_000, ELEVEN)
    told = session(whole, marks=(lap(1, 0, 0.0), lap(2, 1_000_000, 10.0, 1), lap(3, 12_000_000, 21.0, 1)))
    audits = [audit_window(whole)]
    note = Finding(
        "clock-idle",
        "note",
        "between the windows the laps advance 1.000 s in 10.000 s of the host's clock: they are no wall time; "
        "CPU time, or a timer that stands still for a part of the time, does this",
        SOURCES["laps"],
        (line(1), line(2)),
    )
    assert clock_findings(told, audits) == [note]
    over = replace(
        note,
        severity="warning",
        text="from the first of these laps to the last the laps advance 12.000 s in 21.000 s of the host's clock: "
        "they are no wall time; CPU time, a timer at another frequency, or a timer that stands still for a part of "
        "the time, does this",
        evidence=(line(1), line(3)),
    )
    assert clock_findings(replace(told, kind="accuracy"), audits) == [over]
    assert clock_findings(replace(told, host="mlcommons"), audits) == [over]
    assert clock_findings(told, [replace(audits[0], laps="wrapped")]) == []


def test_the_causes_that_remain_are_told_in_one_sentence() -> None:
    audits = [audit_window(window(0, 11_000_000, ELEVEN))]
    fast, slow = ClockRate(2.0, 1.0, 0.0, 0.0, ()), ClockRate(1.0, 2.0, 0.0, 0.0, ())
    several = "a timer at another frequency, or CPU time of several threads, does this"
    assert advance_cause(session(), fast, audits, whole=True) == several
    assert advance_cause(session(), fast, audits, whole=False) == "the clock changes its speed, or was set"
    one = "CPU time, a timer at another frequency, or a timer that stands still for a part of the time, does this"
    assert advance_cause(session(), slow, audits, whole=True) == one
    within = session(window(0, 11_000_000, ELEVEN))
    assert window_cause(within, audits, slow) == (
        "between the windows the laps advance 0.500 s a second (0.500 to 0.500): CPU time, or a timer that stands "
        "still for a part of the time, does this, one frequency does not"
    )


def test_a_counter_that_stands_to_the_end_is_the_cause_whatever_the_rates_are() -> None:
    def stands(us: int, *host_s: float) -> str | None:
        return standing_text(session(marks=tuple(lap(number, us, at_s) for number, at_s in enumerate(host_s))))

    at_its_end = "the counter of the laps stands at 4294967295 to the end: its maximum"
    assert stands(WRAP_32 - 1, 1.0, 1.5) == at_its_end
    assert stands(7, 1.0, 1.2, 1.5) == (
        "the counter of the laps stands at 7 to the end: it stopped, or has reached its maximum"
    )
    assert stands(7, 1.0, 1.25) is stands(0, 1.0, 2.0) is stands(7) is None
    told = session(marks=(lap(1, 5, 0.0), lap(2, WRAP_32 - 1, 1.0), lap(3, WRAP_32 - 1, 2.0)))
    slow = ClockRate(1.0, 2.0, 0.0, 0.0, ())
    assert window_cause(told, [], slow) == advance_cause(told, slow, [], whole=True) == at_its_end
