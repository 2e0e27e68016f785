"""
Kernels laid under ranges, whole process, on one synthetic export: ours, ``nsys stats``, nsys-ai and SQLite alone.

nsys-ai is measured where ``KWS_TRACE_NSYS_AI`` names a Python interpreter that can import it: by its sweep in Python,
and by its Parquet cache where DuckDB has its extension for SQLite, which it would download.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.processes import Cost, against_floor, command_of, run_process
from tests.nsys_export import NsysExport
from tracer.profiles.nsys_nvtx import NVTX_COLUMNS

KERNELS = 1_000_000
"""And as many CUDA calls, and twice as many ranges."""

THREADS = 4
"""Of each of the two processes; every one pushes ranges and launches."""

ROUNDS = 5
_WORK = ("start", "end", "correlationId")
NSYS_AI = "KWS_TRACE_NSYS_AI"

# Ranges of a step: begin and end in ns from the step's own begin; four deep, a kernel launched in each leaf.
STEP_NS = 100_000
RANGES = {"step": (0, 95_000), "layer": (1_000, 94_000), "forward": (2_000, 47_000), "backward": (47_500, 93_000)}
LEAVES = {f"op{number}": (3_000 + 22_500 * number, 23_000 + 22_500 * number) for number in range(4)}

FLOOR = """
import json, sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for table, columns in json.loads(sys.argv[2]).items():
    there = {name for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    most = ", ".join(f"max({name})" for name in columns if name in there)
    database.execute(f"SELECT {most} FROM {table}").fetchone()
"""
"""Every row is stepped and the columns that our reader takes are read, in C; no row reaches Python."""

SWEEP = """
import sqlite3, sys
from nsys_ai.nvtx_attribution import attribute_kernels_to_nvtx
print(len(attribute_kernels_to_nvtx(sqlite3.connect(sys.argv[1]))))
"""
CACHE = """
import sys
from nsys_ai.nvtx_attribution import attribute_kernels_to_nvtx
from nsys_ai.parquet_cache import open_cached_db
print(len(attribute_kernels_to_nvtx(open_cached_db(sys.argv[1]))))
"""


def measure(kernels: int = KERNELS) -> dict[str, Any]:
    """Median seconds of ours and the floor, in turn, and of their ratio; one run of the slow ones; memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_export(Path(folder) / "capture.sqlite", kernels)
        command = command_of("kernels", str(path), "--by", "range", "--format", "json")
        columns = {
            "NVTX_EVENTS": NVTX_COLUMNS,
            "CUPTI_ACTIVITY_KIND_KERNEL": (*_WORK, "deviceId", "streamId", "globalPid", "demangledName", "shortName"),
            "CUPTI_ACTIVITY_KIND_RUNTIME": (*_WORK, "globalTid", "nameId"),
        }
        against, said = against_floor(command, FLOOR, [str(path), json.dumps(columns)], ROUNDS)
        figures: dict[str, Any] = {
            "kernels": kernels,
            "megabytes": round(path.stat().st_size / 1e6),
            "floor": "rows of the same columns stepped by SQLite",
            **against,
        }
        ours = Cost(figures["ours_s"], figures["ours_cpu_s"], figures["peak_mb"], said)
        return {**figures, **_nsys_stats(path, ours), **_nsys_ai(path, ours, kernels)}


def write_export(path: Path, kernels: int) -> Path:
    """
    Two processes of four threads, steps of eight nested ranges and four launches on each thread.

    Rows come in the order of their starts, as nsys writes them. No two processes share a correlation id here, for the
    sake of nsys-ai, which joins by that alone.
    """
    export = NsysExport(duration_ns=10**15)
    steps = kernels // (2 * THREADS * len(LEAVES))
    number = np.repeat(np.arange(2 * THREADS, dtype=np.int64), steps)
    begin = np.tile(np.arange(steps, dtype=np.int64) * STEP_NS, 2 * THREADS) + 1007 * number
    process = 100 * (1 + number // THREADS)
    owner = {"process": process, "thread": process + number % THREADS}
    nested = RANGES | LEAVES
    first, last = (np.array([edges[side] for edges in nested.values()]) for side in (0, 1))
    rows = _by_start(begin[:, None] + first, last - first, owner)
    names = (list(nested), rows.pop("column"))
    export.ranges(rows.pop("start_ns"), rows.pop("end_ns"), names, domain=None, **rows)
    launch = first[len(RANGES) :] + 500
    rows = _by_start(begin[:, None] + launch, np.full(len(LEAVES), 6_000), owner)
    leaf, start = rows.pop("column"), rows.pop("start_ns")
    ids = np.arange(len(start), dtype=np.int64) + 1
    export.calls(start, rows.pop("end_ns"), "cudaLaunchKernel_v7000", correlation_id=ids, **rows)
    kernel_names = [f"void cutlass::Kernel<gemm_{number}>(Params)" for number in range(5 * len(LEAVES))]
    work = {"process": rows["process"], "stream": 7 + rows["thread"] % 100, "correlation_id": ids}
    export.kernels(start + 9_000, start + 11_000 + ids % 97, (kernel_names, 5 * leaf + ids % 5), **work)
    return export.write(path)


def _by_start(start: Any, length: Any, owner: dict[str, Any]) -> dict[str, Any]:
    """Rows of a table of (step, column) in the order of their starts: start, end, column and who owns each."""
    width = start.shape[1]
    order = np.argsort(start.ravel(), kind="stable")
    column = order % width
    rows = {"start_ns": start.ravel()[order], "end_ns": start.ravel()[order] + length[column], "column": column}
    return rows | {name: values[order // width] for name, values in owner.items()}


def _nsys_stats(path: Path, ours: Cost) -> dict[str, Any]:
    if shutil.which("nsys") is None:
        return {"nsys_stats": "no nsys here"}
    theirs = run_process(["nsys", "stats", "--report", "nvtxkernsum", "--format", "csv", str(path)])
    lines = theirs.said.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("NVTX Range"))
    rows = csv.DictReader(lines[head:])
    table = {(r["NVTX Range"], r["PID"], r["TID"], r["Kernel Name"]): int(r["Total Time (ns)"]) for r in rows}
    mine = {
        (one["range"], str(one["process"]), str(one["thread"]), one["name"]): one["total_ns"]
        for one in json.loads(ours.said)
    }
    return {
        "nsys_stats_s": round(theirs.seconds, 2),
        "times_faster_than_nsys_stats": round(theirs.seconds / ours.seconds, 2),
        "tables_equal": table == mine,
    }


def _nsys_ai(path: Path, ours: Cost, kernels: int) -> dict[str, Any]:
    python = os.environ.get(NSYS_AI)
    if python is None:
        return {"nsys_ai": f"{NSYS_AI} names no interpreter that has it"}
    found: dict[str, float] = {}
    failed = {}
    for name, program in (("sweep", SWEEP), ("cache", CACHE)):
        try:
            cost = run_process([python, "-c", program, str(path)])
        except subprocess.CalledProcessError as error:
            failed[f"nsys_ai_{name}"] = f"ended with {error.returncode}"
            continue
        found[f"nsys_ai_{name}_s"] = round(cost.seconds, 2)
        if int(cost.said.split()[-1]) != kernels:
            sys.exit(f"nsys-ai's {name} laid {cost.said.split()[-1]} of {kernels} kernels")
    best = min(found.values(), default=None)
    ratio = {} if best is None else {"times_faster_than_nsys_ai": round(best / ours.seconds, 2)}
    return {**found, **failed, **ratio}
