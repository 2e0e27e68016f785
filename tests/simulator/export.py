"""A recording as an nsys SQLite export, by the columns that real exports have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.nsys_export import NsysExport
from tests.simulator.machine import Call, Recording, Work

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
    calls = recording.calls
    export.calls(
        [call.start_ns for call in calls],
        [call.end_ns for call in calls],
        [call.name for call in calls],
        process=PROCESS,
        thread=[PROCESS + call.thread for call in calls],
        correlation_id=[call.correlation_id for call in calls],
    )
    _write_works(export, recording)
    _write_syncs(export, recording)
    return export.write(path)


def _write_works(export: NsysExport, recording: Recording) -> None:
    kernels = [work for work in recording.works if work.size is None]
    if kernels:
        nodes = [None if work.node is None else work.node + 1 for work in kernels]
        export.kernels(*_times(kernels), [work.name for work in kernels], **_known(kernels), graphNodeId=nodes)
    copies = [work for work in recording.works if work.size is not None]
    if copies:
        kinds = [1 if work.to_device else 2 for work in copies]
        export.memcpys(*_times(copies), kinds, [work.size for work in copies], **_known(copies))


def _times(noted: Sequence[Call | Work]) -> tuple[list[int], list[int]]:
    return [one.start_ns for one in noted], [one.end_ns for one in noted]


def _known(works: Sequence[Work]) -> dict[str, Any]:
    ids = {"correlation_id": [work.correlation_id for work in works], "stream": [work.stream for work in works]}
    return {"process": PROCESS, **ids}


def _write_syncs(export: NsysExport, recording: Recording) -> None:
    calls = {call.correlation_id: call for call in recording.calls}
    waited = [(call, *call.waits_for) for call in recording.calls if call.waits_for is not None]
    syncs = [
        (call, kind, which if kind == "stream" else NO_STREAM, which if kind == "event" else NO_STREAM)
        for call, kind, which in waited
    ]
    syncs += [(calls[number], "stream_wait", stream, event) for number, stream, event in recording.stream_waits]
    common = {"deviceId": 0, "contextId": 1, "globalPid": int(export.global_id(PROCESS))}
    if syncs:
        starts, ends = _times([call for call, *_ in syncs])
        export.add(
            "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
            start=starts,
            end=ends,
            correlationId=[call.correlation_id for call, *_ in syncs],
            syncType=[SYNC_TYPES[kind] for _, kind, _, _ in syncs],
            streamId=[stream for _, _, stream, _ in syncs],
            eventId=[event for _, _, _, event in syncs],
            **common,
        )
    if recording.records:
        numbers, streams, events = map(list, zip(*recording.records, strict=True))
        export.add(
            "CUPTI_ACTIVITY_KIND_CUDA_EVENT", correlationId=numbers, streamId=streams, eventId=events, **common
        )
