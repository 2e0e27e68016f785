"""What a profiler adds to a CUDA call and to a GPU work, from windows with it and without it in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH_PAIRS = 8
"""Pairs of windows below which what the profiler adds is not fitted."""


@dataclass(frozen=True, slots=True)
class StagePair:
    """
    A stage in two windows of one program right after one another, the profiler on in one of them.

    Args:
        pair: number of the pair; stages of one pair share it.
        stage: its name.
        on_ns, off_ns: mean of an inference, nanoseconds.
        calls, works: CUDA calls and GPU works of an inference, in the mean.
    """

    pair: int
    stage: str
    on_ns: float
    off_ns: float
    calls: float
    works: float


@dataclass(frozen=True, slots=True)
class Inflation:
    """
    What the profiler adds, in nanoseconds.

    Args:
        per_call_ns, per_work_ns: to a CUDA call, and beside it to a GPU work that a call launches.
        low, high: both at the ends of what the pairs leave open (95 %), the one against the other.
        pairs: how many pairs were fitted, half of those there are.
        held_out_ns: mean error of what the fit says an inference of the other pairs is lengthened by.
        held_out_added_ns: what they were lengthened by, in the mean.
    """

    per_call_ns: float
    per_work_ns: float
    low: tuple[float, float]
    high: tuple[float, float]
    pairs: int
    held_out_ns: float
    held_out_added_ns: float


def fit_inflation(pairs: Sequence[StagePair]) -> Inflation | None:
    """
    Least squares of what each stage takes longer, on its calls and works, both costs at least 0.

    Every second pair is held out and judges the fit. The interval is that of the fits without one pair each
    (jackknife): pairs, not stages, are what varies. None of fewer than ``ENOUGH_PAIRS`` pairs, and of a program that
    calls nothing of CUDA, as on a CPU: nothing tells what a call would cost.
    """
    numbers = sorted({one.pair for one in pairs})
    if len(numbers) < ENOUGH_PAIRS or not any(one.calls or one.works for one in pairs):
        return None
    fitted, held = set(numbers[::2]), set(numbers[1::2])
    rows = np.array([(one.pair, one.calls, one.works, one.on_ns - one.off_ns) for one in pairs], np.float64)
    used = np.isin(rows[:, 0], list(fitted))
    cost = _costs(rows[used])
    without = np.array([_costs(rows[used & (rows[:, 0] != number)]) for number in sorted(fitted)])
    spread = np.sqrt((len(fitted) - 1) / len(fitted) * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    less, more = np.maximum(cost - 2 * spread, 0), cost + 2 * spread
    added = {number: rows[rows[:, 0] == number] for number in sorted(held)}
    errors = [float(part[:, 3].sum() - (part[:, 1:3] @ cost).sum()) for part in added.values()]
    return Inflation(
        per_call_ns=float(cost[0]),
        per_work_ns=float(cost[1]),
        low=(float(less[0]), float(more[1])),
        high=(float(more[0]), float(less[1])),
        pairs=len(fitted),
        held_out_ns=float(np.mean(errors)),
        held_out_added_ns=float(np.mean([part[:, 3].sum() for part in added.values()])),
    )


def _costs(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares of two costs: the best of both, either alone, or none."""
    of, added = rows[:, 1:3], rows[:, 3]
    both = np.linalg.lstsq(of, added, rcond=None)[0]
    if (both >= 0).all():
        return np.asarray(both, np.float64)
    alone = []
    for place in (0, 1):
        size = float(of[:, place] @ of[:, place])
        cost = np.zeros(2)
        cost[place] = max(0.0, float(of[:, place] @ added) / size) if size else 0.0
        alone.append(cost)
    return min(alone, key=lambda cost: float(((added - of @ cost) ** 2).sum()))
