"""The NVTX ranges of a profile that have an end, in the order of their starts, and which lie in no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.profiles.arrow_arrays import Codes, Integers, dense_groups, encode, integers, present
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class EndedRanges:
    """Ranges by start, the longer first; ``rows`` are theirs in the table, ``texts`` domain and name by ``code``."""

    rows: Integers
    code: Integers
    texts: list[tuple[str, str]]
    process: Integers
    thread: Integers
    start: Integers
    end: Integers

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
    columns = (integers(ranges, "process")[rows], integers(ranges, "thread")[rows], start[rows], end[rows])
    return EndedRanges(rows, code, texts, *columns)


def _text(column: Codes, code: int) -> str:
    return "" if code < 0 else str(column.values[code].as_py())


def by_thread(found: EndedRanges, rows: Integers) -> list[Integers]:
    """Places within ``rows`` by process and thread, each in the order of the starts."""
    _, process = np.unique(found.process[rows], return_inverse=True)
    threads, thread = np.unique(found.thread[rows], return_inverse=True)
    key = process * len(threads) + thread
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else []


def outermost(found: EndedRanges, rows: Integers) -> Integers:
    """Places within ``rows`` of those that begin in none of their thread that began before; ascending."""
    kept = []
    for lane in by_thread(found, rows):
        latest = np.maximum.accumulate(found.end[rows[lane]])
        first = np.ones(len(lane), np.bool_)
        first[1:] = found.start[rows[lane]][1:] >= latest[:-1]
        kept.append(lane[first])
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, np.int64)
