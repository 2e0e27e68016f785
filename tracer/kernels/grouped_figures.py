"""Counts, totals and medians of durations by group, for millions of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.arrow_arrays import Integers, arrow, numbers, valid


@dataclass(frozen=True, slots=True)
class GroupedFigures:
    """Of each group, in the order of the groups: nanoseconds as int64, mean and median as float64."""

    count: Integers
    total_ns: Integers
    mean_ns: NDArray[np.float64]
    median_ns: NDArray[np.float64]
    min_ns: Integers
    max_ns: Integers


def group_figures(groups: Integers, durations: Integers, size: int) -> GroupedFigures:
    """
    Figures of ``durations``, nanoseconds, by group.

    ``groups`` has of each duration its group, 0 to ``size - 1``; none of them without a member.
    """
    count = np.bincount(groups, minlength=size).astype(np.int64)
    ordered = _sorted_within(groups, durations)
    ends = np.cumsum(count)
    begins = ends - count
    total = np.add.reduceat(ordered, begins) if size else np.empty(0, np.int64)
    return GroupedFigures(
        count=count,
        total_ns=total,
        mean_ns=total / np.maximum(count, 1),
        median_ns=(ordered[begins + (count - 1) // 2] + ordered[begins + count // 2]) / 2,
        min_ns=ordered[begins],
        max_ns=ordered[ends - 1],
    )


def summed(groups: Integers, values: Integers, size: int) -> Integers:
    """Sums of ``values`` by group; exact up to 2**53, which as nanoseconds is 104 days, as bytes 9 petabytes."""
    return np.bincount(groups, values, minlength=size).astype(np.int64)


def known_sums(column: pa.ChunkedArray, rows: Integers, groups: Integers, size: int) -> pa.Array:
    """Sums by group of an integer column at ``rows``, of the values that it has; null where it has none."""
    if column.null_count == len(column):
        return pa.nulls(size, pa.int64())
    known = valid(column)[rows]
    values = numbers(column)[rows]
    return arrow(summed(groups, values, size), np.bincount(groups[known], minlength=size) == 0)


def _sorted_within(groups: Integers, durations: Integers) -> Integers:
    """Durations sorted by group, then by themselves; as one integer a row where both fit into one."""
    if not len(groups):
        return durations
    bits = int(durations.max()).bit_length()
    if int(durations.min()) < 0 or bits + int(groups.max()).bit_length() > 63:
        return durations[np.lexsort((durations, groups))]
    packed = (groups << bits) | durations
    packed.sort()
    return packed & ((1 << bits) - 1)
