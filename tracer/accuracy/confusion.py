"""Counts and rates of an accuracy pass: confusion matrix, Top-1, AUC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer.classes import CLASSES
from tracer.errors import MalformedTraceError
from tracer.statistics.dependence import mean_ranks

Vectors = NDArray[np.float64]
Classes = NDArray[np.int64]


def check_pass(results: Vectors, labels: Classes) -> None:
    """
    Refuse what is no accuracy pass.

    Raises:
        MalformedTraceError: unless ``results`` is (N, 12) and ``labels`` (N,) with classes from 0 to 11.
    """
    if results.ndim != 2 or results.shape[1] != CLASSES or labels.shape != results.shape[:1]:
        shapes = f"results {results.shape} and labels {labels.shape}"
        raise MalformedTraceError(f"{shapes} are no accuracy pass: give (N, 12) and (N,)")
    if labels.size and (labels.min() < 0 or labels.max() >= CLASSES):
        raise MalformedTraceError(f"labels from {labels.min()} to {labels.max()}: a class is a number from 0 to 11")


def top1_of(results: Vectors, labels: Classes) -> float:
    """Share of inputs whose largest output is their class; the first class wins a tie, as in the firmware."""
    return float(np.mean(results.argmax(axis=1) == labels)) if len(labels) else float("nan")


def confusion_of(results: Vectors, labels: Classes) -> Classes:
    """int64 (12, 12): inputs by true class (row) and by the class that was given (column)."""
    counts = np.bincount(labels * CLASSES + results.argmax(axis=1), minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES).astype(np.int64)


def auc_of(results: Vectors, labels: Classes) -> float | None:
    """
    Mean over classes of the area under each one-vs-rest ROC curve.

    By ranks, ties counted half (Mann and Whitney 1947): the figure of ``sklearn.metrics.roc_auc_score``, without
    its import.

    Returns:
        None where fewer than two classes occur, or an output is no number; classes that do not occur are left out.
    """
    present = np.unique(labels)
    if len(present) < 2 or not np.isfinite(results).all():
        return None
    areas = []
    for one in present:
        of_class = labels == one
        ranks = mean_ranks(results[:, one])
        inside = int(of_class.sum())
        outside = len(labels) - inside
        areas.append((ranks[of_class].sum() - inside * (inside + 1) / 2) / (inside * outside))
    return float(np.mean(areas))
