"""What a host holds of a session: replies, windows, vectors, and the ways in which a DUT fails it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.command_line import DEFAULT_WINDOW_S
from tracer.errors import DutError
from tracer.runs.windows import OFFICIAL_WINDOWS, long_enough, rate_hz


class RefusedError(DutError):
    """The DUT answered with an error."""

    def __init__(self, command: str, line: str) -> None:
        super().__init__(f"the DUT refused `{command}`: {line}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply line and when it arrived, in seconds of the host's clock."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class WindowOutcome:
    """
    One window as the host saw it: laps in microseconds by the DUT, wall time in seconds by the host.

    ``start_us`` is the first lap, ``input_name`` what was loaded before.
    """

    inferences: int
    lap_us: int
    wall_s: float
    probabilities: NDArray[np.float64]
    start_us: int = 0
    warmups: int = 0
    input_name: str = ""

    @property
    def rate_hz(self) -> float:
        """Inferences per second by the DUT's laps, as the benchmark counts; NaN without a length."""
        rate = rate_hz(self.inferences, self.lap_us * 1000)
        return math.nan if rate is None else rate

    @property
    def met(self) -> bool:
        """Whether the window was as long as the benchmark asks, by the laps."""
        return long_enough(self.lap_us * 1000)

    @property
    def clocks_differ(self) -> bool:
        """Whether laps and host differ by more than 1 %, and by more than a line's latency explains."""
        difference = abs(self.lap_us / 1e6 - self.wall_s)
        return difference > 0.01 * self.wall_s and difference > 0.02


@dataclass(frozen=True, slots=True)
class PerformancePlan:
    """
    How long a performance window is.

    ``inferences`` fixes N; otherwise N is measured so that a window lasts ``seconds`` of wall time.
    """

    seconds: float = DEFAULT_WINDOW_S
    inferences: int | None = None
    warmups: int = 10
    windows: int = OFFICIAL_WINDOWS


def median_rate_hz(windows: Sequence[WindowOutcome]) -> float:
    """The benchmark's figure."""
    return float(np.median([window.rate_hz for window in windows]))
