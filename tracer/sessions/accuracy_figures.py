"""AUC from result vectors, by the arithmetic of the runner that printed it; pure."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tracer.accuracy.confusion import auc_of
from tracer.classes import CLASSES

THRESHOLDS = np.arange(0.0, 1.01, 0.01)

_CLASS = re.compile(r"tst_\d+_[A-Za-z]+_(\d+)\.bin$")

AucForm = Literal["thresholds", "normalised"]


def class_of(input_name: str | None) -> int | None:
    """The class that the name of a keyword-spotting input ends in: ``tst_000000_Stop_7.bin`` is of class 7."""
    found = _CLASS.search(input_name or "")
    return int(found[1]) if found and int(found[1]) < CLASSES else None


def auc(labels: NDArray[np.int64], vectors: NDArray[np.float64], form: AucForm) -> float | None:
    """
    Mean over classes of the area under the one-vs-rest ROC curve, as a runner computes it.

    Args:
        labels: (N,).
        vectors: (N, classes).
        form: ``thresholds`` is energyrunner's: the curve at 101 thresholds and (1, 1), not closed at (0, 0), a value
            counts where it is above the threshold (as MLPerf Tiny's ``eval_functions_eembc.py`` documents it; it
            gives the printed digits of the published logs, which the exact area, ``auc_of``, does not).
            ``normalised`` is the exact area of vectors that are first scaled to a sum of 1, as the MLCommons runner
            does.

    Returns:
        None where it is not defined: a class does not occur, or alone, an output is no number, or a vector sums to 0.
    """
    classes = range(vectors.shape[1])
    if not set(classes) <= set(labels.tolist()) or len(classes) < 2 or not np.isfinite(vectors).all():
        return None
    if form == "thresholds":
        return float(np.mean([_area_at_thresholds(labels == one, vectors[:, one]) for one in classes]))
    sums = vectors.sum(axis=1, keepdims=True)
    return None if np.any(sums <= 0) else auc_of(vectors / sums, labels)


def _area_at_thresholds(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    groups = (np.sort(scores[positive]), np.sort(scores[~positive]))
    above = [(len(group) - np.searchsorted(group, THRESHOLDS[1:], side="right")) / len(group) for group in groups]
    true_rate, false_rate = np.r_[1.0, above[0]], np.r_[1.0, above[1]]
    return float(np.sum((true_rate[:-1] + true_rate[1:]) * (false_rate[:-1] - false_rate[1:])) / 2)
