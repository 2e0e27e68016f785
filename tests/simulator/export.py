"""A recording as an nsys SQLite export, by the columns that real exports have."""

from __future__ import annotations

from pathlib import Path

from tests.nsys_export import NsysExport
from tests.simulator.machine import Recording

PROCESS = 7
SYNC_TYPES = {"event": 1, "stream_wait": 2, "stream": 3, "device": 4}
"""``CUPTI_ACTIVITY_KIND_SYNCHRONIZATION.syncType``: CUpti_ActivitySynchronizationType of CUPTI's reference."""

NO_STREAM = 0xFFFFFFFF
"""``streamId`` of a synchronisation that names no stream."""


def write_export(recording: Recording, path: Path, unit: str = "inference", domain: str | None = "kws-trace") -> Path:
    """
    Write what was noted; threads of the program are numbered from the process's own id.

    ``unit`` and ``domain`` are of the range around each inference, as another program would call it.
    """
    export = NsysExport()
    export.processes({PROCESS: "simulated"})
    starts, ends = [start for start, _ in recording.inferences], [end for _, end in recording.inferences]
    where = {"process": PROCESS, "thread": PROCESS}
    export.ranges(starts, ends, unit, domain=domain, payload=list(range(len(starts))), **where)
    names = [name for name, _, _ in recording.stages]
    export.ranges(
        [start for _, start, _ in recording.stages],
        [end for _, _, end in recording.stages],
        names,
        domain=domain,
        **where,
    )
    for call in recording.calls:
        export.calls(
            [call.start_ns],
            [call.end_ns],
            call.name,
            process=PROCESS,
            thread=PROCESS + call.thread,
            correlation_id=[call.correlation_id],
        )
    _write_works(export, recording)
    _write_syncs(export, recording)
    return export.write(path)


def _write_works(export: NsysExport, recording: Recording) -> None:
    for work in recording.works:
        known = {"process": PROCESS, "correlation_id": [work.correlation_id], "stream": work.stream}
        if work.size is None:
            more = {} if work.node is None else {"graphNodeId": [work.node + 1]}
            export.kernels([work.start_ns], [work.end_ns], work.name, **known, **more)
        else:
            export.memcpys([work.start_ns], [work.end_ns], 1 if work.to_device else 2, [work.size], **known)


def _write_syncs(export: NsysExport, recording: Recording) -> None:
    pid = int(export.global_id(PROCESS))
    common = {"deviceId": 0, "contextId": 1, "globalPid": pid}
    for call in recording.calls:
        if call.waits_for is None:
            continue
        kind, which = call.waits_for
        export.add(
            "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
            start=[call.start_ns],
            end=[call.end_ns],
            correlationId=call.correlation_id,
            syncType=SYNC_TYPES[kind],
            streamId=which if kind == "stream" else NO_STREAM,
            eventId=which if kind == "event" else NO_STREAM,
            **common,
        )
    calls = {call.correlation_id: call for call in recording.calls}
    for number, stream, event in recording.stream_waits:
        call = calls[number]
        export.add(
            "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
            start=[call.start_ns],
            end=[call.end_ns],
            correlationId=number,
            syncType=SYNC_TYPES["stream_wait"],
            streamId=stream,
            eventId=event,
            **common,
        )
    for number, stream, event in recording.records:
        export.add("CUPTI_ACTIVITY_KIND_CUDA_EVENT", correlationId=[number], streamId=stream, eventId=event, **common)
