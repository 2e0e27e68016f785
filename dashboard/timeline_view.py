"""What a window of a timeline shows: marks where they are few, bins where they are many; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.frames import Frame
from dashboard.timeline_lanes import Lane, covered_until
from tracer.captures.timeline import Timeline
from tracer.figure_text import count_text, counted, share_text, time_text
from tracer.profiles.arrow_arrays import NO_ROW, Integers

MARKS = 4000
"""Drawn at most: a browser takes some tens of milliseconds for them, and seconds for a hundred thousand."""

LAUNCH_LINES = 400
"""Beyond, lines from launch to kernel hide what they join."""

OVERVIEW_BINS = 240

MARK_COLUMNS = (
    *("lane", "start_ms", "end_ms", "category", "busy", "name", "starts", "lasts", "inference", "detail"),
    *("count", "merged"),
)
LINE_COLUMNS = ("launch", "lane", "ms", "call", "work", "delay")


@dataclass(frozen=True, slots=True)
class Drawing:
    """
    A window as frames.

    Args:
        marks: ``MARK_COLUMNS``: a row a mark; of a bin (``merged``) ``count`` rows, ``busy`` of it covered.
        lines: ``LINE_COLUMNS``: two rows a launch, at the call's start and at the work's.
        lanes: labels, from top to bottom.
        sentences: what is drawn, and what is not or not as it is.
    """

    marks: Frame
    lines: Frame
    lanes: tuple[str, ...]
    sentences: tuple[str, ...]


def draw(
    timeline: Timeline, lanes: Sequence[Lane], start_ns: int, end_ns: int, width_px: int = 1200, marks: int = MARKS
) -> Drawing:
    """
    Draw ``[start_ns, end_ns)``.

    A lane whose rows are more than its part of ``marks`` is merged: one mark a bin, of a pixel or more, that says how
    many rows began in it (of the first also those that began before), how much of it they cover and which name covers
    most. So each row that lies in the window is in exactly one mark.

    Args:
        timeline: that the lanes are of.
        lanes: as ``lanes_of`` gives them.
        start_ns: first nanosecond.
        end_ns: after the last; later than ``start_ns``.
        width_px: of the chart.
        marks: of all lanes together.
    """
    end_ns = max(end_ns, start_ns + 1)
    spans = [lane.within(start_ns, end_ns) for lane in lanes]
    counts = np.array([last - first for first, last in spans], np.int64)
    limit = _limit(counts, marks)
    parts, raw = [], set()
    for place, (lane, (first, last)) in enumerate(zip(lanes, spans, strict=True)):
        if last - first > limit:
            parts.append(_bins(lane, start_ns, end_ns, first, last, max(1, min(width_px, limit))))
        elif last > first:
            raw.add(place)
            parts.append(_marks(timeline, lane, first, last))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MARK_COLUMNS))
    labels = tuple(dict.fromkeys(lane.label for lane, count in zip(lanes, counts, strict=True) if count))
    lines, about_lines = _lines(timeline, lanes, spans, raw)
    sentences = (_what(start_ns, end_ns, counts, limit, lanes, frame), *about_lines)
    return Drawing(frame, lines, labels, sentences)


def shown_inferences(lanes: Sequence[Lane], timeline: Timeline, start_ns: int, end_ns: int) -> tuple[int, int]:
    """
    Numbers of the first and the last inference that lie in the window as a whole.

    Where none does, of those that reach into it; where none does that, of the next one.
    """
    for lane in lanes:
        if lane.kind == "stage" and not lane.nested and len(lane.start_ns):
            first, last = lane.within(start_ns, end_ns)
            whole_first = int(np.searchsorted(lane.start_ns, start_ns, side="left"))
            whole_last = int(np.searchsorted(lane.end_ns, end_ns, side="right"))
            if whole_first < whole_last:
                first, last = whole_first, whole_last
            rows = np.minimum([first, max(last - 1, first)], len(lane.start_ns) - 1)
            numbers = timeline.tracks[lane.track].rows.inference[lane.source[rows]]
            return int(numbers[0]), int(numbers[1])
    return 0, 0


def overview(lanes: Sequence[Lane], end_ns: int) -> Frame:
    """The whole run as ``MARK_COLUMNS``: lanes that lie in no other, each in ``OVERVIEW_BINS`` bins."""
    whole = [lane for lane in lanes if not lane.nested and len(lane.start_ns)]
    parts = [_bins(lane, 0, max(end_ns, 1), 0, len(lane.start_ns), OVERVIEW_BINS) for lane in whole]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MARK_COLUMNS))


def _limit(counts: Integers, marks: int) -> int:
    """Rows, or bins, that a lane may have: what lanes with few leave is for the others."""
    left, lanes = marks, int((counts > 0).sum())
    for count in sorted(counts[counts > 0].tolist()):
        if count * lanes > left:
            return max(left // lanes, 1)
        left, lanes = left - count, lanes - 1
    return marks


def _marks(timeline: Timeline, lane: Lane, first: int, last: int) -> Frame:
    rows = timeline.tracks[lane.track].rows.taken(lane.source[first:last])
    codes = rows.code.tolist()
    length = rows.end_ns - rows.start_ns if rows.length_ns is None else rows.length_ns
    numbers = [str(number) if number != NO_ROW else "-" for number in rows.inference.tolist()]
    names, categories = [lane.names[code] for code in codes], [lane.categories[code] for code in codes]
    columns = (lane.label, rows.start_ns / 1e6, rows.end_ns / 1e6, categories, 1.0, names)
    details = _details(rows, len(codes))
    return _frame(*columns, _exact(rows.start_ns), _exact(length), numbers, details, 1, merged=False)


def _frame(*columns: Any, merged: bool) -> Frame:
    return pd.DataFrame(dict(zip(MARK_COLUMNS, (*columns, merged), strict=True)))


def _exact(times_ns: Integers) -> list[str]:
    return [f"{count_text(ns)} ns" for ns in times_ns.tolist()]


def _details(rows: Any, count: int) -> list[str]:
    if rows.warmup is not None:
        return ["warm-up" if warm else "" for warm in rows.warmup.tolist()]
    details = [""] * count
    if rows.stage is not None:
        details = [f"launched in {stage}" if stage else "" for stage in rows.stage.tolist()]
    if rows.size is not None:
        sizes = [counted(size, "byte") if size != NO_ROW else "" for size in rows.size.tolist()]
        details = [", ".join(part for part in pair if part) for pair in zip(sizes, details, strict=True)]
    return details


def _bins(lane: Lane, start_ns: int, end_ns: int, first: int, last: int, bins: int) -> Frame:
    bins = min(bins, end_ns - start_ns)
    # Python's integers: a window of days times a thousand bins passes no limit of theirs.
    edges = np.array([start_ns + (end_ns - start_ns) * place // bins for place in range(bins + 1)], np.int64)
    inner = first + np.searchsorted(lane.start_ns[first:last], edges[1:-1], side="left")
    begins = np.r_[first, inner, last]
    count = np.diff(begins)
    busy = np.diff(covered_until(edges, lane.start_ns, lane.end_ns, lane.covered_ns)) / np.diff(edges)
    named = np.array([np.diff(covered_until(edges, *columns)) for columns in lane.named])
    longest = np.argmax(named, axis=0)
    code = np.array(lane.named_codes)[longest]
    # Rows of no length cover nothing: the first of them gives the name.
    bare = named.max(axis=0) == 0
    code = np.where(bare, lane.code[np.minimum(begins[:-1], len(lane.code) - 1)], code)
    shown = np.flatnonzero((count > 0) | (busy > 0))
    codes = code[shown].tolist()
    names = [f"mostly {lane.names[one]}" if one >= 0 else "mostly rare names" for one in codes]
    categories = [lane.categories[one] if one >= 0 else "several" for one in codes]
    count, busy = count[shown], busy[shown]
    details = [
        f"{count_text(number)} merged, {share_text(share)} busy"
        for number, share in zip(count.tolist(), busy.tolist(), strict=True)
    ]
    columns = (lane.label, edges[shown] / 1e6, edges[shown + 1] / 1e6, categories, busy, names)
    return _frame(*columns, _exact(edges[shown]), _exact(np.diff(edges)[shown]), "-", details, count, merged=True)


def _what(start_ns: int, end_ns: int, counts: Integers, limit: int, lanes: Sequence[Lane], frame: Frame) -> str:
    shown = int(counts.sum())
    every = f"{count_text(shown)} spans, calls and pieces of GPU work"
    where = f"{time_text(end_ns - start_ns)} from {time_text(start_ns)}"
    if not shown:
        return f"Nothing happened in this range ({where})."
    merged = [place for place, count in enumerate(counts.tolist()) if count > limit]
    if not merged:
        return f"Every one of the {every} in this range is drawn ({where})."
    rows = int(counts[merged].sum())
    labels = list(dict.fromkeys(lanes[place].label for place in merged))
    named = ", ".join(labels[:4]) + (f" and {len(labels) - 4} lanes more" if len(labels) > 4 else "")
    bins = int(frame["merged"].sum())
    widest = frame.loc[frame["merged"], "end_ms"] - frame.loc[frame["merged"], "start_ms"]
    held = f"{counted(bins, 'bin')} of {time_text(float(widest.max()) * 1e6)}"
    return (
        f"{every} lie in this range ({where}). {count_text(rows)} of them are merged "
        f"into {held} ({named}): a bin is as opaque as it is busy, "
        "and has the colour of what covers most of it. Narrow the range to see each."
    )


def _lines(
    timeline: Timeline, lanes: Sequence[Lane], spans: Sequence[tuple[int, int]], raw: set[int]
) -> tuple[Frame, tuple[str, ...]]:
    empty = pd.DataFrame(columns=list(LINE_COLUMNS))
    launches = timeline.launches
    if not len(launches):
        return empty, ()
    calls = _placed(lanes, spans, launches.call_track, launches.call_row)
    works = _placed(lanes, spans, launches.work_track, launches.work_row)
    both = np.flatnonzero((calls != NO_ROW) & (works != NO_ROW))
    if not len(both):
        return empty, ()
    if len(both) > LAUNCH_LINES or not {*np.unique(calls[both]).tolist(), *np.unique(works[both]).tolist()} <= raw:
        many = f"drawn for up to {LAUNCH_LINES} launches, where nothing is merged; here are {count_text(len(both))}"
        return empty, (f"Lines from a call to the work that it launched are {many}.",)
    rows = []
    for number in both.tolist():
        call_track = timeline.tracks[launches.call_track[number]]
        work_track = timeline.tracks[launches.work_track[number]]
        call, work = int(launches.call_row[number]), int(launches.work_row[number])
        begin, start = int(call_track.rows.start_ns[call]), int(work_track.rows.start_ns[work])
        facts = {
            "launch": number,
            "call": call_track.names[call_track.rows.code[call]],
            "work": work_track.names[work_track.rows.code[work]],
            "delay": f"{count_text(start - begin)} ns",
        }
        rows.append({**facts, "lane": lanes[calls[number]].label, "ms": begin / 1e6})
        rows.append({**facts, "lane": lanes[works[number]].label, "ms": start / 1e6})
    return pd.DataFrame(rows, columns=list(LINE_COLUMNS)), ()


def _placed(lanes: Sequence[Lane], spans: Sequence[tuple[int, int]], tracks: Integers, rows: Integers) -> Integers:
    """The lane in whose shown rows each row, given by its track and its place there, lies; ``NO_ROW`` if in none."""
    found = np.full(len(rows), NO_ROW)
    for place, (lane, (first, last)) in enumerate(zip(lanes, spans, strict=True)):
        if first == last:
            continue
        shown = lane.source[first:last]
        here = np.flatnonzero((tracks == lane.track) & (rows >= shown[0]) & (rows <= shown[-1]))
        at = np.minimum(np.searchsorted(shown, rows[here]), len(shown) - 1)
        found[here[shown[at] == rows[here]]] = place
    return found
