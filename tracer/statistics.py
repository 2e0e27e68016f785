"""The spread of a figure: percentiles, and bootstrap intervals of a median."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SAMPLE = 2000
"""Values that a bootstrap resamples at most; of longer series an even selection."""


def percentiles(values: ArrayLike) -> dict[str, int]:
    """``median_ns``, ``p90_ns`` and ``p99_ns`` of nanoseconds, by linear interpolation, rounded."""
    found = np.percentile(np.asarray(values), [50, 90, 99])
    return dict(zip(("median_ns", "p90_ns", "p99_ns"), (round(float(value)) for value in found), strict=True))


def bootstrap_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """
    Percentile bootstrap interval of the median (``scipy.stats.bootstrap``), with a fixed seed.

    Args:
        values: one-dimensional; of fewer than two the interval is the value itself.
        confidence: of the interval.
    """
    from scipy.stats import bootstrap

    series = np.asarray(values, np.float64)
    if series.size < 2:
        only = float(series[0]) if series.size else float("nan")
        return only, only
    if series.size > SAMPLE:
        series = series[np.linspace(0, series.size - 1, SAMPLE).astype(np.int64)]
    found = bootstrap(
        (series,), np.median, confidence_level=confidence, n_resamples=1000, method="percentile", random_state=0
    ).confidence_interval
    return float(found.low), float(found.high)
