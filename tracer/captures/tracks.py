"""Rows with a start and an end on tracks: on one track they follow one another, or lie within one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrow_arrays import NO_ROW, Flags, Integers

GPU = "gpu"
"""The kind of a track of a GPU's stream."""


@dataclass(frozen=True, slots=True)
class Rows:
    """
    Columns of one length; those that a track has no use for are None.

    Args:
        end_ns: int64, not before the start.
        code: the name's place among the track's names.
        depth: 0 for what lies in nothing, 1 for what lies in a row of depth 0, and so on.
        inference: number of the inference; ``NO_ROW`` outside every one.
        stage: name of the stage that launched it.
        warmup: whether the inference was a warm-up.
        source: row in the table of the capture.
        length_ns: as it was recorded, where the clock's rate changed it by a nanosecond.
        size: bytes of a copy; ``NO_ROW`` where there are none.
    """

    start_ns: Integers
    end_ns: Integers
    code: Integers
    depth: NDArray[np.int16]
    inference: Integers
    stage: NDArray[np.object_] | None = None
    warmup: Flags | None = None
    source: Integers | None = None
    length_ns: Integers | None = None
    size: Integers | None = None

    def __len__(self) -> int:
        return len(self.start_ns)

    def shifted(self, by_ns: int) -> Rows:
        """The same, later by ``by_ns``."""
        return replace(self, start_ns=self.start_ns + by_ns, end_ns=self.end_ns + by_ns)

    def taken(self, rows: Integers | Flags) -> Rows:
        """Some of the rows, in the order of ``rows``."""
        columns: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        taken: dict[str, Any] = {name: None if column is None else column[rows] for name, column in columns.items()}
        return Rows(**taken)


@dataclass(frozen=True, slots=True)
class Track:
    """
    One line of a drawing. Its rows come by start, the enclosing ones first, and have a depth.

    ``capture`` is the number of the capture that it comes from; None for what the run itself recorded.
    """

    kind: str
    label: str
    names: tuple[str, ...]
    rows: Rows
    capture: int | None = None

    def shifted(self, by_ns: int) -> Track:
        """The same, later by ``by_ns``."""
        return replace(self, rows=self.rows.shifted(by_ns))


def all_at(depth: int, count: int) -> NDArray[np.int16]:
    """The depth of rows that have one."""
    return np.full(count, depth, np.int16)


def merged(outer: Rows, inner: Rows) -> Rows:
    """The rows of both, each with the same columns and by start; outer ones first where two begin as one."""
    order = np.argsort(np.concatenate([outer.start_ns, inner.start_ns]), kind="stable")
    columns: dict[str, Any] = {}
    for one in fields(outer):
        first, second = getattr(outer, one.name), getattr(inner, one.name)
        columns[one.name] = None if first is None else np.concatenate([first, second])[order]
    return Rows(**columns)


def nested_tracks(kind: str, label: str, names: Sequence[str], rows: Rows, capture: int | None = None) -> list[Track]:
    """
    Rows in any order as tracks: one where each pair is apart or one within the other, more where some cross.

    Those that cross a row of the first track go to a second one, and so on; no row is left out.
    """
    tracks: list[Track] = []
    while len(rows):
        rows = rows.taken(np.lexsort((-rows.end_ns, rows.start_ns)))
        depth = _depths(rows.start_ns, rows.end_ns)
        fitting = depth != NO_ROW
        numbered = label if not tracks else f"{label} ({len(tracks) + 1})"
        tracks.append(Track(kind, numbered, tuple(names), replace(rows, depth=depth).taken(fitting), capture))
        rows = rows.taken(~fitting)
    return tracks


def _depths(start: Integers, end: Integers) -> NDArray[np.int16]:
    """Of rows by start, the longer first: in how many others each lies; ``NO_ROW`` of those that cross one."""
    depth = np.zeros(len(start), np.int16)
    if not (start[1:] < end[:-1]).any():
        return depth
    open_ends: list[int] = []
    found = depth.tolist()
    for row, (begin, finish) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        if open_ends and finish > open_ends[-1]:
            found[row] = NO_ROW
            continue
        found[row] = len(open_ends)
        open_ends.append(finish)
    return np.array(found, np.int16)
