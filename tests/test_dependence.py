"""Effective numbers and two speeds, against the rules of docs/statistics.md and of the papers, in plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean, median, variance

import numpy as np
import pytest
from scipy.stats import rankdata

from tests.coverage.machines import autocorrelated
from tracer.statistics.dependence import TwoSpeeds, effective_sizes, mean_ranks, two_speeds


def correlation_time(series: Sequence[float]) -> float:
    """Geyer's initial monotone sequence (1992, section 3.3): sums of two lags each, while above 0, never rising."""
    middle, count = fmean(series), len(series)
    lags = [
        sum((series[at] - middle) * (series[at + lag] - middle) for at in range(count - lag)) for lag in range(count)
    ]
    if lags[0] == 0:
        return 1.0
    total, least = 0.0, math.inf
    for even, odd in zip(lags[::2], lags[1::2], strict=False):
        if even + odd <= 1e-9 * lags[0]:
            break
        least = min(least, even + odd)
        total += least
    return max(1.0, 2 * total / lags[0] - 1)


def sizes(values: Sequence[float], *, of_median: bool) -> tuple[float, float]:
    count, centre = len(values), median(values)
    if count < 4 or len(set(values)) == 1:
        return count, count
    signs = [(one > centre) - (one < centre) for one in values]
    ranks = rankdata(values).tolist()
    time = max(correlation_time(signs if of_median else values), correlation_time(ranks))
    size = count / (time * (1 + 2 * (time / count) ** 0.5 + 4 * time / count))
    long = count // 6
    if long < 2:
        return size, size
    latest = ranks[count - 6 * long :]
    means = [fmean(latest[long * batch : long * batch + long]) for batch in range(6)]
    # Of independent ranks the means of batches vary by the variance of the ranks over the batch's length.
    apart = long * variance(means) / float(np.var(ranks))
    return size, min(size, count / max(1.0, 2 * apart))


@pytest.mark.parametrize("of_median", [True, False])
@pytest.mark.parametrize("count", [3, 4, 11, 12, 13, 17, 18, 40, 61, 150])
def test_effective_numbers_are_those_of_the_sums_over_lags_and_batches(count: int, *, of_median: bool) -> None:
    random = np.random.default_rng(count)
    for correlation in (0.0, 0.5, 0.95):
        series = 100 + autocorrelated(random, (1, count), correlation)[0]
        for values in (series, np.rint(series), np.maximum(series, 100)):
            found = effective_sizes(values, of_median=of_median)
            assert found == pytest.approx(sizes(values.tolist(), of_median=of_median), rel=1e-6)


def test_lags_count_as_long_as_two_of_them_together_are_above_nothing_to_the_last() -> None:
    # Here the fifth and the sixth lag add to what the first four leave.
    series = [2.0, 1, 0, 1, 0, 1, 0, 0]
    assert correlation_time(series) == pytest.approx(1.008065, abs=1e-6)
    for of_median in (True, False):
        assert effective_sizes(series, of_median=of_median) == pytest.approx(sizes(series, of_median=of_median))


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert mean_ranks(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [4, 1, 4, 2, 4]


def threshold(values: Sequence[float]) -> float | None:
    """Of all cuts between two neighbours the one with the least variance within both parts."""
    low, high = np.quantile(values, [0.02, 0.98])
    kept = sorted(one for one in values if low <= one <= high)
    if low == high:
        return None
    within = [
        float(np.var(kept[:cut])) * cut + float(np.var(kept[cut:])) * (len(kept) - cut) for cut in range(1, len(kept))
    ]
    cut = 1 + int(np.argmin(within))
    explained = 1 - within[cut - 1] / (len(kept) * float(np.var(kept)))
    told = explained >= 0.8 and 0.05 <= cut / len(kept) <= 0.95
    return (kept[cut - 1] + kept[cut]) / 2 if told else None


def speeds(windows: Sequence[Sequence[float]]) -> tuple[float, float, float, float] | None:
    """Levels, share of the slow one, and the stay in which half of the time passes, a value at a time."""
    smooth = [[median(one[at : at + 9]) for at in range(len(one) - 8)] for one in windows]
    if sum(map(len, smooth)) < 200:
        return None
    splits = [threshold(one) if len(one) >= 200 else None for one in smooth]
    if sum(one is not None for one in splits) * 2 < len(splits):
        splits = [threshold([time for one in smooth for time in one])] * len(splits)
    levels: dict[bool, list[float]] = {True: [], False: []}
    stays = []
    for times, split in zip(smooth, splits, strict=True):
        if split is None:
            continue
        for slow, stay in groupby(times, lambda time, split=split: time > split):
            mine = list(stay)
            levels[slow] += mine
            stays.append(sum(mine) / sum(times))
    if not stays or median(levels[True]) < 1.05 * median(levels[False]):
        return None
    passed, dwell = 0.0, 0.0
    for dwell in sorted(stays):
        passed += dwell
        if passed >= sum(stays) / 2:
            break
    share = len(levels[True]) / (len(levels[True]) + len(levels[False]))
    return median(levels[False]), median(levels[True]), share, dwell


def window(random: np.random.Generator, stays: Sequence[int], slow: float, scatter: float = 0.01) -> list[float]:
    """Stays of so many values, at 100 and at the ``slow`` level in turn."""
    levels = np.concatenate([np.full(count, (100.0, slow)[place % 2]) for place, count in enumerate(stays)])
    return (levels * (1 + scatter * random.standard_normal(len(levels)))).tolist()


CASES = {
    "one window of two levels": [((60, 200, 90, 150), 160.0)],
    "levels hardly apart": [((150, 150), 104.0)],
    "levels just apart": [((150, 150), 107.0)],
    "one level": [((400,), 160.0)],
    "a rare level": [((380, 20), 160.0)],
    "too few": [((100, 105), 160.0)],
    "each window has both": [((100, 120, 60), 160.0), ((20, 300), 170.0), ((230, 40, 30), 150.0)],
    "half of the windows have both": [((100, 120, 60), 160.0), ((300,), 160.0)],
    "each window has one": [((300,), 160.0), ((0, 250), 160.0), ((260,), 160.0)],
    "short windows": [((20, 30), 160.0), ((45, 10), 160.0), ((60,), 160.0), ((0, 70), 160.0), ((30, 30), 160.0)],
}


@pytest.mark.parametrize("name", CASES)
def test_two_speeds_and_their_stays_are_those_that_are_counted_value_by_value(name: str) -> None:
    random = np.random.default_rng(len(name))
    windows = [window(random, *case) for case in CASES[name]]
    known, found = speeds(windows), two_speeds(windows)
    assert (known is None) == (name in ("levels hardly apart", "one level", "a rare level", "too few"))
    if known is None or found is None:
        assert found is known
    else:
        assert (found.fast, found.slow, found.slow_share, found.dwell_share) == pytest.approx(known, rel=1e-12)


def test_stays_are_shares_of_the_time_and_not_of_the_values() -> None:
    # A running median of nine leaves 200 values of 1 and 200 of 4: a fifth of the time, and four.
    found = two_speeds([[1.0] * 204 + [4.0] * 204] * 2)
    assert found == TwoSpeeds(fast=1.0, slow=4.0, slow_share=0.5, dwell_share=0.8)
