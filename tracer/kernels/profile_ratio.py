"""Two profiles of one program side by side: kernels that all take one factor longer ran at another frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.figure_text import counted, ratio_text
from tracer.kernels.kernel_names import short_name
from tracer.kernels.kernel_tables import kernels_by_name
from tracer.profiles.profile import Profile, ProfileSummary

KERNELS_FROM = 4
"""Kernels in both from which their ratios tell a common factor."""

SPREAD = 0.15
"""How far, of the factor, half the kernels' ratios may lie from it: in the profiles of one Jetson Nano at two clocks
it is 0.06; kernels of another size differ among themselves."""

FACTOR = 1.1
"""Below it a difference is noise."""


@dataclass(frozen=True, slots=True)
class ProfileRatio:
    """
    Mean times of the same kernels in two profiles.

    Args:
        kernels: how many are in both, by their short names.
        factor: median of second over first.
        spread: median distance of the ratios from ``factor``, as a share of it.
    """

    kernels: int
    factor: float
    spread: float

    @property
    def common(self) -> bool:
        """Whether one factor explains the difference."""
        apart = max(self.factor, 1 / self.factor) if self.factor > 0 else 1.0
        return self.kernels >= KERNELS_FROM and self.spread <= SPREAD and apart >= FACTOR

    def sentence(self) -> str:
        """What it means, for the user."""
        both = f"{counted(self.kernels, 'kernel')} in both"
        if self.kernels < KERNELS_FROM:
            return f"{both}: too few to compare"
        told = f"{both}; in the second they take {ratio_text(self.factor)} times as long"
        if self.common:
            return (
                f"{told}, nearly all alike: probably another frequency of the GPU, so no figure of the two compares"
            )
        if max(self.factor, 1 / self.factor) < FACTOR:
            return f"{told}: no difference of frequency"
        return f"{told} in the median, each by another factor: another load or another shape, not a frequency"


def profile_ratio(first: Profile | ProfileSummary, second: Profile | ProfileSummary) -> ProfileRatio:
    """Compare the mean time of each kernel that is in both profiles; short names stand for it, as layouts differ."""
    means = [_means(profile) for profile in (first, second)]
    names = sorted(means[0].keys() & means[1].keys())
    if not names:
        return ProfileRatio(0, 0.0, 0.0)
    ratios = np.array([means[1][name] / means[0][name] for name in names])
    factor = float(np.median(ratios))
    return ProfileRatio(len(names), factor, float(np.median(np.abs(ratios - factor)) / factor))


def _means(profile: Profile | ProfileSummary) -> dict[str, float]:
    totals: dict[str, tuple[int, int]] = {}
    for row in kernels_by_name(profile).to_pylist():
        name = short_name(row["name"]).removeprefix("void ").rpartition("::")[2]
        total, count = totals.get(name, (0, 0))
        totals[name] = (total + row["total_ns"], count + row["count"])
    return {name: total / count for name, (total, count) in totals.items() if count and total}
