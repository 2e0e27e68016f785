"""
What an Nsight Systems export says of itself: its version, what was traced, its processes, what went wrong.

What was traced stands in ``META_DATA_CAPTURE`` (rows ``CAPTURE_EVENT_TYPE``; seen in schemas 3.24 and 3.25). nsys
2022.4 writes no such table: there it shows only in rows that are there, and in the names of ``PROFILER_OVERHEAD``,
where each kind of tracing enters its start in the process ("NVTX profiling initialization").
``TARGET_INFO_SYSTEM_ENV`` and the other rows of ``META_DATA_CAPTURE`` hold the environment of the process and its
arguments: nothing of them is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.errors import ProfileError
from tracer.profiles.arrow_arrays import arrow
from tracer.profiles.nsys_export import Export, fetch_existing, not_nsys_export
from tracer.profiles.nsys_names import StringIds

NEWEST = (3, 25)
"""Schema of nsys 2026.2, the newest that real files have tested."""
OLDEST = (3, 0)
"""Schema of nsys 2022.4, the oldest that real files have tested."""

UNSAID = "the export does not say what was asked for"
"""How the note begins that falls away for who knows what was asked for."""

_KINDS = {
    "cuda": ("Cuda", "CUDA profiling initialization"),
    "nvtx": ("NvtxEvents", "NVTX profiling initialization"),
    "osrt": ("OS runtime libraries", "OS runtime libraries profiling initialization"),
    "cudnn": ("CuDNN", "cuDNN profiling initialization"),
    "cublas": ("CuBLAS", "cuBLAS profiling initialization"),
}
"""Of each kind of tracing its name among event types, and the name under which its start is entered as overhead."""
_TABLES = {"osrt": ("OSRT_API",), "cudnn": ("CUDNN_EVENTS",), "cublas": ("CUBLAS_EVENTS",), "nvtx": ("NVTX_EVENTS",)}
_WARNING, _ERROR = 2, 3
"""ENUM_DIAGNOSTIC_SEVERITY_LEVEL."""
_SHOWN = 5

# CUpti_ActivityMemcpyKind and the labels of ENUM_CUDA_MEMCPY_OPER in schema 3.25; older reports print HtoD and so on.
_MEMCPY = (
    *("Unknown", "Host-to-Device", "Device-to-Host", "Host-to-Array", "Array-to-Host", "Array-to-Array"),
    *("Array-to-Device", "Device-to-Array", "Device-to-Device", "Host-to-Host", "Peer-to-Peer"),
    *("Unified Host-to-Device", "Unified Device-to-Host", "Unified Device-to-Device"),
)
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
        ProfileError: if the schema's major number is higher than ours.
        ProfileError: if another program's name stands in it.
    """
    facts: dict[str, str | None] = {}
    for table in ("EXPORT_META_DATA", "META_DATA_EXPORT"):
        rows = fetch_existing(export, table, ("name", "value"))
        if rows.num_columns == 2:
            facts.update(zip(rows.column("name").to_pylist(), rows.column("value").to_pylist(), strict=True))
    product = facts.get("EXPORT_PRODUCT_NAME") or "NVIDIA Nsight Systems"
    if "Nsight Systems" not in product:
        raise not_nsys_export(export.path, f"it was exported by {product}")
    tool = facts.get("EXPORT_PRODUCT_VERSION") or "version not recorded"
    written = facts.get("EXPORT_SCHEMA_VERSION")
    if written is None:
        return Version(
            None, tool, ("the export does not say which schema it has: it is read as its columns are named",)
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
        notes = (f"schema {written} is older than {OLDEST[0]}.{OLDEST[1]}, the oldest that was tried",)
    return Version(schema, f"{tool} (schema {written})", notes)


def read_traced(export: Export, strings: StringIds, rows: dict[str, int]) -> tuple[frozenset[str], tuple[str, ...]]:
    """
    Tell what was traced, never from an empty table.

    Args:
        export: the export.
        strings: its strings.
        rows: how many rows each table of events has that was read.

    Returns:
        The kinds that were traced, and notes about those of which the export says nothing.
    """
    facts = fetch_existing(export, "META_DATA_CAPTURE", ("name", "value"))
    asked: set[str | None] = set()
    if facts.num_columns == 2:
        named = zip(facts.column("name").to_pylist(), facts.column("value").to_pylist(), strict=True)
        asked = {value for name, value in named if name == "CAPTURE_EVENT_TYPE"}
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


def read_processes(export: Export) -> tuple[list[int], list[str]]:
    """Global ids of the processes that the export names, and their names (executables)."""
    rows = fetch_existing(export, "PROCESSES", ("globalPid", "name"))
    if rows.num_columns < 2:
        return [], []
    named = rows.filter(pc.and_(pc.is_valid(rows.column("globalPid")), pc.is_valid(rows.column("name"))))
    return named.column("globalPid").to_pylist(), named.column("name").to_pylist()


def read_diagnostics(export: Export) -> tuple[str, ...]:
    """Warnings and errors that nsys entered during the capture, each once."""
    rows = fetch_existing(export, "DIAGNOSTIC_EVENT", ("severity", "text"))
    if rows.num_columns < 2:
        return ()
    bad = rows.filter(pc.is_in(rows.column("severity"), arrow(np.array([_WARNING, _ERROR]))))
    texts = list(dict.fromkeys(text.strip() for text in bad.column("text").to_pylist() if text))
    more = (f"nsys gave {len(texts) - _SHOWN} more warnings",) if len(texts) > _SHOWN else ()
    return (*(f"nsys warned: {text}" for text in texts[:_SHOWN]), *more)


def read_duration(export: Export) -> int | None:
    """Nanoseconds from the session's start, from which all times count, to the capture's end; None if not told."""
    durations = _unique(fetch_existing(export, "ANALYSIS_DETAILS", ("duration",)), "duration")
    return durations[0] if len(durations) == 1 else None


def read_event_types(export: Export) -> dict[str, int]:
    """``eventType`` of the rows of ``NVTX_EVENTS`` that are read, by nsys's names for them."""
    rows = fetch_existing(export, "ENUM_NSYS_EVENT_TYPE", ("id", "name"))
    if rows.num_columns < 2:
        return dict(_EVENT_TYPES)
    named = dict(zip(rows.column("name").to_pylist(), rows.column("id").to_pylist(), strict=True))
    return {name: named.get(name) or number for name, number in _EVENT_TYPES.items()}


def read_memcpy_labels(export: Export) -> dict[int, str]:
    """What each ``copyKind`` is called: by our list, so that all releases give one name, then by the export's own."""
    rows = fetch_existing(export, "ENUM_CUDA_MEMCPY_OPER", ("id", "label"))
    labels = dict(enumerate(_MEMCPY))
    if rows.num_columns == 2:
        own = zip(rows.column("id").to_pylist(), rows.column("label").to_pylist(), strict=True)
        labels = {identity: label for identity, label in own if identity is not None and label} | labels
    return labels


def _unique(rows: pa.Table, column: str) -> list[int]:
    if column not in rows.column_names:
        return []
    return [value for value in rows.column(column).unique().to_pylist() if value is not None]


def _numbers(version: str) -> tuple[int, int] | None:
    words = version.split(".")
    if len(words) < 2 or not (words[0].isdecimal() and words[1].isdecimal()) or max(map(len, words[:2])) > 9:
        return None
    return int(words[0]), int(words[1])
