"""What bounds the inferences of a capture, in one word and one sentence, with the numbers that say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.breakdown.breakdown import Breakdown
from tracer.breakdown.gpu_idle import GAP_CAUSES
from tracer.captures.row_bounds import Ints

VERDICTS = ("launch-bound", "gpu-bound", "host-bound", "copy-bound", "balanced")

LEADING_SHARE = 0.4
"""Of the wall time: what holds less of it does not bound an inference."""

QUEUED_LOW, QUEUED_HIGH = 0.25, 0.75
"""Shares of kernels queued in time below and above which launches, or the GPU, set the pace."""

SMALL_LAUNCH_PART = 0.1
"""Of the time from kernel to kernel: gaps this small leave the GPU the bound however late the launches come."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What bounds the inferences.

    Args:
        key: one of ``VERDICTS``.
        sentence: the same for a reader, with the figures.
        kernel_share: of the wall time of all inferences, in which a kernel ran.
        copy_share: in which a copy ran and no kernel.
        overhead_share: the rest.
        queued_share: of kernels that follow one, those queued before it ended; none where no kernel follows one.
        gap_shares: idle time of the GPU by ``GAP_CAUSES``, of the wall time; with kernels and copies it sums to 1.
        part_shares: exposed time by part, of the wall time.
    """

    key: str
    sentence: str
    kernel_share: float
    copy_share: float
    overhead_share: float
    queued_share: float | None
    gap_shares: dict[str, float]
    part_shares: dict[str, float]


def verdict(breakdown: Breakdown) -> Verdict:
    """
    Judge by where the time is: at kernels, between them for want of a launch, at copies, or around the GPU's work.

    The time of kernels, of the gaps between them and the time around them (before the first, after the last, without
    any) are compared; copies count with the exposed time of the calls for them. What holds the most, and at least
    ``LEADING_SHARE``, bounds. Between launches and the GPU the share of kernels queued in time decides.
    """
    wall = int(breakdown.wall_ns.sum())
    parts = {name: _share(ns, wall) for name, ns in breakdown.parts().items()}
    by_cause = breakdown.gaps.by_cause(len(breakdown.wall_ns)).sum(axis=0)
    gaps = {name: _share(by_cause[place], wall) for place, name in enumerate(GAP_CAUSES)}
    queued = breakdown.queued.share
    key = _key(parts, gaps, queued)
    kernel, copy = parts["kernel"], parts["copy"]
    overhead = max(0.0, 1 - kernel - copy) if wall else 0.0
    return Verdict(key, _sentence(key, parts, gaps, queued), kernel, copy, overhead, queued, gaps, parts)


def _share(ns: Ints | np.int64, wall: int) -> float:
    return int(np.sum(ns)) / wall if wall else 0.0


def _key(parts: dict[str, float], gaps: dict[str, float], queued: float | None) -> str:
    device = parts["kernel"] + gaps["dependency"]
    launch = gaps["launch_bound"] + gaps["launch_latency"]
    around = gaps["no_work"] + gaps["before_first"] + gaps["tail"] + gaps["unknown_launch"]
    # A copy's call lies mostly before the first work or after the last: its time is the copy's, not the host's.
    copies = parts["copy"] + parts["copy_call"]
    host = max(0.0, around - parts["copy_call"])
    scores = {"gpu-bound": device + launch, "copy-bound": copies, "host-bound": host}
    top = max(scores, key=scores.__getitem__)
    if scores[top] < LEADING_SHARE:
        return "balanced"
    return _pace(device, launch, queued) if top == "gpu-bound" else top


def _pace(device: float, launch: float, queued: float | None) -> str:
    """Who sets the pace from kernel to kernel."""
    part = launch / (device + launch)
    if part < SMALL_LAUNCH_PART or queued is None:
        return "gpu-bound"
    if queued <= QUEUED_LOW:
        return "launch-bound"
    # Kernels in time and yet the GPU mostly waits: it is copies and sets that are launched late.
    return "gpu-bound" if queued >= QUEUED_HIGH and device >= launch else "balanced"


def _sentence(key: str, parts: dict[str, float], gaps: dict[str, float], queued: float | None) -> str:
    known = "" if queued is None else f"; {queued:.0%} of the kernels were queued before the one before them ended"
    busy = f"the GPU is busy {parts['kernel'] + parts['copy']:.1%} of an inference"
    if gaps["no_work"] == 1:
        return (
            f"Host-bound: no GPU work; operations take {parts['op']:.1%}, the framework {parts['framework']:.1%}, "
            f"Python {_python(parts):.1%}."
        )
    launch = gaps["launch_bound"] + gaps["launch_latency"]
    around = gaps["before_first"] + gaps["tail"] + gaps["no_work"]
    why = {
        "launch-bound": f"{busy} and waits {launch:.1%} for the next launch{known}",
        "gpu-bound": f"{busy}, kernels {parts['kernel']:.1%}{known}",
        "copy-bound": f"copies take {parts['copy']:.1%} and the calls for them {parts['copy_call']:.1%}",
        "host-bound": (
            f"{busy}; {around:.1%} pass before its first work or after its last, "
            f"the framework takes {parts['framework']:.1%} and Python {_python(parts):.1%}"
        ),
        "balanced": f"{busy}, waits {launch:.1%} for launches, and {around:.1%} pass before or after its work{known}",
    }
    return f"{key.capitalize().replace('Gpu', 'GPU')}: {why[key]}."


def _python(parts: dict[str, float]) -> float:
    return sum(share for name, share in parts.items() if name.startswith("python "))
