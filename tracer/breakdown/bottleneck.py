"""What bounds the inferences of a capture, in one word and one sentence, with the numbers that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tracer.breakdown.breakdown import Breakdown
from tracer.breakdown.gpu_idle import GAP_CAUSES
from tracer.captures.inference_work import has_framework
from tracer.captures.row_bounds import Ints
from tracer.figure_text import share_text
from tracer.unit_words import INFERENCES, UnitWords

BottleneckKey: TypeAlias = Literal["launch-bound", "gpu-bound", "host-bound", "copy-bound", "balanced"]

LEADING_SHARE = 0.4
"""Of the wall time: what holds less of it does not bound an inference."""

QUEUED_LOW, QUEUED_HIGH = 0.25, 0.75
"""Shares of kernels queued in time below and above which launches, or the GPU, set the pace."""

GPU_SHARE = 0.5
"""Of the wall time: a GPU that works for less of it waits for more than it works, and sets no pace."""

OWN_WAIT = 0.05
"""Of the wall time: what a GPU's work waits less for other work of it is not told."""

SMALL_LAUNCH_PART = 0.1
"""Of the time from kernel to kernel: gaps this small leave the GPU the bound however late the launches come."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """
    What bounds the inferences.

    Args:
        key: the same in one word.
        sentence: the same for a reader, with the figures.
        queued_share: of kernels that follow one, those queued before it ended; none where no kernel follows one.
    """

    key: BottleneckKey
    sentence: str
    queued_share: float | None


def bottleneck(
    breakdown: Breakdown, unprofiled_wall_ns: float | None = None, words: UnitWords = INFERENCES
) -> Bottleneck:
    """
    Judge by where the time is: at kernels, between them for want of a launch, at copies, or around the GPU's work.

    The time of kernels, of the gaps between them and the time around them (before the first, after the last, without
    any) are compared; copies count with the exposed time of the calls for them. What holds the most, and at least
    ``LEADING_SHARE``, bounds. Between launches and the GPU the share of kernels queued in time decides.

    Args:
        breakdown: of the profiled inferences.
        unprofiled_wall_ns: mean of an inference without the profiler; the GPU's busy share is then of it, and the
            sentence says of the other shares that they are profiled.
        words: for what is broken down.
    """
    wall = int(breakdown.wall_ns.sum())
    parts = {name: _share(ns, wall) for name, ns in breakdown.parts().items()}
    by_cause = breakdown.idle_ns.sum(axis=0)
    gaps = {name: _share(by_cause[place], wall) for place, name in enumerate(GAP_CAUSES)}
    queued = breakdown.queued.share
    key = _key(parts, gaps, queued)
    busy = int(breakdown.busy_ns.sum())
    base = unprofiled_wall_ns * len(breakdown.wall_ns) if unprofiled_wall_ns else wall
    share = min(1.0, busy / base) if base else 0.0
    in_framework = has_framework(breakdown.stage_names)
    sentence = _sentence(key, parts, gaps, queued, share, words, in_framework=in_framework)
    if unprofiled_wall_ns and "busy" in sentence:
        sentence = f"{sentence[:-1]} (shares but the first are of a profiled {words.one})."
    return Bottleneck(key, sentence, queued)


def _share(ns: Ints | np.int64, wall: int) -> float:
    return int(np.sum(ns)) / wall if wall else 0.0


def _key(parts: dict[str, float], gaps: dict[str, float], queued: float | None) -> BottleneckKey:
    device = parts["kernel"] + gaps["dependency"]
    launch = gaps["launch_bound"] + gaps["launch_latency"]
    around = sum(gaps[name] for name in ("no_work", "before_first", "tail", "hand_off", "unknown_launch"))
    # A copy's call lies mostly before the first work or after the last: its time is the copy's, not the host's.
    copies = parts["copy"] + parts["copy_call"]
    host = max(0.0, around - parts["copy_call"])
    scores: dict[BottleneckKey, float] = {"gpu-bound": device + launch, "copy-bound": copies, "host-bound": host}
    top = max(scores, key=scores.__getitem__)
    if scores[top] < LEADING_SHARE:
        return "balanced"
    return _pace(device, launch, queued) if top == "gpu-bound" else top


def _pace(device: float, launch: float, queued: float | None) -> BottleneckKey:
    """Who sets the pace from kernel to kernel."""
    part = launch / (device + launch)
    if part < SMALL_LAUNCH_PART or queued is None:
        return "gpu-bound"
    if queued <= QUEUED_LOW:
        return "launch-bound"
    # Kernels in time and yet the GPU mostly waits: it is copies and sets that are launched late.
    return "gpu-bound" if queued >= QUEUED_HIGH and device >= max(launch, GPU_SHARE) else "balanced"


def _sentence(
    key: str,
    parts: dict[str, float],
    gaps: dict[str, float],
    queued: float | None,
    busy_share: float,
    words: UnitWords,
    *,
    in_framework: bool,
) -> str:
    """``busy_share`` is of the inference that leads the report; of other programs no stage is a framework's."""
    took = {name: share_text(share) for name, share in {**parts, "python": _python(parts)}.items()}
    early = f"{share_text(queued)} of the kernels were queued before the one before them ended"
    known = "" if queued is None else f"; {early}"
    busy = f"the GPU is busy {share_text(busy_share)} of {words.each}"
    host = f"host code takes {took['python']}"
    operations = ""
    if in_framework:
        host = f"the framework takes {took['framework']}, host code elsewhere {took['python']}"
        operations = f"operations take {took['op']}, "
    if gaps["no_work"] == 1:
        return f"Host-bound: no GPU work; {operations}{host}."
    launch = share_text(gaps["launch_bound"] + gaps["launch_latency"])
    # Idle, and yet the GPU's own pace: else a GPU that is busy for less than half of the time could hardly bound.
    own = f", {share_text(gaps['dependency'])} wait for other work of it" if gaps["dependency"] >= OWN_WAIT else ""
    around = share_text(gaps["before_first"] + gaps["tail"] + gaps["no_work"] + gaps["hand_off"])
    why = {
        "launch-bound": f"{busy} and waits {launch} for the next launch{known}",
        "gpu-bound": f"{busy}, kernels {took['kernel']}{own}{known}",
        "copy-bound": f"copies take {took['copy']} and the calls for them {took['copy_call']}",
        "host-bound": f"{busy}; {around} pass before its first work, after its last or between stages, {host}",
        "balanced": f"{busy}, waits {launch} for launches, and {around} pass around them{known}",
    }
    return f"{key.capitalize().replace('Gpu', 'GPU')}: {why[key]}."


def _python(parts: dict[str, float]) -> float:
    return sum(share for name, share in parts.items() if name.startswith("python "))
