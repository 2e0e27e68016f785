"""
Whether what was predicted is what was measured: an equivalence test over pairs of launches; pure.

The 90 % interval of predicted minus measured must lie within the larger of 10 % of the gain and 2 % of the wall time
(two one-sided t tests at 5 %). Where the measured gain is known less well than half of that, nothing can be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from tests.gpu_proof.program import PARTS
from tracer.public import OpenProfile
from tracer.statistics.student import t_quantile

FEWEST_PAIRS = 20
OF_GAIN, OF_WALL = 0.10, 0.02
ONE_SIDED = 0.95
"""Probability below each end of a 90 % interval."""

Outcome = Literal["equivalent", "not equivalent", "not resolved", "too few pairs", "no prediction"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a capture says of one part: nanoseconds of an inference; of a ``bound`` the most."""

    gain_ns: float
    low_ns: float
    high_ns: float
    bound: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A capture's predictions by part, and nanoseconds of an inference by variant, ``whole`` among them."""

    predicted: Mapping[str, Said]
    measured: Mapping[str, float]

    def gain_ns(self, part: str) -> float:
        """What leaving the part out gave."""
        return self.measured["whole"] - self.measured[part]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Of one part, in nanoseconds of an inference.

    Args:
        outcome: of the equivalence test.
        pairs: that have a prediction.
        gain_ns: measured, in the mean, and ``half_width_ns`` of its 90 % interval.
        predicted_ns: in the mean.
        difference_ns: 90 % interval of predicted minus measured.
        margin_ns: in which it must lie.
        bounds: pairs in which the prediction is called an upper bound.
        within: pairs whose measured gain lies in the interval that was predicted, of a bound: at or below it.
    """

    outcome: Outcome
    pairs: int
    gain_ns: float
    half_width_ns: float
    predicted_ns: float
    difference_ns: tuple[float, float]
    margin_ns: float
    bounds: int
    within: int

    def figures(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def predictions(
    profile: OpenProfile,
    unprofiled_wall_ns: float,
    removals: Mapping[str, tuple[str, str]],
    unit: str | None = None,
    stages: Sequence[str] | None = None,
    skip: int = 0,
) -> dict[str, Said]:
    """What the product says of each part that it has a gain for; arguments as of ``OpenProfile.breakdown``."""
    found = profile.breakdown(unit, stages, unprofiled_wall_ns=unprofiled_wall_ns, skip=skip)
    told = {(row["group"], row["name"]): row for row in found.gains("arrow").to_pylist()}
    rows = {name: told[key] for name, key in removals.items() if key in told and told[key]["gain_ns"] is not None}
    return {
        name: Said(row["gain_ns"], row["low_ns"], row["high_ns"], bool(row["bound"]), row["reason"])
        for name, row in rows.items()
    }


REMOVALS = {part.name: part.removal for part in PARTS}


def judged(pairs: Sequence[Pair], parts: Sequence[str] = tuple(REMOVALS)) -> dict[str, Verdict]:
    """A verdict a part."""
    return {name: _verdict([one for one in pairs if name in one.predicted], name) for name in parts}


def _verdict(pairs: Sequence[Pair], name: str) -> Verdict:
    if not pairs:
        nothing = float("nan")
        return Verdict("no prediction", 0, nothing, nothing, nothing, (nothing, nothing), nothing, 0, 0)
    gains = np.array([pair.gain_ns(name) for pair in pairs])
    said = [pair.predicted[name] for pair in pairs]
    gain, half_width = _interval(gains)
    difference, around = _interval(np.array([one.gain_ns for one in said]) - gains)
    margin = max(OF_GAIN * abs(gain), OF_WALL * float(np.mean([pair.measured["whole"] for pair in pairs])))
    low, high = difference - around, difference + around
    outcome: Outcome = "equivalent" if -margin <= low and high <= margin else "not equivalent"
    if len(pairs) < FEWEST_PAIRS:
        outcome = "too few pairs"
    elif half_width > margin / 2:
        outcome = "not resolved"
    seen = zip(said, gains.tolist(), strict=True)
    within = sum((one.bound or one.low_ns <= gave) and gave <= one.high_ns for one, gave in seen)
    mean = float(np.mean([one.gain_ns for one in said]))
    bounds = sum(one.bound for one in said)
    return Verdict(outcome, len(pairs), gain, half_width, mean, (low, high), margin, bounds, within)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half the width of its 90 % interval by Student's t; infinite of one value."""
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return mean, float("inf")
    return mean, t_quantile(ONE_SIDED, count - 1) * float(values.std(ddof=1)) / count**0.5
