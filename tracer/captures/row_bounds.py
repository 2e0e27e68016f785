"""Rows of time ``[start_ns, end_ns)`` as int64 columns, as those of inferences and stages: checked, and looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.errors import MalformedTraceError

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class InferenceRows:
    """The ``inference`` ranges, ascending and apart: number, thread, and where they lie."""

    number: Ints
    thread: Ints
    start_ns: Ints
    end_ns: Ints

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True)
class StageRows:
    """The stage ranges, ascending and apart; ``stage`` is a place in ``InferenceWork.stage_names``."""

    stage: Ints
    start_ns: Ints
    end_ns: Ints


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


def begun(start_ns: Ints, times_ns: Ints) -> Ints:
    """How many of the ascending starts each time has reached: ``np.searchsorted`` of the right side."""
    if len(times_ns) < 2 * len(start_ns) or not (times_ns[1:] >= times_ns[:-1]).all():
        return np.searchsorted(start_ns, times_ns, side="right")
    # Many times in order: to look for the fewer starts among them is quicker.
    edges = np.searchsorted(times_ns, start_ns)
    return np.repeat(np.arange(len(start_ns) + 1), np.diff(edges, prepend=0, append=len(times_ns)))


def covering_rows(times_ns: Ints, start_ns: Ints, end_ns: Ints) -> Ints:
    """For ascending rows that do not overlap: the row in which each time lies, or -1."""
    if not len(start_ns):
        return np.full(len(times_ns), -1, np.int64)
    row = begun(start_ns, times_ns) - 1
    # Row -1 is the last one, which ends after all that are before the first: it stays -1.
    row[times_ns >= end_ns[row]] = -1
    return row


def stage_rows(start_ns: ArrayLike, end_ns: ArrayLike) -> StageRows:
    """
    Stage ranges of all inferences as ascending rows.

    Both are int64, shape (n inferences, s stages); a start is negative where an inference lacks the stage.
    """
    start, end = np.asarray(start_ns, np.int64), np.asarray(end_ns, np.int64)
    stage = np.broadcast_to(np.arange(start.shape[1]), start.shape)
    there = start >= 0
    rows = stage[there], start[there], end[there]
    order = np.lexsort((rows[2], rows[1]))
    return StageRows(*(column[order] for column in rows))
