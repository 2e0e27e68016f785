"""How well a model's outputs explain the recorded vectors, with every mistake that comes after the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.accuracy.assignment import best_assignment
from tracer.accuracy.confusion import Vectors
from tracer.accuracy.mistakes import SOFTMAX_DOUBLED, SOFTMAX_MISSING, Mistake, Mistakes
from tracer.accuracy.symptoms import ORDER_FROM, SHARES_FROM, SHIFTS, aligned, are_probabilities, shift_text
from tracer.classes import CLASSES, LABELS
from tracer.figure_text import number_text

LOOSEST = 0.01
"""Of a probability: some two steps of an int8 output. What differs by more is another vector."""

PART_FROM = 6
"""Inputs on each side of the place from where results are shifted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    One candidate and, by recorded vector, how far it is off.

    ``errors`` is the largest difference of a probability, float64 (N,), NaN where the candidate says nothing;
    ``loosest`` is the tolerance beyond which agreement means nothing.
    """

    model: str
    mistakes: Mistakes
    errors: NDArray[np.float64]
    loosest: float = LOOSEST

    @property
    def cost(self) -> int:
        """The sum of its mistakes' freedom."""
        return sum(one.cost for one in self.mistakes)

    @property
    def keys(self) -> frozenset[str]:
        """The names of its mistakes."""
        return frozenset(one.key for one in self.mistakes)

    def within(self, tolerance: float) -> NDArray[np.bool_]:
        """Of each vector whether it is reproduced within ``tolerance``."""
        return self.errors <= tolerance + 1e-9

    def reproduced(self, tolerance: float) -> int:
        """Vectors within ``tolerance``."""
        return int(self.within(tolerance).sum())

    def share(self, tolerance: float) -> float:
        """Of the vectors that it says something of."""
        known = int(np.isfinite(self.errors).sum())
        return self.reproduced(tolerance) / known if known else 0.0


def decimals_of(recorded: Vectors) -> int:
    """Digits behind the point that the recorded vectors were printed with, 3 to 6."""
    return next((n for n in range(3, 6) if (np.round(recorded, n) == recorded).all()), 6)


def explain(
    model: str, mistakes: Mistakes, recorded: Vectors, expected: Vectors, decimals: int
) -> Iterator[Explanation]:
    """
    One reading's outputs as they are, and with each mistake after the model.

    ``recorded``, printed with ``decimals``, and ``expected``, what the model gives for the same inputs, are (N, 12),
    in the order of the pass.
    """
    # As it would have been printed.
    shown = np.round(expected, decimals)
    plain = _distance(recorded, shown)
    yield Explanation(model, mistakes, plain)
    yield from _outputs(model, mistakes, recorded, expected, decimals)
    if len(recorded) < SHARES_FROM:
        return
    for shift in SHIFTS:
        text = f"each result is that of the input {shift_text(shift)} it"
        moved, target = aligned(len(recorded), shift)
        shifted = np.full(len(recorded), np.nan)
        shifted[moved] = _distance(recorded[moved], shown[target])
        yield Explanation(model, (*mistakes, Mistake("shifted", text)), shifted)
        partly = _from_a_place(plain, shifted)
        if partly is not None:
            place, errors = partly
            late = Mistake("shifted", f"from input {place} of the pass on, {text}", 2)
            yield Explanation(model, (*mistakes, late), errors)


def _outputs(
    model: str, mistakes: Mistakes, recorded: Vectors, expected: Vectors, decimals: int
) -> Iterator[Explanation]:
    if not are_probabilities(recorded):
        yield Explanation(model, (*mistakes, SOFTMAX_MISSING), _distance(_softmax(recorded), expected))
        counts = _counts(model, mistakes, recorded, expected)
        if counts is not None:
            yield counts
    else:
        # Twice through softmax all lies between 0.07 and 0.2: what agrees to two digits there agrees by chance.
        twice = _distance(recorded, np.round(_softmax(expected), decimals))
        yield Explanation(model, (*mistakes, SOFTMAX_DOUBLED), twice, max(1e-3, 10.0**-decimals))
    if len(recorded) >= ORDER_FROM:
        reordered = _order(model, mistakes, recorded, expected, decimals)
        if reordered is not None:
            yield reordered


def _distance(recorded: Vectors, expected: Vectors) -> NDArray[np.float64]:
    """Largest difference of a probability by vector."""
    return np.asarray(np.abs(recorded - expected).max(axis=1), np.float64)


def _softmax(values: Vectors) -> Vectors:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _counts(model: str, mistakes: Mistakes, recorded: Vectors, expected: Vectors) -> Explanation | None:
    """Outputs printed as counts of some scale and zero point, found by least squares."""
    if (recorded != np.rint(recorded)).any() or expected.std() == 0:
        return None
    slope, base = np.polyfit(expected.ravel(), recorded.ravel(), 1)
    if slope < 2:
        return None
    text = f"outputs not dequantized (counts of about 1/{number_text(slope)}, zero point {number_text(base)})"
    errors = _distance((recorded - base) / slope, expected)
    return Explanation(model, (*mistakes, Mistake("output_counts", text)), errors)


def _order(model: str, mistakes: Mistakes, recorded: Vectors, expected: Vectors, decimals: int) -> Explanation | None:
    """The order of the classes that fits best; None where it is the right one."""
    squares = (recorded**2).sum(axis=0)[:, None] + (expected**2).sum(axis=0)
    costs = (squares - 2 * recorded.T @ expected) / len(recorded)
    # Classes that never occur fit anywhere: they stay where they are.
    place = best_assignment(1e-9 * np.eye(CLASSES) - costs)
    if (place == np.arange(CLASSES)).all():
        return None
    moved = ", ".join(f"{LABELS[b]} at {a}" for a, b in enumerate(place) if a != b)
    order = Mistake("class_order", f"classes in another order ({moved})", 2)
    return Explanation(model, (*mistakes, order), _distance(recorded, np.round(expected[:, place], decimals)))


def _from_a_place(plain: NDArray[np.float64], shifted: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]] | None:
    """The place from which ``shifted`` fits better than ``plain``, and the errors of both parts together."""
    limit = 5 * LOOSEST
    before = np.cumsum(np.minimum(plain, limit))
    gain = np.minimum(np.nan_to_num(shifted, nan=limit), limit)
    after = np.cumsum(gain[::-1])[::-1]
    place = int(np.argmin(np.r_[0.0, before] + np.r_[after, 0.0]))
    if not PART_FROM <= place <= len(plain) - PART_FROM:
        return None
    return place, np.r_[plain[:place], shifted[place:]]
