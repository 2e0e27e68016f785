"""Sets of intervals, against counting each nanosecond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.breakdown.intervals import Intervals, Timeline, clip, intersect, subtract, union, union_by_group
from tracer.captures.row_bounds import covering_rows
from tracer.errors import MalformedTraceError

SPAN = 40
ANY = settings(deadline=None, max_examples=60)
rows = st.lists(
    st.tuples(st.integers(0, SPAN), st.integers(0, 9)).map(lambda row: (row[0], row[0] + row[1])), max_size=9
)


def counted(pairs: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in pairs for at in range(start, end)}


def made(pairs: list[tuple[int, int]]) -> Intervals:
    return union([start for start, _ in pairs], [end for _, end in pairs])


def nanoseconds(intervals: Intervals) -> set[int]:
    return counted(list(zip(intervals.start_ns.tolist(), intervals.end_ns.tolist(), strict=True)))


@ANY
@given(rows)
def test_a_union_holds_the_nanoseconds_that_any_row_covers(pairs):
    assert nanoseconds(made(pairs)) == counted(pairs)
    assert made(pairs).measure() == len(counted(pairs))


@ANY
@given(rows)
def test_a_union_is_ascending_and_its_intervals_do_not_touch(pairs):
    found = made(pairs)
    assert (found.end_ns > found.start_ns).all()
    assert (found.start_ns[1:] > found.end_ns[:-1]).all()


@ANY
@given(rows, rows)
def test_what_two_sets_share_and_what_they_do_not_are_the_first_set(one, other):
    first, second = made(one), made(other)
    assert nanoseconds(intersect(first, second)) == counted(one) & counted(other)
    assert nanoseconds(subtract(first, second)) == counted(one) - counted(other)
    assert intersect(first, second).measure() + subtract(first, second).measure() == first.measure()


@ANY
@given(rows, st.integers(0, SPAN), st.integers(0, 20))
def test_clipping_keeps_what_lies_in_the_bounds(pairs, low, length):
    kept = clip(made(pairs), low, low + length)
    assert nanoseconds(kept) == counted(pairs) & set(range(low, low + length))


@ANY
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, SPAN), st.integers(0, 9)), max_size=12))
def test_groups_are_united_apart(given_rows):
    group, start, length = (
        np.array(column, np.int64) for column in (zip(*given_rows, strict=True) if given_rows else ([],) * 3)
    )
    groups, first, last = union_by_group(group, start, start + length)
    for one in range(-2, 3):
        mine = [(at, at + size) for key, at, size in given_rows if key == one]
        there = groups == one
        assert nanoseconds(Intervals(first[there], last[there])) == counted(mine)


@ANY
@given(rows)
def test_a_timeline_counts_the_rows_over_each_piece(pairs):
    start, end = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    timeline = Timeline([start, end])
    naive = [sum(a <= at < b for a, b in pairs) for at in timeline.start_ns.tolist()]
    assert timeline.counts(start, end).tolist() == naive


def test_a_time_at_the_end_of_a_row_lies_in_the_next_one():
    found = covering_rows(np.array([9, 10, 20, 30]), np.array([10, 20]), np.array([20, 30]))
    assert found.tolist() == [-1, 0, 1, -1]


def test_a_row_that_ends_before_it_starts_is_refused_and_named():
    with pytest.raises(MalformedTraceError, match="row 1 ends before it starts"):
        union([0, 9], [5, 8])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(MalformedTraceError, match="one column of each"):
        union([0, 1], [5])
