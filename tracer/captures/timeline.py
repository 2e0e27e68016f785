"""
A run as tracks of one clock: stages, the serial line, CUDA calls, operations of the host and GPU work, to be drawn.

Figures are never made from it: they join spans and captures by number (``kernel_level``), not by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, dense_groups, encode, integers
from tracer.captures.attribution import Attribution, attribute, of_process
from tracer.captures.clock_fit import LineClock, capture_clocks
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges
from tracer.captures.row_bounds import covering_rows
from tracer.captures.sensor_lines import SensorLine, sensor_lines
from tracer.captures.stage_track import StageTrack, Tables, span_facts
from tracer.captures.stored_capture import read_capture
from tracer.captures.tracks import GPU, Rows, Track, all_at, nested_tracks
from tracer.figure_text import interval_text, ppm_text
from tracer.runs.run_store import StoredRun

HASHED = 1 << 32
"""No system numbers a thread or a stream as high."""


@dataclass(frozen=True, slots=True)
class Launches:
    """
    Which call launched which work: int64 columns, a row a launch.

    ``call_track`` and ``work_track`` are places in ``Timeline.tracks``, ``call_row`` and ``work_row`` rows of those.
    """

    call_track: Integers
    call_row: Integers
    work_track: Integers
    work_row: Integers

    def __len__(self) -> int:
        return len(self.call_row)

    def later(self, tracks: int) -> Launches:
        """The same, where so many tracks stand before."""
        return replace(self, call_track=self.call_track + tracks, work_track=self.work_track + tracks)


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    Everything of a run that has a start and an end, in nanoseconds since the first of it began.

    Args:
        tracks: of the run, then of each capture.
        captures: first and end nanosecond of each.
        clock: a sentence: whose clock it is, and what was mapped onto it.
        sensors: frequencies, temperatures and power, where the run has samples.
    """

    tracks: tuple[Track, ...]
    launches: Launches
    end_ns: int
    captures: tuple[tuple[int, int], ...]
    clock: str
    sensors: tuple[SensorLine, ...] = ()

    def after(self, track: Track) -> Timeline:
        """The same with one more track, the first."""
        end = max(self.end_ns, int(track.rows.end_ns.max()))
        return replace(self, tracks=(track, *self.tracks), launches=self.launches.later(1), end_ns=end)

    @property
    def inferences(self) -> int:
        """How many were recorded; they are numbered from 0."""
        rows = self._inference_rows
        return 0 if rows is None else 1 + int(rows.inference.max())

    @property
    def _inference_rows(self) -> Rows | None:
        """The inferences and their stages; None where none was recorded."""
        return next((track.rows for track in self.tracks if track.kind == "stage"), None)

    def _timed(self, chosen: Flags | None = None) -> Rows | None:
        """The inferences, or the ``chosen`` ones of their track, without warm-ups where others are among them."""
        rows = self._inference_rows
        if rows is None:
            return None
        whole = rows.depth == 0 if chosen is None else (rows.depth == 0) & chosen
        timed = whole if rows.warmup is None else whole & ~rows.warmup
        return rows.taken(timed if timed.any() else whole)

    def nearest_captured(self, number: int) -> int | None:
        """Number of the inference of a capture that is nearest to one, itself where it was captured; no warm-up."""
        rows = self._inference_rows
        if rows is None:
            return None
        # Half of it at least: the edges of the two clocks differ by a bracket.
        middle = (rows.start_ns + rows.end_ns) // 2
        inside = np.zeros(len(rows), bool)
        for start, end in self.captures:
            inside |= (middle >= start) & (middle < end)
        found = self._timed(inside)
        if found is None or not len(found):
            return None
        return int(found.inference[np.abs(found.inference - number).argmin()])

    def slowest(self) -> tuple[int, int] | None:
        """Number and nanoseconds of the longest inference that is no warm-up; None where none was recorded."""
        rows = self._timed()
        if rows is None or not len(rows):
            return None
        length = rows.end_ns - rows.start_ns
        at = int(length.argmax())
        return int(rows.inference[at]), int(length[at])

    def inference_span(self, first: int, last: int) -> tuple[int, int] | None:
        """Start and end of the inferences numbered ``first`` to ``last``, both with; None where there is none."""
        rows = self._inference_rows
        if rows is None:
            return None
        found = np.flatnonzero((rows.depth == 0) & (rows.inference >= first) & (rows.inference <= last))
        return (int(rows.start_ns[found].min()), int(rows.end_ns[found].max())) if len(found) else None


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Of a capture, and that of the timeline."""

    capture: LineClock
    own: LineClock

    def at(self, times: Integers) -> Integers:
        """The capture's times on the timeline's clock: as they are, where it is the same."""
        return times if self.capture == self.own else self.own.mapped(self.capture.unmapped(times))


def read_timeline(run: StoredRun) -> Timeline:
    """
    Lay the spans of a run and the rows of its captures on one clock: that of its first capture, else its own.

    Raises:
        CaptureError: if a capture cannot be read.
        ProfileError: if two inferences of a capture overlap.
    """
    laid = lay_out(run, lambda: [run.spans()])
    if laid.stages is None:
        return laid.rest
    return laid.rest.after(laid.stages.whole())


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A timeline whose stages are not in memory: their track, None where no inference was recorded, and the rest."""

    stages: StageTrack | None
    rest: Timeline


def lay_out(run: StoredRun, tables: Tables) -> LaidOut:
    """As ``read_timeline``; ``tables`` give the run's spans."""
    facts = span_facts(tables())
    clocks = capture_clocks(run.info.captures, facts.first_ns)
    own = clocks[0] if clocks else LineClock()
    stages = None if facts.inference_ns is None else StageTrack(tables, facts, own)
    tracks = _serial_tracks(facts.serial, own)
    launched, captures = [], []
    for number, clock in enumerate(clocks):
        more, pairs, extent = _capture_tracks(run, number, _Clocks(clock, own))
        launched.append(_located(more, pairs, len(tracks)))
        captures.append(extent)
        tracks += more
    firsts = [int(track.rows.start_ns[0]) for track in tracks]
    origin = min(firsts if stages is None else [stages.first_ns, *firsts], default=0)
    tracks = [track.shifted(-origin) for track in tracks]
    end = max((int(track.rows.end_ns.max()) for track in tracks), default=0)
    table = np.concatenate(launched, axis=1) if launched else np.empty((4, 0), np.int64)
    extents = tuple((first - origin, last - origin) for first, last in captures)
    sensors = tuple(line.shifted(-origin) for line in sensor_lines(run.samples(), own))
    rest = Timeline(tuple(tracks), Launches(*table), end, extents, _clock_sentence(run), sensors)
    return LaidOut(None if stages is None else stages.shifted(-origin), rest)


def _clock_sentence(run: StoredRun) -> str:
    captures = run.info.captures
    if not captures:
        return "Times are of the recorder's clock."
    rates = [float(one["clock"]["rate_ppm"]) for one in captures]
    said = ppm_text(rates[0]) if len(rates) == 1 else interval_text(min(rates), max(rates), ppm_text)
    later = f" the {len(captures) - 1} later captures" if len(captures) > 2 else " the later capture"
    others = f" and{later}" if len(captures) > 1 else ""
    return (
        f"Times are of the first capture's clock ({captures[0].get('source', '')}); the recorder's spans{others} are "
        f"mapped onto it by the lines fitted at the import (rates {said})."
    )


def _serial_tracks(spans: pa.Table, clock: LineClock) -> list[Track]:
    start = integers(spans, "start_ns")
    end = clock.mapped(start + integers(spans, "duration_ns"))
    names = encode(spans, "stage")
    none = np.full(len(start), NO_ROW)
    rows = Rows(clock.mapped(start), end, names.codes, all_at(0, len(start)), none)
    return nested_tracks("serial", "serial line", [str(name) for name in names.values.to_pylist()], rows)


def _capture_tracks(
    run: StoredRun, number: int, clocks: _Clocks
) -> tuple[list[Track], tuple[Integers, Integers], tuple[int, int]]:
    """
    The tracks of a capture; of each launch the rows of the call and of the work in the capture's tables; and the
    capture's extent.
    """
    profile = read_capture(run, number)
    process = run.info.captures[number].get("process")
    ranges = stage_ranges(profile, process=process)
    found = attribute(profile, ranges)
    tracks: list[Track] = []
    for kind, table in (("call", profile.api_calls), ("operation", profile.host_ops), (GPU, profile.gpu_work)):
        start, end, names = integers(table, "start_ns"), integers(table, "end_ns"), encode(table, "name")
        known = _inferences(kind, table, ranges, found)
        texts = [str(name) for name in names.values.to_pylist()]
        for label, chosen in _owners(kind, table, process):
            rows = Rows(
                clocks.at(start[chosen]),
                clocks.at(end[chosen]),
                names.codes[chosen],
                all_at(0, len(chosen)),
                known[chosen],
                source=chosen,
                length_ns=end[chosen] - start[chosen],
            )
            if kind == GPU:
                stage = np.array([*ranges.stages, None], dtype=object)[found.stage[chosen]]
                rows = replace(rows, stage=stage, size=integers(table, "bytes", NO_ROW)[chosen])
            tracks += nested_tracks(kind, label, texts, rows, capture=number)
    launched = np.flatnonzero(found.launch != NO_ROW)
    extent = clocks.at(np.array([ranges.start_ns[0], ranges.end_ns[-1]] if len(ranges) else [], np.int64))
    return tracks, (found.launch[launched], launched), (int(extent[0]), int(extent[1])) if len(extent) else (0, 0)


def _inferences(kind: str, table: pa.Table, ranges: InferenceRanges, found: Attribution) -> Integers:
    """Number of the inference of each row; operations have no launch and belong to that in which they began."""
    if kind == GPU:
        return found.inference
    place = found.call_place
    if kind != "call":
        began = covering_rows(integers(table, "start_ns"), ranges.start_ns, ranges.end_ns)
        place = np.where(of_process(table, ranges.process), began, NO_ROW)
    return np.append(ranges.numbers, NO_ROW)[place]


def _owners(kind: str, table: pa.Table, process: int | None) -> Iterator[tuple[str, Integers]]:
    """The label of each thread or stream, and its rows; that of another process than the profiled one names it."""
    first, second = ("device", "stream") if kind == GPU else ("process", "thread")
    keys = np.zeros(len(table), np.int64)
    columns = []
    for name in ("process", first, second):
        column = integers(table, name)
        distinct, place = dense_groups(column)
        keys = keys * max(len(distinct), 1) + place
        columns.append(column)
    distinct, groups = dense_groups(keys)
    for group in range(len(distinct)):
        rows = np.flatnonzero(groups == group)
        owner, one, number = (int(column[rows[0]]) for column in columns)
        # A thread of an xplane has no number but a hash: its place among them is easier to read.
        other = number if abs(number) < HASHED else f"#{group + 1}"
        label = {
            "call": f"CUDA calls, thread {other}",
            "operation": f"operations, thread {other}",
            GPU: f"GPU {one}, stream {other}",
        }[kind]
        yield label if owner == process else f"{label}, process {owner}", rows


def _located(tracks: list[Track], pairs: tuple[Integers, Integers], first: int) -> Integers:
    """Calls and work, given by their rows in a capture's tables, as tracks (from ``first`` on) and their rows."""
    found = []
    for kind, wanted in (("call", pairs[0]), (GPU, pairs[1])):
        sources = {place: track.rows.source for place, track in enumerate(tracks, first) if track.kind == kind}
        size = 1 + max((int(one.max()) for one in sources.values() if one is not None and len(one)), default=-1)
        track_of, row_of = np.full(size, NO_ROW), np.full(size, NO_ROW)
        for place, source in sources.items():
            if source is not None:
                track_of[source], row_of[source] = place, np.arange(len(source))
        found += [track_of[wanted], row_of[wanted]]
    return np.stack(found)
