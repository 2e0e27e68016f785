"""Sets of intervals, against counting each nanosecond."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.breakdown.intervals import Covered, Partition, union_by_group
from tracer.captures.row_bounds import begun, covering_rows
from tracer.errors import MalformedTraceError

SPAN = 40
ANY = settings(deadline=None, max_examples=60)
rows = st.lists(
    st.tuples(st.integers(0, SPAN), st.integers(0, 9)).map(lambda row: (row[0], row[0] + row[1])), max_size=9
)


def counted(pairs: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in pairs for at in range(start, end)}


def union(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    _, start, end = union_by_group([0] * len(pairs), [start for start, _ in pairs], [end for _, end in pairs])
    return list(zip(start.tolist(), end.tolist(), strict=True))


@ANY
@given(rows)
def test_a_union_holds_the_nanoseconds_that_any_row_covers(pairs):
    assert counted(union(pairs)) == counted(pairs)
    assert sum(end - start for start, end in union(pairs)) == len(counted(pairs))


@ANY
@given(rows, rows)
def test_of_an_interval_as_many_nanoseconds_are_covered_as_any_row_covers(pairs, asked):
    start, end, first, last = (
        np.array([one[side] for one in some], np.int64) for some in (pairs, asked) for side in (0, 1)
    )
    expected = [len(counted(pairs) & counted([one])) for one in asked]
    assert Covered(start, end).within(first, last).tolist() == expected


@ANY
@given(rows)
def test_a_union_is_ascending_and_its_intervals_do_not_touch(pairs):
    found = union(pairs)
    assert all(end > start for start, end in found)
    assert all(later > end for (_, end), (later, _) in pairwise(found))


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
        assert counted(list(zip(first[there].tolist(), last[there].tolist(), strict=True))) == counted(mine)


@ANY
@given(rows)
def test_a_partition_counts_the_rows_over_each_piece(pairs):
    start, end = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    partition = Partition([start, end])
    naive = [sum(a <= at < b for a, b in pairs) for at in partition.start_ns.tolist()]
    assert partition.counts(start, end).tolist() == naive


@ANY
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=6), rows)
def test_a_piece_has_the_row_that_covers_it_and_else_none(apart, others):
    edges = np.cumsum(np.array(apart, np.int64).reshape(-1))
    start, end = edges[::2], edges[1::2]
    partition = Partition([start, end, np.array([one[0] for one in others], np.int64)])
    mine = list(enumerate(zip(start.tolist(), end.tolist(), strict=True)))
    naive = [next((row for row, (a, b) in mine if a <= at < b), -1) for at in partition.start_ns.tolist()]
    assert partition.rows(start, end).tolist() == naive


@ANY
@given(st.lists(st.integers(0, SPAN), max_size=6), st.lists(st.integers(0, SPAN), max_size=30), st.booleans())
def test_what_has_begun_is_counted_alike_for_times_in_order_and_not(starts, times, in_order):
    times = sorted(times) if in_order else times
    found = begun(np.array(sorted(starts), np.int64), np.array(times, np.int64))
    assert found.tolist() == [sum(start <= at for start in starts) for at in times]


def test_a_time_at_the_end_of_a_row_lies_in_the_next_one():
    found = covering_rows(np.array([9, 10, 20, 30]), np.array([10, 20]), np.array([20, 30]))
    assert found.tolist() == [-1, 0, 1, -1]


def test_a_row_that_ends_before_it_starts_is_refused_and_named():
    with pytest.raises(MalformedTraceError, match="row 1 ends before it starts"):
        union_by_group([0, 0], [0, 9], [5, 8])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(MalformedTraceError, match="one column of each"):
        union_by_group([0, 0], [0, 1], [5])
