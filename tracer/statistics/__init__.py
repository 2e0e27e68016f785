"""Statistics of times: percentiles here, intervals in ``intervals``, ratios in ``ratio``."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from tracer.report_types.run import Percentiles

RESAMPLED = 500
"""Values that are resampled at most; for longer series the limit of the same distribution is known."""

RESAMPLES = 2000


def percentiles(values: ArrayLike) -> Percentiles:
    """Of nanoseconds, by linear interpolation, rounded."""
    median, p90, p99 = (round(float(value)) for value in np.percentile(np.asarray(values), [50, 90, 99]))
    return {"median_ns": median, "p90_ns": p90, "p99_ns": p99}


def bootstrap_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """
    Percentile bootstrap interval of the median, with a fixed seed.

    The figures of ``scipy.stats.bootstrap``, without its import, which takes a report's other work several times
    over. Of more than ``RESAMPLED`` values the bootstrap distribution of the median is taken at its limit, where
    ranks are normal about the middle with standard deviation ``sqrt(n) / 2``: no value is left out.

    Args:
        values: one-dimensional; of one the interval is the value itself, of none it is not a number.
        confidence: of the interval, between 0 and 1.

    Returns:
        Its low and its high end.
    """
    series = np.asarray(values, np.float64)
    if series.size < 2:
        only = float(series[0]) if series.size else math.nan
        return only, only
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    if series.size > RESAMPLED:
        half = NormalDist().inv_cdf(tails[1]) / (2 * math.sqrt(series.size))
        low, high = np.quantile(series, [0.5 - half, 0.5 + half])
    else:
        picks = np.random.default_rng(0).integers(0, series.size, (RESAMPLES, series.size))
        low, high = np.quantile(np.median(series[picks], axis=1), tails)
    return float(low), float(high)
