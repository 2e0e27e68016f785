"""Top-1 and AUC from result vectors, by the arithmetic of the runner that printed them; pure."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.arange(0.0, 1.01, 0.01)

_CLASS = re.compile(r"tst_\d+_[A-Za-z]+_(\d+)\.bin$")

AucForm = Literal["thresholds", "exact", "normalised"]


def class_of(input_name: str | None) -> int | None:
    """The class that the name of a keyword-spotting input ends in: ``tst_000000_Stop_7.bin`` is of class 7."""
    found = _CLASS.search(input_name or "")
    return int(found[1]) if found and int(found[1]) < 12 else None


def top1(labels: NDArray[np.int64], vectors: NDArray[np.float64]) -> float:
    """Share of vectors (N, classes) whose first largest value is at their label (N,)."""
    return float(np.mean(vectors.argmax(axis=1) == labels))


def auc(labels: NDArray[np.int64], vectors: NDArray[np.float64], form: AucForm) -> float | None:
    """
    Mean over classes of the area under the one-vs-rest ROC curve.

    Args:
        labels: (N,).
        vectors: (N, classes).
        form: ``thresholds`` is energyrunner's: the curve at 101 thresholds and (1, 1), not closed at (0, 0), a value
            counts where it is above the threshold (as MLPerf Tiny's ``eval_functions_eembc.py`` documents it; it
            gives the printed digits of the published logs, which the exact area does not). ``exact`` is the area
            under the whole curve over the classes that occur, ``normalised`` that of vectors that are first scaled
            to a sum of 1, as the MLCommons runner does.

    Returns:
        None where it is not defined: a class does not occur (``exact``: fewer than two occur), or a vector sums to 0.
    """
    classes = np.arange(vectors.shape[1])
    present = [one for one in classes if 0 < int(np.sum(labels == one)) < len(labels)]
    if len(present) < 2 or (form != "exact" and len(present) < len(classes)):
        return None
    if form == "normalised":
        sums = vectors.sum(axis=1, keepdims=True)
        if np.any(sums <= 0):
            return None
        vectors = vectors / sums
    area = _area_at_thresholds if form == "thresholds" else _area
    return float(np.mean([area(labels == one, vectors[:, one]) for one in present]))


def _area_at_thresholds(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    edges = THRESHOLDS[1:]
    above = [
        (len(group) - np.searchsorted(group, edges, side="right")) / len(group) for group in _sorted(positive, scores)
    ]
    true_rate, false_rate = np.r_[1.0, above[0]], np.r_[1.0, above[1]]
    return float(np.sum((true_rate[:-1] + true_rate[1:]) * (false_rate[:-1] - false_rate[1:])) / 2)


def _area(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The share of pairs of a positive and a negative in which the positive is above; a tie is half a pair."""
    inside, outside = _sorted(positive, scores)
    below = np.searchsorted(outside, inside, side="left") + np.searchsorted(outside, inside, side="right")
    return float(np.sum(below) / (2 * len(inside) * len(outside)))


def _sorted(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.sort(scores[positive]), np.sort(scores[~positive])
