"""Whether inferences have one speed, two, or drift: by the medians of short stretches of time; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.figure_text import change_text, counted, time_text

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

BLOCK_NS = 100_000_000
"""Inferences are taken together over so long: a stutter of one is no speed."""

LEAST_BLOCKS = 20
LEAST_IN_A_BLOCK = 5
LEAST_APART = 1.05
LEAST_SWITCHES = 4
"""A machine that warms up changes its speed once; one that has two comes back."""

LEAST_EXPLAINED = 0.78
"""
Share of the variance that two groups must explain. Of a normal spread the best two explain 0.64, of an even drift
0.75; what a wandering speed explains stands in ``docs/trust.md``.
"""

LEAST_TIMED = 20
DRIFT = 0.02


@dataclass(frozen=True, slots=True)
class TwoSpeeds:
    """Geometric means of the two groups of stretches, in nanoseconds an inference, and how often they changed."""

    fast_ns: float
    slow_ns: float
    switches: int

    @property
    def text(self) -> str:
        """In words."""
        changes = counted(self.switches, "change")
        return f"two speeds, {time_text(self.fast_ns)} and {time_text(self.slow_ns)} an inference, {changes} of speed"


@dataclass(frozen=True, slots=True)
class Drift:
    """``ratio`` is of the last tenth's median to the first's; ``beyond`` the scatter of the tenths, and 2 %."""

    ratio: float
    beyond: bool

    @property
    def text(self) -> str:
        """In words."""
        return f"drift: the last tenth of the inferences {change_text(self.ratio)} against the first"


def two_speeds(wall_ns: Integers, window: Integers) -> TwoSpeeds | None:
    """
    The two speeds of inferences, or None where one describes them, or too few are there to say.

    Stretches of ``BLOCK_NS`` are split where two groups of the logarithms of their medians explain most of the
    variance (Otsu 1979).

    Args:
        wall_ns: of each inference in the order of time, shape (n,).
        window: the window of each, shape (n,).
    """
    runs = [_block_medians(wall_ns[window == one]) for one in np.unique(window)]
    values = np.log(np.concatenate(runs)) if runs else np.empty(0)
    if len(values) < LEAST_BLOCKS or not float(values.var()):
        return None
    ordered = np.sort(values)
    count, sums = len(ordered), np.cumsum(ordered)
    below = np.arange(1, count)
    low, high = sums[:-1] / below, (sums[-1] - sums[:-1]) / (count - below)
    between = below * (count - below) / count**2 * (high - low) ** 2
    best = int(between.argmax())
    border = (ordered[best] + ordered[best + 1]) / 2
    switches = sum(int(np.count_nonzero(np.diff(np.log(one) > border))) for one in runs)
    fast_ns, slow_ns = float(np.exp(low[best])), float(np.exp(high[best]))
    explained = float(between[best] / values.var())
    if explained < LEAST_EXPLAINED or slow_ns < LEAST_APART * fast_ns or switches < LEAST_SWITCHES:
        return None
    return TwoSpeeds(fast_ns, slow_ns, switches)


def drift_of(values: Integers) -> Drift | None:
    """First against last tenth, judged by how far the tenths' medians scatter otherwise; None for too few."""
    if len(values) < LEAST_TIMED:
        return None
    tenths = [float(np.median(part)) for part in np.array_split(values, 10)]
    steps, change = np.abs(np.diff(tenths)), tenths[-1] - tenths[0]
    beyond = abs(change) > 2 * float(np.median(steps)) and abs(change) > DRIFT * float(np.median(values))
    return Drift(tenths[-1] / tenths[0] if tenths[0] else 1.0, beyond)


def _block_medians(wall_ns: Integers) -> Floats:
    """Medians of the whole stretches of a window."""
    number = np.cumsum(wall_ns) // BLOCK_NS
    parts = np.split(wall_ns, np.flatnonzero(np.diff(number)) + 1)[:-1]
    return np.array([np.median(one) for one in parts if len(one) >= LEAST_IN_A_BLOCK], np.float64)
