"""
A replay without what the profiler added: taken out of the calls, then each stage brought to its unprofiled mean.

How the added time is spread cannot be seen in one capture, so every gain is replayed under each ``Spread`` that the
evidence leaves open. Host code of a stage without CUDA calls (a busy wait) is not the profiler's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tracer.breakdown.inflation import Inflation
from tracer.breakdown.owners import COPY_CALL, TRACER
from tracer.breakdown.replay import Replay
from tracer.breakdown.replay_pass import HostTimes
from tracer.captures.row_bounds import Ints, Mask

LEAST_CALL_SHARE = 0.4
"""Of a call's time: what the profiler adds is never all of it; what calls cannot hold is taken in proportion."""

ROUNDS = 8
"""Of bringing the stages to their means; each shortens the host's path by what a stage still takes too long."""

SCALES = (0.2, 5.0)
"""Between these the host's path of a stage is scaled."""


@dataclass(frozen=True, slots=True)
class Spread:
    """
    An assumption on how what the profiler adds is spread over a stage.

    Args:
        name: in words.
        per_call, per_work: of a call and of each GPU work that it launches; in nanoseconds if ``measured``, else only
            their ratio counts, and both 0 spread it in proportion to the host's path.
        measured: by pairs of profiled and unprofiled windows; what they leave over is spread in proportion.
        copies: whether calls for copies have their part of what is spread in proportion; most of their time moves
            bytes, which no profiler slows down and a slower moment of the machine does.
    """

    name: str
    per_call: float
    per_work: float
    measured: bool = False
    copies: bool = False


ASSUMED = (
    Spread("all in the calls", 1, 0),
    Spread("in calls and GPU works alike", 1, 1),
    Spread("in proportion", 0, 0),
    Spread("in proportion, calls for copies too", 0, 0, copies=True),
    Spread("in the calls, hidden by the GPU", 2_000, 1_000, measured=True),
)
"""
Without pairs: the first is taken for the answer, the others for its interval. The last is twice what nsys added to a
call and to a GPU work on an H200 (0.9 and 0.6 us).
"""


def spreads(inflation: Inflation | None) -> tuple[Spread, ...]:
    """The assumptions that the evidence leaves open, the likeliest first."""
    if inflation is None:
        return ASSUMED
    (call, work), found = (inflation.per_call_ns, inflation.per_work_ns), []
    for name, calls, works in (
        ("measured", call, work),
        ("at its least", *inflation.low),
        ("at its most", *inflation.high),
    ):
        found.append(Spread(f"per call and GPU work, {name}", calls, works, measured=True))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Target:
    """
    Unprofiled means, in nanoseconds: of each stage by its name, or, where none was timed apart, of the whole.

    ``wall_ns`` is what the stages sum to, with what lies between them.
    """

    wall_ns: float
    stages_ns: Mapping[str, float]


def calibrated(replay: Replay, target: Target, spread: Spread) -> HostTimes:
    """What the host's side takes without the profiler, so that a replay has the target's means."""
    return _Calibration(replay, target, spread).host()


class _Calibration:
    """
    Groups of the path that have one target each, and the time still to be taken out of each.

    ``group`` is of each piece, -1 outside every group or in a stage without calls that has no target of its own.
    """

    def __init__(self, replay: Replay, target: Target, spread: Spread) -> None:
        self.replay, self.target, self.spread = replay, target, spread
        path, work = replay.path, replay.work
        self.fixed = path.fixed_ns.astype(np.float64)
        self.count = max(len(work.inferences), 1)
        self.call = path.call
        called = self.call >= 0
        names = work.stage_names
        self.by_stage = set(names) <= set(target.stages_ns)
        stage = path.pieces.stage
        with_calls = np.isin(stage, np.unique(stage[called & (self.fixed > 0)]))
        self.group = np.where(stage < len(names), stage, -1) if self.by_stage else np.where(with_calls, 0, -1)
        self.group[path.owner == TRACER] = -1
        self.targets = [target.stages_ns[name] for name in names] if self.by_stage else [target.wall_ns]
        works = np.bincount(work.gpu.call[work.gpu.call >= 0], minlength=len(work.calls))
        self.weight = spread.per_call + spread.per_work * works

    def host(self) -> HostTimes:
        """Take out step by step what each group takes too long, until the replay has the target's means."""
        taken, first = np.zeros(len(self.targets)), None
        host = self._without(taken)
        for _ in range(ROUNDS):
            excess = self._means(host) - np.array(self.targets)
            first = np.abs(excess) if first is None else first
            if (np.abs(excess) < 1e-3 * np.array(self.targets)).all():
                break
            # Where the GPU sets the pace a shorter path only waits longer: no end would be found.
            taken = np.clip(taken + excess, -2 * first, 2 * first)
            host = self._without(taken)
        return host

    def _means(self, host: HostTimes) -> np.ndarray:
        if not self.by_stage:
            return np.array([self.replay.walls_ns([None], host).mean()])
        fixed, waited = self.replay.stages_ns(host)
        total = np.bincount(self.replay.work.stages.stage, fixed + waited, minlength=len(self.targets))
        means: np.ndarray = total / self.count
        return means

    def _without(self, taken: np.ndarray) -> HostTimes:
        """The path with ``taken`` nanoseconds less an inference in each group."""
        fixed = self.fixed.copy()
        for group, mean in enumerate(taken.tolist()):
            inside = self.group == group
            left = mean * self.count
            if self.spread.measured:
                # Also where the GPU hides it, and no stage's mean shows it.
                self._take_from_calls(fixed, inside, 0.0)
            elif left > 0:
                left -= self._take_from_calls(fixed, inside, left)
            elastic = inside if self.spread.copies else inside & (self.replay.path.owner != COPY_CALL)
            total = fixed[elastic].sum()
            if total > 0:
                fixed[elastic] *= float(np.clip((total - left) / total, *SCALES))
        return HostTimes(np.rint(fixed).astype(np.int64), self._earlier(fixed))

    def _take_from_calls(self, fixed: np.ndarray, inside: Mask, wanted: float) -> float:
        """Shorten the calls' pieces by their weights; how much came of it."""
        rows = np.flatnonzero(inside & (self.call >= 0))
        length = np.bincount(self.call[rows], fixed[rows], minlength=len(self.weight))
        most = (1 - LEAST_CALL_SHARE) * length
        times = 1.0 if self.spread.measured else _times(self.weight, most, wanted)
        cut = np.minimum(times * self.weight, most)
        share = np.divide(cut, length, out=np.zeros(len(length)), where=length > 0)
        fixed[rows] *= 1 - share[self.call[rows]]
        return float(cut.sum())

    def _earlier(self, fixed: np.ndarray) -> Ints:
        """A shorter call gives its work to the GPU earlier by as much."""
        rows = np.flatnonzero(self.call >= 0)
        # One place more, the last: of work whose call is not known.
        cut = np.bincount(self.call[rows], (self.fixed - fixed)[rows], minlength=len(self.weight) + 1)
        earlier: Ints = np.rint(cut[self.replay.work.gpu.call]).astype(np.int64)
        return earlier


def _times(weight: np.ndarray, most: np.ndarray, wanted: float) -> float:
    """How often the weights must be taken so that what is cut, each up to its most, sums to ``wanted``."""
    some = (weight > 0) & (most > 0)
    # What a cost per call is shows in the common calls: beyond what half of them hold it is no such cost.
    low, high = 0.0, float(np.median(most[some] / weight[some])) if some.any() else 0.0
    if np.minimum(high * weight, most).sum() <= wanted:
        return high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(middle * weight, most).sum() < wanted else (low, middle)
    return high
