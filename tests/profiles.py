"""Profiles from rows, for tests of what is computed from them: a capture without a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracer.profiles.profile import PROFILE_TABLES, Profile

Row = dict[str, Any]

PROCESS, MAIN, EXECUTOR = 100, 100, 101
"""The process of every row that names none, its main thread, and the one a runtime launches from."""


def kernel(name: str, start: int, end: int, correlation: int | None, **other: Any) -> Row:
    """A kernel on stream 7 of device 0."""
    row = {"process": PROCESS, "device": 0, "stream": 7, "kind": "kernel", "name": name, "bytes": None}
    return {**row, "start_ns": start, "end_ns": end, "correlation_id": correlation, **other}


def copy(direction: str, start: int, end: int, correlation: int | None, size: int = 490, **other: Any) -> Row:
    """A memcpy, ``direction`` as ``Host-to-Device``."""
    name = f"[CUDA memcpy {direction}]"
    return {**kernel(name, start, end, correlation), "kind": "memcpy", "bytes": size, **other}


def call(name: str, start: int, end: int, correlation: int | None, thread: int = MAIN, process: int = PROCESS) -> Row:
    """A call of the CUDA runtime or driver."""
    row = {"process": process, "thread": thread, "name": name, "start_ns": start, "end_ns": end}
    return {**row, "correlation_id": correlation}


def nvtx(name: str | None, start: int, end: int | None, **other: Any) -> Row:
    """A push/pop range of the default domain on the main thread."""
    row = {"process": PROCESS, "thread": MAIN, "domain": None, "name": name, "payload": None, "style": "push_pop"}
    return {**row, "start_ns": start, "end_ns": end, **other}


def inference(
    number: int | None, start: int, stages: Sequence[tuple[str, int]], gap: int = 2, **other: Any
) -> list[Row]:
    """The ranges of one of our inferences: stages of these lengths, ``gap`` ns before, between and after them."""
    rows, now = [], start + gap
    for name, length in stages:
        rows.append(nvtx(name, now, now + length, domain="kws-trace", **other))
        now += length + gap
    return [nvtx("inference", start, now, domain="kws-trace", payload=number, **other), *rows]


def profile(
    gpu_work: Iterable[Row] = (), calls: Iterable[Row] = (), ranges: Iterable[Row] = (), ops: Iterable[Row] = ()
) -> Profile:
    """A capture that recorded CUDA and NVTX, with these rows."""
    rows = {"gpu_work": gpu_work, "api_calls": calls, "nvtx_ranges": ranges, "host_ops": ops}
    tables = {name: pa.Table.from_pylist(list(rows[name]), schema) for name, schema in PROFILE_TABLES.items()}
    return Profile(Path("made-up.sqlite"), "nsys", "3.25.0", frozenset({"cuda", "nvtx"}), **tables)


def told(found: Profile) -> dict[str, Any]:
    """All that a profile tells, but the file that it was read from: rows as tuples in the order of their schemas."""
    rows = {name: [tuple(row.values()) for row in getattr(found, name).to_pylist()] for name in PROFILE_TABLES}
    plain = {name: getattr(found, name) for name in ("source", "version", "traced", "experimental")}
    return {**plain, "processes": dict(found.processes), **rows, "notes": list(found.notes)}
