"""What a window of a timeline shows: every row once, merged or not, and nothing that is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.timeline_charts import colours, detail_chart, overview_chart
from dashboard.timeline_lanes import NAMES_APART, Lane, categories_of, lanes_of
from dashboard.timeline_view import MARKS, draw, overview, shown_inferences
from tests.dashboard_runs import KERNELS, three_kinds
from tracer.captures.timeline import Launches, Timeline, read_timeline
from tracer.captures.tracks import Rows, nested_tracks
from tracer.runs.run_store import stored_run

NONE = Launches(*np.empty((4, 0), np.int64))
rows_of_any_track = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 60), st.integers(0, NAMES_APART + 5)), min_size=1, max_size=120
)


def timeline_of(*tracks: list[tuple[int, int, int]]) -> Timeline:
    made = []
    for number, rows in enumerate(tracks):
        start, length, code = (np.array([row[place] for row in rows], np.int64) for place in range(3))
        columns = Rows(start, start + length, code, np.zeros(len(rows), np.int16), np.full(len(rows), -1))
        names = [f"name {place}" for place in range(NAMES_APART + 6)]
        made += nested_tracks("call", f"thread {number}", names, columns)
    end = max(int(track.rows.end_ns.max()) for track in made)
    return Timeline(tuple(made), NONE, end, (), "")


def in_window(timeline: Timeline, start: int, end: int) -> int:
    """Counted row by row."""
    return sum(
        int(begin) < end and (int(finish) > start or int(begin) >= start)
        for track in timeline.tracks
        for begin, finish in zip(track.rows.start_ns, track.rows.end_ns, strict=True)
    )


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    first=rows_of_any_track,
    second=rows_of_any_track,
    window=st.tuples(st.integers(0, 950), st.integers(1, 1000)),
    marks=st.integers(1, 300),
)
def test_every_row_of_a_window_is_in_exactly_one_mark_whatever_is_merged(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], window: tuple[int, int], marks: int
) -> None:
    timeline = timeline_of(first, second)
    start, end = window[0], window[0] + window[1]
    drawing = draw(timeline, lanes_of(timeline), start, end, width_px=50, marks=marks)
    assert int(drawing.marks["count"].sum()) == in_window(timeline, start, end)
    assert (drawing.marks.loc[~drawing.marks["merged"], "count"] == 1).all()
    assert set(drawing.marks["lane"]) == set(drawing.lanes)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(rows=rows_of_any_track, window=st.tuples(st.integers(0, 950), st.integers(1, 1000)))
def test_a_bin_is_as_busy_as_counting_each_nanosecond_says_and_named_by_what_covers_most(
    rows: list[tuple[int, int, int]], window: tuple[int, int]
) -> None:
    timeline = timeline_of(rows)
    start, end = window[0], window[0] + window[1]
    for lane in lanes_of(timeline):
        painted = np.full(2100, -1)
        for begin, finish, code in zip(lane.start_ns, lane.end_ns, lane.code, strict=True):
            painted[begin:finish] = code
        marks = draw(timeline, [lane], start, end, width_px=7, marks=1).marks
        for mark in marks[marks["merged"]].to_dict("records"):
            cells = painted[round(mark["start_ms"] * 1e6) : round(mark["end_ms"] * 1e6)]
            assert mark["busy"] == pytest.approx((cells >= 0).mean())
            covered = np.bincount(cells[cells >= 0], minlength=1)
            if "rare" not in mark["name"] and covered.sum():
                assert covered[lane.names.index(mark["name"].removeprefix("mostly "))] == covered.max()


def test_a_lane_with_few_rows_is_drawn_whole_beside_one_that_is_merged() -> None:
    many = [(place * 3, 2, place % 4) for place in range(9000)]
    timeline = timeline_of([(5, 90, 1), (200, 7, 2)], many)
    drawing = draw(timeline, lanes_of(timeline), 0, 27_000)
    few = drawing.marks[drawing.marks["lane"] == "thread 0"]
    assert few["merged"].tolist() == [False, False]
    assert few["lasts"].tolist() == ["90 ns", "7 ns"]
    merged = drawing.marks[drawing.marks["lane"] == "thread 1"]
    assert merged["merged"].all()
    assert merged["count"].sum() == 9000
    assert len(drawing.marks) <= MARKS
    assert "9,000 of them are merged into 1,200 bins" in drawing.sentences[0]
    assert "thread 1" in drawing.sentences[0]


def test_a_window_in_which_nothing_happened_says_so() -> None:
    timeline = timeline_of([(5, 90, 1)])
    drawing = draw(timeline, lanes_of(timeline), 500, 600)
    assert not len(drawing.marks)
    assert drawing.sentences == ("Nothing happened in this range (100 ns from 500 ns).",)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_kinds(tmp_path_factory.mktemp("traces"))


@pytest.fixture(scope="module")
def timeline(traces: Path) -> Timeline:
    return read_timeline(stored_run("gpu", traces))


@pytest.fixture(scope="module")
def lanes(timeline: Timeline) -> list[Lane]:
    return lanes_of(timeline)


def test_one_inference_shows_its_stages_its_calls_by_thread_and_its_kernels_by_stream(
    timeline: Timeline, lanes: list[Lane]
) -> None:
    number = timeline.first_captured()
    assert number is not None
    span = timeline.inference_span(number, number)
    assert span is not None
    drawing = draw(timeline, lanes, *span)
    assert drawing.lanes == (
        "inferences",
        "stages",
        "CUDA calls, thread 100",
        "CUDA calls, thread 101",
        "GPU 0, stream 7",
        "GPU 0, stream 14",
    )
    kernels = drawing.marks[drawing.marks["lane"] == "GPU 0, stream 7"]
    assert len(kernels) == KERNELS + 1
    assert set(kernels["inference"]) == {str(number)}
    assert "launched in session_run" in set(kernels["detail"])
    assert "1,960 bytes, launched in host_to_device" in set(kernels["detail"])
    assert shown_inferences(lanes, timeline, *span) == (number, number)


def test_each_launch_is_joined_to_its_kernel_by_two_points(timeline: Timeline, lanes: list[Lane]) -> None:
    number = timeline.first_captured()
    assert number is not None
    span = timeline.inference_span(number, number)
    assert span is not None
    lines = draw(timeline, lanes, *span).lines
    assert len(lines) == 2 * (KERNELS + 2)
    for _, pair in lines.groupby("launch"):
        call, work = pair.to_dict("records")
        assert call["lane"].startswith("CUDA")
        assert work["lane"].startswith("GPU")
        assert work["ms"] > call["ms"]
        assert call["delay"] == f"{round((work['ms'] - call['ms']) * 1e6):,} ns"


def test_lines_are_left_out_where_they_would_join_bins_and_that_is_said(
    timeline: Timeline, lanes: list[Lane]
) -> None:
    drawing = draw(timeline, lanes, 0, timeline.end_ns, marks=60)
    assert not len(drawing.lines)
    assert "here are 230" in drawing.sentences[1]


def test_the_overview_counts_every_row_that_lies_in_no_other(timeline: Timeline, lanes: list[Lane]) -> None:
    frame = overview(lanes, timeline.end_ns)
    outermost = sum(int((track.rows.depth == 0).sum()) for track in timeline.tracks)
    assert int(frame["count"].sum()) == outermost


def test_a_colour_stays_with_its_category_whatever_the_window_shows(timeline: Timeline, lanes: list[Lane]) -> None:
    categories = categories_of(lanes)
    assert len(categories) == len(set(categories))
    domains = []
    for start, end in ((0, timeline.end_ns), (0, 1000)):
        chart = detail_chart(draw(timeline, lanes, start, end), categories, start, end)
        domains.append(chart["layer"][0]["encoding"]["color"]["scale"])
    assert domains[0] == domains[1] == colours(categories)
    whole = overview_chart(overview(lanes, timeline.end_ns), ["inferences"], categories, timeline.end_ns)
    assert whole["encoding"]["color"]["scale"] == domains[0]


def test_the_charts_are_vega_lite(timeline: Timeline, lanes: list[Lane]) -> None:
    altair = pytest.importorskip("altair")
    number = timeline.first_captured()
    assert number is not None
    span = timeline.inference_span(number, number)
    assert span is not None
    detail = detail_chart(draw(timeline, lanes, *span), categories_of(lanes), *span)
    assert len(detail["layer"]) == 2
    whole = overview_chart(overview(lanes, timeline.end_ns), ["inferences"], categories_of(lanes), 9, span)
    for spec in (detail, whole):
        rows = {name: frame.to_dict("records") for name, frame in spec["datasets"].items()}
        altair.Chart.from_dict({**spec, "datasets": rows}, validate=True)


def test_names_are_data_of_a_chart_and_never_part_of_its_text(timeline: Timeline, lanes: list[Lane]) -> None:
    number = timeline.first_captured()
    assert number is not None
    span = timeline.inference_span(number, number)
    assert span is not None
    drawing = draw(timeline, lanes, *span)
    assert any("<img" in name for name in drawing.marks["name"])
    chart = detail_chart(drawing, categories_of(lanes), *span)
    tooltips = chart["layer"][0]["encoding"]["tooltip"]
    assert [one["field"] for one in tooltips] == ["name", "lane", "starts", "lasts", "inference", "detail"]


def test_runs_without_a_gpu_have_the_lanes_that_they_recorded(traces: Path) -> None:
    for name, expected in (("plain", ["inferences", "stages", "serial line"]), ("ops", ["operations, thread 101"])):
        labels = [lane.label for lane in lanes_of(read_timeline(stored_run(name, traces)))]
        assert set(expected) <= set(labels)
