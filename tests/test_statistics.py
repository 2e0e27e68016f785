"""Percentiles and intervals, against scipy's and against what is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from tracer.statistics import RESAMPLED, bootstrap_interval, percentiles


@pytest.mark.parametrize("count", [12, 60, RESAMPLED, RESAMPLED + 1, 5000])
def test_an_interval_is_that_of_scipys_bootstrap(count: int) -> None:
    values = np.random.default_rng(5).gamma(4, 1000, count)
    low, high = bootstrap_interval(values)
    known = bootstrap(
        (values,), np.median, n_resamples=4000, method="percentile", random_state=1, batch=200
    ).confidence_interval
    width = known.high - known.low
    assert low == pytest.approx(known.low, abs=0.15 * width)
    assert high == pytest.approx(known.high, abs=0.15 * width)


def test_a_wider_confidence_gives_a_wider_interval_and_the_same_values_the_same_one() -> None:
    values = np.random.default_rng(2).normal(100, 10, 300)
    narrow, wide = bootstrap_interval(values, 0.5), bootstrap_interval(values, 0.99)
    assert wide[0] < narrow[0] < np.median(values) < narrow[1] < wide[1]
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_one_value_is_its_own_interval_and_none_has_none() -> None:
    assert bootstrap_interval([7]) == (7.0, 7.0)
    assert all(np.isnan(bootstrap_interval([])))


def test_percentiles_are_interpolated_and_rounded() -> None:
    assert percentiles([10, 20, 30, 41]) == {"median_ns": 25, "p90_ns": 38, "p99_ns": 41}
