"""The rules for the windows of a run: which count, how long, how fast, which are the accuracy pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gpu_runs import capture_window, recorded_run
from tests.recorded import window
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.windows import (
    LOAD_COMMANDS,
    RunWindow,
    accuracy_windows,
    asked_windows,
    figure_windows,
    median_rate_hz,
    middle,
    official_rate_hz,
    performance_windows,
    profiler_pairs,
    why_not_official,
)
from tracer.sessions.clock_audit import audit_window
from tracer.sessions.session import Evidence, Lap, SessionWindow

SAMPLE = Path("traces/sample-cpu")
H200 = Path("../shared/data/h200/run")


def asked(number: int, inferences: int, data: str, commands: int = 1, warmups: int = 0) -> RecordedWindow:
    """A window of the input ``data``, before which the host sent so many commands."""
    begin = 1_000_000_000 * (number + 1)
    serial = tuple(SerialSpan("serial_read", begin - 1000 * (commands - one), 500) for one in range(commands))
    made = window(number, inferences, warmups, first=1000 * number)
    return replace(made, input_sha256=data, serial=(*serial, SerialSpan("load", begin - 400, 100)))


def kinds(run: StoredRun) -> list[str]:
    return [one.kind for one in run.each_window]


def of(number: int, kind: str = "performance", lap_us: int = 12_000_000, **facts: object) -> RunWindow:
    usual = {"state": "complete", "inferences": 1200, "warmups": 10, "cpu_ns": 0, "recorder_ns": 0, "ordinal": number}
    laps = {"lap_start_us": 5, "lap_end_us": 5 + lap_us, "start_ns": 5000, "end_ns": 5000 + 1000 * lap_us}
    return RunWindow(number=number, kind=kind, **{**usual, **laps, **facts})  # type: ignore[arg-type]


def test_what_a_host_measured_n_by_is_no_part_of_the_accuracy_pass(tmp_path: Path) -> None:
    run = recorded_run(
        tmp_path,
        [
            asked(0, 1, "first", commands=20, warmups=10),
            asked(1, 1, "first", warmups=100),
            asked(2, 1, "first", warmups=100),
            asked(3, 50, "first", warmups=2),
            asked(4, 50, "second", commands=18),
            asked(5, 1, "first", commands=22),
            asked(6, 1, "second", commands=18),
        ],
    )
    assert kinds(run) == ["calibration"] * 3 + ["performance"] * 2 + ["accuracy"] * 2
    assert [one.ordinal for one in run.each_window] == [None, None, None, 1, 2, None, None]
    assert [one.number for one in accuracy_windows(run.each_window)] == [5, 6]


def test_an_input_that_was_loaded_twice_is_two_inputs_of_the_pass(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, [asked(0, 1, "same", commands=18), asked(1, 1, "same", commands=LOAD_COMMANDS)])
    assert kinds(run) == ["accuracy", "accuracy"]


def test_a_few_commands_between_two_windows_load_nothing(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, [asked(0, 1, "same", commands=18), asked(1, 1, "same", commands=LOAD_COMMANDS - 1)])
    assert kinds(run) == ["calibration", "calibration"]


def test_inputs_that_came_over_no_line_were_each_loaded(tmp_path: Path) -> None:
    without = [replace(asked(number, 1, "same"), serial=()) for number in range(3)]
    assert kinds(recorded_run(tmp_path, without)) == ["accuracy"] * 3


def test_a_capture_between_two_windows_hides_no_input(tmp_path: Path) -> None:
    run = recorded_run(
        tmp_path, [asked(0, 9, "same", commands=18), capture_window(1, 9), asked(2, 1, "same"), asked(3, 1, "new")]
    )
    assert kinds(run) == ["performance", "capture", "calibration", "accuracy"]


def test_an_input_that_is_asked_for_again_after_a_cut_window_stays_of_the_pass(tmp_path: Path) -> None:
    cut = replace(asked(1, 1, "second", commands=18), state="aborted", probabilities=None)
    run = recorded_run(tmp_path, [asked(0, 1, "first", commands=18), cut, asked(2, 1, "second", commands=2)])
    assert [one.number for one in accuracy_windows(run.each_window)] == [0, 2]
    assert kinds(run) == ["accuracy"] * 3


def test_before_a_cut_window_the_line_tells_whether_its_input_was_loaded(tmp_path: Path) -> None:
    cut = replace(asked(1, 50, "same", commands=2), state="aborted", probabilities=None)
    measured = recorded_run(tmp_path / "measured", [asked(0, 1, "same", commands=18), cut])
    assert kinds(measured) == ["calibration", "performance"]
    assert performance_windows(measured.each_window) == []


@pytest.mark.parametrize(("folder", "calibration", "accuracy"), [(SAMPLE, 0, 240), (H200, 5, 500)])
def test_runs_that_are_on_disk_have_the_pass_that_their_host_printed(
    folder: Path, calibration: int, accuracy: int
) -> None:
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    run = stored_run(folder)
    found = kinds(run)
    assert (found.count("calibration"), found.count("accuracy"), found.count("performance")) == (
        calibration,
        accuracy,
        5,
    )
    assert [one.ordinal for one in run.each_window if one.ordinal] == [1, 2, 3, 4, 5]


def test_figures_are_of_the_performance_windows_else_of_the_accuracy_pass_else_of_what_there_is() -> None:
    capture, trial = of(0, "capture"), of(1, "calibration")
    accuracy, performance, cut = of(2, "accuracy"), of(3), of(4, state="aborted")
    assert figure_windows([capture, trial, accuracy, performance, cut]) == [performance]
    assert figure_windows([capture, trial, accuracy, cut]) == [accuracy]
    assert figure_windows([capture, trial, cut]) == [trial]
    assert figure_windows([capture, cut]) == []


def test_ten_seconds_by_both_clocks_are_valid_and_a_nanosecond_less_is_not() -> None:
    ten = of(1, lap_us=10_000_000)
    assert ten.valid
    assert replace(ten, end_ns=ten.end_ns - 1).why_not_valid == ("under 10 s of wall time",)
    assert of(1, lap_us=9_999_999, end_ns=10_000_005_000).why_not_valid == ("under 10 s by the laps",)
    assert of(1, "accuracy").why_not_valid == ("of the accuracy pass",)
    sides = [of(1, kind).why_not_valid for kind in ("capture", "uncaptured")]
    assert sides == [("a capture",), ("beside a capture",)]
    assert of(1, "calibration", state="aborted").why_not_valid == ("a calibration", "cut short")


def test_an_official_result_has_five_valid_windows() -> None:
    five = [of(number) for number in range(1, 6)]
    assert why_not_official([*five, of(6, state="aborted"), of(7, "accuracy")]) is None
    assert why_not_official(five[:1]) == "1 window, not 5"
    assert why_not_official([*five, of(6)]) == "6 windows, not 5"
    assert why_not_official([*five[:4], of(5, lap_us=9_000_000)]) == "1 of 5 windows under 10 s"


def test_the_official_rate_is_the_median_of_the_laps() -> None:
    windows = [of(1, lap_us=10_000_000), of(2, lap_us=12_000_000), of(3, lap_us=15_000_000), of(4, "accuracy", 1)]
    assert official_rate_hz(windows) == 100.0
    assert official_rate_hz([of(1, lap_us=0), of(2, lap_end_us=None)]) is None
    assert median_rate_hz([None, 2.0, 4.0]) == 3.0


@given(st.lists(st.floats(1e-3, 1e9), min_size=1))
def test_the_middle_of_values_is_numpy_s_median(values: list[float]) -> None:
    assert middle(values) == float(np.median(values))


@given(st.integers(0, 10**13), st.integers(1, 10**8), st.integers(2, 10**7))
def test_a_window_of_a_session_and_of_its_run_have_one_length_one_rate_and_one_rule(
    start_us: int, lap_us: int, inferences: int
) -> None:
    laps = tuple(Lap(us, None, Evidence("log.txt", 1, "")) for us in (start_us, start_us + lap_us))
    judged = audit_window(SessionWindow(1, inferences=inferences, laps=laps))
    ours = of(1, lap_us=lap_us, lap_start_us=start_us, lap_end_us=start_us + lap_us, inferences=inferences)
    assert ours.lap_ns == judged.elapsed_us * 1000  # type: ignore[operator]
    assert ours.rate_hz == judged.rate_hz
    assert ("under 10 s by the laps" in ours.why_not_valid) is judged.short


def test_each_table_of_a_run_is_read_once(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, [window(0, 5), window(1, 1)])
    assert run.spans() is run.spans()
    assert run.windows() is run.windows()
    assert run.samples() is run.samples()
    assert run.each_window is run.each_window
    assert [one.number for one in performance_windows(run.each_window)] == [0]


def test_a_profiler_pair_is_two_whole_sides_of_one_number() -> None:
    windows = [
        of(1),
        of(2, "capture", ordinal=None, pair=0),
        of(3, "uncaptured", ordinal=None, pair=0),
        of(4, "uncaptured", ordinal=None, pair=1),
        of(5, "capture", ordinal=None, pair=1),
        of(6, "capture", ordinal=None, pair=2),
        of(7, "uncaptured", ordinal=None, pair=2, state="aborted"),
        of(8, "capture", ordinal=None),
    ]
    pairs = profiler_pairs(windows)
    assert [(one.number, one.captured.number, one.uncaptured.number) for one in pairs] == [(0, 2, 3), (1, 5, 4)]


def test_no_side_of_a_profiler_pair_is_in_an_official_figure() -> None:
    sides = [of(2, "capture", ordinal=None, pair=0), of(3, "uncaptured", ordinal=None, pair=0)]
    for windows in ([of(1), *sides], [of(1, "accuracy", ordinal=None), *sides]):
        assert asked_windows(windows) == figure_windows(windows) == windows[:1]
    assert figure_windows(sides) == []
    assert all(one.why_not_valid for one in sides)


def test_a_run_of_schema_version_1_opens_without_pairs_or_loads() -> None:
    run = stored_run(SAMPLE)
    assert run.info.schema_version == 1
    assert profiler_pairs(run.each_window) == []
    assert {one.load_start for one in run.each_window} == {None}
    assert run.info.launch_set is None


def test_a_run_under_a_profiler_keeps_pair_and_load_of_each_window(tmp_path: Path) -> None:
    first, second = (replace(asked(number, 50, "same"), pair=7, load_start=0.5, load_end=1.5) for number in range(2))
    run = recorded_run(tmp_path, [replace(first, kind="capture"), replace(second, kind="uncaptured")])
    [pair] = profiler_pairs(run.each_window)
    assert (pair.number, pair.captured.number, pair.uncaptured.number) == (7, 0, 1)
    assert (pair.captured.load_start, pair.captured.load_end) == (0.5, 1.5)
