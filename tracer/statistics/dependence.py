"""How much consecutive values tell: their effective number, and whether a machine switches between two speeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SMOOTHED = 9
"""Neighbours whose median says at which speed a value was: single interruptions are no change of speed."""

TRIMMED = 0.02
"""Share left out at each end before two speeds are looked for: interruptions are no speed."""

TWO_CLUSTERS = 0.8
"""Share of the variance that two levels explain; of a normal distribution its best two explain 2 / pi."""

APART = 1.05
"""Ratio of two speeds from which they are told apart."""

LOOKED_AT = 200
"""Of fewer values two levels are not told from chance."""

RARE = 0.05
"""Share of the values below which a level is no speed of its own."""

BATCHES = 6
"""Consecutive parts of a series whose means show a slow change."""

UNSURE = 2.0
"""Times by which the variance of so few means is often too small: a fifth of the time, of independent values."""


@dataclass(frozen=True, slots=True)
class TwoSpeeds:
    """
    Two levels that the values switch between: the medians of those at either, and the share at the ``slow`` one.

    Half of the time passes in stays at one level that last at least ``dwell_share`` of their window.
    """

    fast: float
    slow: float
    slow_share: float
    dwell_share: float


def effective_sizes(values: ArrayLike, *, of_median: bool) -> tuple[float, float]:
    """
    How many independent values tell as much of the median (or the mean) as these consecutive ones; how few they may.

    The number divided by the integrated autocorrelation time, summed as Geyer's initial monotone sequence
    (Statistical Science 7, 1992). That of the median is of the series of signs about it; that of the ranks is taken
    where it is longer: signs, and single interruptions, hide a slow change. The sum is uncertain, and too short, by
    the more the fewer times it fits into the series: so much is added that intervals cover (``tests/coverage``).

    A slow change under fast scatter is not seen in the neighbours of a short series, but in how far the means of a
    few batches lie apart (Conway, Management Science 9, 1963); of so few it may be twice as far as it happened.

    Args:
        values: in the order they were measured.
        of_median: False for the mean.

    Returns:
        The effective number, at most that of the values, and the least that it may be.
    """
    series = np.asarray(values, np.float64)
    count, long = len(series), len(series) // BATCHES
    if count < 4 or series.min() == series.max():
        return float(count), float(count)
    own = np.sign(series - np.median(series)) if of_median else series
    ranks = mean_ranks(series)
    time = max(_correlation_time(own), _correlation_time(ranks))
    error = math.sqrt(time / count)
    size = count / (time * (1 + 2 * error + 4 * error**2))
    if long < 2:
        return size, size
    means = ranks[len(ranks) - BATCHES * long :].reshape(BATCHES, long).mean(axis=1)
    slow = long * float(means.var(ddof=1) / ranks.var())
    return size, min(size, count / max(1.0, UNSURE * slow))


def mean_ranks(series: Floats) -> Floats:
    """From 1; equal values share their mean rank."""
    _, place, counts = np.unique(series, return_inverse=True, return_counts=True)
    found: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place.reshape(-1)]
    return found


def _correlation_time(series: Floats) -> float:
    """The integrated autocorrelation time, in values; at least 1."""
    count, centred = len(series), series - series.mean()
    if not np.any(centred):
        return 1.0
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[: count // 2 * 2]
    pairs = covariance.reshape(-1, 2).sum(axis=1) / covariance[0]
    # From the first that is not above 0 on, none is.
    kept = np.maximum(np.minimum.accumulate(pairs), 0)
    return max(1.0, 2 * float(kept.sum()) - 1)


def two_speeds(windows: Sequence[ArrayLike]) -> TwoSpeeds | None:
    """
    The two levels of times that switch between them; None where there is one, or none apart.

    They are looked for in each window, and where most windows have one level, in all together. Levels are told by
    the threshold that leaves the least variance within them (Otsu, IEEE Transactions on Systems, Man, and
    Cybernetics 9, 1979).

    Args:
        windows: of each the times in the order they were measured; a stay ends with its window.
    """
    smooth = [_running_median(np.asarray(one, np.float64)) for one in windows]
    if sum(map(len, smooth)) < LOOKED_AT:
        return None
    splits = [_threshold(one) if len(one) >= LOOKED_AT else None for one in smooth]
    if 2 * sum(split is not None for split in splits) < len(smooth):
        splits = [_threshold(np.concatenate(smooth))] * len(smooth)
    pairs = [(times, split) for times, split in zip(smooth, splits, strict=True) if split is not None]
    if not pairs:
        return None
    slows = [times > split for times, split in pairs]
    slow = np.concatenate(slows)
    whole = np.concatenate([times for times, _ in pairs])
    fast_level, slow_level = float(np.median(whole[~slow])), float(np.median(whole[slow]))
    if slow_level < APART * fast_level:
        return None
    return TwoSpeeds(fast_level, slow_level, float(slow.mean()), _dwell_share([times for times, _ in pairs], slows))


def _running_median(series: Floats) -> Floats:
    if len(series) < SMOOTHED:
        return np.full(1, np.median(series)) if len(series) else series
    # The median of nine is that of three: the most of three least, the median of three medians, the least of three
    # most. Neighbours share their threes, and whole columns are compared, which is faster than sorting each nine.
    threes = _ranked(*(series[at : len(series) - 2 + at] for at in range(3)))
    count = len(series) - SMOOTHED + 1
    least, middle, most = ([column[at : at + count] for at in (0, 3, 6)] for column in threes)
    return _ranked(np.maximum.reduce(least), _ranked(*middle)[1], np.minimum.reduce(most))[1]


def _ranked(first: Floats, second: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each three values the least, the median and the most."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.minimum(low, third), np.maximum(low, np.minimum(high, third)), np.maximum(high, third)


def _threshold(values: Floats) -> float | None:
    """Where the values, at least ``LOOKED_AT``, fall in two; None where they do not."""
    low, high = np.quantile(values, [TRIMMED, 1 - TRIMMED])
    kept = np.sort(values[(values >= low) & (values <= high)])
    count, total = len(kept), kept.sum()
    if low == high:
        return None
    below = np.arange(1, count)
    sums = np.cumsum(kept)[:-1]
    between = (sums / below - (total - sums) / (count - below)) ** 2 * below * (count - below) / count**2
    best = int(np.argmax(between))
    share = (best + 1) / count
    if between[best] < TWO_CLUSTERS * kept.var() or not RARE <= share <= 1 - RARE:
        return None
    return float((kept[best] + kept[best + 1]) / 2)


def _dwell_share(windows: Sequence[Floats], slows: Sequence[NDArray[np.bool_]]) -> float:
    """The stay in which half of the time passes, as a share of its window."""
    shares = []
    for times, slow in zip(windows, slows, strict=True):
        edges = np.concatenate([[0], np.flatnonzero(slow[1:] != slow[:-1]) + 1])
        shares.append(np.add.reduceat(times, edges) / times.sum())
    stays = np.sort(np.concatenate(shares))
    passed = np.cumsum(stays)
    return float(stays[np.searchsorted(passed, passed[-1] / 2)])
