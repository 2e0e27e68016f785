"""How often ``fleet regressions`` finds a slowdown that is there, and one that is not."""

from __future__ import annotations

import math

import numpy as np

from tracer.fleet.regressions import Sides, regressions

CONFIGURATIONS = 40
LAUNCHES = 20
SPREAD = 0.01
"""Standard deviation of the logarithm of a launch's median."""


def with_a_regression(fleets: int, slowdown: float, fail_over: float | None = None, seed: int = 19) -> int:
    """In how many fleets the one configuration that is slower is detected; with ``fail_over`` is failed."""
    rng = np.random.default_rng(seed)
    key = "detected" if fail_over is None else "failed"
    return sum(regressions(_sides(rng, slowdown), fail_over or 0.0)[0][key] for _ in range(fleets))


def found(fleets: int, launches: int, excess: float, look: int, threshold: float = 0.02, seed: int = 21) -> float:
    """The share of fleets in which a slowdown of ``threshold`` and ``excess`` is failed at a look."""
    rng = np.random.default_rng([seed, launches, round(1e4 * excess), look])
    slowdown = (1 + threshold) * (1 + excess) - 1
    sides = (_sides(rng, slowdown, launches, look) for _ in range(fleets))
    return sum(regressions(one, threshold)[0]["failed"] for one in sides) / fleets


def alarms(fleets: int, seed: int = 20) -> int:
    """In how many fleets in which nothing is slower something is detected."""
    rng = np.random.default_rng(seed)
    return sum(any(row["detected"] for row in regressions(_sides(rng, 0.0), 0.0)) for _ in range(fleets))


def upper_bound(count: int, of: int) -> float:
    """The upper end of Wilson's 95 % interval of a share (JASA 22, 1927)."""
    z, share = 1.959964, count / of
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle + half) / (1 + z * z / of)


def _sides(rng: np.random.Generator, slowdown: float, launches: int = LAUNCHES, look: int = 1) -> list[Sides]:
    base, newest = np.exp(rng.normal(0, SPREAD, (2, CONFIGURATIONS, launches)))
    newest[0] *= 1 + slowdown
    return [Sides({}, one, other, look) for one, other in zip(base, newest, strict=True)]
