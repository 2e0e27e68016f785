"""What is drawn of one inference or one unit: lanes of slices, of the one whose length is nearest the median."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, encode, integers
from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.timeline import Timeline
from tracer.captures.tracks import GPU, Rows, Track, nested_tracks
from tracer.figure_text import count_text, time_text
from tracer.reports.timeline.lanes import category

LANE_SLICES, ALL_SLICES = 300, 2000
"""Drawn at most; of a lane with more the longest."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Start and end in nanoseconds from the start of the unit; ``category`` is what it is coloured as."""

    start_ns: int
    end_ns: int
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """Slices that do not overlap, by start; ``left_out`` shorter ones are not among them."""

    label: str
    slices: tuple[Slice, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class DrawnUnit:
    """One inference or unit; ``title`` says which and why it."""

    title: str
    length_ns: int
    lanes: tuple[DrawnLane, ...]


def drawn_inference(timeline: Timeline) -> DrawnUnit | None:
    """
    The inference whose length is nearest the median, of those captured, of all where none is; no warm-up.

    None where a run has no inference.
    """
    rows = next((track.rows for track in timeline.tracks if track.kind == "stage"), None)
    if rows is None:
        return None
    middle = (rows.start_ns + rows.end_ns) // 2
    whole = (rows.depth == 0) & (True if rows.warmup is None else ~rows.warmup)
    captured = np.zeros(len(rows), bool)
    for start, end in timeline.captures:
        captured |= whole & (middle >= start) & (middle < end)
    found = np.flatnonzero(captured if captured.any() else whole)
    if not len(found):
        return None
    length = rows.end_ns[found] - rows.start_ns[found]
    at = found[_nearest_the_median(length)]
    start, end = int(rows.start_ns[at]), int(rows.end_ns[at])
    among = "profiled inferences" if captured.any() else "inferences"
    title = (
        f"Inference {count_text(int(rows.inference[at]))}, {time_text(end - start)}: "
        f"the nearest to the median of {count_text(len(found))} {among}"
    )
    return DrawnUnit(title, end - start, _lanes(timeline.tracks, start, end))


def drawn_unit(level: KernelLevel) -> DrawnUnit | None:
    """The unit of a profile whose length is nearest the median; None without a unit."""
    walls, rows = level.breakdown.wall_ns, level.work.inferences
    if not len(walls):
        return None
    at = _nearest_the_median(walls)
    kept = level.ranges.only(level.keep)
    shift = int(kept.shifts(kept.lane)[at])
    start, end = int(rows.start_ns[at]) - shift, int(rows.end_ns[at]) - shift
    process = kept.lanes[int(kept.lane[at])].process
    one = level.words.one
    title = (
        f"{one.capitalize()} {count_text(int(level.breakdown.number[at]))}, {time_text(end - start)}: "
        f"the nearest to the median of {count_text(len(walls))}"
    )
    return DrawnUnit(title, end - start, _lanes(list(_tracks(level, process, start, end)), start, end))


def _nearest_the_median(lengths: np.ndarray) -> int:
    return int(np.argmin(np.abs(lengths - np.median(lengths))))


def _tracks(level: KernelLevel, process: int, start: int, end: int) -> Iterator[Track]:
    """The rows of a process that reach into a window, by thread and stream."""
    profile = level.profile
    for kind, label, table, owners in (
        ("range", "ranges, thread {}", profile.nvtx_ranges, ("thread",)),
        ("call", "CUDA calls, thread {}", profile.api_calls, ("thread",)),
        ("operation", "operations, thread {}", profile.host_ops, ("thread",)),
        (GPU, "GPU {}, stream {}", profile.gpu_work, ("device", "stream")),
    ):
        inside = _within(table, process, start, end)
        if not inside.any():
            continue
        rows = table.filter(pa.array(inside))
        names = encode(rows, "name")
        texts = [str(name) for name in names.values.to_pylist()]
        keys = np.stack([integers(rows, owner) for owner in owners])
        every = Rows(
            integers(rows, "start_ns"),
            integers(rows, "end_ns", end),
            names.codes,
            np.zeros(len(rows), np.int16),
            np.full(len(rows), NO_ROW),
        )
        for key in np.unique(keys, axis=1).T:
            mine = (key == keys.T).all(axis=1)
            yield from nested_tracks(kind, label.format(*key.tolist()), texts, every.taken(mine))


def _within(table: pa.Table, process: int, start: int, end: int) -> Flags:
    begins, ends = integers(table, "start_ns"), integers(table, "end_ns", end)
    inside: Flags = (integers(table, "process") == process) & (begins < end) & (ends > start)
    return inside


def _lanes(tracks: Sequence[Track], start: int, end: int) -> tuple[DrawnLane, ...]:
    found: dict[str, list[Slice]] = {}
    for track in tracks:
        rows = track.rows
        inside = np.flatnonzero((rows.start_ns < end) & (rows.end_ns > start))
        for row in inside.tolist():
            depth = int(rows.depth[row])
            name = track.names[int(rows.code[row])]
            label = (
                ("stages" if track.kind == "stage" else f"depth {depth + 1}, {track.label}") if depth else track.label
            )
            begin, finish = max(int(rows.start_ns[row]), start), min(int(rows.end_ns[row]), end)
            slices = found.setdefault(label, [])
            slices.append(Slice(begin - start, finish - start, name, category(track.kind, name)))
    most = max(min(LANE_SLICES, ALL_SLICES // max(len(found), 1)), 1)
    return tuple(_drawn(label, slices, most) for label, slices in found.items())


def _drawn(label: str, slices: Sequence[Slice], most: int) -> DrawnLane:
    longest = sorted(slices, key=lambda one: one.start_ns - one.end_ns)[:most]
    return DrawnLane(label, tuple(sorted(longest, key=lambda one: one.start_ns)), max(len(slices) - most, 0))
