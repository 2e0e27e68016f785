"""
The energy monitor's samples: what the DUT took between two times, as both runners add it up.

energyrunner's ``*energy.bin`` is a byte F1, then little-endian float32: the sampling rate in hertz, and each
sample in microjoules. Found on 123 published files of v0.5 to v1.3, whose 614 windows it gives to the printed digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracer.errors import SessionError, told_unreadable
from tracer.given_files import open_file

_MARK = b"\xf1"
_HEAD = 5
LARGEST = 64 << 20
"""Bytes of a file that is read: four hours at 1,000 samples a second."""


@dataclass(frozen=True)
class EnergySamples:
    """
    Energies of equal times, in microjoules, the first at time 0.

    ``cut`` is whether the file ends within a sample.
    """

    rate_hz: float
    each_uj: NDArray[np.float64]
    cut: bool = False

    def between(self, pairs: Sequence[tuple[float, float]]) -> list[tuple[float | None, float | None]]:
        """
        From the first time of each pair to the second, in seconds: the energy in microjoules, and how long its
        samples are together, in microseconds. None beyond the last sample.

        A sample counts where its time, the sum of as many sampling intervals in double precision, is not before the
        first time and before the second: energyrunner's own sum, whose rounding decides which samples these are.
        """
        times_s = np.concatenate([[0.0], np.cumsum(np.full(self.each_uj.size, 1.0 / self.rate_hz))])
        found: list[tuple[float | None, float | None]] = []
        for begin, end in np.searchsorted(times_s, np.array(pairs).reshape(-1, 2)).tolist():
            known = begin < end <= self.each_uj.size
            energy_uj = float(self.each_uj[begin:end].sum())
            found.append((energy_uj, 1e6 * (end - begin) / self.rate_hz) if known else (None, None))
        return found


def read_samples(path: Path) -> EnergySamples:
    """
    The samples of energyrunner's file.

    Raises:
        SessionError: if it is none, or cannot be read.
    """
    with told_unreadable(SessionError, path, "leave it out, or copy it anew"), open_file(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise SessionError(path, f"it is larger than {LARGEST >> 20} MiB", "leave it out")
    whole = (len(data) - _HEAD) // 4
    if not data.startswith(_MARK) or whole < 1:
        raise SessionError(path, "it is no trace of energyrunner's energy monitor", "leave it out, or copy it anew")
    numbers = np.frombuffer(data, "<f4", count=whole + 1, offset=1).astype(np.float64)
    rate_hz, each_uj = float(numbers[0]), numbers[1:]
    if not 1.0 <= rate_hz <= 1e6 or not np.isfinite(each_uj).all():
        raise SessionError(path, "it has no sampling rate or no samples", "leave it out, or copy it anew")
    return EnergySamples(rate_hz, each_uj, cut=(len(data) - _HEAD) % 4 != 0)
