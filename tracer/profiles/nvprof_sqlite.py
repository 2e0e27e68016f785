"""
nvprof's SQLite (``--export-profile``, ``.nvvp``): GPU work, CUDA calls and NVTX ranges, in nanoseconds of the epoch.

Sources: CUPTI's activity records (``CUpti_ActivityKernel``, ``CUpti_ActivityMarker2``, ...), whose fields the tables
hold under their own names, and published readers of such files. Read on a real file of a Jetson Nano (version 12 of
the format, TensorRT). The file is opened so that nothing is written to it or beside it.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracer.errors import ProfileError
from tracer.figure_text import counted
from tracer.given_files import MOST_ROWS, too_many_rows
from tracer.profiles.columns import COPY_DIRECTIONS, LARGEST, MEMSET_NAME, copy_name, rows_table
from tracer.profiles.cupti_names import call_name
from tracer.profiles.demangle import demangle
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile
from tracer.profiles.sqlite_file import connect, sqlite_columns

RECORD_AGAIN = "record it with nvprof --export-profile FILE"

_KIND = "CUPTI_ACTIVITY_KIND_"
_KERNELS = (f"{_KIND}CONCURRENT_KERNEL", f"{_KIND}KERNEL")
_COPIES = (f"{_KIND}MEMCPY", f"{_KIND}MEMCPY2")
_CALLS = {f"{_KIND}RUNTIME": "runtime", f"{_KIND}DRIVER": "driver"}
_MARKS, _MARK_DATA = f"{_KIND}MARKER", f"{_KIND}MARKER_DATA"
# CUpti_ActivityFlag and CUpti_ActivityObjectKind of a marker, CUpti_MetricValueKind of its payload.
_STARTS, _ENDS, _OF_A_THREAD, _WHOLE_NUMBERS = 2, 4, 2, (1, 4)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Export:
    """An open file and the columns of its tables."""

    path: Path
    connection: sqlite3.Connection
    columns: Mapping[str, Mapping[str, str]]

    def rows(self, table: str, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, ...]]:
        """Rows of whole numbers; an absent optional column, and null, read as 0. No rows if there is no table."""
        columns = self.columns.get(table)
        if columns is None:
            return
        for name in needed:
            if name not in columns:
                raise ProfileError(self.path, f"{table} has no column {name}", RECORD_AGAIN)
        picked = [f'"{name}"' if name in columns else "0" for name in (*needed, *optional)]
        query = f'SELECT {", ".join(picked)} FROM "{table}"'  # noqa: S608 -- own names
        for number, row in enumerate(self.connection.execute(query), start=1):
            if number > MOST_ROWS and (problem := too_many_rows(number)) is not None:
                raise ProfileError(self.path, f"{table}: {problem}", "or record a shorter time")
            cells = tuple(0 if cell is None else cell for cell in row)
            if not all(isinstance(cell, int) and abs(cell) < LARGEST for cell in cells):
                raise self.damaged(f"a row of {table} holds no whole numbers")
            yield cells

    def damaged(self, problem: str) -> ProfileError:
        """The error for figures that cannot be."""
        return ProfileError(self.path, f"{problem}: damaged", RECORD_AGAIN)


def read_nvprof_sqlite(path: Path) -> Profile:
    """
    Read one exported profile.

    A kernel's process is that of the call that launched it: the same ``correlationId``. Kernels without times, as
    CUPTI leaves them where its buffers ran over, are counted and left out. A range is ``push_pop`` if nvprof
    ties it to a thread.

    Raises:
        ProfileError: if it is no such file, is truncated or damaged, or holds nothing of CUDA and no ranges.
    """
    columns = sqlite_columns(path)
    if "StringTable" not in columns:
        kind = "an export of Nsight Systems, not of nvprof" if "StringIds" in columns else "no export of nvprof"
        raise ProfileError(path, f"it is {kind} (no StringTable)", RECORD_AGAIN)
    try:
        with closing(connect(path)) as connection:
            return _read(_Export(path, connection, columns))
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, pa.ArrowInvalid) as error:
        # SQLite's own message may quote damaged bytes, which Python cannot decode.
        raise ProfileError(path, f"it cannot be read ({error})", RECORD_AGAIN) from None


def _read(export: _Export) -> Profile:
    traced = {"cuda"} if any(name in export.columns for name in (*_KERNELS, *_COPIES, *_CALLS)) else set()
    traced |= {"nvtx"} if _MARKS in export.columns else set()
    if not traced:
        raise ProfileError(export.path, "it holds no CUDA activity and no ranges", RECORD_AGAIN)
    strings = _strings(export)
    notes: list[str] = []
    calls = _api_calls(export)
    work = _gpu_work(export, strings, calls, notes)
    return Profile(
        path=export.path,
        source="nvprof",
        version="",
        traced=frozenset(traced),
        gpu_work=rows_table(GPU_WORK, work),
        api_calls=rows_table(API_CALLS, calls),
        nvtx_ranges=rows_table(NVTX_RANGES, _ranges(export, strings)),
        host_ops=HOST_OPS.empty_table(),
        notes=tuple(notes),
    )


def _strings(export: _Export) -> dict[int, str]:
    if not {"_id_", "value"} <= export.columns["StringTable"].keys():
        raise ProfileError(export.path, "its StringTable has no _id_ and value", RECORD_AGAIN)
    # Of the names alone some are C++, and each is needed once: demangled here, not for every kernel.
    rows = export.connection.execute("SELECT _id_, value FROM StringTable")
    return {key: demangle(str(value)) for key, value in rows}


def _api_calls(export: _Export) -> list[Row]:
    calls = []
    for table, api in _CALLS.items():
        needed = ("cbid", "start", "end", "processId", "threadId", "correlationId")
        for number, start, end, process, thread, correlation in export.rows(table, needed):
            if end < start:
                raise export.damaged(f"a call of {table} ends before it starts")
            calls.append((process, thread & 0xFFFFFFFF, call_name(api, number), start, end, correlation))
    return calls


def _gpu_work(export: _Export, strings: Mapping[int, str], calls: Sequence[Row], notes: list[str]) -> list[Row]:
    launched = {call[5]: call[0] for call in calls}
    processes = {call[0] for call in calls}
    # One process an export is nvprof's way; without a launch there is no other source for it.
    default = processes.pop() if len(processes) == 1 else 0
    work, untimed = [], 0
    for kind, name, size, row in _device_rows(export, strings):
        start, end, device, stream, correlation = row
        if end < start:
            raise export.damaged("GPU work ends before it starts")
        if not start or not end:
            untimed += 1
            continue
        process = launched.get(correlation, default)
        work.append((process, device, stream, kind, name, size, start, end, correlation or None))
    if untimed:
        left = counted(untimed, "kernel or copy without times is", "kernels or copies without times are")
        notes.append(f"{left} left out: nvprof's buffers ran over")
    return work


def _device_rows(export: _Export, strings: Mapping[int, str]) -> Iterator[tuple[str, str, int | None, Row]]:
    """Kind, name, bytes and (start, end, device, stream, correlation) of each piece of work."""
    common = ("start", "end", "deviceId", "streamId", "correlationId")
    for table in _KERNELS:
        for *row, name in export.rows(table, (*common, "name")):
            yield "kernel", strings.get(name, f"kernel#{name}"), None, tuple(row)
    for table in _COPIES:
        for *row, size, kind in export.rows(table, (*common, "bytes"), ("copyKind",)):
            direction = COPY_DIRECTIONS[kind] if 0 < kind < len(COPY_DIRECTIONS) else "?"
            yield "memcpy", copy_name(direction), size, tuple(row)
    for *row, size in export.rows(f"{_KIND}MEMSET", (*common, "bytes")):
        yield "memset", MEMSET_NAME, size, tuple(row)


def _ranges(export: _Export, strings: Mapping[int, str]) -> list[Row]:
    """A start and an end are two rows of one id; an end may lack, and then the range was open."""
    starts: dict[int, tuple[int, int, int, int]] = {}
    ends: dict[int, int] = {}
    for flags, at, number, kind, name, domain in export.rows(
        _MARKS, ("flags", "timestamp", "id", "objectKind", "name"), ("domain",)
    ):
        if flags & _STARTS:
            starts[number] = (at, kind, name, domain)
        elif flags & _ENDS:
            ends[number] = at
    owners, payloads = _owners(export), _payloads(export)
    rows = []
    for number, (at, kind, name, domain) in starts.items():
        end = ends.get(number)
        if end is not None and end < at:
            raise export.damaged("a range ends before it starts")
        style = "push_pop" if kind == _OF_A_THREAD else "start_end"
        names = (strings.get(domain) or None, strings.get(name))
        rows.append((*owners.get(number, (0, 0)), *names, payloads.get(number), style, at, end))
    return rows


def _owners(export: _Export) -> dict[int, tuple[int, int]]:
    """Process and thread of each range's start, from CUpti_ActivityObjectKindId: two uint32 and four bytes unused."""
    if "objectId" not in export.columns.get(_MARKS, ()):
        return {}
    found = {}
    query = f'SELECT id, objectId FROM "{_MARKS}" WHERE flags & {_STARTS}'  # noqa: S608 -- own names
    for number, owner in export.connection.execute(query):
        if isinstance(owner, bytes) and len(owner) >= 8:
            process, thread = struct.unpack_from("<II", owner)
            found[number] = (process, thread)
    return found


def _payloads(export: _Export) -> dict[int, int]:
    """Payloads that are whole numbers, by the range's id."""
    if not {"id", "payloadKind", "payload"} <= export.columns.get(_MARK_DATA, {}).keys():
        return {}
    found = {}
    query = f'SELECT id, payloadKind, payload FROM "{_MARK_DATA}"'  # noqa: S608 -- own names
    for number, kind, payload in export.connection.execute(query):
        value = int.from_bytes(payload[:8], "little", signed=True) if isinstance(payload, bytes) else payload
        if kind in _WHOLE_NUMBERS and isinstance(value, int):
            found[number] = value
    return found
