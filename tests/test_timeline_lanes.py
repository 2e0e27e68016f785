"""Words and bins of a timeline's lanes, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import Launches, Timeline
from tracer.captures.tracks import Rows, nested_tracks
from tracer.reports.timeline.lanes import Lane, lanes_of, shown_name
from tracer.reports.timeline.levels import marks_between, sentence


def lane_of(kind: str, label: str, names: list[str], rows: list[tuple[int, int, int]]) -> Lane:
    """One lane; ``rows`` are (start, end, code)."""
    start, end, code = np.array(rows, np.int64).T
    columns = Rows(start, end, code, np.zeros(len(rows), np.int16), np.full(len(rows), NO_ROW))
    none = Launches(*np.empty((4, 0), np.int64))
    (lane,) = lanes_of(Timeline(tuple(nested_tracks(kind, label, names, columns)), none, int(end.max()), (), ""))
    return lane


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("gpu", "void cudnn::detail::convolve<float, 128>(int, int)", "convolve"),
        ("gpu", "[CUDA memcpy Host-to-Device]", "[CUDA memcpy Host-to-Device]"),
        ("operation", "model/conv2d/BiasAdd", "BiasAdd"),
        ("call", "std::chrono::now", "std::chrono::now"),
        ("stage", "readback", "readback"),
    ],
)
def test_a_kernel_and_an_operation_bear_their_last_segment_and_all_else_its_whole_name(
    kind: str, name: str, shown: str
) -> None:
    assert shown_name(lane_of(kind, "one", [name], [(0, 5, 0)]), 0) == shown


@pytest.mark.parametrize(
    ("lanes", "named"),
    [
        (1, "thread 0"),
        (4, "thread 0, thread 1, thread 2, thread 3"),
        (5, "thread 0, thread 1, thread 2, thread 3 and 1 lane more"),
        (6, "thread 0, thread 1, thread 2, thread 3 and 2 lanes more"),
    ],
)
def test_the_sentence_names_four_merged_lanes_and_counts_the_others(lanes: int, named: str) -> None:
    every = [lane_of("call", f"thread {place}", ["a"], [(0, 10, 0), (20, 30, 0)]) for place in range(lanes)]
    assert sentence(every, range(lanes), 0, 40) == (
        f"{2 * lanes} spans, calls and pieces of GPU work in this range (40 ns from 0 ns). "
        f"The short ones of {named} are merged: a bin is as opaque as it is busy, "
        "and has the colour of what covers most of it. Zoom in to see each."
    )


def test_a_bin_into_which_only_the_first_row_reaches_has_its_name() -> None:
    # Four bins of 10 ns: the first row ends in the second, in which none begins.
    rows = [(0, 15, 0), (20, 22, 1), (24, 26, 1), (27, 29, 1), (30, 40, 1)]
    marks, merged = marks_between([lane_of("call", "thread", ["first", "later"], rows)], 0, 40, 4)
    assert merged == (0,)
    told = zip(marks.start_ns.tolist(), marks.code.tolist(), marks.count.tolist(), marks.busy.tolist(), strict=True)
    assert list(told) == [(0, 0, 1, 1.0), (10, 0, 0, 0.5), (20, 1, 3, 0.6), (30, 1, 1, 1.0)]
