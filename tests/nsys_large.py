"""The export that the speed of reading and attributing is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.nsys_export import NsysExport


def large_export(path: Path, kernels: int = 1_000_000) -> Path:
    """
    A capture of two processes with as many kernels as CUDA calls, and twice as many nested ranges.

    Each inference has a range, three stages, 16 operations inside ``session_run`` and 10 launches from three executor
    threads of the same process; the two processes run side by side and use the same correlation ids.
    """
    export = NsysExport(duration_ns=10**15)
    export.processes({100: "kws-trace", 200: "other"})
    for process in (100, 200):
        _inferences(export, process, kernels // 2)
    return export.write(path)


def _inferences(export: NsysExport, process: int, kernels: int, launches: int = 10, operations: int = 16) -> None:
    count = max(kernels // launches, 1)
    begin = np.arange(count, dtype=np.int64) * 1_000_000 + 1000 + process
    number = np.arange(count, dtype=np.int64)
    own = {"process": process, "thread": process}
    export.ranges(begin, begin + 900_000, "inference", payload=number, **own)
    for stage, first, last in (("host_to_device", 0, 99), ("session_run", 100, 799), ("readback", 800, 900)):
        export.ranges(begin + first * 1000, begin + last * 1000, stage, payload=number, **own)
    code = np.tile(np.arange(operations, dtype=np.int64), count)
    operation = np.repeat(begin, operations) + code * 40_000 + 110_000
    export.ranges(operation, operation + 35_000, ([f"op/{i}" for i in range(operations)], code), domain=None, **own)
    code = np.tile(np.arange(launches, dtype=np.int64), count)
    launch = np.repeat(begin, launches) + code * 65_000 + 115_000
    ids = np.arange(len(launch), dtype=np.int64) + 1
    names = [f"void cutlass::Kernel<cutlass_{i}_s1688gemm, {i}>(Params)" for i in range(launches)]
    thread = process + 1 + ids % 3
    rows = {"process": process, "correlation_id": ids}
    export.calls(launch, launch + 6_000, "cudaLaunchKernel_v7000", thread=thread, **rows)
    export.kernels(launch + 9_000, launch + 40_000, (names, code), stream=7 + code % 2, **rows)
