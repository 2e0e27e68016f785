"""Ranges around calls: equal to a definition that looks at every range for every call."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles import EXECUTOR, MAIN, nvtx, profile
from tracer.kernels.range_index import Points, enclosing_ranges

Row = dict[str, Any]
Call = tuple[int, int, int, int]
"""Process, thread, start, end."""

THREADS = (1, 2, 3)


def points(calls: list[Call]) -> Points:
    return Points(*np.array(calls, dtype=np.int64).reshape(-1, 4).T)


def found(
    ranges: list[Row], calls: list[Call], *, thread_wise: bool = False
) -> tuple[set[Any], list[int], list[bool]]:
    got = enclosing_ranges(profile(ranges=ranges).nvtx_ranges, points(calls), thread_wise=thread_wise)
    pairs = [pair for point, row in got.pairs for pair in zip(point.tolist(), row.tolist(), strict=True)]
    assert len(pairs) == len(set(pairs))
    return set(pairs), got.innermost.tolist(), got.ambiguous.tolist()


def test_a_call_lies_in_every_range_of_its_thread_and_innermost_in_the_last_begun() -> None:
    ranges = [nvtx("outer", 0, 100), nvtx("inner", 10, 20), nvtx("later", 30, 40)]
    calls = [(100, MAIN, at, at + 1) for at in (9, 10, 19, 20, 35, 100)]
    pairs, innermost, _ = found(ranges, calls)
    assert pairs == {(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (4, 0), (4, 2)}
    assert innermost == [0, 1, 1, 0, 2, -1]


def test_of_ranges_that_begin_at_once_the_longer_lies_around_the_other_whatever_their_order() -> None:
    ranges = [nvtx("late inner", 40, 50), nvtx("first", 10, 90), nvtx("late outer", 40, 80)]
    assert found(ranges, [(100, MAIN, 45, 46), (100, MAIN, 60, 61)])[1] == [0, 2]
    assert found(ranges[::2], [(100, MAIN, 45, 46), (100, MAIN, 60, 61)])[1] == [0, 1]


def test_a_call_of_an_executor_lies_in_the_ranges_of_the_only_thread_that_has_some_open() -> None:
    ranges = [nvtx("stage", 0, 100), nvtx("late", 150, 200, thread=3)]
    calls = [(100, EXECUTOR, 50, 51), (100, EXECUTOR, 120, 121), (100, EXECUTOR, 160, 161), (7, EXECUTOR, 50, 51)]
    assert found(ranges, calls)[1] == [0, -1, 1, -1]
    assert found(ranges, calls, thread_wise=True)[1] == [-1, -1, -1, -1]


def test_thread_wise_a_call_that_ends_with_its_range_lies_in_it_and_one_that_outlasts_it_does_not() -> None:
    calls = [(100, MAIN, 10, 20), (100, MAIN, 10, 21), (100, MAIN, 20, 20)]
    assert found([nvtx("stage", 10, 20)], calls, thread_wise=True)[1] == [0, -1, 0]
    assert found([nvtx("stage", 10, 20)], calls)[1] == [0, 0, -1]


def test_where_several_threads_have_ranges_open_a_call_of_a_fourth_is_ambiguous_and_their_own_are_not() -> None:
    ranges = [nvtx("a", 0, 100, thread=1), nvtx("b", 50, 150, thread=2)]
    calls = [(100, EXECUTOR, 60, 61), (100, 1, 60, 61), (100, 2, 60, 61), (100, EXECUTOR, 120, 121)]
    _, innermost, ambiguous = found(ranges, calls)
    assert innermost == [-1, 0, 1, 1]
    assert ambiguous == [True, False, False, False]


def test_domains_do_not_hide_one_another() -> None:
    ranges = [nvtx("session_run", 0, 100, domain="kws-trace"), nvtx("op", 40, 60, thread=EXECUTOR)]
    pairs, innermost, _ = found(ranges, [(100, EXECUTOR, 50, 51)])
    assert pairs == {(0, 0), (0, 1)}
    assert innermost == [1]


def test_a_range_that_the_capture_cut_lasts() -> None:
    assert found([nvtx("open", 10, None)], [(100, MAIN, 5, 6), (100, MAIN, 5000, 5001)])[1] == [-1, 0]


def test_no_range_and_no_call_are_no_error() -> None:
    assert found([], [(100, MAIN, 5, 6)]) == (set(), [-1], [False])
    assert found([nvtx("a", 0, 1)], []) == (set(), [], [])


@st.composite
def nested(draw: st.DrawFn, domain: str | None, process: int, thread: int) -> list[Row]:
    """Pushes and pops of one thread: ranges that nest."""
    rows: list[Row] = []
    stack: list[tuple[int, int]] = []
    now = 0
    for push in draw(st.lists(st.booleans(), max_size=12)):
        now += draw(st.integers(0, 4))
        if push:
            rows.append(nvtx(f"r{len(rows)}", now, None, domain=domain, process=process, thread=thread))
            stack.append((len(rows) - 1, now))
        elif stack:
            rows[stack.pop()[0]]["end_ns"] = now
    return rows


@st.composite
def captures(draw: st.DrawFn) -> tuple[list[Row], list[Call]]:
    """Nested ranges of several threads, domains and processes, some start/end ranges across them, and calls."""
    rows: list[Row] = []
    for process in (1, 2):
        for thread in THREADS[: draw(st.integers(0, 3))]:
            for domain in (None, "d")[: draw(st.integers(1, 2))]:
                rows += draw(nested(domain, process, thread))
    edges = st.tuples(st.integers(0, 40), st.integers(0, 15), st.sampled_from(THREADS))
    for start, length, thread in draw(st.lists(edges, max_size=4)):
        rows.append(nvtx("se", start, start + length, process=1, thread=thread, style="start_end"))
    call = st.tuples(st.sampled_from((1, 2)), st.sampled_from((*THREADS, 4)), st.integers(0, 45), st.integers(0, 5))
    calls = [(p, t, start, start + length) for p, t, start, length in draw(st.lists(call, max_size=12))]
    return draw(st.permutations(rows)), calls


def naive(rows: list[Row], call: Call, *, thread_wise: bool) -> tuple[set[int], bool]:
    """Every range against one call, as the rule reads."""
    process, thread, start, end = call
    if thread_wise:
        last = max([row["start_ns"] for row in rows] + [row["end_ns"] or 0 for row in rows], default=0)
        ends = [last if row["end_ns"] is None else row["end_ns"] for row in rows]
        own = [(row["process"], row["thread"]) == (process, thread) for row in rows]
        around = {i for i, row in enumerate(rows) if own[i] and row["start_ns"] <= start and ends[i] >= end}
        return around, False
    around, ambiguous = set(), False
    for domain in {row["domain"] for row in rows}:
        opened = {
            i
            for i, row in enumerate(rows)
            if (row["process"], row["domain"]) == (process, domain)
            and row["start_ns"] <= start
            and (row["end_ns"] is None or start < row["end_ns"])
        }
        own_open = {i for i in opened if rows[i]["thread"] == thread}
        threads = {rows[i]["thread"] for i in opened}
        if own_open or len(threads) == 1:
            around |= own_open or opened
        ambiguous |= not own_open and len(threads) > 1
    return around, ambiguous and not around


@settings(max_examples=100, deadline=None)
@given(captures(), st.booleans())
def test_any_capture_gives_what_the_definition_gives(
    capture: tuple[list[Row], list[Call]], thread_wise: bool
) -> None:
    rows, calls = capture
    expected = [naive(rows, call, thread_wise=thread_wise) for call in calls]
    pairs, innermost, ambiguous = found(rows, calls, thread_wise=thread_wise)
    assert pairs == {(i, row) for i, (around, _) in enumerate(expected) for row in around}
    assert ambiguous == [doubt for _, doubt in expected]
    for (around, _), chosen in zip(expected, innermost, strict=True):
        latest = max((rows[i]["start_ns"] for i in around), default=None)
        assert (chosen in around and rows[chosen]["start_ns"] == latest) if around else chosen == -1
