"""What is drawn, summed, joined and found of a timeline, against counting row by row and nanosecond by nanosecond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard_runs import KERNELS, gpu_run, three_kinds, with_info
from tests.recorded import Sample, samples_table
from tracer.arrow_arrays import NO_ROW
from tracer.captures.clock_fit import LineClock
from tracer.captures.sensor_lines import SensorLine, sensor_lines
from tracer.captures.stored_capture import read_captures
from tracer.captures.timeline import Launches, Timeline, read_timeline
from tracer.captures.tracks import Rows, nested_tracks
from tracer.reports.timeline.arrows import arrows_of
from tracer.reports.timeline.lanes import NAMES_APART, categories_of, category, lanes_of, lines_of
from tracer.reports.timeline.levels import RARE, WIDE_BINS, marks_between, sentence
from tracer.reports.timeline.selection import Hits, slice_facts, sums_by_name
from tracer.runs.run_store import stored_run

NONE = Launches(*np.empty((4, 0), np.int64))
RowsOfATrack = list[tuple[int, int, int]]
rows_of_any_track = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 60), st.integers(0, NAMES_APART + 5)), min_size=1, max_size=120
)
any_window = st.tuples(st.integers(0, 950), st.integers(1, 1000))


def timeline_of(*tracks: RowsOfATrack) -> Timeline:
    made = []
    for number, rows in enumerate(tracks):
        start, length, code = (np.array([row[place] for row in rows], np.int64) for place in range(3))
        columns = Rows(start, start + length, code, np.zeros(len(rows), np.int16), np.full(len(rows), NO_ROW))
        names = [f"name {place}" for place in range(NAMES_APART + 6)]
        made += nested_tracks("call", f"thread {number}", names, columns)
    end = max(int(track.rows.end_ns.max()) for track in made)
    return Timeline(tuple(made), NONE, end, (), "")


def test_names_of_the_longest_totals_are_told_apart_and_each_has_its_colour() -> None:
    # The name of place n takes n + 1 nanoseconds: the six shortest are the rare ones.
    (lane,) = lanes_of(timeline_of([(100 * code, code + 1, code) for code in range(NAMES_APART + 6)]))
    assert lane.apart.tolist() == list(range(6, NAMES_APART + 6))
    assert lane.group.tolist() == [NAMES_APART] * 6 + list(range(NAMES_APART))
    # Of seven kernels six have a colour of their own: all but the one that takes least.
    start, code = np.arange(0, 700, 100), np.arange(7)
    columns = Rows(start, start + 10 + code, code, np.zeros(7, np.int16), np.full(7, NO_ROW))
    track = nested_tracks("gpu", "GPU 0", [f"kernel_{place}" for place in range(7)], columns)
    (kernels,) = lanes_of(Timeline(tuple(track), NONE, 700, (), ""))
    assert kernels.categories == ("other kernels", *(f"kernel_{place}" for place in range(1, 7)))
    told = [
        category("call", "cudaLaunchKernel_v7000"),
        category("operation", "MatMul"),
        category("gpu", "[CUDA memcpy HtoD]"),
        category("gpu", "void gemm<float>(int)"),
        category("gpu", "gemm", set()),
        category("stage", "readback"),
        category("serial", "infer"),
        category("serial", "inference"),
    ]
    assert told == [
        "call: launch",
        "operation",
        "copy or memset",
        "gemm",
        "other kernels",
        "readback",
        "line: infer",
        "inference",
    ]


def lies_in(begin: int, finish: int, start: int, end: int) -> bool:
    return begin < end and (finish > start or begin >= start)


@settings(max_examples=40, deadline=None)
@given(first=rows_of_any_track, second=rows_of_any_track, window=any_window, most=st.integers(1, 300))
def test_every_row_of_a_window_is_in_exactly_one_mark_whatever_is_merged(
    first: RowsOfATrack, second: RowsOfATrack, window: tuple[int, int], most: int
) -> None:
    timeline = timeline_of(first, second)
    start, end = window[0], window[0] + window[1]
    lanes = lanes_of(timeline)
    marks, merged = marks_between(lanes, start, end, 50, most)
    for place, lane in enumerate(lanes):
        inside = [
            lies_in(begin, finish, start, end)
            for begin, finish in zip(lane.start_ns.tolist(), lane.end_ns.tolist(), strict=True)
        ]
        assert int(marks.count[marks.lane == place].sum()) == sum(inside)
        alone = marks.row[(marks.lane == place) & (marks.row != NO_ROW)]
        assert len(set(alone.tolist())) == len(alone)
        if place not in merged:
            assert alone.tolist() == np.flatnonzero(inside).tolist()


@settings(max_examples=40, deadline=None)
@given(rows=rows_of_any_track, window=any_window)
def test_a_bin_is_as_busy_as_its_nanoseconds_and_named_by_what_begins_in_it_and_covers_most(
    rows: RowsOfATrack, window: tuple[int, int]
) -> None:
    start, end = window[0], window[0] + window[1]
    assert RARE < 0, "no name has that code"
    for lane in lanes_of(timeline_of(rows)):
        marks, merged = marks_between([lane], start, end, 7)
        if not merged:
            continue
        own = list(zip(lane.start_ns.tolist(), lane.end_ns.tolist(), lane.code.tolist(), strict=True))
        short = [row for row in own if row[1] - row[0] < WIDE_BINS * (end - start) / 7]
        painted = np.full(2100, -1)
        for begin, finish, code in short:
            painted[begin:finish] = code
        for at in np.flatnonzero(marks.row == NO_ROW).tolist():
            low, high = int(marks.start_ns[at]), int(marks.end_ns[at])
            assert marks.busy[at] == pytest.approx((painted[low:high] >= 0).mean())
            spent: dict[int, int] = {}
            for begin, finish, code in short:
                if low <= begin < high or (low == start and begin < start < finish):
                    spent[code] = spent.get(code, 0) + finish - begin
            if spent and marks.code[at] != RARE:
                assert spent[int(marks.code[at])] == max(spent.values())


def test_a_long_row_among_many_short_ones_keeps_its_name_and_a_lane_with_few_is_drawn_whole() -> None:
    many = [(place * 3, 2, place % 4) for place in range(9000)]
    many[4000] = (12_000, 2, 1)
    long = [row for row in many if not 12_000 <= row[0] < 15_000] + [(12_000, 3_000, 5)]
    lanes = lanes_of(timeline_of([(5, 90, 1), (200, 7, 2)], long))
    marks, merged = marks_between(lanes, 0, 27_000, 1200)
    assert merged == (1,)
    alone = np.flatnonzero((marks.lane == 1) & (marks.row != NO_ROW))
    assert [(int(marks.start_ns[at]), int(marks.code[at])) for at in alone] == [(12_000, 5)]
    assert marks.count[marks.lane == 0].tolist() == [1, 1]
    said = sentence(lanes, merged, 0, 27_000)
    assert said.startswith("8,003 spans, calls and pieces of GPU work in this range")
    assert "The short ones of thread 1 are merged" in said
    assert sentence(lanes, (), 0, 100).endswith("in this range, each drawn (100 ns from 0 ns).")
    assert sentence(lanes, (), 40_000, 40_100) == ("Nothing happened in this range (100 ns from 40.00 us).")


@settings(max_examples=40, deadline=None)
@given(first=rows_of_any_track, second=rows_of_any_track, window=any_window)
def test_sums_by_name_are_those_of_the_rows_one_by_one(
    first: RowsOfATrack, second: RowsOfATrack, window: tuple[int, int]
) -> None:
    lanes = lanes_of(timeline_of(first, second))
    start, end = window[0], window[0] + window[1]
    expected: dict[tuple[str, str], list[int]] = {}
    for lane in lanes:
        for begin, finish, code in zip(lane.start_ns.tolist(), lane.end_ns.tolist(), lane.code.tolist(), strict=True):
            if lies_in(begin, finish, start, end):
                total = expected.setdefault((lane.names[code], lane.label), [0, 0])
                total[0] += 1
                total[1] += min(finish, end) - max(begin, start)
    sums = sums_by_name(lanes, start, end)
    assert {(one.name, one.lane): [one.count, one.total_ns] for one in sums} == expected
    assert [one.total_ns for one in sums] == sorted((one.total_ns for one in sums), reverse=True)


@settings(max_examples=40, deadline=None)
@given(first=rows_of_any_track, second=rows_of_any_track, text=st.sampled_from(["NAME 1", "7", "name", "none"]))
def test_a_search_leads_through_every_hit_once_and_back(first: RowsOfATrack, second: RowsOfATrack, text: str) -> None:
    lanes = lanes_of(timeline_of(first, second))
    expected = sorted(
        (int(lane.start_ns[row]), place, row)
        for place, lane in enumerate(lanes)
        for row in range(len(lane))
        if text.casefold() in lane.names[lane.code[row]]
    )
    hits = Hits(lanes, text)
    assert len(hits) == len(expected)
    for backwards, order in ((False, expected), (True, expected[::-1])):
        at = (-1, 0, -1) if not backwards else (10**6, 0, 0)
        for wanted in order:
            hit = hits.beside(*at, backwards=backwards)
            assert hit is not None
            at = (int(lanes[hit.lane].start_ns[hit.row]), hit.lane, hit.row)
            assert at == wanted
            assert expected[hit.place - 1] == at
            assert hits.place(hit.lane, hit.row) == hit.place
    assert bool(expected) == (hits.beside(5, 0, 0) is not None)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(0, 50), min_size=1, max_size=200),
    window=st.tuples(st.integers(0, 900), st.integers(1, 900)),
    bins=st.integers(1, 8),
)
def test_a_thinned_sensor_covers_the_same_heights_in_each_bin(
    values: list[int], window: tuple[int, int], bins: int
) -> None:
    line = SensorLine("gpu, frequency", "frequency_hz", np.arange(len(values)) * 7, np.array(values))
    start, end = window[0], window[0] + window[1]
    thin = line.thinned(start, end, bins)
    assert len(thin.at_ns) <= 4 * bins + 1
    kept = dict(zip(thin.at_ns.tolist(), thin.values.tolist(), strict=True))
    for one in range(bins):
        inside = [
            at for at in line.at_ns.tolist() if start <= at < end and (at - start) * bins // (end - start) == one
        ]
        shown = [kept[at] for at in inside if at in kept]
        heights = [values[at // 7] for at in inside]
        assert (min(heights, default=0), max(heights, default=0)) == (min(shown, default=0), max(shown, default=0))


def test_samples_become_lines_with_their_units_on_the_timelines_clock() -> None:
    samples = [
        *(Sample(1000 + step, "gpu", "frequency_hz", 114_750_000 + step) for step in (0, 250)),
        Sample(1000, "thermal:GPU-therm", "temperature_mc", 46_500),
        Sample(1000, "rail:VDD_IN", "power_mw", 5_120),
        Sample(1000, "throttle:gpu", "throttle_count", 3),
    ]
    lines = sensor_lines(samples_table(samples, "run"), LineClock())
    assert [line.label for line in lines] == ["gpu, frequency", "GPU-therm, temperature", "VDD_IN, power"]
    assert lines[0].shifted(-1000).at_ns.tolist() == [0, 250]
    assert [line.text(int(line.values[0])) for line in lines] == ["114.8 MHz", "46.5 °C", "5.12 W"]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_kinds(tmp_path_factory.mktemp("traces"))


@pytest.fixture(scope="module")
def timeline(traces: Path) -> Timeline:
    return read_timeline(stored_run("gpu", traces))


def test_what_no_real_file_has_tested_is_said_of_a_stored_capture_too(tmp_path: Path) -> None:
    folder = gpu_run(tmp_path, "gpu")
    assert not read_captures(stored_run(folder)).experimental
    (capture,) = stored_run(folder).info.captures
    with_info(folder, captures=[{**capture, "experimental": True}])
    assert read_captures(stored_run(folder)).experimental


def test_lines_are_stages_then_calls_by_thread_then_kernels_by_stream(timeline: Timeline) -> None:
    lanes = lanes_of(timeline)
    assert list(lines_of(lanes)) == [
        *("inferences", "stages", "CUDA calls, thread 100", "CUDA calls, thread 101"),
        *("GPU 0, stream 7", "GPU 0, stream 14", "serial line"),
    ]
    assert len(categories_of(lanes)) == len(set(categories_of(lanes)))


def test_each_launch_is_an_arrow_from_its_call_to_its_work_in_every_range_that_it_touches(timeline: Timeline) -> None:
    lanes = lanes_of(timeline)
    arrows = arrows_of(timeline, lanes)
    assert len(arrows) == len(timeline.launches)
    number = timeline.nearest_captured(-1)
    assert number is not None
    start, end = timeline.inference_span(number, number) or (0, 0)
    found = arrows.between(start, end)
    assert len(found) == KERNELS + 2
    touching = (np.minimum(arrows.call_ns, arrows.work_ns) < end) & (
        np.maximum(arrows.call_ns, arrows.work_ns) >= start
    )
    assert found.tolist() == np.flatnonzero(touching).tolist()
    for at in found.tolist():
        call, work = lanes[arrows.call_lane[at]], lanes[arrows.work_lane[at]]
        assert (call.kind, work.kind) == ("call", "gpu")
        assert int(call.start_ns[arrows.call_row[at]]) == int(arrows.call_ns[at]) < int(arrows.work_ns[at])
        assert arrows.of_work(int(arrows.work_lane[at]), int(arrows.work_row[at])).tolist() == [at]


def test_a_kernel_is_told_with_its_stage_its_start_in_the_inference_and_the_call_that_launched_it(
    timeline: Timeline,
) -> None:
    lanes = lanes_of(timeline)
    arrows = arrows_of(timeline, lanes)
    number = timeline.nearest_captured(-1)
    start, end = timeline.inference_span(number or 0, number or 0) or (0, 0)
    at = next(
        one for one in arrows.between(start, end).tolist() if lanes[arrows.call_lane[one]].label.endswith("101")
    )
    lane, row = int(arrows.work_lane[at]), int(arrows.work_row[at])
    facts = dict(slice_facts(timeline, lanes, arrows, lane, row))
    assert facts["launched in stage"] == "session_run"
    assert facts["inference"] == str(number)
    since = int(lanes[lane].start_ns[row]) - start
    assert facts["starts"].endswith(f"({since:,} ns) after inference {number} began")
    assert facts["launched by"] == "cudaLaunchKernel (CUDA calls, thread 101)"
    assert facts["launch to start"] == "9.00 us (9,000 ns)"
    calls = dict(slice_facts(timeline, lanes, arrows, int(arrows.call_lane[at]), int(arrows.call_row[at])))
    assert calls["launched"] == f"{facts['name']} (GPU 0, stream 7), 9.00 us (9,000 ns) later"
    copies = [dict(slice_facts(timeline, lanes, arrows, lane, one)) for one in range(2)]
    assert copies[0]["size"] == "1,960 bytes"


def test_the_slowest_inference_is_the_longest_that_is_no_warmup_and_the_nearest_captured_is_by_number(
    timeline: Timeline, traces: Path
) -> None:
    spans = stored_run("gpu", traces).spans().to_pylist()
    lengths: dict[int, int] = {}
    for one in spans:
        if one["inference"] is not None and not one["warmup"]:
            lengths[one["inference"]] = lengths.get(one["inference"], 0) + one["duration_ns"]
    slowest, length = timeline.slowest() or (-1, 0)
    assert lengths[slowest] == max(lengths.values())
    assert length == pytest.approx(max(lengths.values()), abs=2)
    first = timeline.nearest_captured(-1)
    assert first is not None
    assert timeline.nearest_captured(0) == first == max(lengths) - 19
    assert timeline.nearest_captured(first + 3) == first + 3
    assert read_timeline(stored_run("plain", traces)).nearest_captured(0) is None


def test_runs_without_a_gpu_have_the_lanes_that_they_recorded(traces: Path) -> None:
    for name, expected in (("plain", ["inferences", "stages", "serial line"]), ("ops", ["operations, thread 101"])):
        labels = [lane.label for lane in lanes_of(read_timeline(stored_run(name, traces)))]
        assert set(expected) <= set(labels)
