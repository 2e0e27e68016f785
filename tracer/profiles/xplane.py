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

from tracer.errors import ProfileError, told_unreadable
from tracer.given_files import read_file, xplanes_in
from tracer.profiles.columns import LARGEST, rows_table
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile
from tracer.profiles.xplane_facts import cuda_versions, device_facts, names, plane_stats, stat_text, text
from tracer.profiles.xplane_names import (
    RANGE_PREFIX,
    STEP_NUMBER,
    host_kind,
    named_calls,
    work_bytes,
    work_kind,
    work_name,
)
from tracer.protobuf_messages import parse

PROCESS = 0
"""A profile is of one process and does not name it."""

FIELDS = Path(__file__).with_name("xplane_fields.csv")
"""Names, numbers and types from ``tsl/profiler/protobuf/xplane.proto`` of TensorFlow 2.21."""

RECORD_AGAIN = "record it again with --profiler tensorflow"

_GPU_PLANE = re.compile(r"/device:GPU:(\d{1,4})")
_HOST_PLANES = ("/host:CPU", "/host:CUPTI")
_VERSIONS = "/host:metadata"
_PLACES = re.compile(r"kind_src:(\w+) kind_dst:(\w+)")
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
        _read_plane(file, plane, found)
    if not found.traced:
        raise ProfileError(file, "it has no plane of a host or a GPU", RECORD_AGAIN)
    return Profile(
        path=file,
        source="tensorflow",
        version=found.version,
        traced=frozenset(found.traced),
        gpu_work=rows_table(GPU_WORK, found.work),
        api_calls=rows_table(API_CALLS, named_calls(found.calls, found.work)),
        nvtx_ranges=rows_table(NVTX_RANGES, found.ranges),
        host_ops=rows_table(HOST_OPS, found.ops),
        notes=_notes(space, found),
    )


def _read_plane(path: Path, plane: Any, found: _Found) -> None:
    name = text(plane.name)
    if name in _HOST_PLANES:
        _read_host(path, plane, found)
        found.traced |= {"ops", "nvtx"} if name == _HOST_PLANES[0] else {"cuda"}
    elif match := _GPU_PLANE.fullmatch(name):
        _read_gpu(path, plane, int(match[1]), found)
        found.devices.append(device_facts(int(match[1]), plane_stats(plane)))
        found.traced.add("cuda")
    elif name == _VERSIONS:
        found.version = cuda_versions(plane_stats(plane))


def _only_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(xplanes_in(path))
    if not files:
        raise ProfileError(path, "no *.xplane.pb in this folder", RECORD_AGAIN)
    if len(files) > 1:
        names = ", ".join(str(file.relative_to(path)) for file in files[-3:])
        raise ProfileError(path, f"the folder holds {len(files)} captures", f"give one of them, as {names}")
    return files[0]


def _parse(path: Path) -> Any:
    with told_unreadable(ProfileError, path, "name an *.xplane.pb file"):
        data = read_file(path)
    if not data:
        raise ProfileError(path, "it is empty", RECORD_AGAIN)
    space = parse(FIELDS, "XSpace", data)
    if space is None:
        problem = "it is no xplane.pb, or a damaged or truncated one"
        raise ProfileError(path, problem, f"name an *.xplane.pb file, or {RECORD_AGAIN}")
    # TensorFlow writes the host's name last: without it whole planes may have gone with the end of the file.
    if not space.hostnames:
        raise ProfileError(path, "it does not end as TensorFlow ends one: truncated, or no xplane.pb", RECORD_AGAIN)
    return space


def _read_host(path: Path, plane: Any, found: _Found) -> None:
    events, stats = names(plane.event_metadata), names(plane.stat_metadata)
    kinds = {key: host_kind(name) for key, name in events.items()}
    correlation = {key for key, name in stats.items() if name == "correlation_id"}
    step = {key for key, name in stats.items() if name == STEP_NUMBER}
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
        elif step and any(stat.metadata_id in step for stat in event.stats):
            number = _number(event, stats, "", STEP_NUMBER)
            found.ranges.append((PROCESS, thread, None, name, number, "push_pop", start, end))
        else:
            found.ops.append((PROCESS, thread, kind, name, start, end))


def _number(event: Any, stats: dict[int, str], suffix: str, stat_name: str = "number") -> int | None:
    """The inference's number: a stat, or still in the name where nobody has taken it apart."""
    for stat in event.stats:
        if stats.get(stat.metadata_id) == stat_name:
            value = stat.int64_value or stat.uint64_value
            return value if value < LARGEST else None
    match = re.search(r"\bnumber=(\d{1,18})\b", suffix)
    return int(match[1]) if match else None


def _read_gpu(path: Path, plane: Any, device: int, found: _Found) -> None:
    events, stats = names(plane.event_metadata), names(plane.stat_metadata)
    correlation = {key for key, name in stats.items() if name == "correlation_id"}
    # The other lines repeat the streams' work by op, by step or by name scope, or hold counters.
    for stream, event, start, end in _events(path, plane, "Stream #"):
        details = {stats.get(stat.metadata_id, ""): stat_text(stat, stats) for stat in event.stats}
        name = events.get(event.metadata_id, "?")
        kind = work_kind(name, details)
        if kind is None:
            found.skipped[name] += 1
            continue
        size = work_bytes(details) if kind in {"memcpy", "memset"} else None
        work = work_name(kind, name)
        if places := _PLACES.search(details.get("memcpy_details", "")):
            found.copies[f"{places[1]} to {places[2]}"] += 1
        found.work.append((PROCESS, device, stream, kind, work, size, start, end, _correlation(event, correlation)))


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
