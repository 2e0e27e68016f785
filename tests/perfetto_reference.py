"""The same trace written packet by packet through messages of the ``perfetto`` package: slow, and plain to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket, TrackDescriptor, TrackEvent

from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import Timeline
from tracer.captures.tracks import GPU, Track
from tracer.runs.run_store import StoredRun

CATEGORIES = {"stage": "inference", "serial": "serial", "call": "cuda", "operation": "host", GPU: "gpu"}


def reference_packets(run: StoredRun, timeline: Timeline) -> list[Any]:
    """Every packet of the export of a whole run."""
    starts: dict[tuple[int, int], list[int]] = defaultdict(list)
    ends: dict[tuple[int, int], list[int]] = defaultdict(list)
    launches = timeline.launches
    for flow in range(len(launches)):
        starts[int(launches.call_track[flow]), int(launches.call_row[flow])].append(flow + 1)
        ends[int(launches.work_track[flow]), int(launches.work_row[flow])].append(flow + 1)
    packets = list(_descriptors(run, timeline))
    known: dict[str, int] = {}
    for place, track in enumerate(timeline.tracks):
        if not len(track.rows):
            continue
        names = _event()
        for name in track.names:
            if name not in known:
                known[name] = len(known) + 1
                names.interned_data.event_names.add(iid=known[name], name=name)
        names.interned_data.SetInParent()
        packets.append(names)
        packets += _slices(place, track, known, starts, ends)
    return packets


def _descriptors(run: StoredRun, timeline: Timeline) -> Iterator[Any]:
    def described(uuid: int, name: str, parent: int | None, rank: int) -> Any:
        packet = TracePacket(trusted_packet_sequence_id=1)
        packet.track_descriptor.uuid = uuid
        packet.track_descriptor.name = name.encode("utf-8", "replace").decode()
        packet.track_descriptor.child_ordering = TrackDescriptor.EXPLICIT
        packet.track_descriptor.sibling_order_rank = rank
        if parent is not None:
            packet.track_descriptor.parent_uuid = parent
        return packet

    first = described(1, f"kws-trace {run.name}", None, 0)
    first.sequence_flags = TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    yield first
    for number, facts in enumerate(run.info.captures):
        label = f"capture {number}: {facts.get('source', '')}, process {facts.get('process')}"
        yield described(2 + number, label, 1, len(timeline.tracks) + number)
    for place, track in enumerate(timeline.tracks):
        if len(track.rows):
            yield described(1000 + place, track.label, 1 if track.capture is None else 2 + track.capture, place)


def _event() -> Any:
    return TracePacket(trusted_packet_sequence_id=1, sequence_flags=TracePacket.SEQ_NEEDS_INCREMENTAL_STATE)


def _slices(place: int, track: Track, known: dict[str, int], starts: Any, ends: Any) -> Iterator[Any]:
    rows, open_ends = track.rows, []

    def closed(time_ns: int) -> Any:
        packet = _event()
        packet.timestamp = time_ns
        packet.track_event.track_uuid = 1000 + place
        packet.track_event.type = TrackEvent.TYPE_SLICE_END
        return packet

    for row in range(len(rows)):
        while open_ends and open_ends[-1] <= rows.start_ns[row]:
            yield closed(open_ends.pop())
        packet = _event()
        packet.timestamp = int(rows.start_ns[row])
        event = packet.track_event
        event.track_uuid = 1000 + place
        event.type = TrackEvent.TYPE_SLICE_BEGIN
        event.categories.append(CATEGORIES[track.kind])
        event.name_iid = known[track.names[rows.code[row]]]
        if track.kind == GPU or (rows.inference[row] != NO_ROW and (track.kind != "stage" or rows.depth[row] == 0)):
            _note(event, track, row)
        event.flow_ids.extend(starts[place, row])
        event.terminating_flow_ids.extend(ends[place, row])
        yield packet
        open_ends.append(int(rows.end_ns[row]))
    while open_ends:
        yield closed(open_ends.pop())


def _note(event: Any, track: Track, row: int) -> None:
    rows = track.rows
    if rows.inference[row] != NO_ROW:
        event.debug_annotations.add(name="inference", int_value=int(rows.inference[row]))
    if rows.warmup is not None and rows.warmup[row]:
        event.debug_annotations.add(name="warmup", bool_value=True)
    if rows.stage is not None and rows.stage[row]:
        event.debug_annotations.add(name="launched in stage", string_value=rows.stage[row])
    if rows.size is not None and rows.size[row] != NO_ROW:
        event.debug_annotations.add(name="bytes", int_value=int(rows.size[row]))
    if rows.length_ns is not None and rows.length_ns[row] != np.subtract(rows.end_ns[row], rows.start_ns[row]):
        event.debug_annotations.add(name="recorded duration_ns", int_value=int(rows.length_ns[row]))
