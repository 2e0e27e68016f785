"""Machines whose true speed is known: series of inference times, many simulations at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]

MEDIAN_NS = 1e6
SCATTER = 0.05
"""Of the logarithms of the times of one window."""

MEAN_OVER_MEDIAN = float(np.exp(SCATTER**2 / 2))

EFFECT = 0.01
"""Standard deviation of the logarithms between windows, and between launches."""

FAST_NS, SLOW_NS = 500e3, 800e3
"""The two speeds of the H200 run's ``session_run``."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is measured: so many launches of so many windows of so many inferences."""

    launches: int = 1
    windows: int = 1
    inferences: int = 2000

    @property
    def levels(self) -> list[tuple[str, NDArray[np.int64]]]:
        """As ``clustered`` takes them."""
        window = np.repeat(np.arange(self.launches * self.windows), self.inferences)
        return [("launch", window // self.windows), ("window", window)]


def autocorrelated(rng: np.random.Generator, shape: tuple[int, ...], correlation: float) -> Floats:
    """Normal of mean 0 and variance 1, correlated along the last axis as an AR(1) process."""
    steps = rng.standard_normal(shape)
    steps[..., 1:] *= np.sqrt(1 - correlation**2)
    found: Floats = lfilter([1.0], [1.0, -correlation], steps, axis=-1)
    return found


def one_speed(
    rng: np.random.Generator,
    count: int,
    design: Design,
    *,
    correlation: float = 0.0,
    windows: float = 0.0,
    launches: float = 0.0,
    drift: float = 0.0,
) -> Floats:
    """
    Times about ``MEDIAN_NS``, shape (count, launches, windows, inferences).

    ``windows`` and ``launches`` are the scatter between them, ``drift`` the change from a launch's first inference to
    its last, of the logarithms, evenly about the middle.
    """
    shape = (count, design.launches, design.windows, design.inferences)
    logs = SCATTER * autocorrelated(rng, shape, correlation)
    logs += windows * rng.standard_normal((*shape[:3], 1)) + launches * rng.standard_normal((*shape[:2], 1, 1))
    size = design.windows * design.inferences
    logs += drift * (np.arange(size).reshape(shape[2:]) / (size - 1) - 0.5)
    times: Floats = MEDIAN_NS * np.exp(logs)
    return times


def two_speeds_of(
    rng: np.random.Generator,
    count: int,
    design: Design,
    dwell_s: float,
    slow_share: float = 0.5,
    window_s: float = 10,
) -> tuple[Floats, Floats]:
    """
    Times that switch between two speeds, shape as of ``one_speed``: exponential stays, of ``dwell_s`` in the mean;
    and the mean of each simulation at the speeds that it happened to have.

    A window has fewer inferences here than in ten seconds: each stands for its share of them.
    """
    step_s = window_s / design.inferences
    steps = design.windows * design.inferences
    leave = np.array([step_s / (2 * dwell_s * (1 - slow_share)), step_s / (2 * dwell_s * slow_share)])
    leave = np.minimum(leave, 1.0)
    slow = np.empty((count * design.launches, steps), bool)
    slow[:, 0] = rng.random(len(slow)) < slow_share
    for step in range(1, steps):
        before = slow[:, step - 1]
        slow[:, step] = before ^ (rng.random(len(slow)) < leave[before.astype(int)])
    level = np.where(slow, SLOW_NS, FAST_NS).reshape(count, design.launches, design.windows, design.inferences)
    times: Floats = level * np.exp(SCATTER * rng.standard_normal(level.shape))
    return times, level.mean(axis=(1, 2, 3)) * MEAN_OVER_MEDIAN
