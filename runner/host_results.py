"""What a host says of its windows, in the lines of energyrunner's results; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from runner.host import AccuracyOutcome, PerformanceOutcome
from tracer.classes import LABELS


def performance_lines(outcome: PerformanceOutcome) -> list[str]:
    """The results of a performance session; a window follows each load, so they are numbered 2, 4, 6, ..."""
    lines = []
    for number, window in enumerate(outcome.windows, 1):
        lines += [
            f"Performance results for window {2 * number}:",
            f"  # Inferences : {window.inferences:>12}",
            f"  Runtime      : {window.lap_us / 1e6:>12.3f} sec.",
            f"  Throughput   : {window.rate_hz:>12.3f} inf./sec.",
            "Runtime requirements have been met."
            if window.met
            else "Runtime requirements have NOT been met: a window lasts at least 10 s.",
        ]
    rule = "-" * 57
    return [*lines, rule, f"Median throughput is {outcome.median_rate_hz:.3f} inf./sec.", rule]


def clock_lines(outcome: PerformanceOutcome) -> list[str]:
    """A line a window whose laps and host differ by more than 1 %."""
    return [
        f"Window {2 * number}: the DUT's laps say {window.lap_us / 1e6:.3f} s, this clock {window.wall_s:.3f} s: "
        f"by this clock the rate is {window.inferences / window.wall_s:.3f} inf./sec."
        for number, window in enumerate(outcome.windows, 1)
        if window.clocks_differ
    ]


def accuracy_lines(outcome: AccuracyOutcome) -> list[str]:
    """Top-1 and AUC as energyrunner prints them."""
    labels = outcome.labels[: len(outcome.vectors)]
    auc = auc_one_vs_rest(labels, np.stack(outcome.vectors))
    shown = "not defined: the labels hold one class" if auc is None else f"{auc:.2f}"
    return [f"Top-1: {100 * top1(outcome):.1f}%", f"AUC: {shown}"]


def missing_class_lines(outcome: AccuracyOutcome) -> list[str]:
    """A line that names the classes which the labels lack, and which the AUC so leaves out; none when all occur."""
    present = set(outcome.labels[: len(outcome.vectors)].tolist())
    missing = [label for number, label in enumerate(LABELS) if number not in present]
    return [f"No input of: {', '.join(missing)}. The AUC is the mean over the other classes."] if missing else []


def top1(outcome: AccuracyOutcome) -> float:
    """Share of inputs whose largest output is their class."""
    return float(np.mean(np.stack(outcome.vectors).argmax(axis=1) == outcome.labels[: len(outcome.vectors)]))


def auc_one_vs_rest(labels: NDArray[np.int64], vectors: ArrayLike) -> float | None:
    """
    Mean over classes of the area under each one-vs-rest ROC curve (``sklearn.metrics.roc_auc_score``).

    Args:
        labels: int64 (N,).
        vectors: (N, 12).

    Returns:
        None where fewer than two classes occur; classes that do not occur are left out of the mean.
    """
    from sklearn.metrics import roc_auc_score

    scores = np.asarray(vectors)
    present = np.unique(labels)
    if len(present) < 2:
        return None
    return float(np.mean([roc_auc_score(labels == one, scores[:, one]) for one in present]))


def confusion(outcome: AccuracyOutcome) -> NDArray[np.int64]:
    """int64 (12, 12): inputs by true class (row) and by the class that the DUT gave (column)."""
    from sklearn.metrics import confusion_matrix

    predicted = np.stack(outcome.vectors).argmax(axis=1)
    found = confusion_matrix(outcome.labels[: len(predicted)], predicted, labels=np.arange(12))
    return np.asarray(found, np.int64)


def outcome_json(mode: str, outcome: PerformanceOutcome | AccuracyOutcome, session_dir: str) -> dict[str, Any]:
    """The outcome for programs."""
    facts: dict[str, Any] = {"mode": mode, "session_dir": session_dir}
    if isinstance(outcome, PerformanceOutcome):
        facts["windows"] = [
            {
                "inferences": window.inferences,
                "lap_us": window.lap_us,
                "wall_s": round(window.wall_s, 6),
                "rate_hz": window.rate_hz if math.isfinite(window.rate_hz) else None,
                "met": window.met,
                "clocks_differ": window.clocks_differ,
            }
            for window in outcome.windows
        ]
        facts["median_rate_hz"] = outcome.median_rate_hz
        return facts
    auc = auc_one_vs_rest(outcome.labels, np.stack(outcome.vectors))
    return {**facts, "top1": top1(outcome), "auc": auc, "confusion": confusion(outcome).tolist()}


def confusion_rows(matrix: NDArray[np.int64]) -> Sequence[Sequence[str]]:
    """The matrix as text: a class a row, zeros as dots."""
    return [[LABELS[i], *[str(n) if n else "." for n in row]] for i, row in enumerate(matrix)]
