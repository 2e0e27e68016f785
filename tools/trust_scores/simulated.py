"""Inferences whose speeds are known: how often ``speeds_of`` says so, and how often it says so of one speed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tracer.trust.drift import speeds_of

Floats = NDArray[np.float64]

RUNS, WINDOWS, SECONDS, MEAN_US = 40, 5, 11.0, 1000.0
STEP_S = 0.02
"""Inferences within so long have one speed."""


def detection_rates(seed: int = 0) -> dict[str, float]:
    """Share of the runs of each kind that are called two-speed."""
    rng = np.random.default_rng(seed)
    return {name: sum(_has_two(make(rng), rng) for _ in range(RUNS)) / RUNS for name, (make, _) in CASES.items()}


def _has_two(log_speed: Floats, rng: np.random.Generator) -> bool:
    """``log_speed`` of each step of a run; inferences scatter by 5 % about it."""
    count = round(STEP_S * 1e6 / MEAN_US)
    times = MEAN_US * 1e3 * np.exp(np.repeat(log_speed, count) + 0.05 * rng.standard_normal(len(log_speed) * count))
    window = np.repeat(np.arange(WINDOWS), len(times) // WINDOWS + 1)[: len(times)]
    return speeds_of(times.astype(np.int64), window) is not None


def _steps() -> int:
    return round(WINDOWS * SECONDS / STEP_S)


def _wander(memory_s: float) -> Callable[[np.random.Generator], Floats]:
    def make(rng: np.random.Generator) -> Floats:
        kept = float(np.exp(-STEP_S / memory_s))
        noise = rng.standard_normal(_steps()) * np.sqrt(1 - kept**2)
        values = np.empty(_steps())
        last = float(rng.standard_normal())
        for place, one in enumerate(noise):
            last = kept * last + float(one)
            values[place] = last
        return 0.1 * values

    return make


def _dwell(seconds: float, apart: float) -> Callable[[np.random.Generator], Floats]:
    def make(rng: np.random.Generator) -> Floats:
        changes = rng.random(_steps()) < STEP_S / seconds
        return np.asarray(np.log1p(apart) * (np.cumsum(changes) % 2), np.float64)

    return make


def _drift(rng: np.random.Generator) -> Floats:
    return np.linspace(0, 0.3, _steps()) + 0.01 * rng.standard_normal(_steps())


CASES: dict[str, tuple[Callable[[np.random.Generator], Floats], bool]] = {
    "one speed, 10 % scatter of stretches": (lambda rng: 0.1 * rng.standard_normal(_steps()), False),
    "wandering, memory 0.1 s": (_wander(0.1), False),
    "wandering, memory 1 s": (_wander(1.0), False),
    "wandering, memory 5 s": (_wander(5.0), False),
    "drift of 30 %": (_drift, False),
    "two speeds 10 % apart, dwells 0.2 s": (_dwell(0.2, 0.1), True),
    "two speeds 10 % apart, dwells 2 s": (_dwell(2.0, 0.1), True),
    "two speeds 50 % apart, dwells 2 s": (_dwell(2.0, 0.5), True),
    "two speeds 50 % apart, dwells 20 s": (_dwell(20.0, 0.5), True),
}
"""By name: the logarithm of the speed step by step, and whether there are two speeds."""
