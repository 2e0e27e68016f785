"""Which CUDA call launched each piece of GPU work."""

from __future__ import annotations

import numpy as np

from tracer.arrow_arrays import NO_ROW, Integers, integers, present
from tracer.profiles.profile import Profile

DENSE = 4
"""Correlation ids that span up to this many times their count are looked up in a table; others are searched for."""


def launches(profile: Profile) -> Integers:
    """
    The row in ``api_calls`` that launched each row of ``gpu_work``.

    The two are joined by process and correlation id, as correlation ids start anew in each process. Where several
    calls share one (a runtime call and the driver call inside it) the one that began first is taken, of those the
    longest: it is the call that the program made.

    Returns:
        int64, one a row of ``gpu_work``; ``NO_ROW`` where the capture has no such call, as it began after it.
    """
    work, calls = profile.gpu_work, profile.api_calls
    found = np.full(len(work), NO_ROW, dtype=np.int64)
    work_rows = np.flatnonzero(present(work, "correlation_id"))
    call_rows = np.flatnonzero(present(calls, "correlation_id"))
    work_ids, call_ids = integers(work, "correlation_id")[work_rows], integers(calls, "correlation_id")[call_rows]
    work_processes, call_processes = integers(work, "process")[work_rows], integers(calls, "process")[call_rows]
    start, end = integers(calls, "start_ns"), integers(calls, "end_ns")
    for process in np.unique(work_processes):
        of_work, of_calls = work_processes == process, call_processes == process
        rows = call_rows[of_calls]
        order = _first_to_last(start[rows], end[rows])
        matched = _match(work_ids[of_work], call_ids[of_calls][order], rows[order])
        found[work_rows[of_work]] = matched
    return found


def _first_to_last(start: Integers, end: Integers) -> Integers:
    """Order by start, the longer first; exports come nearly in that order, which a stable sort is quick with."""
    order = np.argsort(start, kind="stable")
    if np.any(start[order][1:] == start[order][:-1]):
        order = np.lexsort((-end, start))
    return order


def _match(wanted: Integers, ids: Integers, rows: Integers) -> Integers:
    """For each wanted id the row of its first occurrence in ``ids``, else ``NO_ROW``."""
    if not len(ids) or not len(wanted):
        return np.full(len(wanted), NO_ROW, dtype=np.int64)
    low, span = int(ids.min()), int(ids.max()) - int(ids.min()) + 1
    if span <= DENSE * len(ids) + 1024:
        table = np.full(span, NO_ROW, dtype=np.int64)
        # Written from the last to the first: of calls with one id the first stays.
        table[ids[::-1] - low] = rows[::-1]
        inside = (wanted >= low) & (wanted < low + span)
        return np.where(inside, table[np.where(inside, wanted - low, 0)], NO_ROW)
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids[order], wanted), len(ids) - 1)
    return np.where(ids[order][place] == wanted, rows[order][place], NO_ROW)
