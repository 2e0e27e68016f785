"""Rows of a track as packets of a Perfetto trace: a begin and an end each, notes, arrows that start or end there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import NO_ROW, Flags, Integers
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
from tracer.captures.tracks import GPU, Rows

SEQUENCE, NEEDS_STATE = integer_field(10, 1), integer_field(13, 2)
_SLICE_BEGIN, _SLICE_END = integer_field(9, 1), integer_field(9, 2)

_CATEGORIES = {"stage": "inference", "serial": "serial", "call": "cuda", "operation": "host", GPU: "gpu"}


@dataclass(frozen=True, slots=True)
class Arrows:
    """
    Arrows that start, or that end, at rows of a track.

    ``field`` is that of ``TrackEvent``, ``row`` ascends, ``number`` is the arrow's, ``turn`` counts those of one row.
    """

    field: int
    row: Integers
    number: Integers
    turn: Integers

    @classmethod
    def at(cls, field: int, chosen: Integers, rows: Integers, numbers: Integers) -> Arrows:
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


class Slices:
    """
    A begin and an end for each row, in the order of time; at one time the ends first, inner before outer.

    ``numbers`` are those of the track's names. Rows come by start, the enclosing ones first.
    """

    def __init__(self, uuid: int, kind: str, rows: Rows, numbers: Integers, arrows: tuple[Arrows, ...]) -> None:
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
            constant(slice(None), SEQUENCE + NEEDS_STATE),
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
