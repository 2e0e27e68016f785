"""Which NVTX ranges were open when a CUDA call began: all that enclose it, and the innermost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, encode, integers, small

FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Points:
    """CUDA calls for which ranges are sought: int64 columns of one length."""

    process: Integers
    thread: Integers
    start_ns: Integers
    end_ns: Integers


@dataclass(frozen=True, slots=True)
class EnclosingRanges:
    """
    The ranges that enclose each point.

    Args:
        pairs: of each thread with ranges, and each domain where the rule looks at them apart, the numbers of points
            and the rows of ranges that enclose them, two columns of one length.
        innermost: one a point: row of the enclosing range that began last, else ``NO_ROW``.
        ambiguous: one a point: no range of its own thread was open, and ranges of several others were.
    """

    pairs: list[tuple[Integers, Integers]]
    innermost: Integers
    ambiguous: Flags


@dataclass(frozen=True, slots=True)
class _Lane:
    """Ranges of one thread, in the order of their starts, the longer first; ``rows`` says where they come from."""

    thread: int
    rows: Integers
    start: Integers
    end: Integers


def enclosing_ranges(ranges: pa.Table, points: Points, *, thread_wise: bool = False) -> EnclosingRanges:
    """
    Find the ranges around each point.

    Ours: a range ``[start, end)`` encloses a call that began within it, in the same process. Each domain is looked
    at by itself, as its ranges are one library's. A call whose own thread has a range open lies in that thread's
    ranges. Any other call was made on behalf of somebody, as a runtime's executor does: it lies in the ranges of the
    one other thread that has any open; where several have, it is ambiguous and in none of them.

    ``thread_wise``, the rule of ``nvtxkernsum`` and ``nvtxgpuproj`` of Nsight Systems 2022.4: the whole call lies in
    the range, ends included, on the same thread; a range without an end lasts to the last reading of the table.

    ``ranges`` are ``NVTX_RANGES``. No nesting is assumed: start/end ranges may overlap as they like.
    """
    count = len(points.start_ns)
    start, end = integers(ranges, "start_ns"), integers(ranges, "end_ns", FOREVER)
    lanes = _lanes(ranges, start, end, thread_wise=thread_wise)
    innermost = np.full(count, NO_ROW, dtype=np.int64)
    ambiguous = np.zeros(count, dtype=bool)
    newest = np.empty(count, dtype=np.int64)
    by_time = np.argsort(points.start_ns, kind="stable")
    pairs: list[tuple[Integers, Integers]] = []
    for process, group in lanes:
        of_process = by_time[points.process[by_time] == process]
        find = _thread_wise if thread_wise else _any_thread
        for point, row in find(group, points, of_process, ambiguous):
            pairs.append((point, row))
            _keep_innermost(innermost, (point, row), newest, start, end)
    return EnclosingRanges(pairs, innermost, ambiguous & (innermost == NO_ROW))


def _lanes(ranges: pa.Table, start: Integers, end: Integers, *, thread_wise: bool) -> list[tuple[int, list[_Lane]]]:
    """Per process and domain (by process alone where the rule is thread-wise) the lanes of its threads."""
    if not len(ranges):
        return []
    if thread_wise:
        known = end[end != FOREVER]
        end = np.minimum(end, max(int(start.max()), int(known.max()) if len(known) else 0))
    process, thread, domain = (encode(ranges, name) for name in ("process", "thread", "domain"))
    domains = np.zeros_like(domain.codes) if thread_wise else domain.codes + 1
    lane = (process.codes * (len(domain.values) + 1) + domains) * len(thread.values) + thread.codes
    order = np.argsort(small(lane), kind="stable")
    start, end = start[order], end[order]
    cuts = np.flatnonzero(np.diff(lane[order])) + 1
    groups: dict[tuple[int, int], tuple[int, list[_Lane]]] = {}
    for first, last in pairwise([0, *cuts.tolist(), len(order)]):
        row, part = order[first], slice(first, last)
        key = (int(process.codes[row]), int(domains[row]))
        one = _in_order(_Lane(thread.values[int(thread.codes[row])].as_py(), order[part], start[part], end[part]))
        groups.setdefault(key, (process.values[key[0]].as_py(), []))[1].append(one)
    return list(groups.values())


def _in_order(lane: _Lane) -> _Lane:
    """Put a thread's ranges into the order of their starts, the longer first; exports have them so already."""
    if np.all(lane.start[1:] > lane.start[:-1]):
        return lane
    order = np.argsort(lane.start, kind="stable")
    if np.any(lane.start[order][1:] == lane.start[order][:-1]):
        order = np.lexsort((-lane.end, lane.start))
    return _Lane(lane.thread, lane.rows[order], lane.start[order], lane.end[order])


def _thread_wise(
    lanes: list[_Lane], points: Points, of_process: Integers, _: Flags
) -> Iterator[tuple[Integers, Integers]]:
    threads = points.thread[of_process]
    for lane in lanes:
        own = of_process[threads == lane.thread]
        at = points.start_ns[own]
        low, high = np.searchsorted(at, lane.start), np.searchsorted(at, lane.end, side="right")
        place, which = _expand(low, high)
        inside = lane.end[which] >= points.end_ns[own[place]]
        yield own[place[inside]], lane.rows[which[inside]]


def _any_thread(
    lanes: list[_Lane], points: Points, of_process: Integers, ambiguous: Flags
) -> Iterator[tuple[Integers, Integers]]:
    if len(lanes) == 1:
        yield _pairs(lanes[0], _bounds(lanes[0], points.start_ns[of_process]), of_process)
        return
    threads = points.thread[of_process]
    own_open = np.zeros(len(of_process), dtype=bool)
    own = []
    for lane in lanes:
        place = np.flatnonzero(threads == lane.thread)
        bounds = _bounds(lane, points.start_ns[of_process[place]])
        own_open[place] = _open(bounds, len(place))
        own.append((bounds, of_process[place]))
    others = of_process[~own_open]
    lent = _lent(lanes, points.start_ns[others], ambiguous, others)
    for lane, (bounds, mine), theirs in zip(lanes, own, lent, strict=True):
        found = _pairs(lane, bounds, mine)
        if len(theirs):
            more = _pairs(lane, _bounds(lane, points.start_ns[theirs]), theirs)
            found = np.concatenate([found[0], more[0]]), np.concatenate([found[1], more[1]])
        yield found


def _lent(lanes: list[_Lane], at: Integers, ambiguous: Flags, others: Integers) -> list[Integers]:
    """Of each lane those of ``others``, which began ``at`` these times, that lie in its ranges and in no other's."""
    how_many, which = np.zeros(len(others), dtype=np.int64), np.zeros(len(others), dtype=np.int64)
    for number, lane in enumerate(lanes if len(others) else ()):
        there = _open(_bounds(lane, at), len(at))
        how_many += there
        which[there] = number
    ambiguous[others[how_many > 1]] = True
    return [others[(how_many == 1) & (which == number)] for number in range(len(lanes))]


def _bounds(lane: _Lane, at: Integers) -> tuple[Integers, Integers]:
    """Of each range the slice of the sorted readings ``at`` within ``[start, end)``."""
    return np.searchsorted(at, lane.start), np.searchsorted(at, lane.end)


def _open(bounds: tuple[Integers, Integers], count: int) -> Flags:
    """Whether any of the slices holds each of ``count`` readings."""
    low, high = (np.bincount(edges, minlength=count + 1) for edges in bounds)
    return np.cumsum(low - high)[:count] > 0


def _pairs(lane: _Lane, bounds: tuple[Integers, Integers], chosen: Integers) -> tuple[Integers, Integers]:
    place, which = _expand(*bounds)
    return chosen[place], lane.rows[which]


def _expand(low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Each slice ``[low, high)`` as its members, and the number of the slice of each."""
    sizes = np.maximum(high - low, 0)
    filled = np.flatnonzero(sizes)
    sizes, low = sizes[filled], low[filled]
    which = np.repeat(filled, sizes)
    begins = np.cumsum(sizes) - sizes
    return np.arange(len(which)) + np.repeat(low - begins, sizes), which


def _keep_innermost(
    innermost: Integers, pairs: tuple[Integers, Integers], newest: Integers, start: Integers, end: Integers
) -> None:
    """Of a lane's pairs, which come in the order of starts, the last of a point counts; of lanes the later start."""
    point, row = pairs
    newest[point] = row
    last = newest[point] == row
    point, mine = point[last], row[last]
    theirs = innermost[point]
    later = start[mine] > start[theirs]
    shorter = (start[mine] == start[theirs]) & (end[mine] < end[theirs])
    better = (theirs == NO_ROW) | later | shorter
    innermost[point[better]] = mine[better]
