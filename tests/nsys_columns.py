"""Columns of the tables of Nsight Systems exports, as real ones have them; `!` not null, `~` text."""

from __future__ import annotations

import sqlite3
from typing import Any

import numpy as np

# Columns as in exports of nsys 2026.2 (schema 3.25) and 2022.4 (schema 3.0, lazy=false).
_ACTIVITY = "start! end! deviceId! contextId! greenContextId streamId! correlationId globalPid"
COLUMNS = {
    "CUPTI_ACTIVITY_KIND_KERNEL": f"{_ACTIVITY} demangledName! shortName! mangledName launchType cacheConfig "
    "registersPerThread! gridX! gridY! gridZ! blockX! blockY! blockZ! staticSharedMemory! dynamicSharedMemory! "
    "localMemoryPerThread! localMemoryTotal! gridId! sharedMemoryExecuted graphNodeId sharedMemoryLimitConfig "
    "qmdBulkReleaseDone qmdPreexitDone qmdLastCtaDone graphId clusterX clusterY clusterZ clusterSchedulingPolicy "
    "maxPotentialClusterSize maxActiveClusters",
    "CUPTI_ACTIVITY_KIND_MEMCPY": f"{_ACTIVITY} bytes! copyKind! deprecatedSrcId srcKind dstKind srcDeviceId "
    "srcContextId dstDeviceId dstContextId migrationCause graphNodeId virtualAddress copyCount",
    "CUPTI_ACTIVITY_KIND_MEMSET": f"{_ACTIVITY} value! bytes! graphNodeId memKind",
    "CUPTI_ACTIVITY_KIND_GRAPH_TRACE": f"{_ACTIVITY} graphId! graphExecId!",
    "CUPTI_ACTIVITY_KIND_RUNTIME": "start! end! eventClass! globalTid correlationId nameId! returnValue! callchainId",
    "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION": "start! end! deviceId! contextId! greenContextId streamId! correlationId "
    "globalPid syncType! eventId!",
    "CUPTI_ACTIVITY_KIND_CUDA_EVENT": "deviceId! contextId! greenContextId streamId! correlationId globalPid "
    "eventId!",
    "NVTX_EVENTS": "start! end eventType! rangeId category color text~ globalTid endGlobalTid textId domainId "
    "uint64Value int64Value doubleValue uint32Value int32Value floatValue jsonTextId jsonText~ binaryData~",
    "OSRT_API": "start! end! eventClass! globalTid nameId! returnValue! nestingLevel callchainId!",
    "CUDNN_EVENTS": "start! end! eventClass! globalTid nameId!",
    "CUBLAS_EVENTS": "start! end! eventClass! globalTid nameId!",
    "PROFILER_OVERHEAD": "start! end! globalTid nameId! overheadType!",
    "ThreadNames": "nameId! priority globalTid",
    "PROCESSES": "globalPid pid name~",
    "ANALYSIS_DETAILS": "globalVid! duration! startTime! stopTime!",
    "TARGET_INFO_SYSTEM_ENV": "globalVid devStateName~! name~! nameEnum! value~!",
}
NOT_IN_3_0 = {
    *("greenContextId", "qmdBulkReleaseDone", "qmdPreexitDone", "qmdLastCtaDone", "graphId", "clusterX", "clusterY"),
    *(
        "clusterZ",
        "clusterSchedulingPolicy",
        "maxPotentialClusterSize",
        "maxActiveClusters",
        "copyCount",
        "binaryData",
    ),
}
MEMCPY_KINDS = ["Unknown", "Host-to-Device", "Device-to-Host"]
MEMCPY_KINDS += ["Host-to-Array", "Array-to-Host", "Array-to-Array", "Array-to-Device", "Device-to-Array"]
MEMCPY_KINDS += ["Device-to-Device", "Host-to-Host", "Peer-to-Peer"]


def declarations(table: str, without: set[str]) -> dict[str, str]:
    """SQL type of each column."""
    declared = {word.rstrip("!~"): word for word in COLUMNS[table].split()}
    return {
        name: f"{'TEXT' if '~' in word else 'INTEGER'}{' NOT NULL' * ('!' in word)}"
        for name, word in declared.items()
        if name not in without
    }


def insert_rows(
    database: sqlite3.Connection,
    table: str,
    columns: list[tuple[str, bool]],
    part: dict[str, Any],
    step: int = 100_000,
) -> None:
    """Insert in steps, for memory's sake; what is not given is null, or 0 where the table does not take null."""
    count = max((len(value) for value in part.values() if np.ndim(value)), default=1)
    given = [name for name, required in columns if required or part.get(name) is not None]
    marks = ", ".join("?" * len(given))
    names = ", ".join(f'"{name}"' for name in given)
    for first in range(0, count, step):
        chunk = range(first, min(first + step, count))
        values = [_column(part.get(name), chunk) for name in given]
        database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", zip(*values, strict=True))


def _column(value: Any, chunk: range) -> list[Any]:
    if np.ndim(value):
        part = value[chunk.start : chunk.stop]
        return part.tolist() if isinstance(part, np.ndarray) else list(part)
    plain = value.item() if isinstance(value, np.generic | np.ndarray) else value
    return [0 if plain is None else plain] * len(chunk)
