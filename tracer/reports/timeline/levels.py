"""What is drawn of a timeline at one zoom: slices where they are wide enough, bins of merged ones elsewhere; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tracer.arrow_arrays import NO_ROW, Integers
from tracer.captures.clock_fit import Floats
from tracer.figure_text import counted, time_text
from tracer.reports.timeline.lanes import NAMES_APART, Lane, covered, covered_until

MARKS = 30_000
"""Sent and drawn at most, of all lanes together; a canvas fills that many rectangles in some 15 ms."""

WIDE_BINS = 3
"""A row as long as so many bins is never merged: it is wide enough to bear a name."""

RARE = -1
"""The code of a bin in which the rarer names of a lane cover most."""


@dataclass(frozen=True, slots=True)
class Marks:
    """
    What is drawn: columns of one length, by lane, the merged ones of a lane before the others.

    Args:
        lane: place among the lanes.
        start_ns, end_ns: of the row, or of the bin.
        code: the name's place among the lane's names; of a bin that which covers most; ``RARE``.
        row: of the lane; ``NO_ROW`` of a bin.
        count: rows in it; of a bin those that begin in it, with the first bin those that began before.
        busy: share of it that its rows cover.
    """

    lane: Integers
    start_ns: Integers
    end_ns: Integers
    code: Integers
    row: Integers
    count: Integers
    busy: Floats

    def __len__(self) -> int:
        return len(self.lane)


def marks_between(
    lanes: Sequence[Lane], start_ns: int, end_ns: int, bins: int, most: int = MARKS
) -> tuple[Marks, tuple[int, ...]]:
    """
    What is drawn of ``[start_ns, end_ns)``, and the places of the lanes of which a part is merged.

    A lane with more rows than ``bins``, or than its part of ``most``, is merged: its rows shorter than ``WIDE_BINS``
    bins are counted in the bin in which they begin. So each row that lies in the range is in exactly one mark.

    Args:
        lanes: as ``lanes_of`` gives them.
        start_ns: first nanosecond.
        end_ns: after the last; later than ``start_ns``.
        bins: as many as the range has pixels.
        most: marks of all lanes together, by and large.
    """
    end_ns = max(end_ns, start_ns + 1)
    spans = [lane.within(start_ns, end_ns) for lane in lanes]
    limit = min(_limit([last - first for first, last in spans], most), max(bins, 1))
    parts, merged = [], []
    for place, (lane, (first, last)) in enumerate(zip(lanes, spans, strict=True)):
        rows = np.arange(first, last)
        if last - first > limit:
            merged.append(place)
            rows = first + np.flatnonzero(_long(lane, first, last, (end_ns - start_ns) / limit))
            parts.append(_bins(lane, place, (start_ns, end_ns), (first, last), rows, limit))
        parts.append(_marks(lane, place, rows))
    return _joined(parts), tuple(merged)


def sentence(lanes: Sequence[Lane], merged: Sequence[int], start_ns: int, end_ns: int) -> str:
    """What lies in a range, and of which lanes a part is merged: the drawing in words."""
    counts = [last - first for first, last in (lane.within(start_ns, end_ns) for lane in lanes)]
    where = f"{time_text(end_ns - start_ns)} from {time_text(start_ns)}"
    if not sum(counts):
        return f"Nothing happened in this range ({where})."
    every = counted(sum(counts), "span, call or piece of GPU work", "spans, calls and pieces of GPU work")
    labels = list(dict.fromkeys(lanes[place].label for place in merged if counts[place]))
    if not labels:
        return f"{every} in this range, each drawn ({where})."
    named = ", ".join(labels[:4]) + (f" and {counted(len(labels) - 4, 'lane')} more" if len(labels) > 4 else "")
    return (
        f"{every} in this range ({where}). The short ones of {named} are merged: a bin is as opaque as it is busy, "
        "and has the colour of what covers most of it. Zoom in to see each."
    )


def _limit(counts: Sequence[int], most: int) -> int:
    """Rows, or bins, that a lane may have: what lanes with few leave is for the others."""
    left, lanes = most, sum(count > 0 for count in counts)
    for count in sorted(count for count in counts if count > 0):
        if count * lanes > left:
            return max(left // lanes, 1)
        left, lanes = left - count, lanes - 1
    return most


def _long(lane: Lane, first: int, last: int, bin_ns: float) -> Any:
    return lane.end_ns[first:last] - lane.start_ns[first:last] >= WIDE_BINS * bin_ns


def _marks(lane: Lane, place: int, rows: Integers) -> Marks:
    one = np.ones(len(rows), np.int64)
    times = (lane.start_ns[rows], lane.end_ns[rows])
    return Marks(one * place, *times, lane.code[rows], rows, one, np.ones(len(rows)))


def _bins(
    lane: Lane, place: int, bounds: tuple[int, int], span: tuple[int, int], long_rows: Integers, bins: int
) -> Marks:
    (start_ns, end_ns), (first, last) = bounds, span
    bins = min(bins, end_ns - start_ns)
    # Python's integers: a range of days times thousands of bins passes no limit of theirs.
    edges = np.array([start_ns + (end_ns - start_ns) * one // bins for one in range(bins + 1)], np.int64)
    inner = np.searchsorted(lane.start_ns[first:last], edges[1:-1], side="left")
    begins = np.r_[0, inner, last - first]
    short = np.ones(last - first, bool)
    short[long_rows - first] = False
    bin_of = np.repeat(np.arange(bins), np.diff(begins))[short]
    count = np.bincount(bin_of, minlength=bins)
    code = _leading(lane, first + np.flatnonzero(short), bin_of, bins)
    # A bin into which a row only reaches has that row's name.
    before = np.maximum(first + begins[:-1] - 1, 0)
    code = np.where(count > 0, code, lane.code[before])
    begin, end = lane.start_ns[long_rows], lane.end_ns[long_rows]
    busy_ns = np.diff(covered_until(edges, lane.start_ns, lane.end_ns, lane.covered_ns))
    busy_ns -= np.diff(covered_until(edges, begin, end, covered(begin, end)))
    shown = np.flatnonzero((count > 0) | (busy_ns > 0))
    busy = busy_ns[shown] / np.diff(edges)[shown]
    none = np.full(len(shown), NO_ROW)
    return Marks(np.full(len(shown), place), edges[shown], edges[shown + 1], code[shown], none, count[shown], busy)


def _leading(lane: Lane, rows: Integers, bin_of: Integers, bins: int) -> Integers:
    """The name that covers most of what begins in each bin; that of the most rows where none covers anything."""
    groups = NAMES_APART + 1
    cell = bin_of * groups + lane.group[lane.code[rows]]
    # A row of no length counts too, for less than all that have one.
    length = lane.end_ns[rows] - lane.start_ns[rows] + 1 / (len(rows) + 1)
    spent = np.bincount(cell, weights=length, minlength=bins * groups).reshape(bins, groups)
    codes: Integers = np.full(groups, RARE)
    codes[: len(lane.apart)] = lane.apart
    leading: Integers = codes[spent.argmax(axis=1)]
    return leading


def _joined(parts: Sequence[Marks]) -> Marks:
    if not parts:
        none = np.empty(0, np.int64)
        return Marks(none, none, none, none, none, none, np.empty(0))
    return Marks(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Marks)))
