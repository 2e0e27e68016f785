"""A session with one planted fault is diagnosed as that fault and no other; a session without one gives none."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sessions import Plan, accuracy_plan, energyrunner_lines, mlcommons_lines, write_log
from tracer.sessions.audit import audit_session
from tracer.sessions.finding import Finding
from tracer.sessions.open_session import build_session

WALL = st.tuples(*[st.floats(10.6, 14.0)] * 5)


def findings(lines: list[str]) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        return list(audit_session(build_session(write_log(Path(folder), lines))).findings)


def rules(lines: list[str]) -> set[str]:
    return {finding.rule for finding in findings(lines)}


def plans() -> st.SearchStrategy[Plan]:
    """Sound sessions: windows of like rates and of 10.6 s or more, a clock within 0.5 % of the host's."""

    def build(length: float, jitter: list[float], count: int, ratio: float, first: int, start: float) -> Plan:
        lengths = tuple(length * (1 + one) for one in jitter)
        return Plan(
            seconds=lengths, counts=(count,) * 5, ratio=ratio, idle=ratio, first_us=first, start_s=round(start, 3)
        )

    return st.builds(
        build,
        st.floats(10.8, 25.0),
        st.lists(st.floats(-0.01, 0.01), min_size=5, max_size=5),
        st.integers(10, 200_000),
        st.floats(0.995, 1.005),
        st.integers(0, 1_700_000_000_000_000),
        st.floats(0.0, 90_000.0),
    )


@given(plans())
@settings(max_examples=20, deadline=None)
def test_a_sound_session_gives_no_finding(plan: Plan) -> None:
    assert findings(energyrunner_lines(plan)) == []


@given(plans(), st.one_of(st.floats(0.02, 0.97), st.floats(1.03, 8.0)), st.sampled_from([0.0, 0.3, None]))
@settings(max_examples=20, deadline=None)
def test_a_clock_of_cpu_time_is_found_at_any_ratio(plan: Plan, ratio: float, idle: float | None) -> None:
    plan = replace(plan, ratio=ratio, idle=ratio if idle is None else idle)
    found = findings(energyrunner_lines(plan))
    assert {finding.rule for finding in found} == {"clock-rate"}
    assert found[0].windows == (1, 2, 3, 4, 5)


@given(plans(), st.integers(0, 4), st.floats(0.05, 0.95))
@settings(max_examples=20, deadline=None)
def test_a_counter_that_wraps_within_a_window_is_found_and_put_right(plan: Plan, window: int, part: float) -> None:
    before = sum(plan.seconds[:window]) + 0.41 * (window + 1) + part * plan.seconds[window]
    first = (1 << 32) - round(before * 1e6 * plan.ratio)
    plan = replace(plan, first_us=first, wrap_us=1 << 32)
    lines = energyrunner_lines(plan)
    found = findings(lines)
    assert {finding.rule for finding in found} == {"laps-wrapped"}
    assert found[0].windows == (window + 1,)


def test_a_counter_that_wraps_between_two_windows_is_noted_and_touches_no_figure() -> None:
    plan = Plan(first_us=(1 << 32) - 11_550_000, wrap_us=1 << 32)
    found = findings(energyrunner_lines(plan))
    assert [(finding.rule, finding.severity, finding.windows) for finding in found] == [("laps-wrapped", "note", ())]


@given(plans(), st.integers(0, 4), st.floats(0.5, 9.9))
@settings(max_examples=20, deadline=None)
def test_a_window_under_ten_seconds_is_found_whatever_its_runner_printed(
    plan: Plan, window: int, wall: float
) -> None:
    seconds, counts = list(plan.seconds), [max(count, 400) for count in plan.counts]
    # The same rate: the window is short because it has fewer inferences.
    # By the rate of the window before, whose length may be 2 % another: rounded down, never over ``wall``.
    counts[window] = max(10, int(counts[window - 1] * wall / seconds[window - 1]))
    seconds[window] = seconds[window - 1] * counts[window] / counts[window - 1]
    lines = energyrunner_lines(replace(plan, seconds=tuple(seconds), counts=tuple(counts)))
    found = findings([line.replace("e-[The run must", "x-[The run must") for line in lines])
    assert {finding.rule for finding in found} == {"window-short"}
    assert found[0].windows == (window + 1,)


@given(plans(), st.integers(0, 4), st.floats(0.2, 0.85))
@settings(max_examples=20, deadline=None)
def test_a_window_at_another_rate_is_found(plan: Plan, window: int, part: float) -> None:
    seconds = list(plan.seconds)
    seconds[window] /= part
    found = findings(energyrunner_lines(replace(plan, seconds=tuple(seconds))))
    assert {finding.rule for finding in found} == {"window-rate"}
    assert found[0].windows == (window + 1,)


@given(plans(), st.data())
@settings(max_examples=20, deadline=None)
def test_a_lost_line_of_a_window_is_found_as_that(plan: Plan, data: st.DataObject) -> None:
    lines = energyrunner_lines(plan)
    candidates = window_lines(lines)
    gone = data.draw(st.sampled_from(candidates))
    assert rules(lines[:gone] + lines[gone + 1 :]) == {"line-lost"}, lines[gone]


@given(plans(), st.data())
@settings(max_examples=20, deadline=None)
def test_a_duplicated_line_of_a_window_is_found_as_that(plan: Plan, data: st.DataObject) -> None:
    lines = energyrunner_lines(plan)
    twice = data.draw(st.sampled_from(window_lines(lines)))
    assert rules([*lines[: twice + 1], *lines[twice:]]) == {"line-duplicated"}, lines[twice]


def window_lines(lines: list[str]) -> list[int]:
    """Numbers of the lines from the first load to the last window's `m-results`."""
    first = next(number for number, line in enumerate(lines) if "bload" in line)
    last = max(number for number, line in enumerate(lines) if "m-results" in line)
    return list(range(first, last + 1))


@pytest.mark.parametrize("kind", ["  # Inferences", "  Runtime  ", "  Throughput", "Performance results"])
@pytest.mark.parametrize("which", [0, 4])
def test_a_lost_line_of_the_printed_results_is_found_as_that(kind: str, which: int) -> None:
    lines = energyrunner_lines(Plan())
    gone = [number for number, line in enumerate(lines) if f"ulp-mlperf: {kind}" in line][which]
    assert rules(lines[:gone] + lines[gone + 1 :]) == {"line-lost"}


def test_laps_that_stand_still_are_found_as_that() -> None:
    lines = energyrunner_lines(Plan(ratio=0.0, idle=0.0))
    assert rules(lines) == {"laps-still"}


@given(plans(), st.integers(0, 4), st.floats(0.1, 3.0))
@settings(max_examples=15, deadline=None)
def test_laps_that_go_back_are_found_as_that(plan: Plan, window: int, by_s: float) -> None:
    plan = replace(plan, first_us=plan.first_us + 10_000_000_000)
    lines = energyrunner_lines(plan)
    numbers = [number for number, line in enumerate(lines) if "m-lap-us-" in line][1 + 2 * window :][:2]
    first = int(lines[numbers[0]].rpartition("-")[2])
    lines[numbers[1]] = lines[numbers[1]].rpartition("-")[0] + f"-{first - round(by_s * 1e6)}"
    drop = [number for number, line in enumerate(lines) if "ulp-mlperf: " in line]
    assert rules(lines[: drop[0]]) == {"laps-back"}


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_a_count_of_windows_other_than_five_is_found_as_that(count: int) -> None:
    plan = Plan(seconds=(11.0,) * count, counts=(2400,) * count)
    assert rules(energyrunner_lines(plan)) == {"window-count"}


def test_a_printed_figure_that_the_raw_lines_do_not_give_is_found_with_its_line() -> None:
    lines = energyrunner_lines(Plan())
    at = next(number for number, line in enumerate(lines) if "Median throughput" in line)
    lines[at] = lines[at].replace("Median throughput is 2", "Median throughput is 3")
    found = findings(lines)
    assert [finding.rule for finding in found] == ["printed-differs"]
    assert found[0].evidence[0].line == at + 1


@given(st.tuples(*[st.floats(10.6, 20.0)] * 5), st.integers(20, 100_000))
@settings(max_examples=20, deadline=None)
def test_a_sound_session_of_the_mlcommons_runner_gives_no_finding(lengths: tuple[float, ...], count: int) -> None:
    even = tuple(lengths[0] * (1 + (one - 15) / 2000) for one in lengths)
    assert findings(mlcommons_lines(even, count=count)) == []


@pytest.mark.parametrize("ratio", [0.5, 1.4, 3.0])
def test_a_wrong_clock_shows_in_a_log_of_whole_seconds_when_it_is_wrong_enough(ratio: float) -> None:
    assert rules(mlcommons_lines((25.4,) * 5, ratio)) == {"clock-rate"}


def test_a_wrong_clock_within_the_seconds_of_a_log_gets_no_verdict() -> None:
    assert rules(mlcommons_lines((11.4,) * 5, 1.02)) == set()


def test_without_times_of_the_host_there_is_no_verdict_on_the_clock() -> None:
    lines = [f"00000.000 {line.split(' ', 1)[1]}" for line in energyrunner_lines(Plan(ratio=1.5))]
    with tempfile.TemporaryDirectory() as folder:
        judged = audit_session(build_session(write_log(Path(folder), lines)))
    assert judged.session.no_host_times
    assert all(one.clocks_differ is None for one in judged.windows)
    assert judged.findings == ()


def test_laps_that_the_host_read_at_once_after_the_window_give_no_verdict() -> None:
    lines = energyrunner_lines(Plan())
    late = {}
    for number, line in enumerate(lines):
        if "m-results" in line:
            late = {at: line.split(" ")[0] for at in range(number - 6, number)}
            for at, stamp in late.items():
                if " dut: " in lines[at]:
                    lines[at] = f"{stamp} {lines[at].split(' ', 1)[1]}"
    assert rules(lines) == set()


def test_an_accuracy_pass_gives_no_finding_and_its_figures() -> None:
    with tempfile.TemporaryDirectory() as folder:
        judged = audit_session(build_session(write_log(Path(folder), energyrunner_lines(accuracy_plan()))))
    assert judged.findings == ()
    assert judged.figures.vectors == 36
    assert judged.figures.top1 is not None
    assert judged.figures.top1 > 0.8


def test_a_log_that_begins_within_a_window_is_one_finding() -> None:
    lines = energyrunner_lines(accuracy_plan())
    first = next(number for number, line in enumerate(lines) if 'parser: Command "dut infer' in line)
    found = [one for one in findings(lines[first:]) if one.rule == "line-lost"]
    assert [one.windows for one in found] == [(1,)]
    assert "the log is not whole: it begins within window 1, " in found[0].text
