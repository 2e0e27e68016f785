"""
ONNX Runtime's profile (``SessionOptions.enable_profiling``): sessions, nodes and, of some builds, GPU kernels.

Sources: ``onnxruntime/core/common/profiler.cc`` and ``core/providers/cuda/cupti_manager.cc`` of microsoft/onnxruntime
(form, what a GPU record carries), the profiles of ONNX Runtime 1.32 on a CPU, read here. No real profile with GPU
records has been read: they are written by builds with ``onnxruntime_ENABLE_CUDA_PROFILING`` alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tracer.profiles.columns import RowsBuilder, copy_name
from tracer.profiles.json_events import Event, JsonEvents, interval_ns, text, whole
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile

RECORD_AGAIN = "record it again with SessionOptions.enable_profiling, and end it with end_profiling()"

RANGE = "model_run"
_KERNEL_TIME = "_kernel_time"
_FENCES = ("_fence_before", "_fence_after")
_COPY = re.compile(r"\w*?(Host|Device|Array)To(Host|Device|Array)")
_STREAM = re.compile(r"0x[0-9a-fA-F]{1,16}|\d{1,18}")


@dataclass(slots=True)
class _Found:
    work: RowsBuilder
    ranges: RowsBuilder
    ops: RowsBuilder
    streams: dict[str, int] = field(default_factory=dict)
    providers: Counter[str] = field(default_factory=Counter)


def read_onnxruntime(path: Path) -> Profile:
    """
    Read one profile.

    ``model_run`` is a range, one a call of ``run``; a node is a host operation ``NODE:OPERATOR``, other spans of the
    session are ``runtime``. Kernels carry no correlation id: which call launched one is not known.

    Returns:
        times in nanoseconds from the start of the profile; the file has whole microseconds.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    events = JsonEvents(path, RECORD_AGAIN)
    found = _Found(RowsBuilder(path, GPU_WORK), RowsBuilder(path, NVTX_RANGES), RowsBuilder(path, HOST_OPS))
    process = 0
    for event in events:
        times, args = interval_ns(event), event.get("args", {})
        if times is None or not isinstance(args, dict):
            raise events.damaged(f"an event {text(event.get('name'), 80)!r} has no times that can be")
        if event.get("cat") == "Kernel":
            _take_kernel(event, args, times, process, found)
        else:
            process = _take_host(events, event, args, times, found)
    if not found.ops.count and not found.ranges.count:
        raise events.damaged("it holds no event of ONNX Runtime")
    return Profile(
        path=path,
        source="onnxruntime",
        version="",
        traced=frozenset({"nvtx", "ops", *(("cuda",) if found.work.count else ())}),
        gpu_work=found.work.table(),
        api_calls=API_CALLS.empty_table(),
        nvtx_ranges=found.ranges.table(),
        host_ops=found.ops.table(),
        experimental=bool(found.work.count),
        notes=_notes(found),
    )


def _take_kernel(event: Event, args: Event, times: tuple[int, int], process: int, found: _Found) -> None:
    """A GPU record; it comes behind the node that launched it, whose process it is of."""
    name, stream = text(event.get("name")), text(args.get("stream"))
    # A handle of a stream is an address: streams are numbered as they come.
    number = found.streams.setdefault(stream, len(found.streams)) if _STREAM.fullmatch(stream) else 0
    copied = _COPY.fullmatch(name)
    kind = "memcpy" if copied or args.get("grid_x") == "-1" else "kernel"
    if kind == "memcpy":
        name = copy_name(f"{copied[1][0]}to{copied[2][0]}" if copied else "?")
    found.work.append((process, 0, number, kind, name, None, *times))


def _take_host(events: JsonEvents, event: Event, args: Event, times: tuple[int, int], found: _Found) -> int:
    process, thread, name = whole(event.get("pid")), whole(event.get("tid")), text(event.get("name"))
    if process is None or thread is None:
        raise events.damaged(f"an event {name[:80]!r} has no process and thread that are numbers")
    if event.get("cat") == "Node":
        if name.endswith(_FENCES):
            return process
        found.providers[text(args.get("provider", "?"))] += 1
        name = f"{name.removesuffix(_KERNEL_TIME)}:{text(args.get('op_name', '?'))}"
        found.ops.append((process, thread, "op", name, *times))
    elif name == RANGE:
        found.ranges.append((process, thread, None, RANGE, found.ranges.count, "push_pop", *times))
    else:
        found.ops.append((process, thread, "runtime", name, *times))
    return process


def _notes(found: _Found) -> tuple[str, ...]:
    notes = ["ONNX Runtime's times are whole microseconds: what is shorter shows as 0"]
    told = ", ".join(f"{count} on {name}" for name, count in sorted(found.providers.items()))
    if told:
        notes.append(f"nodes by execution provider: {told}")
    if found.work.count:
        notes.append(
            "no CUDA calls in it, and no correlation ids: who launched a kernel and how late it began are not known"
        )
        notes.append("its GPU records have been read by the source of ONNX Runtime alone, no real file was at hand")
    elif any("CUDA" in name or "Tensorrt" in name for name in found.providers):
        notes.append(
            "no GPU records, which only a build with onnxruntime_ENABLE_CUDA_PROFILING writes: a node's time on a "
            "GPU's provider is the host's, until it had launched its work; `nsys profile` has the kernels"
        )
    return tuple(notes)
