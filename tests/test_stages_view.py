"""The Stages page's tables: a map of latency over time, sensors on its time, spread, outliers and their reasons."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.stages_charts import by_window, histogram, map_chart, sensor_chart
from dashboard.stages_view import (
    captured_text,
    composition_frame,
    counted_windows,
    histogram_frame,
    map_frame,
    percentile_marks,
    sensor_frame,
    steadiness_lines,
    window_frame,
    window_starts,
)
from tests import dashboard_runs as runs
from tests.recorded import Sample, samples_table
from tracer.device.device_samples import FREQUENCY_HZ, POWER_MW, TEMPERATURE_MC, THROTTLE_LEVEL
from tracer.palette import BY_MEANING, SESSION_RUN
from tracer.reports.latency_map import joined_time, latency_map, sensor_lines, sensors_missing
from tracer.reports.outliers import Reasons, find_outliers
from tracer.runs.run_store import stored_run
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.runs.windows import RunWindow

VALUES = st.lists(st.integers(0, 10**12), min_size=1, max_size=200).map(lambda one: np.array(one, np.int64))
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.gpu_run(folder, "gpu")
    return folder


def inferences_of(values: np.ndarray, windows: int = 1, stages: tuple[str, ...] = ("a",)) -> TimedInferences:
    """One after another in each window, a second between two windows; ``values`` has a column a stage."""
    values = values.reshape(len(values), len(stages))
    window = np.sort(np.arange(len(values)) % windows)
    wall = values.sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(wall)[:-1]]) + SECOND * window
    return TimedInferences(np.arange(len(values)), window, np.zeros(len(values), np.bool_), starts, stages, values)


@settings(deadline=None)
@given(VALUES, st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_the_map_counts_each_inference_where_a_search_by_hand_puts_it(
    values: np.ndarray, windows: int, columns: int, rows: int
) -> None:
    timed = inferences_of(values, windows)
    time = joined_time(timed)
    found = latency_map(timed, "a", time, columns, rows)
    counted = np.zeros_like(found.count)
    for number, value in enumerate(values):
        window = timed.window[number]
        first = timed.start_ns[timed.window == window][0]
        before = sum(int(values[timed.window == other].sum()) for other in range(window))
        at, long = before + int(timed.start_ns[number] - first), max(int(value), 1)
        column = max((one for one in range(len(found.count)) if found.time_ns[one] <= at), default=0)
        row = max((one for one in range(rows) if found.latency_ns[one] <= long), default=0)
        counted[column, row] += 1
    assert (found.count == counted).all()
    assert time.length_ns == values.sum()
    assert map_frame(found)["count"].sum() == len(values)
    assert window_frame(timed, "a")["inferences"].sum() == len(values)


def test_sensors_stand_on_the_time_of_the_windows_and_what_lies_between_is_left_out() -> None:
    timed = inferences_of(np.full(4, SECOND), 2)  # 0 to 2 s, and 3 to 5 s
    samples = samples_table(
        [
            *(Sample(at * SECOND // 2, "gpu", FREQUENCY_HZ, 918_000_000) for at in range(11)),
            Sample(4 * SECOND, "rail:VDD_IN", POWER_MW, 5_500),
        ],
        "run",
    )
    time = joined_time(timed)
    lines = sensor_lines(samples, time)
    gpu = sensor_frame(lines, "frequency")
    # 2.5 s lies between the windows; 2 s ends the first where 3 s begins the second.
    assert gpu["seconds"].tolist() == [0, 0.5, 1, 1.5, 2, 2, 2.5, 3, 3.5, 4]
    assert set(gpu["value"]) == {918}
    power = sensor_frame(lines, "power")
    assert (power["source"][0], power["seconds"][0], power["value"][0]) == ("VDD_IN", 3, 5.5)
    assert (
        sensors_missing(lines, samples)
        == "Not recorded: temperature: this machine has no sensor of it that could be read."
    )
    assert "frequency, temperature, power: nothing was sampled" in str(sensors_missing([], samples.slice(0, 0)))
    few = sensor_lines(samples, time, points=3)
    assert len(few[0].time_ns) == 3


def test_of_many_sensors_the_four_highest_are_drawn_and_of_many_readings_two_a_column() -> None:
    time = joined_time(inferences_of(np.full(640, SECOND)))
    thermal = [Sample(at, f"thermal:{name}", TEMPERATURE_MC, 1_000 * at) for at, name in enumerate("abcdef", 30)]
    readings = [Sample(at * SECOND, "gpu", FREQUENCY_HZ, at * 1_000_000) for at in range(640)]
    gpu, *hottest = sensor_lines(samples_table([*thermal, *readings], "run"), time)
    assert [(one.source, one.value.tolist()) for one in hottest] == [
        ("f", [35]),
        ("e", [34]),
        ("d", [33]),
        ("c", [32]),
    ]
    assert gpu.value.tolist() == [at + 0.5 for at in range(0, 640, 2)]
    assert gpu.time_ns.tolist() == [at * SECOND + SECOND // 2 for at in range(0, 640, 2)]


def test_an_outlier_says_which_stage_grew_and_what_the_device_did() -> None:
    values = np.tile([100_000, 400_000], (40, 1))
    values[20] = (120_000, 2_380_000)
    timed = inferences_of(values, 1, ("host_to_device", "session_run"))
    length = int(timed.wall_ns.sum())
    window = RunWindow(0, "performance", "complete", 40, 0, None, None, 0, length, length // 2, 0, ordinal=1)
    samples = samples_table([Sample(length // 2, "throttle:oc1", THROTTLE_LEVEL, 2)], "run")
    (row,) = find_outliers(timed.wall_ns).rows
    told = Reasons(timed, samples, {0: window}, on_cpu=True).of(int(row))
    assert told.split("; ") == [
        "session_run +1.98 ms (99 % of the excess)",
        "throttled: throttle:oc1",
        "CPU lost: the DUT had 50.0 % of one in this window",
    ]
    assert "CPU" not in Reasons(timed, samples, {0: window}, on_cpu=False).of(int(row))
    assert Reasons(timed, samples, {}, on_cpu=True).of(0) == "the first of its window; throttled: throttle:oc1"


def test_an_outlier_is_found_among_eight_and_none_among_fewer() -> None:
    values = np.array([1_000] * 7 + [5_000])
    found = find_outliers(values)
    # The quartiles are one: the fence is three times one percent above them.
    assert (found.rows.tolist(), found.fence_ns, found.share_of_time) == (
        [7],
        pytest.approx(1_030.45, abs=0.01),
        5 / 12,
    )
    fewer = find_outliers(values[1:])
    assert (fewer.rows.tolist(), fewer.fence_ns, fewer.share_of_time) == ([], float("inf"), 0)


def test_a_stage_that_grew_by_a_nanosecond_is_named() -> None:
    timed = inferences_of(np.array([[10, 20]] * 8 + [[10, 21]]), 1, ("copy", "run"))
    assert Reasons(timed, samples_table([], "run"), {}, on_cpu=False).of(8) == "run +1 ns (100 % of the excess)"
    assert Reasons(timed, samples_table([], "run"), {}, on_cpu=False).of(7) == "nothing recorded tells why"


def test_an_outlier_says_whether_it_was_captured_and_which_nearest_was() -> None:
    captured = np.array([100, 101, 300])
    assert [captured_text(number, captured) for number in (101, 199, 260)] == [
        "yes",
        "no; nearest 101",
        "no; nearest 300",
    ]
    assert captured_text(1, captured[:0]) == "no capture"


def test_a_baseline_over_the_histogram_is_scaled_to_as_many() -> None:
    mine, other = np.full(50, 1_000), np.full(10, 8_000)
    frame = histogram_frame(mine, other)
    assert (frame["count"].sum(), frame["beside"].sum()) == (50, pytest.approx(50))
    assert (frame["count"].to_numpy().argmax(), frame["beside"].to_numpy().argmax()) == (0, 59)
    assert percentile_marks(np.arange(1, 102) * 1000)[0] == ("p50 51.00 us", 51.0)


@settings(deadline=None)
@given(VALUES)
def test_every_value_is_in_one_bar_of_the_histogram(values: np.ndarray) -> None:
    frame = histogram_frame(values)
    assert frame["count"].sum() == len(values)
    assert (frame["low_us"] < frame["high_us"]).all()


@settings(deadline=None)
@given(VALUES)
def test_outliers_are_the_longest_and_beyond_the_fence(values: np.ndarray) -> None:
    found = find_outliers(values)
    rest = np.delete(values, found.rows)
    assert all(values[row] > found.fence_ns for row in found.rows)
    assert not len(found.rows) or rest.max(initial=0) <= values[found.rows].min()


def test_drift_and_stutter_are_told(traces: Path) -> None:
    timed = timed_inferences(stored_run("gpu", traces))
    report = {"device": {"note": "frequencies not recorded", "windows": []}, "windows": []}
    steady = steadiness_lines(timed, "inference", report)
    assert "no more than" in steady[0]
    assert steady[1].startswith("Stutter: 8 of 200")
    drifting = timed.duration_ns * np.linspace(1, 1.5, len(timed))[:, None]
    drifted = TimedInferences(
        timed.number, timed.window, timed.warmup, timed.start_ns, timed.stages, drifting.astype(np.int64)
    )
    assert ", more than" in steadiness_lines(drifted, "inference", report)[0]


def test_a_window_that_throttled_is_named_as_the_report_counts_it(traces: Path) -> None:
    timed = timed_inferences(stored_run("gpu", traces))
    marked = {"window": 4, "throttled": ["throttle:oc3"], "changed": []}
    report = {
        "device": {"note": None, "windows": [marked]},
        "windows": [{"window": 4, "ordinal": 2, "kind": "performance"}],
    }
    told = steadiness_lines(timed, "inference", report)[-1]
    assert told == "Throttling or changed frequencies: in window 2 (throttle:oc3)."


def test_the_performance_windows_of_a_profiled_run_are_counted_from_1(traces: Path) -> None:
    run = stored_run("gpu", traces)
    apart = [replace(one, number=10 * one.number) for one in run.each_window]
    timed = timed_inferences(run)
    moved = replace(timed, window=10 * timed.window)
    assert set(counted_windows(moved, apart).window.tolist()) == {1, 2, 3, 4, 5}
    alone = [replace(one, ordinal=None) for one in run.each_window]
    assert (counted_windows(timed, alone).window == timed.window).all()


def test_warm_ups_come_only_where_asked_for_and_captured_inferences_never(traces: Path) -> None:
    run = stored_run("gpu", traces)
    assert len(timed_inferences(run)) == 200
    every = timed_inferences(run, warmups=True)
    assert (len(every), int(every.warmup.sum())) == (215, 15)
    assert (np.diff(every.start_ns) > 0).all()
    assert set(every.window.tolist()) == {0, 1, 2, 3, 4}


def test_the_charts_have_few_marks_and_one_time(traces: Path) -> None:
    timed = timed_inferences(stored_run("gpu", traces))
    time = joined_time(timed)
    samples = samples_table([Sample(int(timed.start_ns[3]), "gpu", FREQUENCY_HZ, 1)], "run")
    length = time.length_ns / 1e9
    cells = map_frame(latency_map(timed, "inference", time))
    course = map_chart(cells, length, window_starts(time), (0.1, 0.2))
    sensors = sensor_chart(sensor_frame(sensor_lines(samples, time), "frequency"), "frequency", length)
    assert course["encoding"]["x"]["scale"] == sensors["encoding"]["x"]["scale"]
    assert course["encoding"]["y"]["axis"]["minExtent"] == sensors["encoding"]["y"]["axis"]["minExtent"]
    assert len(cells) <= len(timed)
    told = course["datasets"]["cells"]
    assert told["inferences"].tolist() == cells["count"].tolist()
    assert told["from (us)"].tolist() == pytest.approx(cells["low_us"].tolist(), abs=0.001)


def test_every_bar_and_step_of_the_histogram_is_drawn_where_it_counts(traces: Path) -> None:
    timed = timed_inferences(stored_run("gpu", traces))
    frame = histogram_frame(timed.wall_ns, timed.wall_ns)
    drawn = histogram(frame, SESSION_RUN, [("p50", float(np.median(timed.wall_ns)) / 1e3)], "other")
    bars, steps = (re.findall(rf"<i style=\"([^\"]*{what})", drawn) for what in (SESSION_RUN, BY_MEANING["baseline"]))
    assert len(bars) == np.count_nonzero(frame["count"])
    assert len(steps) == len(frame) + 1
    lengths = [float(one) for one in re.findall(r"width:([\d.]+)%;bottom:0%;", "".join(bars))]
    assert lengths == pytest.approx([100 / len(frame)] * len(bars), abs=0.01)
    # A run beside itself: the line is at its highest where the highest bar ends.
    assert max(map(_top, bars)) == pytest.approx(max(map(_top, steps)), abs=0.1)
    windows = by_window(composition_frame(timed))
    assert windows.count("kp-name") == len(np.unique(timed.window))
    assert windows.count("background:#") == len(timed.stages) * (len(np.unique(timed.window)) + 1)


def _top(style: str) -> float:
    low, tall = re.search(r"bottom:([\d.e-]+)%;height:([\d.e-]+)%", style).groups()
    return float(low) + float(tall)
