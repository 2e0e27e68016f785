"""How often a comparison of two configurations finds what differs, and what does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.coverage.machines import EFFECT, MEDIAN_NS
from tracer.reports.compare import Side, difference

WINDOWS = 5


@dataclass(frozen=True, slots=True)
class Power:
    """
    Of comparisons of two sides: the shares of those that detect a slowdown or a speedup, and of each verdict.

    ``slower`` is the true slowdown, a share; every launch has five windows, with 1 % between windows and 1 % between
    launches.
    """

    launches: int
    slower: float
    threshold: float
    detected: float
    failed: float
    equivalent: float


def power(launches: int, slower: float, threshold: float, simulations: int, seed: int = 1) -> Power:
    """Simulate, with seeds of their own for every case."""
    rng = np.random.default_rng([seed, launches, round(1000 * slower), round(1000 * threshold)])
    verdicts, detected = [], 0
    for _ in range(simulations):
        found = difference(_side(rng, launches, 1.0), _side(rng, launches, 1 + slower), threshold)
        assert found is not None
        verdicts.append(found.verdict)
        detected += found.median.detected is not None
    shares = (
        detected / simulations,
        verdicts.count("slower") / simulations,
        verdicts.count("equivalent") / simulations,
    )
    return Power(launches, slower, threshold, *shares)


def _side(rng: np.random.Generator, launches: int, slower: float) -> Side:
    """The rates are the windows' own: their mean scatters as their median does."""
    logs = EFFECT * (rng.standard_normal((launches, 1)) + rng.standard_normal((launches, WINDOWS)))
    medians = MEDIAN_NS * slower * np.exp(logs)
    return Side(list(medians), list(1e9 / medians), "")


def cases() -> list[tuple[int, float, float]]:
    """Launches a side, true slowdown and threshold of the table."""
    return [
        (launches, slower, threshold)
        for launches in (5, 10)
        for threshold in (0.0, 0.02)
        for slower in (0.0, 0.02, 0.03, 0.05)
    ]
