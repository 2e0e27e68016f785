"""
A figure with its spread: an interval where its coverage holds, a range where it would not.

What varies is resampled, not what was counted: launches of a program, captures, windows; where there is but one of
them, its consecutive values by their effective number. ``docs/statistics.md`` says how often each covers the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.report_types.estimates import EstimateFigures
from tracer.statistics.dependence import TwoSpeeds, effective_sizes, two_speeds
from tracer.statistics.student import t_quantile

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Kind = Literal["interval", "range", "none"]

COVERAGE = 0.975
"""Probability below the upper end of a 95 % interval."""

FEWEST = 3
"""Of two of something nobody knows the spread."""

FEWEST_EFFECTIVE = 20
"""Consecutive values that count as fewer independent ones give no interval."""

FEWEST_ORDERED = 5
"""Windows from which one order, each beyond the one before, is a drift and hardly chance (1 in 60)."""

LONGEST_DWELL = 0.1
"""Share of a window from which stays at one of two speeds are too long for its values to average over them."""

WHOLE_WINDOWS = 0.9
"""Share of a window from which stays are so long that launches, too, are at one speed or the other."""

EVENLY = 0.35
"""Share of both of two speeds from which a median may lie at either."""

TENTHS = 10
"""Blocks of one window whose figures are its range."""

LAUNCH, CAPTURE, WINDOW = "launch", "capture", "window"


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    A figure with its spread.

    Args:
        value: the figure; not a number where nothing was measured.
        low: end of the interval or of the range; not a number where ``kind`` is ``none``.
        high: the other end.
        kind: ``interval``, 95 %, only where that coverage was simulated; ``range``, from the smallest to the largest
            figure of the units; ``none``.
        unit: what was resampled: ``launch``, ``capture``, ``window``, or the name of the consecutive values.
        count: of the units.
        reason: why there is no interval; empty where there is one.
        effective: how many independent values those within the units are worth; None where not asked.
        speeds: the two that the values switch between; None where they do not.
    """

    value: float
    low: float
    high: float
    kind: Kind
    unit: str
    count: int
    reason: str = ""
    effective: float | None = None
    speeds: TwoSpeeds | None = None

    def mapped(self, change: Callable[[float], float]) -> Estimate:
        """Of what ``change`` makes of the figure; it rises with it throughout, or falls."""
        low, high = sorted((change(self.low), change(self.high)))
        return replace(self, value=change(self.value), low=low, high=high, speeds=None)

    @property
    def figures(self) -> EstimateFigures:
        """For JSON."""
        known = self.kind != "none"
        return {
            "kind": self.kind,
            "low": self.low if known else None,
            "high": self.high if known else None,
            "unit": self.unit,
            "count": self.count,
            "reason": self.reason,
            "speeds": None if self.speeds is None else [self.speeds.fast, self.speeds.slow],
        }


NOTHING = Estimate(math.nan, math.nan, math.nan, "none", "inference", 0, "no value")
"""Of no values."""


def clustered(
    values: ArrayLike, levels: Sequence[tuple[str, ArrayLike]], *, of_median: bool = True, each: str = "inference"
) -> Estimate:
    """
    The median, or the mean, of values that come in launches, captures or windows.

    The outermost level with more than one unit is resampled: Student's t of the units' own figures. Of two units it
    is a range. Where every level has one unit, the values themselves are, by their effective number: the median by
    its order statistics. Launches are independent of one another; windows and captures of one launch are not where
    the machine stays at one of two speeds for long: then it is a range too, and the speeds are told.

    Args:
        values: in the order they were measured, shape (n,).
        levels: of each its name and the number of the unit that each value is of, shape (n,); outermost first.
        of_median: False for the mean.
        each: what one value is of.
    """
    series = np.asarray(values, np.float64)
    units = [(name, _units(series, np.asarray(numbers))) for name, numbers in levels]
    unit, groups = next(((name, some) for name, some in units if len(some) > 1), (each, [series]))
    if len(series) < 2:
        return _lone(series, each)
    statistic = np.median if of_median else np.mean
    inner = units[-1][1] if units else groups
    speeds = two_speeds(inner)
    effective, least = None, None
    if unit != LAUNCH:
        effective, least = map(sum, zip(*(effective_sizes(one, of_median=of_median) for one in inner), strict=True))
    figures = np.array([statistic(one) for one in groups]) if len(groups) > 1 else series
    reason = _why_range(unit, each, figures, least, speeds, of_median=of_median)
    value = float(statistic(series))
    if reason:
        shown = figures if len(groups) > 1 else _tenths(series, of_median=of_median)
        ends = (min(value, float(shown.min())), max(value, float(shown.max())))
    elif len(groups) > 1:
        half = half_width(figures)
        ends = (value - half, value + half)
    else:
        ends = _consecutive(series, effective or 1.0, of_median=of_median)
    return Estimate(value, *ends, "range" if reason else "interval", unit, len(figures), reason, effective, speeds)


def half_width(figures: Floats, effective: float | None = None) -> float:
    """Of the 95 % interval of a mean, by Student's t; ``effective`` is how many of the figures are independent."""
    count = len(figures) if effective is None else effective
    return t_quantile(COVERAGE, count - 1) * float(figures.std(ddof=1)) / math.sqrt(count)


def only(count: int, unit: str) -> str:
    """Why one or two of something give no interval."""
    plural = f"{unit}es" if unit == LAUNCH else f"{unit}s"
    return f"one {unit} only" if count == 1 else f"two {plural} only"


def why_few(least: float, each: str) -> str:
    """Why consecutive values, worth at least so many independent ones, give no interval; empty where they do."""
    few = least < FEWEST_EFFECTIVE
    return f"the {each}s may count as fewer than {FEWEST_EFFECTIVE} independent ones" if few else ""


def _why_range(
    unit: str, each: str, figures: Floats, least: float | None, speeds: TwoSpeeds | None, *, of_median: bool
) -> str:
    count = len(figures)
    if count < FEWEST:
        return only(count, unit)
    if unit == LAUNCH:
        stays = speeds is not None and speeds.dwell_share > WHOLE_WINDOWS
        return "two speeds, each kept for whole windows" if stays else ""
    if speeds is not None and speeds.dwell_share > LONGEST_DWELL:
        return "two speeds, each kept for more than a tenth of a window"
    if speeds is not None and of_median and EVENLY <= speeds.slow_share <= 1 - EVENLY:
        return "two speeds, and the median may lie at either"
    if unit != each and count >= FEWEST_ORDERED and (np.all(np.diff(figures) > 0) or np.all(np.diff(figures) < 0)):
        return f"it drifts, each {unit} beyond the one before"
    return "" if least is None else why_few(least, each)


def _lone(series: Floats, each: str) -> Estimate:
    value, why = (float(series[0]), "one value") if len(series) else (math.nan, "no value")
    return Estimate(value, math.nan, math.nan, "none", each, len(series), why)


def _units(series: Floats, numbers: Integers) -> list[Floats]:
    """The values of each unit, in the order of their first."""
    known, first = np.unique(numbers, return_index=True)
    return [series[numbers == one] for one in known[np.argsort(first)]]


def _tenths(series: Floats, *, of_median: bool) -> Floats:
    blocks = np.array_split(series, min(TENTHS, len(series)))
    return np.array([np.median(one) if of_median else one.mean() for one in blocks])


def _consecutive(series: Floats, effective: float, *, of_median: bool) -> tuple[float, float]:
    if not of_median:
        half = half_width(series, effective)
        return float(series.mean()) - half, float(series.mean()) + half
    # Ranks of independent values lie about the middle with a standard deviation of sqrt(n) / 2.
    half = t_quantile(COVERAGE, effective - 1) / (2 * math.sqrt(effective))
    low, high = np.quantile(series, [max(0.0, 0.5 - half), min(1.0, 0.5 + half)])
    return float(low), float(high)
