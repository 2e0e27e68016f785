"""
A run as a Perfetto trace, for ui.perfetto.dev: spans, CUDA calls and GPU work on tracks, arrows from launch to work.

``TracePacket`` with ``TrackDescriptor`` and ``TrackEvent``, see
https://perfetto.dev/docs/reference/synthetic-track-event; in pieces, so that memory is that of one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracer.captures.perfetto_wire import (
    LENGTH,
    VARINT,
    Bytes,
    Part,
    bytes_field,
    constant,
    enclosed,
    fixed64_column,
    integer_column,
    integer_field,
    joined,
    padded_varints,
    tag,
    varint,
    varint_width,
    with_prefix,
)
from tracer.captures.timeline import Timeline, read_timeline
from tracer.captures.tracks import GPU, Rows
from tracer.errors import RunError, WriteError
from tracer.profiles.arrow_arrays import NO_ROW, Flags, Integers
from tracer.runs.run_store import StoredRun
from tracer.whole_files import written_whole

PIECE = 200_000
"""Events that are in memory at once."""

_SEQUENCE = integer_field(10, 1)
_STATE_CLEARED, _NEEDS_STATE = integer_field(13, 1), integer_field(13, 2)
_SLICE_BEGIN, _SLICE_END = integer_field(9, 1), integer_field(9, 2)
_FLOWS, _ENDING_FLOWS = 47, 48
_RUN, _FIRST_TRACK = 1, 1000
"""Ids of tracks: of the run, of its captures after it, then of all others."""

_CATEGORIES = {"stage": "inference", "serial": "serial", "call": "cuda", "operation": "host", GPU: "gpu"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds: pieces with a start and an end, and arrows."""

    slices: int
    flows: int
    tracks: int
    clock: str


def export_perfetto(run: StoredRun, path: Path, inferences: tuple[int, int] | None = None) -> Exported:
    """
    Write a run as a Perfetto trace, whole or not at all; what is at ``path`` is replaced.

    ``inferences`` are the first and the last, both with: what overlaps them and what they launched; None for all.

    Raises:
        RunError: if the run has none of ``inferences``.
        WriteError: if the disk does not take it.
        CaptureError: if a capture cannot be read.
    """
    timeline = read_timeline(run)
    chosen = _chosen(run, timeline, inferences)
    try:
        with written_whole(path, lasting=False) as temporary, temporary.open("wb") as file:
            for piece in _pieces(run, timeline, chosen):
                file.write(piece)
    except OSError as error:
        raise WriteError(path, "cannot be written", error, "name a file in a folder that can") from None
    flows = _flows(timeline, chosen)
    slices = sum(int(rows.sum()) for rows in chosen)
    return Exported(slices, len(flows), sum(bool(rows.any()) for rows in chosen), timeline.clock)


def _chosen(run: StoredRun, timeline: Timeline, inferences: tuple[int, int] | None) -> list[Flags]:
    """Of each track the rows that are exported."""
    if inferences is None:
        return [np.ones(len(track.rows), bool) for track in timeline.tracks]
    span = timeline.inference_span(*inferences)
    if span is None:
        there = f"it has 0 to {timeline.inferences - 1}" if timeline.inferences else "it recorded none"
        raise RunError(run.name, f"no inference from {inferences[0]} to {inferences[1]}", there)
    start, end = span
    chosen = [(track.rows.start_ns < end) & (track.rows.end_ns > start) for track in timeline.tracks]
    launches = timeline.launches
    called = _picked(chosen, launches.call_track, launches.call_row)
    for place, rows in enumerate(chosen):
        rows[launches.work_row[called & (launches.work_track == place)]] = True
    return chosen


def _flows(timeline: Timeline, chosen: list[Flags]) -> Integers:
    """Launches of which both ends are exported, as rows of ``timeline.launches``."""
    launches = timeline.launches
    called = _picked(chosen, launches.call_track, launches.call_row)
    return np.flatnonzero(called & _picked(chosen, launches.work_track, launches.work_row))


def _picked(chosen: list[Flags], tracks: Integers, rows: Integers) -> Flags:
    """Whether each row, given by its track and its place there, is chosen."""
    found = np.zeros(len(rows), bool)
    for place, of_track in enumerate(chosen):
        here = tracks == place
        found[here] = of_track[rows[here]]
    return found


def _pieces(run: StoredRun, timeline: Timeline, chosen: list[Flags]) -> Iterator[bytes | memoryview]:
    """The trace in pieces: it is its packets in a row."""
    yield from _descriptors(run, timeline, chosen)
    flows = _flows(timeline, chosen)
    launches = timeline.launches
    known: dict[str, int] = {}
    for place, track in enumerate(timeline.tracks):
        if not chosen[place].any():
            continue
        yield _named(track.names, known)
        numbers = np.array([known[name] for name in track.names], np.int64)
        rows = np.flatnonzero(chosen[place])
        calls = flows[launches.call_track[flows] == place]
        works = flows[launches.work_track[flows] == place]
        arrows = (
            _Arrows.at(_FLOWS, rows, launches.call_row[calls], calls + 1),
            _Arrows.at(_ENDING_FLOWS, rows, launches.work_row[works], works + 1),
        )
        taken = track.rows if len(rows) == len(track.rows) else track.rows.taken(rows)
        slices = _Slices(_FIRST_TRACK + place, track.kind, taken, numbers, arrows)
        for first in range(0, 2 * len(rows), PIECE):
            yield slices.packets(first, min(first + PIECE, 2 * len(rows))).data


def _descriptors(run: StoredRun, timeline: Timeline, chosen: list[Flags]) -> Iterator[bytes]:
    """The tree of tracks: the run, its captures within it, the tracks within those."""

    def described(uuid: int, name: str, parent: int | None, rank: int, flags: bytes = b"") -> bytes:
        explicit_order = integer_field(11, 3)
        within = b"" if parent is None else integer_field(5, parent)
        track = integer_field(1, uuid) + bytes_field(2, name) + within + explicit_order + integer_field(12, rank)
        return _packet(flags + bytes_field(60, track))

    yield described(_RUN, f"kws-trace {run.name}", None, 0, _STATE_CLEARED)
    for number, facts in enumerate(run.info.captures):
        label = f"capture {number}: {facts.get('source', '')}, process {facts.get('process')}"
        yield described(_RUN + 1 + number, label, _RUN, len(timeline.tracks) + number)
    for place, track in enumerate(timeline.tracks):
        if chosen[place].any():
            parent = _RUN if track.capture is None else _RUN + 1 + track.capture
            yield described(_FIRST_TRACK + place, track.label, parent, place)


def _packet(fields: bytes) -> bytes:
    return bytes_field(1, _SEQUENCE + fields)


def _named(names: tuple[str, ...], known: dict[str, int]) -> bytes:
    """A packet that gives numbers to those of ``names`` that have none yet: a name is written once."""
    entries = []
    for name in names:
        if name not in known:
            known[name] = len(known) + 1
            entries.append(bytes_field(2, integer_field(1, known[name]) + bytes_field(2, name)))
    return _packet(_NEEDS_STATE + bytes_field(12, b"".join(entries)))


@dataclass(frozen=True, slots=True)
class _Arrows:
    """
    Arrows that start, or that end, at rows of a track.

    ``field`` is that of ``TrackEvent``, ``row`` ascends, ``number`` is the arrow's, ``turn`` counts those of one row.
    """

    field: int
    row: Integers
    number: Integers
    turn: Integers

    @classmethod
    def at(cls, field: int, chosen: Integers, rows: Integers, numbers: Integers) -> _Arrows:
        """Of rows of the track, of which ``chosen`` are exported."""
        order = np.argsort(rows, kind="stable")
        row = np.searchsorted(chosen, rows[order])
        turn = np.arange(len(row)) - np.searchsorted(row, row)
        return cls(field, row, numbers[order], turn)

    def parts(self, first: int, last: int, event: Integers) -> list[Part]:
        """Those of the rows from ``first`` to before ``last``, whose begins are the events ``event``."""
        low, high = np.searchsorted(self.row, (first, last))
        row, number, turn = self.row[low:high] - first, self.number[low:high], self.turn[low:high]
        turns = [turn == one for one in range(int(turn.max(initial=-1)) + 1)]
        return [Part(event[row[now]], fixed64_column(self.field, number[now])) for now in turns]


class _Slices:
    """
    A begin and an end for each row, in the order of time; at one time the ends first, inner before outer.

    ``numbers`` are those of the track's names. Rows come by start, the enclosing ones first.
    """

    def __init__(self, uuid: int, kind: str, rows: Rows, numbers: Integers, arrows: tuple[_Arrows, _Arrows]) -> None:
        self._track, self._kind, self._rows, self._arrows = integer_field(11, uuid), kind, rows, arrows
        self._name = numbers[rows.code]
        self._begins = np.arange(len(rows)) + _ended_before(rows.start_ns, rows.end_ns)
        self._time = np.empty(2 * len(rows), np.int64)
        is_end = np.ones(2 * len(rows), bool)
        is_end[self._begins] = False
        self._time[self._begins] = rows.start_ns
        # An end names no slice: it closes the innermost that is open.
        self._time[is_end] = np.sort(rows.end_ns)

    def packets(self, first: int, last: int) -> Bytes:
        """The events from ``first`` to before ``last``."""
        low, high = np.searchsorted(self._begins, (first, last))
        count = int(last - first)
        event = self._begins[low:high] - first
        is_end = np.ones(count, bool)
        is_end[event] = False
        begin = _SLICE_BEGIN + self._track + bytes_field(22, _CATEGORIES[self._kind])
        fields = [
            constant(event, begin),
            constant(np.flatnonzero(is_end), _SLICE_END + self._track),
            Part(event, integer_column(10, self._name[low:high])),
            *_notes(self._kind, self._rows.taken(np.arange(low, high)), event),
            *(part for arrows in self._arrows for part in arrows.parts(low, high, event)),
        ]
        packet = [
            constant(slice(None), _SEQUENCE + _NEEDS_STATE),
            Part(slice(None), integer_column(8, self._time[first:last])),
            *enclosed(tag(11, LENGTH), fields, count),
        ]
        return joined(enclosed(tag(1, LENGTH), packet, count), count)


def _ended_before(start: Integers, end: Integers) -> Integers:
    """
    How many rows have ended when each begins, of rows by start that are apart or within one another.

    A row without length ends at its own start: of those at one time each ends before the next begins.
    """
    ended = np.searchsorted(np.sort(end), start, "right")
    empty = np.r_[0, np.cumsum(start == end)]
    last_of_start = np.searchsorted(start, start, "right")
    still_to_come: Integers = empty[last_of_start] - empty[:-1]
    return ended - still_to_come


def _notes(kind: str, rows: Rows, event: Integers) -> list[Part]:
    """What a click on a slice shows: inference, stage, bytes, the length where the clock's rate changed it."""
    # Of the run's own the inferences alone, whose stages lie within them.
    noted = (kind == GPU) | (kind != "stage") & (rows.inference != NO_ROW) | (kind == "stage") & (rows.depth == 0)
    parts = [_numbers("inference", rows.inference, noted & (rows.inference != NO_ROW), event)]
    if rows.warmup is not None:
        parts.append(constant(event[noted & rows.warmup], _note("warmup", integer_field(2, 1))))
    if rows.stage is not None:
        stages = dict.fromkeys(rows.stage[noted].tolist())
        parts += [
            constant(event[noted & (rows.stage == stage)], _note("launched in stage", bytes_field(6, stage)))
            for stage in stages
            if stage
        ]
    if rows.size is not None:
        parts.append(_numbers("bytes", rows.size, noted & (rows.size != NO_ROW), event))
    if rows.length_ns is not None:
        changed = noted & (rows.length_ns != rows.end_ns - rows.start_ns)
        parts.append(_numbers("recorded duration_ns", rows.length_ns, changed, event))
    return parts


def _numbers(name: str, values: Integers, where: Flags, event: Integers) -> Part:
    """A note of a number, where it is known."""
    chosen = values[where]
    width = varint_width(chosen)
    value = tag(4, VARINT)
    length = len(bytes_field(10, name)) + len(value) + width
    prefix = tag(4, LENGTH) + varint(length) + bytes_field(10, name) + value
    return Part(event[where], with_prefix(prefix, padded_varints(chosen, width)))


def _note(name: str, value: bytes) -> bytes:
    return bytes_field(4, bytes_field(10, name) + value)
