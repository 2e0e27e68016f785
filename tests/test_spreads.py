"""What is told of a figure and why: whole estimates whose ends are found by hand or by scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from tracer.statistics.dependence import TwoSpeeds
from tracer.statistics.intervals import NOTHING, WINDOW, Estimate, clustered
from tracer.statistics.ratio import ratio_of_groups, rounds_of
from tracer.statistics.student import NORMAL_FROM, Welch, t_quantile, t_tail, welch

FREEDOMS = (1, 2, 4.5, 19, 300, 99_999)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_quantiles_and_tails_of_t_are_scipys(freedom: float) -> None:
    shares = (0.5001, 0.6, 0.9, 0.975, 0.995)
    assert [t_quantile(one, freedom) for one in shares] == pytest.approx(t.ppf(shares, freedom), rel=2e-5)
    values = (-3, -0.5, 0, 0.5, 2, 4)
    assert [t_tail(one, freedom) for one in values] == pytest.approx(t.sf(values, freedom), rel=1e-4)


def test_from_a_hundred_thousand_degrees_of_freedom_on_t_is_the_normal_distribution() -> None:
    assert t_quantile(0.975, NORMAL_FROM) == NormalDist().inv_cdf(0.975)
    assert [t_tail(one, NORMAL_FROM) for one in (2, -2)] == [NormalDist().cdf(one) for one in (-2, 2)]
    assert pytest.approx(1e5) == NORMAL_FROM


def test_the_difference_of_two_means_is_welchs() -> None:
    one, two = np.array([1.0, 4, 7, 9]), np.array([2.0, 2.5, 3])
    found, known = welch(one, two), ttest_ind(one, two, equal_var=False, alternative="greater")
    assert found.value == pytest.approx(2.75)
    assert found.value / found.error == pytest.approx(known.statistic)
    # In four digits.
    assert found.freedom == float(f"{known.df:.4g}")
    assert found.tail() == pytest.approx(known.pvalue, rel=1e-3)
    assert welch(np.ones(3), np.ones(4)) == Welch(0.0, 0.0, 5.0)
    assert [Welch(value, 0.0, 5.0).tail() for value in (1.0, 0.0, -1.0)] == [0, 1, 1]


def ends(figures: Sequence[float], value: float) -> tuple[float, float]:
    """About a value, by Student's t of the units' figures."""
    half = t.ppf(0.975, len(figures) - 1) * float(np.std(figures, ddof=1)) / math.sqrt(len(figures))
    return pytest.approx(value - half, rel=1e-5), pytest.approx(value + half, rel=1e-5)


SKEWED = ([10.0, 11, 18], [11.0, 12, 19], [13.0, 14, 27])


def test_the_median_and_the_mean_of_launches_have_the_interval_of_the_launches_own() -> None:
    values, launch = np.ravel(SKEWED), np.repeat([5, 3, 4], 3)
    medians, means = ends([11, 12, 14], 13), ends([13, 14, 18], 15)
    assert clustered(values, [("launch", launch)]) == Estimate(13, *medians, "interval", "launch", 3)
    assert clustered(values, [("launch", launch)], of_median=False) == Estimate(15, *means, "interval", "launch", 3)


def steady(*levels: float, count: int = 20) -> tuple[np.ndarray, list[tuple[str, np.ndarray]]]:
    """Windows of values one below and one above a level in turn, which tell nothing of one another."""
    values = np.concatenate([one + np.resize([-1.0, 1.0], count) for one in levels])
    return values, [(WINDOW, np.repeat(np.arange(len(levels)), count))]


@pytest.mark.parametrize("levels", [(10, 11, 12, 13, 15), (15, 13, 12, 11, 10)])
def test_five_windows_in_one_order_are_a_drift(levels: tuple[float, ...]) -> None:
    found = clustered(*steady(*levels))
    assert (found.value, found.low, found.high, found.kind, found.count) == (12, 10, 15, "range", 5)
    assert (found.unit, found.reason) == ("window", "it drifts, each window beyond the one before")


@pytest.mark.parametrize(
    "levels",
    [(10, 11, 12, 13), (10, 10, 11, 12, 13), (13, 12, 11, 11, 10), (10, 12, 11, 13, 14), (10, 10.5, 11, 11.5, 11)],
)
def test_fewer_windows_and_others_than_in_one_order_have_an_interval(levels: tuple[float, ...]) -> None:
    values, windows = steady(*levels)
    found = clustered(values, windows, of_median=False)
    value = float(np.mean(levels))
    assert astuple(found)[:7] == (value, *ends(levels, value), "interval", "window", len(levels), "")


def switching(fast: int, slow: int, periods: int) -> np.ndarray:
    """Stays of so many values at 100 and at 160; a running median of nine takes four off either end."""
    one = np.repeat([100.0, 160.0], [fast, slow])
    return np.concatenate([one[-4:], np.tile(one, periods), one[:4]])


@pytest.mark.parametrize(("fast", "slow", "told"), [(13, 7, True), (7, 13, True), (14, 6, False), (6, 14, False)])
def test_the_median_of_two_speeds_that_each_hold_a_third_of_the_values_may_lie_at_either(
    fast: int, slow: int, *, told: bool
) -> None:
    values = switching(fast, slow, 30)
    found = clustered(values, [])
    longest = max(100 * fast, 160 * slow) / (30 * (100 * fast + 160 * slow))
    assert found.speeds == TwoSpeeds(100, 160, slow / 20, pytest.approx(longest))
    assert (found.reason == "two speeds, and the median may lie at either") == told
    assert clustered(values, [], of_median=False).reason != "two speeds, and the median may lie at either"
    assert found.figures["speeds"] == [100, 160]


def test_stays_longer_than_a_tenth_of_a_window_are_told_and_of_launches_those_of_whole_windows() -> None:
    short, long = (np.tile(switching(one, one, 320 // one), 3) for one in (10, 80))
    window = np.repeat(np.arange(3), len(long) // 3)
    reason = "two speeds, each kept for more than a tenth of a window"
    assert clustered(long, [(WINDOW, window)]).reason == reason
    assert clustered(short, [(WINDOW, np.repeat(np.arange(3), len(short) // 3))]).reason != reason
    # Launches at one of the two speeds, a window in each; and launches whose windows hold both.
    apart = np.repeat([100.0, 160.0, 100.0], 300)
    found = clustered(apart, [("launch", np.repeat([0, 1, 2], 300)), (WINDOW, np.repeat([0, 1, 2], 300))])
    speeds = TwoSpeeds(100, 160, pytest.approx(1 / 3), 1)
    why = "two speeds, each kept for whole windows"
    assert found == Estimate(100, 100, 160, "range", "launch", 3, why, None, speeds)
    assert clustered(long, [("launch", window), (WINDOW, window)]).reason == ""


def test_nothing_measured_is_no_figure() -> None:
    assert NOTHING.figures == {
        "kind": "none",
        "low": None,
        "high": None,
        "unit": "inference",
        "count": 0,
        "reason": "no value",
        "speeds": None,
    }
    assert math.isnan(NOTHING.value)


def test_two_rounds_or_launches_give_the_range_of_their_ratios_and_one_gives_none() -> None:
    rounds = rounds_of([[[2.0, 1.0], [8.0, 1.0]]])
    found = rounds.ratio(0, 1)
    middle, low, high = (pytest.approx(one) for one in (4, 2, 8))
    assert found == Estimate(middle, low, high, "range", "round", 2, "two rounds only", 2.0)
    launches = rounds_of([[[2.0, 1.0]], [[8.0, 1.0]], []])
    assert launches.ratio(0, 1) == Estimate(middle, low, high, "range", "launch", 2, "two launches only", 2.0)
    assert rounds_of([[[3.0, 2.0]]]).ratio(1, 0).reason == "one round only"


def test_where_most_rounds_are_alike_to_the_last_digit_none_is_called_interrupted() -> None:
    times = np.array([[5.0, 1.0]] * 6 + [[9.0, 1.2], [6.0, 1.1]])
    assert rounds_of([times]).left_out == 0
    # Where they scatter by a hundredth, what is far from it is.
    times[:6, 0] *= [0.98, 0.99, 1.0, 1.01, 1.02, 1.03]
    assert rounds_of([times]).left_out == 2


def test_the_ratio_of_two_groups_of_two_lies_between_the_ends_of_both() -> None:
    middle, low, high = (pytest.approx(one) for one in (math.sqrt(6 / 8), 2 / 4, 3 / 2))
    assert ratio_of_groups([2, 3], [2, 4], WINDOW) == Estimate(
        middle, low, high, "range", "window", 2, "two windows only"
    )
