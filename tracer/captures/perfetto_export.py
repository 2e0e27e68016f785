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

from tracer.arrow_arrays import Flags, Integers
from tracer.captures.perfetto_slices import NEEDS_STATE, SEQUENCE, Arrows, Slices
from tracer.captures.perfetto_wire import bytes_field, integer_field
from tracer.captures.stage_track import LABEL
from tracer.captures.timeline import LaidOut, lay_out
from tracer.captures.tracks import Rows
from tracer.errors import RunError, WriteError
from tracer.runs.run_store import StoredRun
from tracer.whole_files import written_whole

PIECE = 200_000
"""Events that are in memory at once."""

_STATE_CLEARED = integer_field(13, 1)
_FLOWS, _ENDING_FLOWS = 47, 48
_RUN, _FIRST_TRACK = 1, 1000
"""Ids of tracks: of the run, of its captures after it, then of all others."""


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
    trace = _Trace(run, lay_out(run, run.span_tables), inferences)
    try:
        with written_whole(path, lasting=False) as temporary, temporary.open("wb") as file:
            for piece in trace.pieces():
                file.write(piece)
    except OSError as error:
        raise WriteError(path, "cannot be written", error, "name a file in a folder that can") from None
    return Exported(trace.slices, len(trace.flows), trace.tracks, trace.timeline.clock)


class _Trace:
    """
    What is exported of a run: of the stages those that overlap ``span``, of the other tracks the rows ``chosen``.

    ``flows`` are the launches of which both ends are exported, as rows of ``timeline.launches``; ``slices`` counts
    those of the pieces that were taken.
    """

    def __init__(self, run: StoredRun, laid: LaidOut, inferences: tuple[int, int] | None) -> None:
        self.run, self.stages, self.timeline = run, laid.stages, laid.rest
        self.span = None if inferences is None else self._span_of(*inferences)
        self.chosen = self._chosen()
        launches = self.timeline.launches
        called = _picked(self.chosen, launches.call_track, launches.call_row)
        self.flows = np.flatnonzero(called & _picked(self.chosen, launches.work_track, launches.work_row))
        self.tracks = (self.stages is not None) + sum(bool(rows.any()) for rows in self.chosen)
        self.slices = 0

    def _span_of(self, first: int, last: int) -> tuple[int, int]:
        starts, ends, count = list[int](), list[int](), 0
        for rows in self.stages.pieces() if self.stages is not None else ():
            count = max(count, 1 + int(rows.inference.max()))
            found = np.flatnonzero((rows.depth == 0) & (rows.inference >= first) & (rows.inference <= last))
            if len(found):
                starts.append(int(rows.start_ns[found].min()))
                ends.append(int(rows.end_ns[found].max()))
        if not starts:
            there = f"it has 0 to {count - 1}" if count else "it recorded none"
            raise RunError(self.run.name, f"no inference from {first} to {last}", there)
        return min(starts), max(ends)

    def _chosen(self) -> list[Flags]:
        tracks, launches = self.timeline.tracks, self.timeline.launches
        chosen = [self._overlaps(track.rows) for track in tracks]
        if self.span is not None:
            called = _picked(chosen, launches.call_track, launches.call_row)
            for place, rows in enumerate(chosen):
                rows[launches.work_row[called & (launches.work_track == place)]] = True
        return chosen

    def _overlaps(self, rows: Rows) -> Flags:
        if self.span is None:
            return np.ones(len(rows), bool)
        start, end = self.span
        return (rows.start_ns < end) & (rows.end_ns > start)

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The trace in pieces: it is its packets in a row."""
        first = _FIRST_TRACK + (self.stages is not None)
        yield from self._descriptors(first)
        known: dict[str, int] = {}
        if self.stages is not None:
            yield _named(self.stages.names, known)
            for piece in self.stages.pieces():
                taken = piece.taken(self._overlaps(piece)) if self.span else piece
                yield from self._events(_FIRST_TRACK, "stage", taken, _numbers_of(self.stages.names, known))
        flows, launches = self.flows, self.timeline.launches
        for place, track in enumerate(self.timeline.tracks):
            rows = np.flatnonzero(self.chosen[place])
            if not len(rows):
                continue
            yield _named(track.names, known)
            calls = flows[launches.call_track[flows] == place]
            works = flows[launches.work_track[flows] == place]
            arrows = (
                Arrows.at(_FLOWS, rows, launches.call_row[calls], calls + 1),
                Arrows.at(_ENDING_FLOWS, rows, launches.work_row[works], works + 1),
            )
            taken = track.rows if len(rows) == len(track.rows) else track.rows.taken(rows)
            yield from self._events(first + place, track.kind, taken, _numbers_of(track.names, known), arrows)

    def _events(
        self, uuid: int, kind: str, rows: Rows, numbers: Integers, arrows: tuple[Arrows, ...] = ()
    ) -> Iterator[memoryview]:
        self.slices += len(rows)
        slices = Slices(uuid, kind, rows, numbers, arrows)
        for first in range(0, 2 * len(rows), PIECE):
            yield slices.packets(first, min(first + PIECE, 2 * len(rows))).data

    def _descriptors(self, first: int) -> Iterator[bytes]:
        """The tree of tracks: the run, its captures within it, the tracks within those; ``first`` of the rest."""

        def described(uuid: int, name: str, parent: int | None, rank: int, flags: bytes = b"") -> bytes:
            explicit_order = integer_field(11, 3)
            within = b"" if parent is None else integer_field(5, parent)
            track = integer_field(1, uuid) + bytes_field(2, name) + within + explicit_order + integer_field(12, rank)
            return _packet(flags + bytes_field(60, track))

        yield described(_RUN, f"kws-trace {self.run.name}", None, 0, _STATE_CLEARED)
        last = first + len(self.timeline.tracks) - _FIRST_TRACK
        for number, facts in enumerate(self.run.info.captures):
            label = f"capture {number}: {facts.get('source', '')}, process {facts.get('process')}"
            yield described(_RUN + 1 + number, label, _RUN, last + number)
        if self.stages is not None:
            yield described(_FIRST_TRACK, LABEL, _RUN, 0)
        for uuid, (track, rows) in enumerate(zip(self.timeline.tracks, self.chosen, strict=True), first):
            if rows.any():
                parent = _RUN if track.capture is None else _RUN + 1 + track.capture
                yield described(uuid, track.label, parent, uuid - _FIRST_TRACK)


def _picked(chosen: list[Flags], tracks: Integers, rows: Integers) -> Flags:
    """Whether each row, given by its track and its place there, is chosen."""
    found = np.zeros(len(rows), bool)
    for place, of_track in enumerate(chosen):
        here = tracks == place
        found[here] = of_track[rows[here]]
    return found


def _packet(fields: bytes) -> bytes:
    return bytes_field(1, SEQUENCE + fields)


def _named(names: tuple[str, ...], known: dict[str, int]) -> bytes:
    """A packet that gives numbers to those of ``names`` that have none yet: a name is written once."""
    entries = []
    for name in names:
        if name not in known:
            known[name] = len(known) + 1
            entries.append(bytes_field(2, integer_field(1, known[name]) + bytes_field(2, name)))
    return _packet(NEEDS_STATE + bytes_field(12, b"".join(entries)))


def _numbers_of(names: tuple[str, ...], known: dict[str, int]) -> Integers:
    return np.array([known[name] for name in names], np.int64)
