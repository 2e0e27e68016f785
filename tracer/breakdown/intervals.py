"""Sets of half-open intervals ``[start_ns, end_ns)`` of one clock, as int64 arrays; a timeline cut into pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tracer.captures.row_bounds import Ints, Mask, checked_bounds, covering_rows


@dataclass(frozen=True, slots=True)
class Intervals:
    """
    A set of nanoseconds: disjoint, ascending, none empty, none touching the next.

    Made by ``union``, ``intersect`` and ``subtract``; of any rows by ``union``.

    Args:
        start_ns: int64, shape (n,).
        end_ns: int64, shape (n,), each above its start.
    """

    start_ns: Ints
    end_ns: Ints

    def __len__(self) -> int:
        return len(self.start_ns)

    def measure(self) -> int:
        """Nanoseconds in the set."""
        return int((self.end_ns - self.start_ns).sum())


def union(start_ns: ArrayLike, end_ns: ArrayLike) -> Intervals:
    """The nanoseconds that at least one row covers; rows in any order, overlapping, empty or not."""
    _, start, end = union_by_group(np.zeros(np.shape(start_ns), np.int64), start_ns, end_ns)
    return Intervals(start, end)


def union_by_group(group: ArrayLike, start_ns: ArrayLike, end_ns: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """
    ``union`` of the rows of each group apart, in one pass.

    Returns:
        Group, start and end of each interval, ascending by group and start.
    """
    start, end = checked_bounds(start_ns, end_ns, "intervals")
    groups = np.asarray(group, np.int64)
    there = end > start
    groups, start, end = groups[there], start[there], end[there]
    if not len(start):
        return groups, start, end
    order = np.lexsort((start, groups))
    groups, start, end = groups[order], start[order], end[order]
    # One running maximum serves all groups: each group's times are lifted above those of the group before it.
    _, dense = np.unique(groups, return_inverse=True)
    low = int(start.min())
    lift = dense.reshape(-1) * (int(end.max()) - low + 1) - low
    reach = np.maximum.accumulate(end + lift)
    opens = np.r_[True, (start + lift)[1:] > reach[:-1]]
    firsts = np.flatnonzero(opens)
    lasts = np.r_[firsts[1:] - 1, len(start) - 1]
    return groups[firsts], start[firsts], (reach - lift)[lasts]


def intersect(one: Intervals, other: Intervals) -> Intervals:
    """The nanoseconds that are in both sets."""
    return _chosen(one, other, lambda first, second: first & second)


def subtract(one: Intervals, other: Intervals) -> Intervals:
    """The nanoseconds of ``one`` that are not in ``other``."""
    return _chosen(one, other, lambda first, second: first & ~second)


def clip(intervals: Intervals, start_ns: int, end_ns: int) -> Intervals:
    """The part of a set that lies in ``[start_ns, end_ns)``."""
    start = np.clip(intervals.start_ns, start_ns, end_ns)
    end = np.clip(intervals.end_ns, start_ns, end_ns)
    there = end > start
    return Intervals(start[there], end[there])


def _chosen(one: Intervals, other: Intervals, choose: Callable[[Mask, Mask], Mask]) -> Intervals:
    timeline = Timeline([one.start_ns, one.end_ns, other.start_ns, other.end_ns])
    kept = choose(
        timeline.rows(one.start_ns, one.end_ns) >= 0,
        timeline.rows(other.start_ns, other.end_ns) >= 0,
    )
    return union(timeline.start_ns[kept], timeline.end_ns[kept])


class Timeline:
    """
    Time cut at every edge of every row, so that a row covers a piece wholly or not at all.

    Args:
        edges: columns of nanoseconds, in any order; every row that is asked about must have its edges here.
    """

    def __init__(self, edges: Sequence[Ints]) -> None:
        # numpy's own unique hashes first (2.4): 60 times as slow on a million times.
        times = np.sort(np.concatenate(edges)) if edges else np.empty(0, np.int64)
        cuts: Ints = times[np.r_[True, times[1:] != times[:-1]][: len(times)]]
        self.cuts = cuts
        self.start_ns: Ints = cuts[:-1]
        self.end_ns: Ints = cuts[1:]
        self.length_ns: Ints = np.diff(cuts)

    def counts(self, start_ns: Ints, end_ns: Ints) -> Ints:
        """How many of the rows cover each piece."""
        size = len(self.cuts)
        opens = np.bincount(np.searchsorted(self.cuts, start_ns), minlength=size)
        closes = np.bincount(np.searchsorted(self.cuts, end_ns), minlength=size)
        return np.cumsum(opens - closes)[:-1].astype(np.int64)

    def rows(self, start_ns: Ints, end_ns: Ints) -> Ints:
        """For ascending rows that do not overlap: the row that covers each piece, or -1."""
        return covering_rows(self.start_ns, start_ns, end_ns)
