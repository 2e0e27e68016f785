"""
PyTorch's profiler (Kineto): ``prof.export_chrome_trace``, ``tensorboard_trace_handler``, ``.json`` or ``.json.gz``.

Sources: ``libkineto/src/output_json.cpp`` of pytorch/kineto (form, categories, ``args``) and the traces of real
programs in the tests of facebookresearch/HolisticTraceAnalysis, read here: V100, A100 and MI250, times in whole
microseconds and with three digits behind the point. A GPU record has its launching call's ``correlation``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import arrow, integers, present
from tracer.figure_text import count_text, counted
from tracer.profiles.columns import COPY_DIRECTIONS, MEMSET_NAME, RowsBuilder, copy_name
from tracer.profiles.gpu_facts import cuda_version_text, gpu_sentence
from tracer.profiles.json_events import Event, JsonEvents, interval_ns, text, whole
from tracer.profiles.nsys_processes import processes_by_launch
from tracer.profiles.nsys_syncs import NO_STREAM, fill_syncs, sync_key
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile

RECORD_AGAIN = "export it again with `prof.export_chrome_trace(FILE)`"

_WORK = {"kernel": "kernel", "gpu_memcpy": "memcpy", "gpu_memset": "memset", "memcpy": "memcpy", "memset": "memset"}
_CALLS = ("cuda_runtime", "cuda_driver", "runtime")
_OPS = {"cpu_op": "op", "operator": "op", "python_function": "runtime", "overhead": "profiler"}
_RANGES = "user_annotation"
_REPEATS = ("gpu_user_annotation", "trace", "async_task")
"""Complete events that repeat others on another line, or span the whole trace."""
_ANNOTATED = re.compile(r"ProfilerStep#\d+|Optimizer\.(step|zero_grad)#.*|enumerate\(DataLoader\)#.*")
"""What PyTorch annotates itself; its traces until 1.9 have no category for annotations, and call these operators."""
_NUMBERED = re.compile(r"(.+)#(\d{1,18})")
"""As ``ProfilerStep#12``: a name that repeats, and its number."""
_DIRECTION = re.compile(r"\b([HDAP]to[HDAP])\b")
_STREAM = re.compile(r"(?:stream )?(\d{1,9})")


@dataclass(slots=True)
class _Found:
    work: RowsBuilder
    calls: RowsBuilder
    ranges: RowsBuilder
    ops: RowsBuilder
    syncs: list[tuple[int, int, int]] = field(default_factory=list)
    """Correlation id of a call that waits or records, its stream and its event."""
    devices: set[int] = field(default_factory=set)
    unknown: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    hip: bool = False
    fractions: bool = False


def read_kineto(path: Path) -> Profile:
    """
    Read one trace.

    ``record_function``'s ranges and the profiler's steps stand in ``nvtx_ranges``, in the default domain; the number
    behind ``#`` of a name is the payload. Python functions are ``host_ops`` of the kind ``runtime``.

    Returns:
        times in nanoseconds from the trace's own base, exactly as far as the file's digits go.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    events = JsonEvents(path, RECORD_AGAIN)
    found = _Found(
        *(RowsBuilder(path, GPU_WORK), RowsBuilder(path, API_CALLS)),
        *(RowsBuilder(path, NVTX_RANGES), RowsBuilder(path, HOST_OPS)),
    )
    for event in events:
        if event.get("ph") == "X":
            _take(events, event, found)
    if not any(table.count for table in (found.work, found.calls, found.ranges, found.ops)):
        raise events.damaged("it holds no event of PyTorch's profiler")
    calls = found.calls.table()
    work, ownerless = _owned(found.work.table(), calls)
    cuda = bool(found.work.count or found.calls.count)
    return Profile(
        path=path,
        source="pytorch",
        version=_versions(events.beside),
        traced=frozenset({"nvtx", "ops", *(("cuda",) if cuda else ())}),
        gpu_work=work,
        api_calls=_with_syncs(calls, found),
        nvtx_ranges=found.ranges.table(),
        host_ops=found.ops.table(),
        notes=_notes(events.beside, found, ownerless, cuda=cuda),
    )


def _take(events: JsonEvents, event: Event, found: _Found) -> None:
    category = text(event.get("cat", "")).lower()
    if category in _REPEATS:
        found.repeats += category == "gpu_user_annotation"
        return
    take = _TAKERS.get(category)
    if category == "operator" and _ANNOTATED.fullmatch(text(event.get("name"))):
        take = _take_range
    if take is None:
        found.unknown[category] += 1
        return
    times = interval_ns(event)
    args = event.get("args", {})
    if times is None or not isinstance(args, dict):
        raise events.damaged(f"an event {text(event.get('name'), 80)!r} has no times that can be")
    found.fractions = found.fractions or isinstance(event["ts"], str)
    take(events, event, args, times, found)


def _whole(events: JsonEvents, event: Event, name: str) -> int:
    value = whole(event.get(name))
    if value is None:
        raise events.damaged(f"an event {text(event.get('name'), 80)!r} has no {name} that is a number")
    return value


def _take_work(events: JsonEvents, event: Event, args: Event, times: tuple[int, int], found: _Found) -> None:
    kind, name = _WORK[text(event["cat"]).lower()], text(event.get("name"))
    device, stream = (
        whole(args.get("device", event.get("pid"))),
        _STREAM.fullmatch(text(args.get("stream", event.get("tid")))),
    )
    if device is None or stream is None or not 0 <= device < 1 << 31:
        raise events.damaged(f"GPU work {name[:80]!r} has no device and stream that are numbers")
    size = whole(args.get("bytes")) if kind != "kernel" else None
    if kind == "memcpy":
        direction = _DIRECTION.search(name)
        name = copy_name(direction[1] if direction and direction[1] in COPY_DIRECTIONS else "?")
    name = MEMSET_NAME if kind == "memset" else name
    found.devices.add(device)
    found.work.append((0, device, int(stream[1]), kind, name, size, *times, whole(args.get("correlation"))))


def _take_call(events: JsonEvents, event: Event, args: Event, times: tuple[int, int], found: _Found) -> None:
    place, name = (_whole(events, event, "pid"), _whole(events, event, "tid")), text(event.get("name"))
    found.hip = found.hip or name.startswith("hip")
    found.calls.append((*place, name, *times, whole(args.get("correlation"))))


def _take_range(events: JsonEvents, event: Event, _: Event, times: tuple[int, int], found: _Found) -> None:
    place, name = (_whole(events, event, "pid"), _whole(events, event, "tid")), text(event.get("name"))
    numbered = _NUMBERED.fullmatch(name)
    called = (numbered[1], int(numbered[2])) if numbered else (name, None)
    found.ranges.append((*place, None, *called, "push_pop", *times))


def _take_op(events: JsonEvents, event: Event, _: Event, times: tuple[int, int], found: _Found) -> None:
    place = _whole(events, event, "pid"), _whole(events, event, "tid")
    found.ops.append((*place, _OPS[text(event["cat"]).lower()], text(event.get("name")), *times))


def _take_sync(_: JsonEvents, __: Event, args: Event, ___: tuple[int, int], found: _Found) -> None:
    """What a waiting call waits for; where it tells which call recorded the event, that one's too."""
    names = ("correlation", "stream", "wait_on_stream", "wait_on_cuda_event_id", "wait_on_cuda_event_record_corr_id")
    call, stream, on, event, record = (-1 if (value := whole(args.get(name))) is None else value for name in names)
    if call >= 0:
        found.syncs.append((call, stream, event))
    if record >= 0:
        found.syncs.append((record, on, event))


_TAKERS: dict[str, Callable[[JsonEvents, Event, Event, tuple[int, int], _Found], None]] = {
    **dict.fromkeys(_WORK, _take_work),
    **dict.fromkeys(_CALLS, _take_call),
    **dict.fromkeys(_OPS, _take_op),
    _RANGES: _take_range,
    "cuda_sync": _take_sync,
}


def _owned(work: pa.Table, calls: pa.Table) -> tuple[pa.Table, int]:
    """GPU work with the process of the call that launched it; the trace names a device in its place."""
    linked = present(calls, "correlation_id")
    owners, ownerless = processes_by_launch(
        integers(work, "correlation_id", -1),
        integers(calls, "correlation_id")[linked],
        integers(calls, "process")[linked],
    )
    return work.set_column(0, work.schema.field(0), arrow(owners)), ownerless


def _with_syncs(calls: pa.Table, found: _Found) -> pa.Table:
    processes = np.unique(integers(calls, "process"))
    # Of several processes the trace does not say whose a synchronisation is.
    if len(processes) != 1:
        return calls
    call, stream, event = np.array(found.syncs, np.int64).reshape(-1, 3).T
    return fill_syncs(
        calls,
        sync_key(np.full(len(call), processes[0]), call),
        *(np.where(x < 0, NO_STREAM, x) for x in (stream, event)),
    )


def _versions(beside: Event) -> str:
    told = {name: whole(beside.get(f"cuda_{name}_version")) for name in ("driver", "runtime")}
    return ", ".join(f"CUDA {name} {cuda_version_text(it)}" for name, it in told.items() if it)


def _notes(beside: Event, found: _Found, ownerless: int, *, cuda: bool) -> tuple[str, ...]:
    notes = _devices(beside, found.devices)
    notes.append("ranges are those of record_function and the profiler's steps; NVTX is not in PyTorch's trace")
    if not cuda:
        notes.append("no GPU activity: profile with `activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]`")
    if not found.fractions:
        notes.append("its times are whole microseconds, as PyTorch wrote them until 2.2: shorter gaps are not told")
    if found.hip:
        notes.append("calls are those of AMD's HIP: they are counted, and named, as CUDA's of the same name")
    if ownerless:
        notes.append(f"{counted(ownerless, 'piece')} of GPU work of several processes without a call: process 0")
    if found.repeats:
        notes.append(f"left out, as they repeat ranges: {counted(found.repeats, 'annotation')} on the GPU's lines")
    if found.unknown:
        kinds = ", ".join(
            f"{count_text(count)} {name or 'without one'}" for name, count in sorted(found.unknown.items())
        )
        notes.append(f"events of other categories are left out: {kinds}")
    return tuple(notes)


def _devices(beside: Event, worked: set[int]) -> list[str]:
    told = beside.get("deviceProperties")
    rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    numbered = [(whole(one.get("id")), one) for one in rows]
    return [
        gpu_sentence(number, text(one.get("name", "")), None, None, whole(one.get("numSms")))
        for number, one in numbered
        if number in worked and number is not None
    ]
