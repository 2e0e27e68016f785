"""The NVTX ranges of a profile that have an end, in the order of their starts, and which lie in no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import Codes, Integers, dense_groups, encode, integers, present, small
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class EndedRanges:
    """
    Ranges by start, the longer first.

    ``rows`` are theirs in the table, ``texts`` domain and name by ``code``; ``lane`` numbers the threads.
    """

    rows: Integers
    code: Integers
    texts: list[tuple[str, str]]
    process: Integers
    thread: Integers
    start: Integers
    end: Integers
    lane: Integers

    def named(self, wanted: Sequence[bool]) -> Integers:
        """Places of the ranges whose code is wanted."""
        return np.flatnonzero(np.array([*wanted, False])[self.code])


def ended_ranges(profile: Profile) -> EndedRanges:
    """All ranges that take time, in the order of their starts, the longer first."""
    ranges = profile.nvtx_ranges
    start, end = integers(ranges, "start_ns"), integers(ranges, "end_ns")
    rows = np.flatnonzero(present(ranges, "end_ns") & (end > start))
    if np.any(np.diff(start[rows]) <= 0):
        rows = rows[np.lexsort((-end[rows], start[rows]))]
    domains, names = encode(ranges, "domain"), encode(ranges, "name")
    size = len(names.values) + 1
    known, code = dense_groups((domains.codes[rows] + 1) * size + names.codes[rows] + 1)
    texts = [(_text(domains, one // size - 1), _text(names, one % size - 1)) for one in known.tolist()]
    process, thread = integers(ranges, "process")[rows], integers(ranges, "thread")[rows]
    _, of_process = dense_groups(process)
    threads, of_thread = dense_groups(thread)
    _, lane = dense_groups(of_process * len(threads) + of_thread)
    return EndedRanges(rows, code, texts, process, thread, start[rows], end[rows], lane)


def _text(column: Codes, code: int) -> str:
    return "" if code < 0 else str(column.values[code].as_py())


def by_thread(found: EndedRanges, rows: Integers) -> list[Integers]:
    """Places within ``rows`` by process and thread, each in the order of the starts."""
    if not len(rows):
        return []
    lane = found.lane[rows]
    order = np.argsort(small(lane), kind="stable")
    sizes = np.bincount(lane)
    return np.split(order, np.cumsum(sizes[sizes > 0])[:-1])


def outermost(found: EndedRanges, rows: Integers) -> Integers:
    """Places within ``rows`` of those that begin in none of their thread that began before; ascending."""
    kept = []
    for lane in by_thread(found, rows):
        mine = rows[lane]
        latest = np.maximum.accumulate(found.end[mine])
        first = np.ones(len(lane), np.bool_)
        first[1:] = found.start[mine[1:]] >= latest[:-1]
        kept.append(lane[first])
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, np.int64)
