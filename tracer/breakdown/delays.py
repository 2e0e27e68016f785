"""How late GPU work starts after what it follows: medians of the cases that show it, else a named default."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from tracer.breakdown.launch_order import LaunchOrder
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask

ENOUGH_CASES = 5
"""Fewer than these show no median."""

DelaySource: TypeAlias = Literal["measured", "another group", "default"]
End: TypeAlias = Literal["middle", "low", "high"]


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay and the ends of what it may be, in nanoseconds; ``cases`` show it, 0 of a default."""

    middle: int
    low: int
    high: int
    source: DelaySource = "default"
    cases: int = 0


DEFAULT_LATENCY = Delay(6_000, 3_000, 12_000)
"""From the begin of a launch to the start of its work on a free stream: an H200 showed 4 to 8 us, profiled."""

DEFAULT_GAP = Delay(1_000, 500, 2_000)
"""Between two works of a stream, the second queued in time: 0.9 to 1.2 us on an H200."""

DEFAULT_GRAPH_GAP = Delay(200, 100, 500)
"""The same inside a CUDA graph: 0.10 to 0.26 us on an H200."""

DEFAULT_EVENT = Delay(1_000, 0, 2_000)
"""From the end of a work to the start of one of another stream that waits for it by an event: as a gap."""

DEFAULT_GRAPH_CALL = Delay(8_000, 5_000, 12_000)
"""``cudaGraphLaunch`` of some tens of kernels, without a profiler."""

DEFAULT_SYNC_CALL = Delay(2_000, 1_000, 3_000)
"""A synchronising call that finds nothing to wait for."""

DEFAULT_WAKE = Delay(3_000, 2_000, 6_000)
"""From the end of what a synchronising call waited for to its return."""


@dataclass(frozen=True, slots=True)
class Delays:
    """
    The delays of a capture.

    Args:
        kernel, copy: from the begin of a launch to the start of its work on a free stream.
        gap: between two works of a stream.
        graph_gap: the same inside a CUDA graph.
        event: behind a work of another stream.
        graph_call: how long a call that launches a graph takes.
        sync_call: how long a synchronising call takes that need not wait.
        wake: how long one takes after the end of what it waited for.
    """

    kernel: Delay
    copy: Delay
    gap: Delay = DEFAULT_GAP
    graph_gap: Delay = DEFAULT_GRAPH_GAP
    event: Delay = DEFAULT_EVENT
    graph_call: Delay = DEFAULT_GRAPH_CALL
    sync_call: Delay = DEFAULT_SYNC_CALL
    wake: Delay = DEFAULT_WAKE

    def latency_ns(self, kernel: Mask, end: End) -> Ints:
        """Of each work, by whether it is a kernel."""
        found: Ints = np.where(kernel, getattr(self.kernel, end), getattr(self.copy, end)).astype(np.int64)
        return found


def measured_delays(work: InferenceWork, order: LaunchOrder) -> Delays:
    """
    The delays that a capture shows.

    A launch's latency is told only by works whose stream was free when they were launched: others were queued. A gap
    is told only by works that were ready before the one before them had ended. With fewer than ``ENOUGH_CASES`` of
    either, another group's delay stands for it, half and double as its ends, or a default.
    """
    gpu, launched = work.gpu, work.launched_ns
    known = (gpu.call >= 0) & ~order.in_graph
    follows = order.before >= 0
    before_end = np.where(follows, gpu.end_ns[order.before], 0) if len(gpu) else np.zeros(0, np.int64)
    awaited = order.awaited_end_ns(work)
    free = known & (np.maximum(before_end, awaited) <= launched)
    if not order.told:
        free &= ~_others_ended(work)
    after = np.maximum(gpu.start_ns - launched, 0)
    kernel, copy = _latencies(after[free & gpu.kernel], after[free & ~gpu.kernel])
    found = Delays(kernel, copy)
    ready = launched + found.latency_ns(gpu.kernel, "high")
    queued = known & follows & (before_end >= ready) & (awaited <= before_end)
    behind = np.maximum(gpu.start_ns - before_end, 0)
    inside = order.in_graph & gpu.kernel & (before_end >= ready)
    waited = known & (awaited > np.maximum(ready, before_end + DEFAULT_GAP.high))
    return Delays(
        kernel,
        copy,
        _median(behind[queued]) or DEFAULT_GAP,
        _median(behind[inside]) or DEFAULT_GRAPH_GAP,
        _median(np.maximum(gpu.start_ns - awaited, 0)[waited]) or DEFAULT_EVENT,
    )


def with_syncs(delays: Delays, idle_ns: Ints, wake_ns: Ints) -> Delays:
    """The same with what synchronising calls took that need not wait, and others after what they waited for."""
    sync_call, wake = _median(idle_ns) or DEFAULT_SYNC_CALL, _median(wake_ns) or DEFAULT_WAKE
    return replace(delays, sync_call=sync_call, wake=wake)


def _latencies(kernels: Ints, copies: Ints) -> tuple[Delay, Delay]:
    kernel, copy = _median(kernels), _median(copies)
    return kernel or _borrowed(copy) or DEFAULT_LATENCY, copy or _borrowed(kernel) or DEFAULT_LATENCY


def _borrowed(other: Delay | None) -> Delay | None:
    if other is None:
        return None
    return Delay(other.middle, other.middle // 2, other.middle * 2, "another group", other.cases)


def _median(cases: Ints) -> Delay | None:
    """The median and its 95 % interval by order statistics; None of too few."""
    count = len(cases)
    if count < ENOUGH_CASES:
        return None
    ordered, half = np.sort(cases), 0.98 * math.sqrt(count)
    low, high = max(0, math.floor((count - 1) / 2 - half)), min(count - 1, math.ceil((count - 1) / 2 + half))
    return Delay(int(np.median(cases)), int(ordered[low]), int(ordered[high]), "measured", count)


def _others_ended(work: InferenceWork) -> Mask:
    """Works between whose launch and start another one ended, of whatever stream: they may have waited for it."""
    ends = np.sort(work.gpu.end_ns)
    count = np.searchsorted(ends, work.gpu.start_ns, "right") - np.searchsorted(ends, work.launched_ns, "right")
    found: Mask = count > 0
    return found
