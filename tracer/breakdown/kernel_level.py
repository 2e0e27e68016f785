"""
The kernel level of a run: its captures attributed, broken down and replayed, ready for figures.

Which inferences count: those of the captures that are no warm-ups and of no window that a signal cut. Wall time
without a profiler is that of the timed inferences that no capture saw, of this run or of one that is named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.breakdown.bottleneck import Bottleneck, bottleneck
from tracer.breakdown.breakdown import Breakdown, break_down
from tracer.breakdown.gains import GainFigure, gain_figures
from tracer.breakdown.replay import replay
from tracer.captures.attribution import Attribution, attribute
from tracer.captures.counted_work import counted_work
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges
from tracer.captures.inference_work import FRAMEWORK_STAGES, InferenceWork
from tracer.captures.stored_capture import read_captures
from tracer.profiles.arrow_arrays import Flags, Integers
from tracer.profiles.profile import Profile
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import performance_windows

REPLAYED = 500
"""Inferences that are replayed at most, spread over those captured: a gain is a median, and more narrow it little."""


@dataclass(frozen=True)
class KernelLevel:
    """
    What the captures of a run say.

    ``keep`` marks the inferences of ``ranges`` that figures are made of; ``breakdown`` and ``work`` have just those.
    ``unprofiled_ns`` is the wall time of each timed inference that no profiler collected, ``unprofiled`` the name of
    their run; both are empty where there are none.
    """

    profile: Profile
    ranges: InferenceRanges
    keep: Flags
    attribution: Attribution
    work: InferenceWork
    breakdown: Breakdown
    bottleneck: Bottleneck
    gains: list[GainFigure]
    unprofiled_ns: Integers
    unprofiled: str

    @property
    def computing_known(self) -> bool:
        """Whether the capture tells computing from the framework around it: by GPU work or by a host's operations."""
        return bool(len(self.work.gpu) or len(self.work.ops.start_ns))


def kernel_level(run: StoredRun, unprofiled: StoredRun | None = None) -> KernelLevel | None:
    """
    Attribute, break down and replay the captures of ``run``; None where it has none.

    Args:
        run: with captures.
        unprofiled: a run of the same configuration without a profiler; None takes what this run timed outside its
            captures.

    Raises:
        CaptureError: if a capture cannot be read.
        ProfileError: if two inferences of a capture overlap.
    """
    if not run.info.captures:
        return None
    profile = read_captures(run)
    ranges = stage_ranges(profile, process=run.info.captures[0].get("process"))
    keep = _counted(run, ranges.numbers)
    attribution = attribute(profile, ranges)
    work = counted_work(profile, ranges, attribution, keep)
    breakdown = break_down(work)
    walls = timed_walls(unprofiled or run, set() if unprofiled else set(ranges.numbers.tolist()))
    wall = float(np.median(walls)) if len(walls) else None
    picked = np.unique(np.linspace(0, max(len(work.inferences) - 1, 0), REPLAYED).astype(int))
    few = work
    if len(work.inferences) > REPLAYED:
        few = counted_work(profile, ranges, attribution, _only(keep, picked))
    gains = _at_the_mean(gain_figures(replay(few), breakdown.busy_ns, wall), walls if len(walls) else _walls(few))
    if not (len(work.gpu) or len(work.ops.start_ns)):
        # What would remain without the framework is its computing, which this capture does not show.
        gains = [one for one in gains if one.name not in (*FRAMEWORK_STAGES, "framework")]
    name = (unprofiled or run).name if len(walls) else ""
    return KernelLevel(profile, ranges, keep, attribution, work, breakdown, bottleneck(breakdown), gains, walls, name)


def _at_the_mean(gains: list[GainFigure], walls: Integers) -> list[GainFigure]:
    """
    The rates as the benchmark shows them.

    Gains are medians, so their rates stand at the median inference; the benchmark divides by the mean one. What is
    rare and long (an interrupt) lengthens both alike.
    """
    factor = float(np.median(walls) / np.mean(walls)) if len(walls) and np.mean(walls) else 1.0

    def scaled(rate: float | None) -> float | None:
        return None if rate is None else rate * factor

    return [
        replace(
            one,
            rate_hz=scaled(one.rate_hz),
            rate_interval_hz=(scaled(one.rate_interval_hz[0]), scaled(one.rate_interval_hz[1])),
        )
        for one in gains
    ]


def timed_walls(run: StoredRun, profiled: set[int]) -> Integers:
    """Wall time of each timed inference of the performance windows, without those numbered in ``profiled``."""
    used = [one.number for one in performance_windows(run.each_window)]
    spans = run.spans()
    timed = pc.and_(pc.is_valid(spans["inference"]), pc.invert(spans["warmup"]))
    spans = spans.filter(pc.and_(timed, pc.is_in(spans["window"], pc.cast(used or [-1], "int32"))))
    numbers = np.asarray(spans["inference"].to_numpy(), np.int64)
    if not len(numbers):
        return np.empty(0, np.int64)
    known, place = np.unique(numbers, return_inverse=True)
    walls = np.bincount(place, weights=spans["duration_ns"].to_numpy()).astype(np.int64)
    return walls[~np.isin(known, np.fromiter(profiled, np.int64, len(profiled)))]


def _counted(run: StoredRun, numbers: Integers) -> Flags:
    """Inferences that are no warm-ups, of windows that no signal cut; all, where there is no other."""
    cut = [one.number for one in run.each_window if not one.complete]
    spans = run.spans()
    left = pc.or_(spans["warmup"], pc.is_in(spans["window"], value_set=pa.array(cut, pa.int32())))
    spans = spans.filter(pc.and_(pc.is_valid(spans["inference"]), left))
    keep: Flags = ~np.isin(numbers, np.unique(spans["inference"].to_numpy()))
    return keep if keep.any() else np.ones(len(numbers), bool)


def _walls(work: InferenceWork) -> Integers:
    return work.inferences.end_ns - work.inferences.start_ns


def _only(keep: Flags, picked: Integers) -> Flags:
    some = np.zeros(len(keep), bool)
    some[np.flatnonzero(keep)[picked]] = True
    return some
