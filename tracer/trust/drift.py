"""Whether the inferences of a run drift, and in words whether they switch between two speeds; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.figure_text import change_text, share_text, time_text
from tracer.statistics.dependence import TwoSpeeds, two_speeds

Integers = NDArray[np.int64]

LEAST_TIMED = 20
DRIFT = 0.02


@dataclass(frozen=True, slots=True)
class Drift:
    """``ratio`` is of the last tenth's median to the first's; ``beyond`` the scatter of the tenths, and 2 %."""

    ratio: float
    beyond: bool

    @property
    def text(self) -> str:
        """In words."""
        return f"drift: the last tenth of the inferences {change_text(self.ratio)} against the first"


def drift_of(values: Integers) -> Drift | None:
    """First against last tenth, judged by how far the tenths' medians scatter otherwise; None for too few."""
    if len(values) < LEAST_TIMED:
        return None
    tenths = [float(np.median(part)) for part in np.array_split(values, 10)]
    steps, change = np.abs(np.diff(tenths)), tenths[-1] - tenths[0]
    beyond = abs(change) > 2 * float(np.median(steps)) and abs(change) > DRIFT * float(np.median(values))
    return Drift(tenths[-1] / tenths[0] if tenths[0] else 1.0, beyond)


def speeds_of(wall_ns: Integers, window: Integers) -> TwoSpeeds | None:
    """The two speeds of inferences in the order of time; ``window``, of the same shape, is that of each."""
    windows: Sequence[Integers] = [wall_ns[window == one] for one in np.unique(window)]
    return two_speeds(windows)


def speeds_text(speeds: TwoSpeeds) -> str:
    """``two speeds, 847.37 us and 1.28 ms an inference, 60.2 % of them at the slower``."""
    pair = f"{time_text(speeds.fast)} and {time_text(speeds.slow)}"
    return f"two speeds, {pair} an inference, {share_text(speeds.slow_share)} of them at the slower"
