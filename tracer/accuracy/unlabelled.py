"""What a DUT can say of its own results, knowing neither labels nor files: the pass as it was recorded."""

from __future__ import annotations

import numpy as np

from tracer.classes import CLASSES, LABELS
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import accuracy_windows

INPUTS_FROM = 20
"""Different inputs of a pass from which one class for all of them, or one vector, is no chance: 12 ** -19."""


def run_warnings(run: StoredRun) -> list[str]:
    """Sentences for who serves the run: ``result_faults``, and what finds their cause."""
    doctor = "`kws-trace accuracy` with the model and the dataset says from which mistake"
    return [f"{fault}; {doctor}" for fault in result_faults(run)]


def result_faults(run: StoredRun) -> list[str]:
    """What of the results of a run's accuracy windows cannot be right, whatever the labels are; the worst last."""
    asked = {one.number for one in accuracy_windows(run.each_window)}
    rows = [row for row in run.results().to_pylist() if row["window"] in asked]
    rows = [row for row in rows if row["probabilities"] is not None and len(row["probabilities"]) == CLASSES]
    inputs = {row["input_sha256"] for row in rows}
    if len(inputs) < INPUTS_FROM:
        return []
    vectors = np.array([row["probabilities"] for row in rows], np.float64)
    warnings = []
    if not np.isfinite(vectors).all():
        warnings.append(
            f"{int((~np.isfinite(vectors)).any(axis=1).sum())} of {len(rows)} results hold NaN or infinity"
        )
        vectors = vectors[np.isfinite(vectors).all(axis=1)]
    off = int((np.abs(vectors.sum(axis=1) - 1) > 0.05).sum())
    if off > 0.05 * len(rows):
        warnings.append(f"{off} of {len(rows)} results do not sum to 1: softmax may be missing")
    given = np.unique(vectors.argmax(axis=1))
    if len(given) == 1:
        name = f"{LABELS[int(given[0])]} (class {int(given[0])})"
        warnings.append(f"{len(inputs)} different inputs were all answered with {name}")
    return warnings
