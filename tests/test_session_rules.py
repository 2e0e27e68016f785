"""What a session's windows and lines break, told whole: each finding with its words and its proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.session_values import audits, five, line, session, window
from tracer.sessions.finding import SOURCES, Finding
from tracer.sessions.session import Evidence, HostLength, Irregularity, PrintedRequirement, SessionWindow
from tracer.sessions.window_findings import line_findings, window_findings


def by_host(number: int, host_s: float, **facts: Any) -> SessionWindow:
    return window(number, host=HostLength(host_s, host_s - 0.1, host_s + 0.1), **facts)


def test_a_session_of_five_sound_windows_breaks_no_rule() -> None:
    assert window_findings(five(), audits(five())) == []


def short_finding(text: str, windows: tuple[int, ...], evidence: tuple[Evidence, ...]) -> Finding:
    return Finding("window-short", "error", text, SOURCES["length"], evidence, windows)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (window(1, 9.0), "window 1 under 10 s: 9.000 s by the laps"),
        (window(1, 9.0, host=HostLength(9.1, 8.95, 9.25)), "window 1 under 10 s: 9.100 s by both clocks"),
        (window(1, 11.0, host=HostLength(9.0, 8.9, 9.1)), "window 1 under 10 s: 9.000 s by the host's clock"),
        (
            window(1, 11.0, host=HostLength(None, 8.0, 9.0)),
            "window 1 under 10 s: 11.000 (at most 9 by the host) s by the laps",
        ),
        (
            replace(window(1), laps=(), runtime_us=9_000_000.0),
            "window 1 under 10 s: 9.000 s by the printed lengths",
        ),
    ],
)
def test_a_short_window_is_told_with_its_length_and_by_whose_clock(one: SessionWindow, text: str) -> None:
    told = session(one, *(window(number) for number in range(2, 6)))
    told = told if one.laps else replace(told, windows=(one, *(replace(w, laps=()) for w in told.windows[1:])))
    found = [finding for finding in window_findings(told, audits(told)) if finding.rule == "window-short"]
    assert found == [short_finding(text, (1,), one.lines)]


def test_that_a_runner_printed_met_is_said_of_the_short_windows_it_said_it_of() -> None:
    met = tuple(PrintedRequirement(number, number < 3, line(90 + number)) for number in (1, 2, 3))
    short = [window(number, 9.0, 180) for number in (1, 2, 3)]
    told = session(*short, window(4), window(5), verdicts=met)
    text = "windows 1, 2 and 3 under 10 s: 9.000, 9.000, 9.000 s by the laps; the runner, which goes by the laps, "
    text += "printed that the requirement was met"
    bounds = tuple(line(10 * number + place) for number in (1, 2, 3) for place in (0, 1))
    assert window_findings(told, audits(told)) == [short_finding(text, (1, 2, 3), (*bounds, line(91), line(92)))]


def test_a_window_at_another_rate_is_told_with_the_others() -> None:
    told = session(window(1, 11.0, 110), *(window(number) for number in range(2, 6)))
    text = "window 1 ran at 10.00 inf/s, the other 4 at 20.00 to 20.00 inf/s: 50.0 % of their rate"
    source = "windows of one session measure the same work: a rate outside the others' spread is another condition"
    found = Finding("window-rate", "warning", text, source, (line(10), line(11)), (1,))
    assert window_findings(told, audits(told)) == [found]


@pytest.mark.parametrize(("spreads", "outside"), [(5.9, False), (6.1, True)])
def test_a_window_is_unlike_the_others_beyond_six_of_their_scaled_deviations(spreads: float, outside: bool) -> None:
    # Rates of 1,000 and 20 more and less: the deviations from the median are 0, 20, 20, 20 and that of the last.
    last = 1000 + 1.4826 * 20 * spreads
    counts = (1000, 980, 1020, 980, round(last))
    told = session(*(window(number, 100.0, 100 * count) for number, count in enumerate(counts, 1)))
    found = window_findings(told, audits(told))
    assert [one.windows for one in found] == ([(5,)] if outside else [])


@pytest.mark.parametrize(("count", "found"), [(10_499, False), (10_501, True), (9_501, False), (9_499, True)])
def test_windows_of_one_rate_are_alike_within_five_percent(count: int, found: bool) -> None:
    told = session(*(window(number, 10.0, 10_000) for number in range(1, 5)), window(5, 10.0, count))
    assert bool(window_findings(told, audits(told))) is found


def test_where_the_clocks_differ_windows_are_compared_by_the_hosts() -> None:
    told = session(*(by_host(number, 22.0) for number in range(1, 5)), by_host(5, 11.0))
    text = "window 5 ran at 20.00 inf/s, the other 4 at 10.00 to 10.00 inf/s: 200.0 % of their rate"
    assert [one.text for one in window_findings(told, audits(told))] == [text]
    # Of bounds alone there is no rate by the host.
    unsure = session(*(window(number, host=HostLength(None, 21.0, 23.0)) for number in range(1, 6)))
    assert window_findings(unsure, audits(unsure)) == []


@pytest.mark.parametrize(
    ("mode", "severity", "text"),
    [
        ("single", "note", "2 windows (mode single): an official result is the median of five"),
        ("bmark", "warning", "2 windows (mode bmark): an official result is the median of five"),
        (None, "warning", "2 windows (mode not told): an official result is the median of five"),
    ],
)
def test_too_few_windows_are_a_warning_unless_one_was_asked_for(mode: str | None, severity: Any, text: str) -> None:
    told = session(window(1), window(2), mode=mode)
    assert window_findings(told, audits(told)) == [Finding("window-count", severity, text, SOURCES["count"])]
    assert window_findings(replace(told, complete=False), audits(told)) == []
    more = replace(five(mode=mode), dropped_windows=1)
    assert [one.text[:9] for one in window_findings(more, audits(more))] == ["6 windows"]


def test_a_window_of_fewer_than_ten_inferences_is_named() -> None:
    told = session(*(window(number, count=9 + (number > 1)) for number in range(1, 6)))
    text = "window 1 of fewer than 10 inferences"
    few = Finding("window-iterations", "warning", text, SOURCES["length"], (line(10), line(11)), (1,))
    assert few in window_findings(told, audits(told))
    assert [one.rule for one in window_findings(replace(told, kind="energy"), audits(told))] == ["window-rate"]


def test_lost_and_doubled_lines_are_told_together_where_they_are_of_the_same_windows() -> None:
    lost = [Irregularity("lost", f"`{kind}`", number, (line(number),)) for kind in ("a", "b") for number in (1, 2)]
    twice = [Irregularity("duplicated", "`c`", None, (line(7),)), Irregularity("duplicated", "`d`", 3, (line(8),))]
    begun = [Irregularity("lost", "`e`", 1, (line(1),))]
    other = [Irregularity("stamps", "not a line", None, (line(9),))]
    head = "the log is not whole: "
    source = "DUT API: each `infer` is answered by the same lines, once each"
    both = head + "2 kinds of lines (`a`, `b`) are missing in windows 1 and 2"
    assert line_findings([*lost, *twice, *begun, *other]) == [
        Finding("line-lost", "warning", both, source, (line(1), line(2)), (1, 2)),
        Finding("line-duplicated", "warning", head + "`c` stands twice", source, (line(7),)),
        Finding("line-duplicated", "warning", head + "`d` stands twice in window 3", source, (line(8),), (3,)),
        Finding(
            "line-lost",
            "warning",
            head + "it begins within window 1, `e` is missing in window 1",
            source,
            (line(1),),
            (1,),
        ),
    ]
    late = [Irregularity("lost", "`e`", 1, (line(2),))]
    assert [one.text for one in line_findings(late)] == [head + "`e` is missing in window 1"]
