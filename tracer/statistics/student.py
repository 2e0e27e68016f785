"""Student's t and Welch's, without scipy, whose import takes longer than a report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

STEPS = 4001

NORMAL_FROM = 1e5
"""Degrees of freedom from which t and the normal distribution agree in five digits."""


@lru_cache(maxsize=8192)
def t_quantile(probability: float, freedom: float) -> float:
    """
    The value below which Student's t lies with ``probability``, 0.5 to 1.

    With ``t = sqrt(freedom) * tan(angle)`` its density is ``cos(angle) ** (freedom - 1)`` of the angle, up to a
    constant, which is summed and read backwards.

    Args:
        probability: at least 0.5, less than 1.
        freedom: degrees of freedom, at least 1; need not be whole (Welch's).
    """
    if freedom >= NORMAL_FROM:
        return NormalDist().inv_cdf(probability)
    angles = np.linspace(0.0, min(math.pi / 2, 12 / math.sqrt(freedom)), STEPS)
    density = np.cos(angles) ** (freedom - 1)
    # Simpson's rule over each step would gain nothing: the density is smooth and the steps are many.
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    angle = float(np.interp((probability - 0.5) * 2 * mass[-1], mass, angles))
    return math.sqrt(freedom) * math.tan(angle)


@lru_cache(maxsize=65536)
def t_tail(value: float, freedom: float) -> float:
    """
    The probability that Student's t is above ``value``: the other way round than ``t_quantile``, by the same angle.

    ``freedom`` is as there.
    """
    if freedom >= NORMAL_FROM:
        return NormalDist().cdf(-value)
    if value < 0:
        return 1 - t_tail(-value, freedom)
    angle = math.atan(value / math.sqrt(freedom))
    # Densities of the angle within and beyond it, each over a grid of its own: the tail may be a thousandth.
    beyond = min(math.pi / 2, angle + 12 / math.sqrt(freedom))
    inner, outer = (
        float(np.sum(density[1:] + density[:-1])) * span
        for span, density in (
            (angle, np.cos(np.linspace(0.0, angle, STEPS)) ** (freedom - 1)),
            (beyond - angle, np.cos(np.linspace(angle, beyond, STEPS)) ** (freedom - 1)),
        )
    )
    return outer / (2 * (inner + outer))


@dataclass(frozen=True, slots=True)
class Welch:
    """The difference of two means, its standard error and degrees of freedom."""

    value: float
    error: float
    freedom: float

    def tail(self) -> float:
        """The probability of such a difference, or more, where there is none."""
        if self.error == 0:
            return 0.0 if self.value > 0 else 1.0
        return t_tail(self.value / self.error, self.freedom)


def welch(one: NDArray[np.float64], two: NDArray[np.float64]) -> Welch:
    """How far the mean of one group lies above another's, both of two values at least (Biometrika 34, 1947)."""
    shares = [float(group.var(ddof=1)) / len(group) for group in (one, two)]
    variance = sum(shares)
    below = sum(share**2 / (len(group) - 1) for share, group in zip(shares, (one, two), strict=True))
    freedom = variance**2 / below if below > 0 else float(len(one) + len(two) - 2)
    # In four digits, so that the quantiles of many are those of a few.
    return Welch(float(one.mean() - two.mean()), math.sqrt(variance), float(f"{freedom:.4g}"))
