"""
The JSON that XLA writes beside its ``xplane.pb``, of JAX and of TensorFlow (``*.trace.json.gz``, ``perfetto_trace``).

Sources: ``xla/tsl/profiler/convert/trace_events_to_json.cc`` of openxla/xla (form), and the traces of JAX 0.10.2 on a
CPU, read here beside their own ``xplane.pb``. Planes are processes, lines are threads. No real file of a GPU was at
hand; its planes, lines and details are those of ``xplane.pb``, which has been read of an H200.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tracer.figure_text import count_text
from tracer.profiles.columns import RowsBuilder, rows_table
from tracer.profiles.json_events import Event, JsonEvents, interval_ns, text, whole
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile
from tracer.profiles.xplane_names import (
    RANGE_PREFIX,
    STEP_NUMBER,
    Row,
    host_kind,
    named_calls,
    work_bytes,
    work_kind,
    work_name,
)

RECORD_AGAIN = "give the xplane.pb that lies beside it, or record it again with `jax.profiler.trace(FOLDER)`"

PROCESS = 0
"""A trace is of one process and does not name it."""

MOST_EVENTS = 1_000_000
"""At most that many complete events XLA writes to it."""

_GPU = re.compile(r"/device:GPU:(\d{1,4})\b.*")
_HOSTS = ("/host:CPU", "/host:CUPTI")
_STREAM = "Stream #"


@dataclass(slots=True)
class _Found:
    work: RowsBuilder
    ranges: RowsBuilder
    ops: RowsBuilder
    calls: list[Row] = field(default_factory=list)
    given: list[Row] = field(default_factory=list)
    """Of the work that has a call, what ``named_calls`` reads of it."""
    names: dict[object, str] = field(default_factory=dict)
    lines: dict[tuple[object, object], str] = field(default_factory=dict)
    other: Counter[str] = field(default_factory=Counter)
    events: int = 0


def read_xla_json(path: Path) -> Profile:
    """
    Read one trace.

    A step (``StepTraceAnnotation``) is a range of the default domain, its number the payload; a range of kws-trace is
    one of its own. Other annotations cannot be told from the frames of XLA: all are ``runtime``.

    Returns:
        times in nanoseconds from the start of the session, cut as those of ``xplane.pb`` are.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    events = JsonEvents(path, RECORD_AGAIN)
    found = _Found(RowsBuilder(path, GPU_WORK), RowsBuilder(path, NVTX_RANGES), RowsBuilder(path, HOST_OPS))
    for event in events:
        if event.get("ph") == "M":
            _take_name(event, found)
        elif event.get("ph") == "X":
            _take(events, event, found)
    planes = [name.partition(" (pid")[0] for name in found.names.values()]
    hosts, gpu = any(name == _HOSTS[0] for name in planes), any(_GPU.fullmatch(name) for name in planes)
    if not hosts and not gpu:
        raise events.damaged("it has no plane of a host or a GPU")
    return Profile(
        path=path,
        source="jax",
        version="",
        traced=frozenset((*(("ops", "nvtx") if hosts else ()), *(("cuda",) if gpu else ()))),
        gpu_work=found.work.table(),
        api_calls=rows_table(API_CALLS, named_calls(found.calls, found.given)),
        nvtx_ranges=found.ranges.table(),
        host_ops=found.ops.table(),
        experimental=gpu,
        notes=_notes(found, gpu=gpu),
    )


def _take_name(event: Event, found: _Found) -> None:
    args = event.get("args")
    name = text(args.get("name", "")) if isinstance(args, dict) else ""
    pid, tid = whole(event.get("pid")), whole(event.get("tid"))
    if event.get("name") == "process_name":
        found.names[pid] = name
    elif event.get("name") == "thread_name":
        found.lines[pid, tid] = name


def _take(events: JsonEvents, event: Event, found: _Found) -> None:
    pid, tid, times, args = (
        whole(event.get("pid")),
        whole(event.get("tid")),
        interval_ns(event),
        event.get("args", {}),
    )
    name = text(event.get("name"))
    if pid is None or tid is None or times is None or not isinstance(args, dict):
        raise events.damaged(f"an event {name[:80]!r} has no place or no times that can be")
    found.events += 1
    plane = found.names.get(pid, "without a name").partition(" (pid")[0]
    details = {text(key): text(value) for key, value in args.items()}
    gpu = _GPU.fullmatch(plane)
    if gpu is not None:
        if found.lines.get((pid, tid), "").startswith(_STREAM):
            _take_work(int(gpu[1]), tid, name, details, times, found)
    elif plane in _HOSTS:
        _take_host(tid, name, details, times, found)
    else:
        found.other[plane] += 1


def _take_work(
    device: int, stream: int, name: str, details: dict[str, str], times: tuple[int, int], found: _Found
) -> None:
    kind = work_kind(name, details)
    if kind is None:
        found.other[f"{name} on a stream"] += 1
        return
    size = work_bytes(details) if kind in {"memcpy", "memset"} else None
    call = whole(details.get("correlation_id"))
    row = (PROCESS, device, stream, kind, work_name(kind, name), size, *times, call)
    found.work.append(row)
    if call is not None:
        found.given.append(row)


def _take_host(thread: int, name: str, details: dict[str, str], times: tuple[int, int], found: _Found) -> None:
    kind, call = host_kind(name), whole(details.get("correlation_id"))
    if kind == "range":
        stage, number = name.removeprefix(RANGE_PREFIX).partition("#")[0], whole(details.get("number"))
        found.ranges.append((PROCESS, thread, "kws-trace", stage, number, "push_pop", *times))
    elif call is not None:
        found.calls.append((PROCESS, thread, name.partition(" (CudaGraph")[0], *times, call))
    elif STEP_NUMBER in details:
        found.ranges.append((PROCESS, thread, None, name, whole(details[STEP_NUMBER]), "push_pop", *times))
    else:
        found.ops.append((PROCESS, thread, kind, name, *times))


def _notes(found: _Found, *, gpu: bool) -> tuple[str, ...]:
    notes = ["this JSON is made of the xplane.pb that lies beside it, which names the GPU and CUDA's versions too"]
    if gpu:
        notes.append("its GPU planes have been read by XLA's own source alone, no real JSON of a GPU was at hand")
    else:
        notes.append("no GPU plane in this trace: the ops ran on the CPU, or the profiler could not trace the GPU")
    if found.events >= MOST_EVENTS:
        notes.append(
            f"XLA writes at most {count_text(MOST_EVENTS)} events to it: the others are in the xplane.pb alone"
        )
    if found.other:
        kinds = ", ".join(f"{count_text(count)} {name}" for name, count in sorted(found.other.items()))
        notes.append(f"neither kernel nor copy, or on other planes, left out: {kinds}")
    return tuple(notes)
