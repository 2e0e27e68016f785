"""
What ``trtexec`` exports as JSON: times of each inference (``--exportTimes``), times of layers (``--exportProfile``).

Sources: ``samples/common/sampleReporting.cpp`` of NVIDIA/TensorRT (fields, what each is the difference of), and real
exports in its ``tools/experimental/trt-engine-explorer``. Neither holds a kernel. Times are milliseconds of six
digits in all: a start after the first second is only told to 10 µs.
"""

from __future__ import annotations

from pathlib import Path

from tracer.figure_text import counted
from tracer.profiles.columns import LARGEST, RowsBuilder, copy_name
from tracer.profiles.json_events import Event, JsonEvents, scaled, text, whole
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile, ProfileSummary, SummaryRow

TIMES_AGAIN = "export it again with `trtexec --exportTimes=FILE`"
LAYERS_AGAIN = "export it again with `trtexec --dumpProfile --exportProfile=FILE`"

INFERENCE = "inference"
WORK_NAME = "[TensorRT inference]"
ENQUEUE = "enqueue"

_MS = 6
"""Digits from a millisecond to a nanosecond."""
_PARTS = (
    ("memcpy", copy_name("HtoD"), ("H2d", "In")),
    ("graph", WORK_NAME, ("Compute",)),
    ("memcpy", copy_name("DtoH"), ("D2h", "Out")),
)
"""Of an inference on the GPU: kind, name, and how the fields are called, of TensorRT 7 and later, and before."""


def read_trtexec_times(path: Path) -> Profile:
    """
    Read the times of inferences.

    Each is a range ``inference`` from its first copy to the end of its last, its number the payload. Between two CUDA
    events lies one piece of GPU work of the kind ``graph`` (what is in it was not recorded), and a copy in and out;
    ``enqueue`` is the call that launched them. Lengths are the file's own, which have more digits than their ends.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    events = JsonEvents(path, TIMES_AGAIN)
    schemas = (GPU_WORK, API_CALLS, NVTX_RANGES)
    work, calls, ranges = (RowsBuilder(path, schema) for schema in schemas)
    computed, copied, overlaps, crossing = -LARGEST, -LARGEST, 0, 0
    for number, event in enumerate(events):
        parts = [part for part in _gpu_parts(events, event) if part is not None]
        for kind, name, start, end in parts:
            work.append((0, 0, 0, kind, name, None, start, end, number))
        start, end = parts[0][2], max(_at(events, event, ("endD2hMs", "endOutMs")), *(part[3] for part in parts))
        compute = _at(events, event, ("startComputeMs",))
        overlaps += compute < computed
        crossing += start < copied
        computed, copied = _at(events, event, ("endComputeMs",)), max(copied, end)
        ranges.append((0, 0, None, INFERENCE, number, "start_end", start, end))
        if "startEnqMs" in event:
            calls.append((0, 0, ENQUEUE, *_enqueued(events, event, number), number))
    if not work.count:
        raise events.damaged("it holds no inference")
    return Profile(
        path=path,
        source="trtexec",
        version="",
        traced=frozenset({"cuda", "nvtx"}),
        gpu_work=work.table(),
        api_calls=calls.table(),
        nvtx_ranges=ranges.table(),
        host_ops=HOST_OPS.empty_table(),
        notes=_notes(overlaps, crossing, calls.count),
    )


def _at(events: JsonEvents, event: Event, names: tuple[str, ...]) -> int:
    value = next((event[name] for name in names if name in event), None)
    found = scaled(value, _MS)
    if found is None:
        raise events.damaged(f"an inference has no {names[0]} that can be")
    return found


def _enqueued(events: JsonEvents, event: Event, number: int) -> tuple[int, int]:
    began, ended = _at(events, event, ("startEnqMs",)), _at(events, event, ("endEnqMs",))
    if ended < began:
        raise events.damaged(f"inference {number} ends before it starts")
    return began, ended


def _gpu_parts(events: JsonEvents, event: Event) -> list[tuple[str, str, int, int] | None]:
    """Copy in, the inference, copy out; None for a copy that took no time: `--noDataTransfers` leaves it out."""
    parts: list[tuple[str, str, int, int] | None] = []
    for kind, name, called in _PARTS:
        start = _at(events, event, tuple(f"start{one}Ms" for one in called))
        lower = tuple(f"{one[0].lower()}{one[1:]}Ms" for one in called)
        if not any(one in event for one in lower):
            length = _at(events, event, tuple(f"end{one}Ms" for one in called)) - start
        else:
            length = _at(events, event, lower)
        if length < 0:
            raise events.damaged("an inference ends before it starts")
        parts.append((kind, name, start, start + length) if length or kind == "graph" else None)
    return parts


def _notes(overlaps: int, crossing: int, enqueues: int) -> tuple[str, ...]:
    notes = [
        f"trtexec records no kernel: {WORK_NAME} is the time between two CUDA events, with the gaps inside it",
        "times have six digits: a start after the first second is told to 10 us, after ten to 100 us, a length finer",
    ]
    if not enqueues:
        notes.append("no enqueue times in the file, as before TensorRT 7: launch delays are not known")
    if overlaps:
        notes.append(
            f"{counted(overlaps, 'inference')} began before the one before had ended: several streams, shown as one"
        )
    if crossing:
        notes.append(
            f"{counted(crossing, 'inference')} began to copy before the one before had copied its output: as units "
            "they cannot be told apart; `trtexec --exposeDMA`, or --noDataTransfers, runs one after the other"
        )
    return tuple(notes)


def read_trtexec_layers(path: Path) -> ProfileSummary:
    """
    Read the times of layers: their sums over all inferences, without a timeline.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    events = JsonEvents(path, LAYERS_AGAIN)
    count, rows = None, []
    for event in events:
        if count is None:
            count = whole(event.get("count"))
            if count is None or count < 0 or "name" in event:
                raise events.damaged("it does not begin with the count of its inferences")
            continue
        total, percent = scaled(event.get("timeMs"), _MS), scaled(event.get("percentage"), 7)
        if total is None or total < 0 or percent is None or percent < 0:
            raise events.damaged(f"the layer {text(event.get('name'), 80)!r} has no time that can be")
        rows.append(SummaryRow("kernel", text(event.get("name")), count, total, percent / 1e9))
    if not rows:
        raise events.damaged("it holds no layer")
    note = (
        "rows are layers of TensorRT, timed one by one by its profiler: a layer may be several kernels, their sum "
        "longer than an inference without it"
    )
    return ProfileSummary(path, "trtexec", tuple(rows), (note,))
