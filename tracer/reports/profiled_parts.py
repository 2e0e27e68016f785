"""What a report's readers are shown of its profiled inferences: the busy share, the parts, the profiler's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.report_types.gpu import GpuFigures, KernelFigures, PartFigures, Unprofiled

BUSY, OVERHEAD = "GPU busy", "runtime overhead"
GPU_PARTS = ("kernel", "copy")
FRAMEWORK_AND_COMPUTING = "framework and computing"


@dataclass(frozen=True, slots=True)
class BusyAndOverhead:
    """
    GPU busy against runtime overhead, of an inference in the mean; together they are ``wall_ns``.

    Busy is of the profiled run. With a run beside it that no profiler lengthened, overhead is what busy leaves of its
    wall time, and ``unprofiled`` has its figures; else both are of the profiled run.
    """

    busy_ns: float
    busy_share: float
    overhead_ns: float
    overhead_share: float
    wall_ns: float
    unprofiled: Unprofiled | None


def busy_and_overhead(gpu: GpuFigures | None) -> BusyAndOverhead | None:
    """The two parts that lead a report; None without GPU work."""
    if gpu is None or not gpu["has_gpu_work"]:
        return None
    beside = gpu["unprofiled"]
    if beside is not None:
        busy, overhead = (beside["busy_ns"], beside["busy_share"]), (beside["overhead_ns"], beside["overhead_share"])
        return BusyAndOverhead(*busy, *overhead, beside["wall_ns"], beside)
    busy, overhead = ((one["mean"], one["share"]) for one in (gpu["busy_ns"], gpu["overhead_ns"]))
    return BusyAndOverhead(*busy, *overhead, gpu["wall_ns"]["mean"], None)


def profiled_parts(report: KernelFigures) -> dict[str, PartFigures]:
    """
    Each part of a profiled inference by its name, those of the GPU first; empty without a GPU timeline.

    Where a capture does not tell the framework from its computing, both are one part.
    """
    gpu = report["gpu"]
    if gpu is None:
        return {}
    found = {"kernel": gpu["kernel_ns"], "copy": gpu["copy_ns"]} if gpu["has_gpu_work"] else {}
    for name, one in report["overhead"].items():
        found[name if name != "framework" or gpu["computing_known"] else FRAMEWORK_AND_COMPUTING] = one
    return found


def profiler_text(gpu: GpuFigures) -> str:
    """The profiler and its version."""
    return " ".join(word for word in (gpu["source"], gpu["version"]) if word)
