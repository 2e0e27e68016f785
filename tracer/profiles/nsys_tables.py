"""
Turns the tables of an Nsight Systems export into the tables of a profile.

Times are nanoseconds from the session's start in every schema. Columns are from real exports (2022.4, 2026.1, 2026.2)
and nsys's "SQLite schema reference"; those that an export lacks are done without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.arrow_arrays import arrow, arrow_flags, dense_groups, numbers
from tracer.errors import first_line
from tracer.figure_text import counted
from tracer.profiles import nsys_metadata as metadata
from tracer.profiles.nsys_export import (
    Export,
    damaged_export,
    fetch_existing,
    filled,
    not_nsys_export,
    require_columns,
    whole,
)
from tracer.profiles.nsys_names import StringIds, encode_names
from tracer.profiles.nsys_nvtx import NVTX_COLUMNS, nvtx_ranges
from tracer.profiles.nsys_processes import ProcessNumbers, processes_by_launch, thread_numbers
from tracer.profiles.nsys_syncs import with_syncs
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, Profile
from tracer.side_by_side import both, each

_GPU = ("start", "end", "deviceId", "streamId", "correlationId", "globalPid")
_CUPTI = "CUPTI_ACTIVITY_KIND_"
_KERNELS = (f"{_CUPTI}KERNEL", f"{_CUPTI}CONCURRENT_KERNEL")
_CALLS = (f"{_CUPTI}RUNTIME", f"{_CUPTI}DRIVER")
_COPIES = {
    f"{_CUPTI}MEMCPY": ("memcpy", "[CUDA memcpy {1}]", "copyKind"),
    f"{_CUPTI}MEMSET": ("memset", "[CUDA memset]", "bytes"),
    f"{_CUPTI}GRAPH_TRACE": ("graph", "[CUDA graph {0}]", "graphId"),
}
"""Kind of work, its name by the number in a column (and the label of that number), and the column."""
_OVERHEAD = "PROFILER_OVERHEAD"
_HOST = {
    "OSRT_API": "os",
    "CUDNN_EVENTS": "library",
    "CUBLAS_EVENTS": "library",
    _OVERHEAD: "profiler",
}
_EVENTS = {
    "NVTX_EVENTS": NVTX_COLUMNS,
    **dict.fromkeys(_KERNELS, (*_GPU, "demangledName", "shortName")),
    **dict.fromkeys(_CALLS, ("start", "end", "globalTid", "correlationId", "nameId")),
    f"{_CUPTI}MEMCPY": (*_GPU, "copyKind", "bytes"),
    f"{_CUPTI}MEMSET": (*_GPU, "bytes"),
    f"{_CUPTI}GRAPH_TRACE": (*_GPU, "graphId"),
    **dict.fromkeys(_HOST, ("start", "end", "globalTid", "nameId")),
}
"""The tables that are read for their rows, the largest first."""
_REQUIRED = {"globalTid", "nameId", "eventType", "deviceId", "streamId", "copyKind", "bytes"}
_VERSION = re.compile(r"_v\d{4,}\Z")
"""
Which CUDA brought a function (``cudaLaunchKernel_v7000``; with _ptsz before it, the per-thread stream). The ``_v2``
of ``cuMemcpyHtoD_v2`` is part of the function's own name, and nsys's own reports leave it too.
"""


def read_export(export: Export) -> Profile:
    """
    Read an export whole.

    Raises:
        ProfileError: if it is none, lacks a column that its tables hang on, cannot be read, or is of a release of
            nsys that is not known here.
    """
    present = [table for table in _EVENTS if table in export.columns]
    if not present and not {"ANALYSIS_DETAILS", "META_DATA_EXPORT", "EXPORT_META_DATA"} & set(export.columns):
        raise not_nsys_export(export.path, "it has none of the tables of an Nsight Systems export")
    version = metadata.read_version(export)
    try:
        return _Reading(export, version, present).profile()
    except (pa.ArrowException, OverflowError) as error:
        raise damaged_export(export.path, f"it holds numbers that cannot be ({first_line(error)})") from None


class _Reading:
    """What the parts of one reading share: the raw rows, the strings, and who is who."""

    def __init__(self, export: Export, version: metadata.Version, present: list[str]) -> None:
        self.export = export
        self.version = version
        self.backwards = 0
        self.types = metadata.read_event_types(export)
        # What the profiler did for itself helps where it is told in full, and is done without elsewhere.
        if not set(_EVENTS[_OVERHEAD]) <= set(export.columns.get(_OVERHEAD, ())):
            present = [table for table in present if table != _OVERHEAD]
        for table in present:
            require_columns(export, table, "start", "end", *sorted(_REQUIRED & set(_EVENTS[table])))
        self.raw = dict(zip(present, each(self._fetched, present), strict=True))
        if _OVERHEAD in self.raw:
            self.raw[_OVERHEAD] = self.raw[_OVERHEAD].drop_null()
        self.strings = StringIds(export)
        named = metadata.read_processes(export)
        ids = [whole(export, table, rows, "globalTid") for table, rows in self._with("globalTid")]
        ids += [filled(rows, "globalPid", 0) for _, rows in self._with("globalPid")]
        self.numbers = ProcessNumbers([*(part[part != 0] for part in ids if len(part))])
        processes = self.numbers.process(np.array([identity for identity, _ in named], np.int64)).tolist()
        self.names = dict(zip(processes, (name for _, name in named), strict=True))

    def profile(self) -> Profile:
        events, duration = self.raw.get("NVTX_EVENTS", pa.table({})), metadata.read_duration(self.export)
        (calls, work, notes), (ranges, told) = both(
            self._calls_and_work,
            lambda: nvtx_ranges(self.export, events, self.strings, self.types, self.numbers, duration),
        )
        rows = {table: raw.num_rows for table, raw in self.raw.items()}
        traced, unsure = metadata.read_traced(self.export, self.strings, rows)
        return Profile(
            path=self.export.path,
            source="nsys",
            version=self.version.text,
            traced=traced,
            gpu_work=work,
            api_calls=calls,
            nvtx_ranges=ranges,
            host_ops=self._threaded(HOST_OPS, tuple(_HOST)),
            processes=self.names,
            experimental=self.version.experimental,
            notes=(
                *self.version.notes,
                *unsure,
                *notes,
                *told,
                *self._losses(),
                *self.numbers.notes,
                *metadata.read_diagnostics(self.export),
                *metadata.read_gpus(self.export),
            ),
        )

    def _fetched(self, table: str) -> pa.Table:
        kinds = tuple(self.types.values()) if "NVTX" in table else ()
        return fetch_existing(self.export, table, _EVENTS[table], kinds)

    def _calls_and_work(self) -> tuple[pa.Table, pa.Table, list[str]]:
        calls = with_syncs(self._threaded(API_CALLS, _CALLS), self.export, self.numbers)
        return calls, *self._gpu_work(calls)

    def _with(self, column: str) -> Iterable[tuple[str, pa.Table]]:
        return [(table, rows) for table, rows in self.raw.items() if column in rows.column_names]

    def _losses(self) -> tuple[str, ...]:
        losses = []
        if self.backwards:
            ended = "row ends before it starts and is left out", "rows end before they start and are left out"
            losses.append(counted(self.backwards, *ended))
        if unknown := sum(self.strings.unknown):
            losses.append(f"{counted(unknown, 'row names', 'rows name')} a string that is not in the export")
        return tuple(losses)

    def _forward(self, table: str) -> pa.Table:
        """Rows of a table without those whose end comes before their start: no timeline has a place for them."""
        rows = self.raw[table]
        backwards = whole(self.export, table, rows, "end") < whole(self.export, table, rows, "start")
        if not backwards.any():
            return rows
        self.backwards += int(backwards.sum())
        return rows.filter(arrow_flags(~backwards))

    def _threaded(self, schema: pa.Schema, tables: tuple[str, ...]) -> pa.Table:
        """What threads of the host did: calls, whose names lose the version, and operations, which have a kind."""
        parts = []
        for table in tables:
            if table in self.raw:
                rows = self._forward(table)
                ids, names = (whole(self.export, table, rows, column) for column in ("globalTid", "nameId"))
                parts.append(
                    _table(
                        schema,
                        process=self.numbers.process(ids),
                        thread=thread_numbers(ids),
                        kind=_same(_HOST.get(table, ""), rows),
                        name=self.strings.encode(names, _without_version if table in _CALLS else None),
                        start_ns=rows.column("start"),
                        end_ns=rows.column("end"),
                        correlation_id=_optional(rows, "correlationId"),
                    )
                )
        return _joined(schema, parts)

    def _gpu_work(self, calls: pa.Table) -> tuple[pa.Table, list[str]]:
        parts, notes = [], []
        homeless = 0
        labels = metadata.read_memcpy_labels(self.export)
        for table, kind, rows, names in self._gpu_tables(labels):
            processes, unknown = self._gpu_processes(rows, calls)
            homeless += unknown
            parts.append(
                _table(
                    GPU_WORK,
                    process=processes,
                    device=whole(self.export, table, rows, "deviceId"),
                    stream=whole(self.export, table, rows, "streamId"),
                    kind=_same(kind, rows),
                    name=names,
                    bytes=_optional(rows, "bytes"),
                    start_ns=rows.column("start"),
                    end_ns=rows.column("end"),
                    correlation_id=_optional(rows, "correlationId"),
                )
            )
            if kind == "graph" and rows.num_rows:
                notes.append(
                    f"{counted(rows.num_rows, 'launch of a CUDA graph was', 'launches of CUDA graphs were')} traced "
                    "as one block each, without kernels; "
                    "capture with --cuda-graph-trace=node to have them"
                )
        if homeless:
            work = counted(homeless, "piece of GPU work", "pieces of GPU work")
            notes.append(f"of {work} the process is not known: process 0 is taken")
        return _joined(GPU_WORK, parts), notes

    def _gpu_tables(self, labels: dict[int, str]) -> list[tuple[str, str, pa.Table, pa.DictionaryArray]]:
        """Table, kind, rows and names of all GPU work."""
        found = []
        for table in self.raw:
            if table in _KERNELS:
                rows = self._forward(table)
                found.append((table, "kernel", rows, self._kernel_names(table, rows)))
            elif table in _COPIES:
                kind, name, column = _COPIES[table]
                rows = self._forward(table)
                found.append((table, kind, rows, _numbered(rows, column, name, labels)))
        return found

    def _kernel_names(self, table: str, rows: pa.Table) -> pa.DictionaryArray:
        for column in ("demangledName", "shortName"):
            if column in rows.column_names:
                return self.strings.encode(whole(self.export, table, rows, column))
        raise not_nsys_export(self.export.path, f"its table {table} has no column demangledName or shortName")

    def _gpu_processes(self, rows: pa.Table, calls: pa.Table) -> tuple[NDArray[np.int64], int]:
        if "globalPid" in rows.column_names and not rows.column("globalPid").null_count:
            return self.numbers.process(numbers(rows.column("globalPid"))), 0
        launches = numbers(calls.column("correlation_id"), -1)
        found, unknown = processes_by_launch(filled(rows, "correlationId", -2), launches, numbers(calls["process"]))
        if "globalPid" in rows.column_names:
            given = filled(rows, "globalPid", 0)
            found = np.where(given != 0, self.numbers.process(given), found)
            unknown = int((found == 0).sum())
        return found, unknown


def _without_version(name: str) -> str:
    return _VERSION.sub("", name)


def _same(name: str, rows: pa.Table) -> pa.DictionaryArray:
    return encode_names([name], np.zeros(rows.num_rows, np.int64))


def _numbered(rows: pa.Table, column: str, name: str, labels: dict[int, str]) -> pa.DictionaryArray:
    """Names of rows that have a number instead: a kind of copy, a graph."""
    used, codes = dense_groups(filled(rows, column, 0))
    return encode_names(
        [name.format(number, labels.get(number, f"kind {number}")) for number in used.tolist()], codes
    )


def _optional(rows: pa.Table, column: str) -> pa.ChunkedArray | pa.Array:
    return rows.column(column) if column in rows.column_names else pa.nulls(rows.num_rows, pa.int64())


def _table(schema: pa.Schema, **columns: object) -> pa.Table:
    made = {name: arrow(values) if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    table = pa.table({field.name: made[field.name] for field in schema if field.name in made})
    for place, field in enumerate(schema):
        if field.name not in made:
            table = table.add_column(place, field, pa.nulls(len(table), field.type))
    return table.cast(schema)


def _joined(schema: pa.Schema, parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).unify_dictionaries() if parts else pa.Table.from_batches([], schema)
