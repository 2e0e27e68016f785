"""
What an Nsight Systems export says of itself: its version, what was traced, its processes, what went wrong.

What was traced stands in ``META_DATA_CAPTURE`` (rows ``CAPTURE_EVENT_TYPE``; seen in schemas 3.24 and 3.25). nsys
2022.4 writes no such table: there it shows only in rows that are there, and in the names of ``PROFILER_OVERHEAD``,
where each kind of tracing enters its start in the process ("NVTX profiling initialization").
``TARGET_INFO_SYSTEM_ENV`` and the other rows of ``META_DATA_CAPTURE`` hold the environment of the process and its
arguments: nothing of them is kept but the versions of the driver, by their names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tracer.errors import ProfileError
from tracer.figure_text import counted
from tracer.profiles.columns import COPY_DIRECTIONS, copy_label
from tracer.profiles.gpu_facts import cuda_version_text, gpu_sentence
from tracer.profiles.nsys_export import Export, fetch_existing, not_nsys_export
from tracer.profiles.nsys_names import StringIds

NEWEST = (3, 25)
"""Schema of nsys 2026.2, the newest that real files have tested."""
OLDEST = (2, 9)
"""The oldest schema that real files have tested; nsys 2022.4 writes 3.0."""

UNSAID = "the export does not say what was asked for"
"""How the note begins that falls away for who knows what was asked for."""

_UNTESTED = "experimental: no real file of it has tested this reader"
_KINDS = {
    "cuda": ("Cuda", "CUDA profiling initialization"),
    "nvtx": ("NvtxEvents", "NVTX profiling initialization"),
    "osrt": ("OS runtime libraries", "OS runtime libraries profiling initialization"),
    "cudnn": ("CuDNN", "cuDNN profiling initialization"),
    "cublas": ("CuBLAS", "cuBLAS profiling initialization"),
}
"""Of each kind of tracing its name among event types, and the name under which its start is entered as overhead."""
_TABLES = {"osrt": ("OSRT_API",), "cudnn": ("CUDNN_EVENTS",), "cublas": ("CUBLAS_EVENTS",), "nvtx": ("NVTX_EVENTS",)}
_GPU_COLUMNS = ("id", "name", "uuid", "smCount", "clockRate", "memoryBandwidth")
_DRIVER = ("NvDriverVersion", "CudaDriverVersion")
_WARNING, _ERROR = 2, 3
"""ENUM_DIAGNOSTIC_SEVERITY_LEVEL."""
_SHOWN = 5
_UNIFIED = ("HtoD", "DtoH", "DtoD")

# CUpti_ActivityMemcpyKind and the labels of ENUM_CUDA_MEMCPY_OPER in schema 3.25; older reports print HtoD and so on.
_MEMCPY = ("Unknown", *map(copy_label, COPY_DIRECTIONS[1:]), *(f"Unified {copy_label(way)}" for way in _UNIFIED))
_EVENT_TYPES = {
    "NvtxPushPopRange": 59,
    "NvtxStartEndRange": 60,
    "NvtxtPushPopRange": 70,
    "NvtxtStartEndRange": 71,
    "NvtxDomainCreate": 75,
}


@dataclass(frozen=True, slots=True)
class Version:
    """Of the schema (None where the export does not say) and, for the user, of the tool."""

    schema: tuple[int, int] | None
    text: str
    notes: tuple[str, ...]

    @property
    def experimental(self) -> bool:
        """Whether no real file of this schema's generation has tested the reader."""
        return self.schema is None or self.schema < OLDEST


def read_version(export: Export) -> Version:
    """
    Read the versions; the table that holds them was renamed after 2022.4.

    Raises:
        ProfileError: if the schema's major number is higher than ours, or another program's name stands in it.
    """
    tables = ("EXPORT_META_DATA", "META_DATA_EXPORT")
    facts = dict(pair for table in tables for pair in _pairs(export, table, "name", "value"))
    product = facts.get("EXPORT_PRODUCT_NAME") or "NVIDIA Nsight Systems"
    if "Nsight Systems" not in product:
        raise not_nsys_export(export.path, f"it was exported by {product}")
    tool = facts.get("EXPORT_PRODUCT_VERSION") or "version not recorded"
    written = facts.get("EXPORT_SCHEMA_VERSION")
    if written is None:
        return Version(
            None, tool, (f"the export does not say which schema it has: it is read by its columns; {_UNTESTED}",)
        )
    schema = _numbers(written)
    if schema is None:
        raise not_nsys_export(export.path, f"its schema version reads {written!r}")
    if schema[0] > NEWEST[0]:
        problem = f"its schema {written} is newer than the {NEWEST[0]}.x that is known here"
        raise ProfileError(export.path, problem, "export the report with nsys 2026.2 or older, or update kws-trace")
    notes: tuple[str, ...] = ()
    if schema > NEWEST:
        notes = (f"schema {written} is newer than {NEWEST[0]}.{NEWEST[1]}, the newest that was tried",)
    elif schema < OLDEST:
        notes = (f"schema {written} is older than {OLDEST[0]}.{OLDEST[1]}, the oldest that was tried; {_UNTESTED}",)
    return Version(schema, f"{tool} (schema {written})", notes)


def read_traced(export: Export, strings: StringIds, rows: dict[str, int]) -> tuple[frozenset[str], tuple[str, ...]]:
    """
    Tell what was traced, never from an empty table: ``rows`` has how many rows each table of events has.

    Returns:
        The kinds that were traced, and notes about those of which the export says nothing.
    """
    facts = _pairs(export, "META_DATA_CAPTURE", "name", "value")
    asked = {value for name, value in facts if name == "CAPTURE_EVENT_TYPE"}
    started = fetch_existing(export, "PROFILER_OVERHEAD", ("nameId",))
    begun = {strings.text(identity) for identity in _unique(started, "nameId")}
    cupti = [table for table in rows if table.startswith("CUPTI_")]
    traced = {
        kind
        for kind, (event_type, start) in _KINDS.items()
        if event_type in asked or start in begun or any(rows.get(table) for table in _TABLES.get(kind, cupti))
    }
    if asked:
        return frozenset(traced), ()
    unknown = [name for kind, name in (("cuda", "CUDA"), ("nvtx", "NVTX")) if kind not in traced]
    note = (
        UNSAID + ", and holds no sign of {}: either it was not traced or the "
        "program made no use of it; capture with --trace=cuda,nvtx to be sure"
    )
    return frozenset(traced), tuple(note.format(name) for name in unknown)


def read_gpus(export: Export) -> tuple[str, ...]:
    """What the export says of the machine's GPUs and their driver, in a sentence each; nothing before nsys 2022."""
    rows = fetch_existing(export, "TARGET_INFO_GPU", _GPU_COLUMNS).to_pylist()
    facts = dict(pair for pair in _pairs(export, "TARGET_INFO_SYSTEM_ENV", "name", "value") if pair[0] in _DRIVER)
    driver, cuda = (facts.get(name) or "" for name in _DRIVER)
    told = [f"driver {driver}"] if re.fullmatch(r"\d{1,4}(\.\d{1,4}){1,2}", driver) else []
    told += [f"CUDA driver {cuda_version_text(int(cuda))}"] if re.fullmatch(r"\d{4,6}", cuda) else []
    gpus = [
        gpu_sentence(
            place if row.get("id") is None else row["id"],
            row.get("name"),
            row.get("clockRate"),
            row.get("memoryBandwidth"),
            row.get("smCount"),
            [f"GPU-{row['uuid']}"] if row.get("uuid") else [],
        )
        for place, row in enumerate(rows[:_SHOWN])
    ]
    return (*gpus, *(["NVIDIA's " + ", ".join(told)] if told else []))


def read_processes(export: Export) -> list[tuple[int, str]]:
    """Global id and name (executable) of each process that the export names."""
    return [pair for pair in _pairs(export, "PROCESSES", "globalPid", "name") if None not in pair]


def read_diagnostics(export: Export) -> tuple[str, ...]:
    """Warnings and errors that nsys entered during the capture, each once."""
    told = _pairs(export, "DIAGNOSTIC_EVENT", "severity", "text")
    wrong = [text for severity, text in told if severity in (_WARNING, _ERROR) and text]
    texts = list(dict.fromkeys(" ".join(text.split()) for text in wrong))
    more = (f"nsys gave {counted(len(texts) - _SHOWN, 'more warning')}",) if len(texts) > _SHOWN else ()
    return (*(f"nsys warned: {text}" for text in texts[:_SHOWN]), *more)


def read_duration(export: Export) -> int | None:
    """Nanoseconds from the session's start, from which all times count, to the capture's end; None if not told."""
    durations = _unique(fetch_existing(export, "ANALYSIS_DETAILS", ("duration",)), "duration")
    return durations[0] if len(durations) == 1 else None


def read_event_types(export: Export) -> dict[str, int]:
    """``eventType`` of the rows of ``NVTX_EVENTS`` that are read, by nsys's names for them."""
    named = dict(_pairs(export, "ENUM_NSYS_EVENT_TYPE", "name", "id"))
    return {name: named.get(name) or number for name, number in _EVENT_TYPES.items()}


def read_memcpy_labels(export: Export) -> dict[int, str]:
    """What each ``copyKind`` is called: by our list, so that all releases give one name, then by the export's own."""
    own = _pairs(export, "ENUM_CUDA_MEMCPY_OPER", "id", "label")
    return {identity: label for identity, label in own if identity is not None and label} | dict(enumerate(_MEMCPY))


def _pairs(export: Export, table: str, first: str, second: str) -> list[tuple[Any, Any]]:
    """Two columns of a table row by row; nothing where the export lacks one of them."""
    rows = fetch_existing(export, table, (first, second))
    if rows.num_columns < 2:
        return []
    return list(zip(rows.column(first).to_pylist(), rows.column(second).to_pylist(), strict=True))


def _unique(rows: pa.Table, column: str) -> list[int]:
    if column not in rows.column_names:
        return []
    return [value for value in rows.column(column).unique().to_pylist() if value is not None]


def _numbers(version: str) -> tuple[int, int] | None:
    words = version.split(".")
    if len(words) < 2 or not (words[0].isdecimal() and words[1].isdecimal()) or max(map(len, words[:2])) > 9:
        return None
    return int(words[0]), int(words[1])
