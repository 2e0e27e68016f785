"""The NVTX ranges of a profile that have an end, in the order of their starts, and which lie in no other."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from tracer.arrow_arrays import Codes, Flags, Integers, dense_groups, encode, integers, present, small
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

    def meant(self, pattern: str) -> Flags:
        """
        Of each of ``texts`` whether ``pattern`` means it: those that are called so, by name or ``domain:name``; where
        none is, those that fit it as a glob, in which ``*`` and ``?`` match and nothing else does.
        """
        spelled = [(name, f"{domain}:{name}") for domain, name in self.texts]
        called = np.array([pattern in both for both in spelled], np.bool_)
        glob = pattern.replace("[", "[[]")
        if called.any():
            return called
        return np.array([any(fnmatchcase(one, glob) for one in both) for both in spelled], np.bool_)

    def named(self, wanted: Flags) -> Integers:
        """Places of the ranges whose code is wanted."""
        return np.flatnonzero(np.append(wanted, np.False_)[self.code])


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
