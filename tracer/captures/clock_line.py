"""The line between the clock of a run and that of a capture, on whole nanoseconds in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.profiles.arrow_arrays import Integers


@dataclass(frozen=True, slots=True)
class LineClock:
    """
    ``offset_ns + (1 + rate_ppm / 1e6) * t`` of the run's ``t``, as ``clock_fit.fit_clock`` fitted it.

    Only what passed since ``origin_ns`` (of the run) is multiplied: the whole would lose nanoseconds as a float.
    """

    offset_ns: float = 0.0
    rate_ppm: float = 0.0
    origin_ns: int = 0

    def mapped(self, times: Integers) -> Integers:
        """The run's times on the capture's clock; one time gives one, and their order stays."""
        return _line(times, self.origin_ns, self._there, self.rate_ppm * 1e-6)

    def unmapped(self, times: Integers) -> Integers:
        """The capture's times on the run's clock."""
        rate = self.rate_ppm * 1e-6
        return _line(times, self._there, self.origin_ns, -rate / (1 + rate))

    @property
    def _there(self) -> int:
        """The origin on the capture's clock."""
        return self.origin_ns + round(self.offset_ns + self.rate_ppm * 1e-6 * self.origin_ns)


def capture_clocks(captures: Sequence[dict[str, Any]], origin_ns: int) -> list[LineClock]:
    """The clock of each capture of ``run.json``; one without a fit runs as the run's own."""
    fits = [one.get("clock") or {} for one in captures]
    return [LineClock(float(fit.get("offset_ns", 0)), float(fit.get("rate_ppm", 0)), origin_ns) for fit in fits]


def _line(times: Integers, origin: int, there: int, rate: float) -> Integers:
    passed = times - origin
    moved: Integers = passed + there
    return moved if not rate else moved + np.rint(rate * passed).astype(np.int64)
