"""The best assignment and the clock's line, held against scipy's solvers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

from tracer.accuracy.assignment import best_assignment
from tracer.captures.clock_fit import MAX_RATE_PPM, _fit


@given(st.integers(1, 12), st.integers(0, 10**6), st.booleans())
def test_an_assignment_reaches_the_sum_of_the_hungarian_method(size: int, seed: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    gains = random.integers(-5, 6, (size, size)) if whole else random.normal(0, 10, (size, size))
    chosen = best_assignment(gains)
    assert sorted(chosen) == list(range(size))
    rows, columns = linear_sum_assignment(gains, maximize=True)
    assert gains[range(size), chosen].sum() == pytest.approx(gains[rows, columns].sum())


def test_rows_without_a_preference_keep_their_own_column() -> None:
    assert best_assignment(np.eye(12) / 2).tolist() == list(range(12))


def test_more_rows_than_the_sets_of_columns_allow_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 16"):
        best_assignment(np.zeros((17, 17)))


@settings(max_examples=150)
@given(st.integers(1, 60), st.integers(0, 10**6), st.floats(-1500, 1500))
def test_a_clocks_line_leaves_no_more_outside_than_the_best_of_linear_programming(
    count: int, seed: int, rate_ppm: float
) -> None:
    random = np.random.default_rng(seed)
    readings = np.sort(random.uniform(0, 10**9, count))
    true = 12_345.0 + (1 + rate_ppm * 1e-6) * readings
    low, high = true - random.exponential(2_000, count), true + random.exponential(2_000, count)
    shift, rate = _fit(readings, low, high)
    assert abs(rate) <= MAX_RATE_PPM * 1e-6
    line = shift + (1 + rate) * readings
    worst = max((low - line).max(), (line - high).max())

    scale = max(float(readings.max()), 1.0)
    ones = np.ones(count)
    above = np.stack([-ones, -readings / scale, -ones], axis=1)
    below = np.stack([ones, readings / scale, -ones], axis=1)
    most = MAX_RATE_PPM * 1e-6 * scale
    best = linprog(
        [0.0, 0.0, 1.0],
        A_ub=np.concatenate([above, below]),
        b_ub=np.concatenate([readings - low, high - readings]),
        bounds=[(None, None), (-most, most), (None, None)],
        method="highs",
    )
    assert worst <= best.x[2] + 0.01
