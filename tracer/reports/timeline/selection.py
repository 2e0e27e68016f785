"""What is told of a part of a timeline: one slice, a measured range, what a search finds; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import Timeline
from tracer.captures.tracks import GPU
from tracer.figure_text import count_text, counted, time_text
from tracer.reports.timeline.arrows import Arrows
from tracer.reports.timeline.lanes import Lane


@dataclass(frozen=True, slots=True)
class NameSum:
    """Of one name in one lane: rows that lie in a range at least in part, and how much of the range they cover."""

    name: str
    lane: str
    category: str
    count: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that a search found, the ``place``-th (from 1) of ``of``."""

    lane: int
    row: int
    place: int
    of: int


def sums_by_name(lanes: Sequence[Lane], start_ns: int, end_ns: int) -> list[NameSum]:
    """What lies in ``[start_ns, end_ns)`` by lane and name, the longest total first; lanes of one label as one."""
    totals: dict[tuple[str, str, str], list[int]] = {}
    for lane in lanes:
        first, last = lane.within(start_ns, end_ns)
        rows = np.arange(first, last)
        code = lane.code[rows]
        inside = np.minimum(lane.end_ns[rows], end_ns) - np.maximum(lane.start_ns[rows], start_ns)
        for one in np.unique(code).tolist():
            of_name = code == one
            key = (lane.names[one], lane.label, lane.categories[one])
            total = totals.setdefault(key, [0, 0])
            total[0] += int(of_name.sum())
            total[1] += int(inside[of_name].sum())
    found = [NameSum(*key, count, ns) for key, (count, ns) in totals.items()]
    return sorted(found, key=lambda one: (-one.total_ns, -one.count, one.lane, one.name))


class Hits:
    """The rows whose name holds ``text``, in any case, in the order of their starts, then of their lanes."""

    def __init__(self, lanes: Sequence[Lane], text: str) -> None:
        wanted = text.casefold()
        parts = []
        for place, lane in enumerate(lanes):
            named = np.array([wanted in name.casefold() for name in lane.names], bool)
            rows = np.flatnonzero(named[lane.code]) if named.any() else np.empty(0, np.int64)
            parts.append(np.stack([lane.start_ns[rows], np.full(len(rows), place), rows]))
        columns = np.concatenate(parts, axis=1) if parts else np.empty((3, 0), np.int64)
        order = np.lexsort(columns[::-1])
        self._start, self._lane, self._row = (column[order] for column in columns)

    def __len__(self) -> int:
        return len(self._start)

    def place(self, lane: int, row: int) -> int | None:
        """The place of a row among the hits, from 1; None of a row that is none."""
        found = np.flatnonzero((self._lane == lane) & (self._row == row))
        return int(found[0]) + 1 if len(found) else None

    def beside(self, start_ns: int, lane: int, row: int, *, backwards: bool = False) -> Hit | None:
        """The hit after a row, or before it, and beyond an end from the other one; None where there is none."""
        if not len(self):
            return None
        # Those that begin with it, and which of them come before it.
        first, last = np.searchsorted(self._start, start_ns), np.searchsorted(self._start, start_ns, "right")
        keys = zip(self._lane[first:last].tolist(), self._row[first:last].tolist(), strict=True)
        at = int(first) + sum(key < (lane, row) if backwards else key <= (lane, row) for key in keys)
        at = (at - 1 if backwards else at) % len(self)
        return Hit(int(self._lane[at]), int(self._row[at]), at + 1, len(self))


def slice_facts(
    timeline: Timeline, lanes: Sequence[Lane], arrows: Arrows, lane: int, row: int
) -> list[tuple[str, str]]:
    """
    A slice in words: label and text of each fact.

    ``lane`` and ``row`` are a place among the lanes and one of its rows; times are relative to the inference that the
    slice belongs to, and without one to the run's first span.
    """
    own = lanes[lane]
    rows, source = timeline.tracks[own.track].rows, int(own.source[row])
    start = int(own.start_ns[row])
    length = int(own.end_ns[row]) - start if rows.length_ns is None else int(rows.length_ns[source])
    facts = [("name", own.names[own.code[row]]), ("lane", own.label)]
    number = int(rows.inference[source])
    if number != NO_ROW:
        warm = rows.warmup is not None and bool(rows.warmup[source])
        facts.append(("inference", count_text(number) + (", a warm-up" if warm else "")))
    if rows.stage is not None and rows.stage[source]:
        facts.append(("launched in stage", str(rows.stage[source])))
    facts += [("starts", relative_start(timeline, start, number)), ("lasts", exact(length))]
    if rows.size is not None and rows.size[source] != NO_ROW:
        facts.append(("size", counted(int(rows.size[source]), "byte")))
    joined = _launched_by if own.kind == GPU else _launched
    return facts + joined(lanes, arrows, lane, row)


def relative_start(timeline: Timeline, start_ns: int, inference: int) -> str:
    """``12.35 us (12,350 ns) after inference 7 began``; of the run's first span outside every inference."""
    span = None if inference == NO_ROW else timeline.inference_span(inference, inference)
    if span is None:
        return f"{exact(start_ns)} after the run's first span"
    passed = start_ns - span[0]
    order = "after" if passed >= 0 else "before"
    return f"{exact(abs(passed))} {order} inference {count_text(inference)} began"


def exact(ns: int) -> str:
    """A time as it reads and to the nanosecond: ``12.35 us (12,350 ns)``."""
    read, whole = time_text(ns), f"{count_text(ns)} ns"
    return read if read == whole else f"{read} ({whole})"


def _launched_by(lanes: Sequence[Lane], arrows: Arrows, lane: int, row: int) -> list[tuple[str, str]]:
    found = arrows.of_work(lane, row)
    if not len(found):
        return [("launched by", "no call that the capture holds")]
    at = int(found[0])
    call = lanes[arrows.call_lane[at]]
    name = call.names[call.code[arrows.call_row[at]]]
    delay = int(arrows.work_ns[at] - arrows.call_ns[at])
    return [("launched by", f"{name} ({call.label})"), ("launch to start", exact(delay))]


def _launched(lanes: Sequence[Lane], arrows: Arrows, lane: int, row: int) -> list[tuple[str, str]]:
    found = arrows.of_call(lane, row)
    texts = []
    for at in found[:3].tolist():
        work = lanes[arrows.work_lane[at]]
        name = work.names[work.code[arrows.work_row[at]]]
        texts.append(f"{name} ({work.label}), {exact(int(arrows.work_ns[at] - arrows.call_ns[at]))} later")
    if len(found) > len(texts):
        texts.append(f"{count_text(len(found) - len(texts))} more")
    return [("launched", "; ".join(texts))] if texts else []
