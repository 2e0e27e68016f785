"""The lanes of a timeline, sorted and summed once, so that what a window shows costs no look at the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import Integers
from tracer.captures.cuda_calls import classify_call
from tracer.captures.timeline import Timeline
from tracer.captures.tracks import GPU, Track
from tracer.kernels.kernel_names import short_name
from tracer.reports.kernel_labels import last_segment
from tracer.stages import INFERENCE

NAMES_APART = 64
"""Names of a lane that bins tell apart, those of the longest totals; the others count as one, the last group."""

KERNELS_APART = 6
"""Kernels that have a colour of their own, those of the longest totals of the run."""

KINDS = ("stage", "call", "operation", GPU, "serial")
"""Of tracks, in the order in which they are drawn."""

_WITHIN = ", within"

OTHER_KERNELS, COPIES, OPERATIONS = "other kernels", "copy or memset", "operation"


@dataclass(frozen=True, slots=True)
class Lane:
    """
    Rows that follow one another: one depth of one track.

    Args:
        label: what stands beside it; lanes of several captures may share one.
        depth: of the rows in the track.
        track: place of the track in ``Timeline.tracks``.
        source: its rows there.
        names: of ``code``.
        categories: what each name is coloured as.
        start_ns, end_ns, code: columns, by start; no two rows overlap.
        covered_ns: how much the rows before each cover; one longer than the others.
        group: of each name, its place in ``apart``, ``NAMES_APART`` for the rarer ones.
        apart: codes of the names of the longest totals.
    """

    label: str
    kind: str
    depth: int
    track: int
    source: Integers
    names: tuple[str, ...]
    categories: tuple[str, ...]
    start_ns: Integers
    end_ns: Integers
    code: Integers
    covered_ns: Integers
    group: Integers
    apart: Integers

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def nested(self) -> bool:
        """Whether its rows lie within those of another lane."""
        return self.depth > 0

    def within(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """First row and the one after the last of those that lie in the window, or reach into it."""
        first = min(
            int(np.searchsorted(self.end_ns, start_ns, side="right")),
            int(np.searchsorted(self.start_ns, start_ns, side="left")),
        )
        return first, max(first, int(np.searchsorted(self.start_ns, end_ns, side="left")))


def covered_until(times: Integers, start_ns: Integers, end_ns: Integers, covered_ns: Integers) -> Integers:
    """How many nanoseconds before each of ``times`` some row covers."""
    if not len(start_ns):
        return np.zeros(len(times), np.int64)
    row = np.searchsorted(start_ns, times, side="right") - 1
    known = np.maximum(row, 0)
    reached: Integers = covered_ns[known] + np.minimum(times, end_ns[known]) - start_ns[known]
    return np.where(row < 0, 0, reached)


def lanes_of(timeline: Timeline) -> list[Lane]:
    """Every row of a timeline on one lane, in the order in which they are drawn."""
    apart = _kernels_apart(timeline.tracks)
    found: list[Lane] = []
    for place, track in enumerate(timeline.tracks):
        categories = tuple(category(track.kind, name, apart) for name in track.names)
        depths = range(int(track.rows.depth.max(initial=-1)) + 1)
        found += [_lane(_label(track, depth), place, depth, timeline, categories) for depth in depths]
    return found


def lines_of(lanes: Sequence[Lane]) -> dict[str, str]:
    """
    The lines of a drawing from top to bottom: the label of their lanes, and what stands beside them.

    Those of a kind stand together, whatever capture they come from; what lies within a line need not repeat its name.
    """
    by_kind = sorted(lanes, key=lambda lane: KINDS.index(lane.kind))
    return {lane.label: f"within ({lane.depth})" if _WITHIN in lane.label else lane.label for lane in by_kind}


def shown_name(lane: Lane, code: int) -> str:
    """What stands in a slice: of a kernel or an operation the last segment."""
    name = lane.names[code]
    return last_segment(name) if lane.kind in (GPU, "operation") and not name.startswith("[") else name


def categories_of(lanes: Iterable[Lane]) -> list[str]:
    """What is coloured apart, in the order of the lanes."""
    used = (lane.categories[code] for lane in lanes for code in np.unique(lane.code).tolist())
    return list(dict.fromkeys(used))


def _label(track: Track, depth: int) -> str:
    if track.kind == "stage" and depth:
        return "stages"
    return track.label + (f"{_WITHIN} ({depth})" if depth else "")


def _lane(label: str, place: int, depth: int, timeline: Timeline, categories: tuple[str, ...]) -> Lane:
    track = timeline.tracks[place]
    source = np.flatnonzero(track.rows.depth == depth)
    start, end = track.rows.start_ns[source], track.rows.end_ns[source]
    code = track.rows.code[source]
    totals = np.bincount(code, weights=end - start, minlength=len(track.names))
    apart = np.sort(np.argsort(-totals, kind="stable")[:NAMES_APART])
    group = np.full(len(track.names), NAMES_APART)
    group[apart] = np.arange(len(apart))
    columns = (start, end, code, covered(start, end), group, apart)
    return Lane(label, track.kind, depth, place, source, track.names, categories, *columns)


def covered(start_ns: Integers, end_ns: Integers) -> Integers:
    """How much the rows before each cover, and all of them: one longer than the others."""
    total: Integers = np.r_[0, np.cumsum(end_ns - start_ns)]
    return total


def _kernels_apart(tracks: Iterable[Track]) -> set[str]:
    totals: dict[str, float] = {}
    for track in tracks:
        if track.kind == GPU:
            length = track.rows.end_ns - track.rows.start_ns
            spent = np.bincount(track.rows.code, weights=length, minlength=len(track.names))
            for name, ns in zip(track.names, spent.tolist(), strict=True):
                if not name.startswith("["):
                    totals[name] = totals.get(name, 0.0) + ns
    return set(sorted(totals, key=lambda name: (-totals[name], name))[:KERNELS_APART])


def category(kind: str, name: str, apart: set[str] | None = None) -> str:
    """What a name on a kind of track is coloured as; kernels not ``apart``, where those are given, are as one."""
    if kind == "call":
        return f"call: {classify_call(name)}"
    if kind == "operation":
        return OPERATIONS
    if kind == GPU:
        if name.startswith("["):
            return COPIES
        return short_name(name) if apart is None or name in apart else OTHER_KERNELS
    return f"line: {name}" if kind == "serial" and name != INFERENCE else name
