"""Rows of time ``[start_ns, end_ns)`` as two int64 columns: checked, and looked up by a moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.errors import MalformedTraceError

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def checked_bounds(start_ns: ArrayLike, end_ns: ArrayLike, what: str) -> tuple[Ints, Ints]:
    """
    Both columns as int64.

    Raises:
        MalformedTraceError: if their lengths differ, or an interval ends before it starts.
    """
    start, end = np.asarray(start_ns, np.int64), np.asarray(end_ns, np.int64)
    if start.ndim != 1 or start.shape != end.shape:
        raise MalformedTraceError(
            f"{what}: {start.shape} starts and {end.shape} ends; give one column of each, equal"
        )
    bad = np.flatnonzero(end < start)
    if len(bad):
        row = int(bad[0])
        raise MalformedTraceError(
            f"{what}: row {row} ends before it starts ({start[row]} to {end[row]} ns); repeat the capture"
        )
    return start, end


def covering_rows(times_ns: Ints, start_ns: Ints, end_ns: Ints) -> Ints:
    """For ascending rows that do not overlap: the row in which each time lies, or -1."""
    if not len(start_ns):
        return np.full(len(times_ns), -1, np.int64)
    row = np.searchsorted(start_ns, times_ns, side="right") - 1
    inside = (row >= 0) & (times_ns < end_ns[row])
    return np.where(inside, row, -1).astype(np.int64)
