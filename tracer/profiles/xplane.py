"""
TensorFlow's profile, ``*.xplane.pb``: host threads, executor ops, our ranges and, on a GPU, streams and CUDA calls.

Sources: ``tsl/profiler/protobuf/xplane.proto`` (form), ``tsl/profiler/utils/tf_op_utils.cc`` (what the name of an op
looks like) and ``xla/backends/profiler/gpu/cupti_collector.cc`` (GPU planes and their stats). Read on a real
profile of an H200 (TensorFlow 2.21).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer.errors import ProfileError
from tracer.given_files import read_file
from tracer.profiles.columns import LARGEST, MEMSET_NAME, copy_name, rows_table
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile
from tracer.profiles.xplane_facts import cuda_versions, device_facts, names, plane_stats, stat_text, text
from tracer.profiles.xplane_messages import space_class

RANGE_PREFIX = "kws-trace:"
"""What the names of our ranges begin with: a TraceMe has no domain."""

PROCESS = 0
"""A profile is of one process and does not name it."""

RECORD_AGAIN = "record it again with --profiler tensorflow"

_OP = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./>-]*:[A-Z_][A-Za-z0-9_/]*")
_GPU_PLANE = re.compile(r"/device:GPU:(\d{1,4})")
_DIRECTIONS = {"MemcpyH2D": "HtoD", "MemcpyD2H": "DtoH", "MemcpyD2D": "DtoD", "MemcpyP2P": "PtoP"}
_HOST_PLANES = ("/host:CPU", "/host:CUPTI")
_VERSIONS = "/host:metadata"
_PLACES = re.compile(r"kind_src:(\w+) kind_dst:(\w+)")
_CALL = re.compile(r"(cuda|cu)[A-Z]\w*")
_CALL_NAMES = {
    **dict.fromkeys(("kernel", "graph"), "[CUDA launch]"),
    **{kind: f"[CUDA {kind} call]" for kind in ("memcpy", "memset")},
}
"""
Of a host's CUDA call whose name the profile does not tell, by the kind of work that it gave the GPU.

TensorFlow 2.21 writes the kernel's name, or the copy's, in the place of the call's.
"""

Row = tuple[Any, ...]


@dataclass(slots=True)
class _Found:
    """Rows in the order of their schemas."""

    ranges: list[Row] = field(default_factory=list)
    ops: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    work: list[Row] = field(default_factory=list)
    traced: set[str] = field(default_factory=set)
    devices: list[str] = field(default_factory=list)
    copies: Counter[str] = field(default_factory=Counter)
    version: str = ""
    skipped: Counter[str] = field(default_factory=Counter)


def read_xplane(path: Path) -> Profile:
    """
    Read one profile.

    Args:
        path: the file, or a folder that holds exactly one, at any depth (``logdir/plugins/profile/RUN``).

    Returns:
        times in nanoseconds from the start of the profiler's session; a picosecond's fraction is cut off, so what
        nests in the file nests here. ``host_ops`` holds ops, and TensorFlow's frames around them as ``runtime``.

    Raises:
        ProfileError: if it is no such file, was cut off, or holds figures that cannot be.
    """
    file = _only_file(path)
    space = _parse(file)
    found = _Found()
    for plane in space.planes:
        name = text(plane.name)
        if name in _HOST_PLANES:
            _read_host(file, plane, found)
            found.traced |= {"ops", "nvtx"} if name == _HOST_PLANES[0] else {"cuda"}
        elif match := _GPU_PLANE.fullmatch(name):
            _read_gpu(file, plane, int(match[1]), found)
            found.devices.append(device_facts(int(match[1]), plane_stats(plane)))
            found.traced.add("cuda")
        elif name == _VERSIONS:
            found.version = cuda_versions(plane_stats(plane))
    if not found.traced:
        raise ProfileError(file, "it has no plane of a host or a GPU", RECORD_AGAIN)
    return Profile(
        path=file,
        source="tensorflow",
        version=found.version,
        traced=frozenset(found.traced),
        gpu_work=rows_table(GPU_WORK, found.work),
        api_calls=rows_table(API_CALLS, _named_calls(found)),
        nvtx_ranges=rows_table(NVTX_RANGES, found.ranges),
        host_ops=rows_table(HOST_OPS, found.ops),
        notes=_notes(space, found),
    )


def _only_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.rglob("*.xplane.pb"))
    if not files:
        raise ProfileError(path, "no *.xplane.pb in this folder", RECORD_AGAIN)
    if len(files) > 1:
        names = ", ".join(str(file.relative_to(path)) for file in files[-3:])
        raise ProfileError(path, f"the folder holds {len(files)} captures", f"give one of them, as {names}")
    return files[0]


def _parse(path: Path) -> Any:
    from google.protobuf.message import DecodeError

    try:
        data = read_file(path)
    except OSError as error:
        raise ProfileError(path, error.strerror or "unreadable", "name an *.xplane.pb file") from None
    if not data:
        raise ProfileError(path, "it is empty", RECORD_AGAIN)
    try:
        space = space_class().FromString(data)
    except DecodeError:
        problem = "it is no xplane.pb, or a damaged or truncated one"
        raise ProfileError(path, problem, f"name an *.xplane.pb file, or {RECORD_AGAIN}") from None
    # TensorFlow writes the host's name last: without it whole planes may have gone with the end of the file.
    if not space.hostnames:
        raise ProfileError(path, "it does not end as TensorFlow ends one: truncated, or no xplane.pb", RECORD_AGAIN)
    return space


def _read_host(path: Path, plane: Any, found: _Found) -> None:
    events, stats = names(plane.event_metadata), names(plane.stat_metadata)
    kinds = {key: _host_kind(name) for key, name in events.items()}
    correlation = {key for key, name in stats.items() if name == "correlation_id"}
    for thread, event, start, end in _events(path, plane):
        name, kind = events.get(event.metadata_id, "?"), kinds.get(event.metadata_id, "runtime")
        call = _correlation(event, correlation) if correlation else None
        if kind == "range":
            stage, _, suffix = name.removeprefix(RANGE_PREFIX).partition("#")
            number = _number(event, stats, suffix)
            found.ranges.append((PROCESS, thread, "kws-trace", stage, number, "push_pop", start, end))
        elif call is not None:
            # The driver's calls alone carry a correlation id on a host thread.
            found.calls.append((PROCESS, thread, name.partition(" (CudaGraph")[0], start, end, call))
        else:
            found.ops.append((PROCESS, thread, kind, name, start, end))


def _host_kind(name: str) -> str:
    if name.startswith(RANGE_PREFIX):
        return "range"
    return "op" if _OP.fullmatch(name) else "runtime"


def _number(event: Any, stats: dict[int, str], suffix: str) -> int | None:
    """The inference's number: a stat, or still in the name where nobody has taken it apart."""
    for stat in event.stats:
        if stats.get(stat.metadata_id) == "number":
            value = stat.int64_value or stat.uint64_value
            return value if value < LARGEST else None
    match = re.search(r"\bnumber=(\d{1,18})\b", suffix)
    return int(match[1]) if match else None


def _named_calls(found: _Found) -> list[Row]:
    """The host's calls, each with a name that tells what it does."""
    given = {work[8]: work[3] for work in found.work}
    calls = []
    for process, thread, name, start, end, correlation in found.calls:
        kind = given.get(correlation) or _work_kind(name, {}) or "kernel"
        called = name if _CALL.fullmatch(name) else _CALL_NAMES[kind]
        calls.append((process, thread, called, start, end, correlation))
    return calls


def _read_gpu(path: Path, plane: Any, device: int, found: _Found) -> None:
    events, stats = names(plane.event_metadata), names(plane.stat_metadata)
    correlation = {key for key, name in stats.items() if name == "correlation_id"}
    # The other lines repeat the streams' work by op, by step or by name scope, or hold counters.
    for stream, event, start, end in _events(path, plane, "Stream #"):
        details = {stats.get(stat.metadata_id, ""): stat_text(stat, stats) for stat in event.stats}
        name = events.get(event.metadata_id, "?")
        kind = _work_kind(name, details)
        if kind is None:
            found.skipped[name] += 1
            continue
        size = _bytes(details) if kind in {"memcpy", "memset"} else None
        work = _work_name(kind, name)
        if places := _PLACES.search(details.get("memcpy_details", "")):
            found.copies[f"{places[1]} to {places[2]}"] += 1
        found.work.append((PROCESS, device, stream, kind, work, size, start, end, _correlation(event, correlation)))


def _work_kind(name: str, details: dict[str, str]) -> str | None:
    if "memcpy_details" in details or name.startswith("Memcpy"):
        return "memcpy"
    if "Memset_details" in details or name == "Memset":
        return "memset"
    if "cuda_graph_exec_id" in details:
        return "graph"
    if "kernel_details" in details:
        return "kernel"
    # Allocations and the profiler's own overhead lie on streams too; they are not the device's work.
    return None


def _work_name(kind: str, name: str) -> str:
    if kind == "memcpy":
        return copy_name(_DIRECTIONS.get(name, name.removeprefix("Memcpy")))
    return MEMSET_NAME if kind == "memset" else name


def _bytes(details: dict[str, str]) -> int | None:
    told = details.get("memcpy_details", "") + " " + details.get("Memset_details", "")
    match = re.search(r"\b(?:size|num_bytes):(\d{1,18})\b", told)
    return int(match[1]) if match else None


def _correlation(event: Any, ids: set[int]) -> int | None:
    for stat in event.stats:
        if stat.metadata_id in ids:
            value = stat.uint64_value or stat.int64_value
            return value if value < LARGEST else None
    return None


def _events(path: Path, plane: Any, prefix: str = "") -> Iterator[tuple[int, Any, int, int]]:
    """Line's id, event, start and end in nanoseconds, of the lines whose names begin so."""
    for line in plane.lines:
        if not text(line.name).startswith(prefix):
            continue
        thread, base = line.id, 1000 * line.timestamp_ns
        for event in line.events:
            start = base + event.offset_ps
            end = start + event.duration_ps
            if not -LARGEST < start <= end < 1000 * LARGEST:
                raise ProfileError(path, "an event ends before it starts: damaged", RECORD_AGAIN)
            yield thread, event, start // 1000, end // 1000


def _notes(space: Any, found: _Found) -> tuple[str, ...]:
    notes = [f"TensorFlow's profiler: {text(told)}" for told in (*space.errors, *space.warnings)]
    if "cuda" not in found.traced:
        notes.append("no GPU plane in this profile: the ops ran on the CPU, or the profiler could not trace the GPU")
    notes += found.devices
    if found.copies:
        notes.append(
            f"copies by memory: {', '.join(f'{count} {way}' for way, count in sorted(found.copies.items()))}"
        )
    if found.skipped:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(found.skipped.items()))
        notes.append(f"on the GPU's streams, but neither kernel nor copy: {kinds}")
    return tuple(notes)
