"""
A run as a Perfetto trace, for ui.perfetto.dev: spans, CUDA calls and GPU work on tracks, arrows from launch to work.

Written through the ``perfetto`` package's messages (``TracePacket`` with ``TrackDescriptor`` and ``TrackEvent``, see
https://perfetto.dev/docs/reference/synthetic-track-event), in pieces, so that memory is that of one piece.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracer.captures.timeline import Timeline, read_timeline
from tracer.captures.tracks import GPU, Track
from tracer.errors import RunError, WriteError
from tracer.profiles.arrow_arrays import NO_ROW, Flags, Integers
from tracer.runs.run_store import StoredRun
from tracer.whole_files import written_whole

PIECE = 50_000
"""Packets that are in memory at once."""

_SEQUENCE = 1
_RUN, _FIRST_TRACK = 1, 1000
"""Ids of tracks: of the run, of its captures after it, then of all others."""

_ArrowsAt = dict[int, list[int]]
"""Ids of the arrows that start, or that end, at each row of a track."""

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
            for piece in _pieces(_packets(run, timeline, chosen)):
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


def _pieces(packets: Iterator[Any]) -> Iterator[bytes]:
    """Packets as bytes; a trace is its packets in a row, so that pieces of it may follow one another."""
    from perfetto.trace_builder.proto_builder import TraceProtoBuilder

    builder = TraceProtoBuilder()
    append = builder.trace.packet.append
    for count, packet in enumerate(packets, 1):
        append(packet)
        if count % PIECE == 0:
            yield builder.serialize()
            builder = TraceProtoBuilder()
            append = builder.trace.packet.append
    yield builder.serialize()


def _packets(run: StoredRun, timeline: Timeline, chosen: list[Flags]) -> Iterator[Any]:
    """Every packet; one object is filled anew each time, so that it has to be copied at once."""
    flows = _flows(timeline, chosen)
    starts: dict[int, _ArrowsAt] = defaultdict(lambda: defaultdict(list))
    ends: dict[int, _ArrowsAt] = defaultdict(lambda: defaultdict(list))
    launches = timeline.launches
    for flow in flows.tolist():
        starts[int(launches.call_track[flow])][int(launches.call_row[flow])].append(flow + 1)
        ends[int(launches.work_track[flow])][int(launches.work_row[flow])].append(flow + 1)
    yield from _descriptors(run, timeline, chosen)
    known: dict[str, int] = {}
    for place, track in enumerate(timeline.tracks):
        if chosen[place].any():
            yield _named(track.names, known)
            numbers = np.array([known[name] for name in track.names], np.int64)
            rows = np.flatnonzero(chosen[place])
            yield from _slices(_FIRST_TRACK + place, track, rows, numbers, starts[place], ends[place])


def _descriptors(run: StoredRun, timeline: Timeline, chosen: list[Flags]) -> Iterator[Any]:
    """The tree of tracks: the run, its captures within it, the tracks within those."""
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket, TrackDescriptor

    def described(uuid: int, name: str, parent: int | None, rank: int) -> Any:
        packet = TracePacket(trusted_packet_sequence_id=_SEQUENCE)
        packet.track_descriptor.uuid = uuid
        packet.track_descriptor.name = name.encode("utf-8", "replace").decode()
        packet.track_descriptor.child_ordering = TrackDescriptor.EXPLICIT
        packet.track_descriptor.sibling_order_rank = rank
        if parent is not None:
            packet.track_descriptor.parent_uuid = parent
        return packet

    first = TracePacket(
        trusted_packet_sequence_id=_SEQUENCE, sequence_flags=TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    )
    first.track_descriptor.CopyFrom(described(_RUN, f"kws-trace {run.name}", None, 0).track_descriptor)
    yield first
    for number, facts in enumerate(run.info.captures):
        label = f"capture {number}: {facts.get('source', '')}, process {facts.get('process')}"
        yield described(_RUN + 1 + number, label, _RUN, len(timeline.tracks) + number)
    for place, track in enumerate(timeline.tracks):
        if chosen[place].any():
            parent = _RUN if track.capture is None else _RUN + 1 + track.capture
            yield described(_FIRST_TRACK + place, track.label, parent, place)


def _event_packet() -> Any:
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket

    return TracePacket(trusted_packet_sequence_id=_SEQUENCE, sequence_flags=TracePacket.SEQ_NEEDS_INCREMENTAL_STATE)


def _named(names: tuple[str, ...], known: dict[str, int]) -> Any:
    """A packet that gives numbers to those of ``names`` that have none yet: a name is written once."""
    packet = _event_packet()
    for name in names:
        if name not in known:
            known[name] = len(known) + 1
            packet.interned_data.event_names.add(iid=known[name], name=name)
    return packet


def _slices(
    uuid: int, track: Track, chosen: Integers, numbers: Integers, starts: _ArrowsAt, ends: _ArrowsAt
) -> Iterator[Any]:
    """
    A begin and an end for each row, in the order of time; at one time the ends first, inner before outer.

    ``numbers`` are those of the track's names. Rows come by start, the enclosing ones first: what is open and ended
    before the next begin is closed then.
    """
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TrackEvent

    packet, closing = _event_packet(), _event_packet()
    event = packet.track_event
    event.track_uuid = closing.track_event.track_uuid = uuid
    event.categories.append(_CATEGORIES[track.kind])
    event.type, closing.track_event.type = TrackEvent.TYPE_SLICE_BEGIN, TrackEvent.TYPE_SLICE_END
    rows = track.rows.taken(chosen)
    open_ends: list[int] = []
    columns = (chosen.tolist(), rows.start_ns.tolist(), rows.end_ns.tolist(), numbers[rows.code].tolist())
    special = _noted(track) | starts.keys() | ends.keys()
    for row, start, end, name in zip(*columns, strict=True):
        while open_ends and open_ends[-1] <= start:
            closing.timestamp = open_ends.pop()
            yield closing
        packet.timestamp = start
        event.name_iid = name
        if row not in special:
            yield packet
        else:
            _note(event, track, row)
            event.flow_ids.extend(starts.get(row, ()))
            event.terminating_flow_ids.extend(ends.get(row, ()))
            yield packet
            for field in ("debug_annotations", "flow_ids", "terminating_flow_ids"):
                event.ClearField(field)
        open_ends.append(end)
    while open_ends:
        closing.timestamp = open_ends.pop()
        yield closing


def _noted(track: Track) -> set[int]:
    """Rows that say more than their name: of the run's own the inferences, whose stages lie within them."""
    rows = track.rows
    if track.kind == GPU:
        return set(range(len(rows)))
    return set(np.flatnonzero((rows.inference != NO_ROW) & ((track.kind != "stage") | (rows.depth == 0))).tolist())


def _note(event: Any, track: Track, row: int) -> None:
    """What a click on the slice shows: inference, stage, bytes, the length where the clock's rate changed it."""
    rows = track.rows
    if rows.inference[row] != NO_ROW:
        event.debug_annotations.add(name="inference", int_value=int(rows.inference[row]))
    if rows.warmup is not None and rows.warmup[row]:
        event.debug_annotations.add(name="warmup", bool_value=True)
    if rows.stage is not None and rows.stage[row]:
        event.debug_annotations.add(name="launched in stage", string_value=rows.stage[row])
    if rows.size is not None and rows.size[row] != NO_ROW:
        event.debug_annotations.add(name="bytes", int_value=int(rows.size[row]))
    if rows.length_ns is not None and rows.length_ns[row] != rows.end_ns[row] - rows.start_ns[row]:
        event.debug_annotations.add(name="recorded duration_ns", int_value=int(rows.length_ns[row]))
