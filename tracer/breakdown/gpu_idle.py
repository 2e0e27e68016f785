"""Why the GPU was idle within an inference, and whether its kernels were queued in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.breakdown.delays import measured_delays
from tracer.breakdown.launch_order import launch_order
from tracer.breakdown.owners import Pieces
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, begun

GAP_CAUSES = (
    "no_work",
    "before_first",
    "launch_bound",
    "launch_latency",
    "dependency",
    "tail",
    "unknown_launch",
    "hand_off",
)
"""
Why the GPU idled, stored as the place here.

``no_work``: no GPU work runs in the inference at all. ``before_first``: from the inference's start to its first.
``tail``: from the last to the inference's end. Between two works, by the launch of the one that ended the gap:
``launch_bound``, it began after the GPU went idle; ``launch_latency``, it had begun and the work could not have
started yet; ``dependency``, the launch had returned and a launch's latency had passed, so the work waited for
another stream or kernel, or for the device's own hand-over; ``unknown_launch``, the capture does not have it;
``hand_off``, it began after the GPU went idle and a stage ended meanwhile: the host handed over, no launch was late.
"""

NO_WORK, BEFORE_FIRST, LAUNCH_BOUND, LAUNCH_LATENCY, DEPENDENCY, TAIL, UNKNOWN_LAUNCH, HAND_OFF = range(8)


@dataclass(frozen=True, slots=True)
class GpuGaps:
    """Idle gaps, ascending; ``inference`` is a row of the breakdown, ``cause`` a place in ``GAP_CAUSES``."""

    inference: Ints
    cause: NDArray[np.int8]
    start_ns: Ints
    end_ns: Ints

    def by_cause(self, inferences: int) -> Ints:
        """Idle nanoseconds, shape (inferences, causes)."""
        shape = (inferences, len(GAP_CAUSES))
        place = self.inference * shape[1] + self.cause
        length = self.end_ns - self.start_ns
        return np.bincount(place, length, minlength=shape[0] * shape[1]).astype(np.int64).reshape(shape)


@dataclass(frozen=True, slots=True)
class QueuedKernels:
    """
    Per inference, kernels with one before them on their device, and how many of those were queued in time.

    In time: the launching call had returned before the kernel before it ended. 0 of all is launch-bound, all of them
    is GPU-bound.
    """

    queued: Ints
    followers: Ints

    @property
    def share(self) -> float | None:
        """Of all kernels with one before them; none where there are none."""
        followers = int(self.followers.sum())
        return int(self.queued.sum()) / followers if followers else None


def idle_gaps(pieces: Pieces, idle: Ints) -> tuple[Ints, Ints, Ints]:
    """The inference, start and end of each gap, of the pieces in which no device worked; ascending."""
    if not len(idle):
        return idle, idle, idle
    row, timeline = pieces.inference, pieces.timeline
    # A zero-length kernel or a range of nothing cuts time without ending a gap.
    opens = np.flatnonzero(np.r_[True, (np.diff(idle) > 1) | (np.diff(row[idle]) != 0)])
    closes = np.r_[opens[1:] - 1, len(idle) - 1]
    return row[idle[opens]], timeline.start_ns[idle[opens]], timeline.end_ns[idle[closes]]


def gpu_gaps(work: InferenceWork, inference: Ints, start: Ints, end: Ints) -> GpuGaps:
    """The pieces of each inference in which no device worked (``idle_gaps``), each with its cause."""
    return GpuGaps(inference, _causes(work, inference, start, end), start, end)


def _causes(work: InferenceWork, inference: Ints, start: Ints, end: Ints) -> NDArray[np.int8]:
    first = start == work.inferences.start_ns[inference]
    last = end == work.inferences.end_ns[inference]
    cause = np.full(len(start), UNKNOWN_LAUNCH, np.int8)
    gpu = work.gpu
    there = gpu.end_ns > gpu.start_ns
    if there.any():
        rows = np.flatnonzero(there)
        rows = rows[np.lexsort((work.launched_ns[rows], gpu.start_ns[rows]))]
        # A gap that no work ended is a tail, whatever comes after its inference: any row will do.
        following = rows[np.minimum(np.searchsorted(gpu.start_ns[rows], end), len(rows) - 1)]
        launched, returned = work.launched_ns[following], work.queued_ns[following]
        delays = measured_delays(work, launch_order(work))
        ready = launched + delays.latency_ns(gpu.kernel, "middle")[following]
        known = gpu.call[following] >= 0
        cause[known] = LAUNCH_LATENCY
        cause[known & (launched >= start)] = LAUNCH_BOUND
        stages = work.stages.start_ns
        cause[known & (launched >= start) & (begun(stages, end) > begun(stages, start))] = HAND_OFF
        cause[known & (returned <= start) & (ready <= start)] = DEPENDENCY
    cause[last] = TAIL
    cause[first] = BEFORE_FIRST
    cause[first & last] = NO_WORK
    return cause


def queued_kernels(work: InferenceWork) -> QueuedKernels:
    """Count, for each inference, the kernels that it launched and that were queued behind another."""
    size = len(work.inferences)
    rows = np.flatnonzero(work.gpu.kernel & (work.gpu_inference >= 0))
    device, start = work.gpu.device[rows], work.gpu.start_ns[rows]
    rows = rows[np.lexsort((work.launched_ns[rows], start, device, work.gpu_inference[rows]))]
    inference, device = work.gpu_inference[rows], work.gpu.device[rows]
    follows = np.r_[False, (np.diff(inference) == 0) & (np.diff(device) == 0)][: len(rows)]
    before = np.r_[0, work.gpu.end_ns[rows][:-1]][: len(rows)]
    queued = follows & (work.queued_ns[rows] <= before)
    return QueuedKernels(
        queued=np.bincount(inference[queued], minlength=size).astype(np.int64),
        followers=np.bincount(inference[follows], minlength=size).astype(np.int64),
    )
