"""What is simulated, and how often the intervals of it cover the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.coverage.machines import (
    EFFECT,
    FAST_NS,
    MEAN_OVER_MEDIAN,
    MEDIAN_NS,
    SLOW_NS,
    Design,
    Floats,
    one_speed,
    two_speeds_of,
)
from tracer.statistics.intervals import clustered

Simulated = Callable[[np.random.Generator, int, Design], tuple[Floats, Floats]]
"""Times, shape as of ``one_speed``, and the truth of each simulation."""


LEAST_COVERAGE = 0.93
"""Of the lower 95 % bound."""

WIDEST = 1.5
SELDOM = 0.05
"""Share of the simulations below which the intervals given are counted, not judged."""

BATCH = 250


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    A machine and what is measured of it.

    ``wide`` says that the oracle does not know the variance: it takes the windows' own scatter, drift included.
    """

    name: str
    design: Design
    simulated: Simulated
    of_median: bool
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    Of the simulations of a scenario.

    ``given`` is the share with an interval; ``covered`` of those the share that holds the truth; ``width`` their
    median width over that of an oracle, which knows how far the same estimates lie from the truth (95 %) or, where
    the scenario says so, how far the units scatter. ``before`` is what the interval of all inferences alone covered.
    """

    name: str
    of_median: bool
    units: int
    simulations: int
    given: float
    covered: float
    width: float
    before: float

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None where it keeps its word, or so few intervals are given that it says nothing."""
        if self.given < SELDOM:
            return None
        if self.lower_bound < LEAST_COVERAGE:
            return f"covers {self.covered:.3f}, at least {self.lower_bound:.3f}"
        # Student's t of two degrees of freedom is that wide: no method that does not know the variance is narrower.
        return f"{self.width:.2f} times the oracle" if self.width > WIDEST and self.units != 3 else None

    @property
    def lower_bound(self) -> float:
        """Of the coverage, 95 % by Monte Carlo (Wilson's, one-sided)."""
        count, z = max(1.0, self.given * self.simulations), 1.6449
        middle = self.covered + z**2 / (2 * count)
        half = z * np.sqrt(self.covered * (1 - self.covered) / count + z**2 / (4 * count**2))
        return float((middle - half) / (1 + z**2 / count))


def simulate(scenario: Scenario, simulations: int, seed: int = 1) -> Coverage:
    """Draw, estimate, and hold against the truth."""
    rng, levels = np.random.default_rng(seed), scenario.design.levels
    size = len(levels[0][1])
    found, truths, before, scatter = [], [], 0, []
    for start in range(0, simulations, BATCH):
        count = min(BATCH, simulations - start)
        times, truth = scenario.simulated(rng, count, scenario.design)
        for values, true in zip(times.reshape(count, size), truth, strict=True):
            found.append(clustered(values, levels, of_median=scenario.of_median))
            before += _by_inferences(values, of_median=scenario.of_median, true=true)
        truths.append(truth)
        if scenario.wide:
            statistic = np.median if scenario.of_median else np.mean
            scatter.append(statistic(times, axis=3).var(axis=2, ddof=1)[:, 0])
    true = np.concatenate(truths)
    low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    given = np.array([one.kind == "interval" for one in found])
    errors = np.abs([one.value for one in found] - true)
    oracle = 2 * float(np.quantile(errors, 0.95))
    if scenario.wide:
        oracle = 2 * 1.96 * float(np.sqrt(np.concatenate(scatter).mean() / scenario.design.windows))
    covered = (low <= true) & (true <= high)
    return Coverage(
        scenario.name,
        scenario.of_median,
        max(scenario.design.launches, scenario.design.windows),
        simulations,
        float(given.mean()),
        float(covered[given].mean()) if given.any() else float("nan"),
        float(np.median((high - low)[given])) / oracle if given.any() else float("nan"),
        before / simulations,
    )


def _by_inferences(values: Floats, *, of_median: bool, true: float) -> bool:
    """Whether the interval that takes every inference as independent holds the truth."""
    if not of_median:
        return bool(abs(values.mean() - true) <= 1.96 * values.std() / np.sqrt(len(values)))
    half = 1.96 / (2 * np.sqrt(len(values)))
    low, high = np.quantile(values, [0.5 - half, 0.5 + half])
    return bool(low <= true <= high)


def _one(*, of_median: bool, **effects: float) -> Simulated:
    def simulated(rng: np.random.Generator, count: int, design: Design) -> tuple[Floats, Floats]:
        spread = effects.get("windows", 0.0) ** 2 + effects.get("launches", 0.0) ** 2
        truth = MEDIAN_NS if of_median else MEDIAN_NS * MEAN_OVER_MEDIAN * np.exp(spread / 2)
        return one_speed(rng, count, design, **effects), np.full(count, truth)

    return simulated


def _two(dwell_s: float, *, long_run: bool) -> Simulated:
    def simulated(rng: np.random.Generator, count: int, design: Design) -> tuple[Floats, Floats]:
        times, happened = two_speeds_of(rng, count, design, dwell_s)
        long = np.full(count, (FAST_NS + SLOW_NS) / 2 * MEAN_OVER_MEDIAN)
        return times, long if long_run else happened

    return simulated


def simulate_at(place: int, simulations: int) -> Coverage:
    """``simulate`` the scenario at a place of ``scenarios``: a process is told a number, no function."""
    return simulate(scenarios()[place], simulations, seed=place)


def scenarios() -> list[Scenario]:
    """All of them."""
    found = []
    for of_median in (True, False):
        for phi in (0.0, 0.3, 0.6, 0.9):
            found.append(
                Scenario(f"1 window, AR(1) {phi:g}", Design(), _one(of_median=of_median, correlation=phi), of_median)
            )
        for windows in (3, 4, 5):
            made = _one(of_median=of_median, correlation=0.6, windows=EFFECT)
            found.append(
                Scenario(f"{windows} windows, 1 % between", Design(1, windows, 400), made, of_median, wide=True)
            )
        made = _one(of_median=of_median, correlation=0.6, windows=EFFECT, launches=EFFECT)
        found.append(Scenario("5 launches of 5 windows, 1 % and 1 %", Design(5, 5, 200), made, of_median))
        for drift in (0.02, 0.1):
            made = _one(of_median=of_median, correlation=0.6, windows=0.003, drift=drift)
            name = f"5 windows, drift of {100 * drift:g} %"
            found.append(Scenario(name, Design(1, 5, 400), made, of_median, wide=True))
    for dwell in (0.1, 0.3, 1.0, 3.0, 10.0, 60.0):
        name = f"two speeds, dwell {dwell:g} s"
        short = dwell < 1
        made = _two(dwell, long_run=short)
        found.append(Scenario(f"5 windows, {name}", Design(1, 5, 1000), made, of_median=False))
        made = _two(dwell, long_run=True)
        found.append(Scenario(f"5 launches of 5, {name}", Design(5, 5, 200), made, of_median=False))
    return found
