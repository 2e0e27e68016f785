"""One estimator for a ratio and for its two times: what is printed beside the ratio gives it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.statistics.dependence import effective_sizes
from tracer.statistics.intervals import COVERAGE, FEWEST, LAUNCH, Estimate, Kind, half_width, only, why_few
from tracer.statistics.student import t_quantile, welch

Floats = NDArray[np.float64]

INTERRUPTED = 4.0
"""Robust standard deviations from the median of its column beyond which a round was interrupted: one in 16,000."""

TO_STANDARD = 1.4826
"""Of a normal distribution the standard deviation over the median distance from the median."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """
    Ways of doing one thing, measured in turn: the logarithms of the times of the rounds that nothing interrupted.

    Args:
        logs: of each launch, or other unit, (rounds, ways).
        left_out: rounds in which one of the ways was interrupted.
        unit: what each array is of; more than one are resampled, not the rounds in them.
    """

    logs: Sequence[Floats]
    left_out: int
    unit: str = LAUNCH

    @property
    def times(self) -> Floats:
        """Of each way: the geometric mean over the rounds of each launch, and over those; shape (ways,)."""
        means: Floats = np.exp(np.mean([one.mean(axis=0) for one in self.logs], axis=0))
        return means

    def time(self, way: int) -> Estimate:
        """The time of one way."""
        return self._estimate([one[:, way] for one in self.logs])

    def ratio(self, subject: int, base: int) -> Estimate:
        """The time of one way over that of another: that of ``times``, exactly."""
        return self._estimate([one[:, subject] - one[:, base] for one in self.logs])

    def _estimate(self, logs: Sequence[Floats]) -> Estimate:
        """By launches; of one launch by its rounds, as many as are independent."""
        launched = len(logs) > 1
        figures = np.array([one.mean() for one in logs]) if launched else logs[0]
        unit, count = self.unit if launched else "round", len(figures)
        value = float(np.mean(figures))
        if count < 2:
            return Estimate(math.exp(value), math.nan, math.nan, "none", unit, count, only(count, unit))
        independent = (float(count), float(count))
        effective, least = independent if launched else effective_sizes(figures, of_median=False)
        reason = only(count, unit) if count < FEWEST else "" if launched else why_few(least, unit)
        half = 0.0 if reason else half_width(figures, effective)
        low, high = (value - half, value + half)
        if reason:  # The mean of equal values may lie a rounding beside them.
            low, high = min(value, float(figures.min())), max(value, float(figures.max()))
        ends = (math.exp(value), math.exp(low), math.exp(high))
        return Estimate(*ends, "range" if reason else "interval", unit, count, reason, effective)


def rounds_of(launches: Sequence[ArrayLike], unit: str = LAUNCH) -> Rounds:
    """
    Rounds without the interrupted ones.

    A round counts only whole: who leaves one way of it out compares other moments. At least half of the rounds stay.

    Args:
        launches: of each the times, (rounds, ways), all above 0; those without a round are passed over.
        unit: what a launch is here, where it is none.
    """
    logs, left_out = [], 0
    for times in launches:
        one = np.log(np.asarray(times, np.float64))
        if not len(one):
            continue
        apart = np.abs(one - np.median(one, axis=0))
        typical = TO_STANDARD * np.median(apart, axis=0)
        kept = np.all((apart <= INTERRUPTED * typical) | (typical == 0), axis=1)
        # An interruption is rare: what befalls more than half of the rounds is how the machine works.
        kept |= 2 * kept.sum() < len(kept)
        left_out += int((~kept).sum())
        logs.append(one[kept])
    return Rounds(logs, left_out, unit)


def ratio_of_groups(subject: ArrayLike, base: ArrayLike, unit: str) -> Estimate:
    """
    The geometric mean of one group of figures over that of another.

    Welch's t of the logarithms. Of two in a group, or one, it is a range: from the least of
    the one over the most of the other.

    Args:
        subject: figures of launches or windows, all above 0.
        base: of those it is held against.
        unit: what each is the figure of.
    """
    one, two = (np.log(np.asarray(group, np.float64)) for group in (subject, base))
    count = min(len(one), len(two))
    value = float(one.mean() - two.mean())
    if count < FEWEST:
        ends = (math.exp(value), math.exp(one.min() - two.max()), math.exp(one.max() - two.min()))
        kind: Kind = "range" if max(len(one), len(two)) > 1 else "none"
        return Estimate(*ends, kind, unit, count, only(count, unit))
    found = welch(one, two)
    half = t_quantile(COVERAGE, found.freedom) * found.error
    ends = (math.exp(value), math.exp(value - half), math.exp(value + half))
    return Estimate(*ends, "interval", unit, count)
