"""What else the GPU did during units: work of other threads' units and of other processes; and busy time by GPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import NO_ROW, integers
from tracer.breakdown.intervals import Covered
from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.counted_work import lane_rows
from tracer.captures.row_bounds import Ints


@dataclass(frozen=True, slots=True)
class SharedGpu:
    """
    The time of each unit in which its GPUs ran work that is not its lane's.

    Args:
        beside_ns: while they ran work of its lane too, shape (n,).
        alone_ns: while they ran none of it.
        unknown_works: works of the process that may be of several lanes: those of no known launch, and those that a
            thread launched without a unit while several were open. They are in no unit's own time.
    """

    beside_ns: Ints
    alone_ns: Ints
    unknown_works: int


def shared_gpu(level: KernelLevel) -> SharedGpu:
    """Work of other lanes and processes on the GPUs that a lane uses, told by their CUDA number."""
    units, lane_of = level.ranges, level.attribution.lane
    work, inferences = level.profile.gpu_work, level.work.inferences
    beside, alone = np.zeros(len(inferences), np.int64), np.zeros(len(inferences), np.int64)
    unknown = int((level.attribution.ours & (lane_of == NO_ROW)).sum())
    if len(units.lanes) == 1 and (lane_of == 0).all():
        return SharedGpu(beside, alone, unknown)
    device, start, end = (integers(work, name) for name in ("device", "start_ns", "end_ns"))
    lane_of_unit = units.lane[level.keep]
    for place, lane in enumerate(units.lanes):
        mine = np.flatnonzero(lane_of_unit == place)
        if not len(mine):
            continue
        first, last = inferences.start_ns[mine] - lane.shift_ns, inferences.end_ns[mine] - lane.shift_ns
        own = lane_of == place
        near = (start < last.max()) & (end > first.min())
        others = near & ~own & np.isin(device, np.unique(device[own]))
        if not others.any():
            continue
        theirs, ours, either = (
            Covered(start[one], end[one]).within(first, last) for one in (others, own, own | others)
        )
        beside[mine], alone[mine] = theirs + ours - either, either - ours
    return SharedGpu(beside, alone, unknown)


def busy_by_gpu(level: KernelLevel) -> list[tuple[int, int, Ints]]:
    """Of each process and each GPU that it uses: nanoseconds of each of its units in which that one ran its work."""
    work, units = level.work, level.ranges
    lane_of_unit = units.lane[level.keep]
    process = np.array([one.process for one in units.lanes], np.int64)
    attribution = level.attribution
    # The rows of ``level.work.gpu``, as ``counted_work`` takes them.
    lane = attribution.lane[lane_rows(attribution.lane, np.append(level.keep, True)[attribution.place])]
    found = []
    for one in units.processes:
        mine = np.flatnonzero(process[lane_of_unit] == one)
        first, last = work.inferences.start_ns[mine], work.inferences.end_ns[mine]
        own = process[lane] == one if len(lane) else np.zeros(0, np.bool_)
        for device in np.unique(work.gpu.device[own]).tolist():
            rows = own & (work.gpu.device == device)
            covered = Covered(work.gpu.start_ns[rows], work.gpu.end_ns[rows])
            found.append((one, device, covered.within(first, last)))
    return found
