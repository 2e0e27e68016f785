"""What a host says of its windows, in the lines of energyrunner's results; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from runner.host.outcomes import WindowOutcome, median_rate_hz
from tracer.accuracy.confusion import Classes, Vectors, auc_of, confusion_of, top1_of
from tracer.classes import LABELS
from tracer.figure_text import auc_text, rate_text, seconds_text
from tracer.runs.windows import MINIMUM_S
from tracer.sessions.accuracy_figures import auc


def performance_lines(windows: Sequence[WindowOutcome], step: int = 1) -> list[str]:
    """
    The results of a performance session.

    ``step`` leads from one window's number to the next; it is 2 in energyrunner's files, where a load counts too.
    """
    lines = []
    for number, window in enumerate(windows, 1):
        lines += [
            f"Performance results for window {step * number}:",
            f"  # Inferences : {window.inferences:>12}",
            f"  Runtime      : {window.lap_us / 1e6:>12.3f} sec.",
            f"  Throughput   : {window.rate_hz:>12.3f} inf./sec.",
            "Runtime requirements have been met."
            if window.met
            else f"Runtime requirements have NOT been met: a window lasts at least {MINIMUM_S} s.",
        ]
    rule = "-" * 57
    return [*lines, rule, f"Median throughput is {median_rate_hz(windows):.3f} inf./sec.", rule]


def clock_lines(windows: Sequence[WindowOutcome]) -> list[str]:
    """A line a window whose laps and host differ by more than 1 %."""
    return [
        f"Window {number}: the DUT's laps say {seconds_text(window.lap_us / 1e6)}, this clock "
        f"{seconds_text(window.wall_s)}: by this clock the rate is {rate_text(window.inferences / window.wall_s)}."
        for number, window in enumerate(windows, 1)
        if window.clocks_differ
    ]


def accuracy_lines(vectors: Vectors, labels: Classes) -> list[str]:
    """Top-1 and AUC as energyrunner prints them: the AUC at 101 thresholds."""
    area = auc(labels, vectors, "thresholds")
    lacking = f"no input of {', '.join(missing)}" if (missing := _missing(labels)) else "an output is no number"
    shown = f"not defined: {lacking}" if area is None else f"{area:.2f}"
    return [f"Top-1: {100 * top1_of(vectors, labels):.1f}%", f"AUC: {shown}"]


def exact_auc_lines(vectors: Vectors, labels: Classes) -> list[str]:
    """What energyrunner does not print: the area under the whole curve, and over which classes; or none."""
    area = auc_of(vectors, labels)
    if area is None:
        return []
    over = f" over the {len(LABELS) - len(missing)} classes that occur" if (missing := _missing(labels)) else ""
    return [f"The exact AUC{over}: {auc_text(area)}"]


def result_entries(windows: Sequence[WindowOutcome], classes: Mapping[str, int], mode: str) -> list[dict[str, Any]]:
    """
    What the MLCommons runner writes to ``results.json``: an entry a window, with its fields.

    ``classes`` are those of the inputs by name, ``mode`` is ``performance`` or ``accuracy``. Source of the fields:
    mlcommons/tiny, ``benchmark/runner``, ``script.py`` and ``datasets.py``.
    """
    entries = []
    for window in windows:
        infer = {
            "start_time": window.start_us,
            "end_time": window.start_us + window.lap_us,
            "results": window.probabilities.tolist(),
            "elapsed_time": window.lap_us,
            "total_inferences": 1,
            "iterations": window.inferences,
            "warmups": window.warmups,
        }
        if mode == "performance":
            infer["throughput"] = window.rate_hz if math.isfinite(window.rate_hz) else 0
        truth = {"file": window.input_name, "classes": str(len(LABELS)), "class": str(classes[window.input_name])}
        only_of_others = {"bytes_to_send": None, "stride": None, "total_length": None}
        entries.append({**truth, **only_of_others, "infer": infer, "mode": mode[0]})
    return entries


def answers_of(windows: Sequence[WindowOutcome], labels: Classes) -> tuple[Vectors, Classes]:
    """Vectors float64 (N, 12) of the inputs that were measured, and their classes (N,)."""
    return np.array([one.probabilities for one in windows], np.float64), labels[: len(windows)]


def _missing(labels: Classes) -> list[str]:
    present = set(labels.tolist())
    return [label for number, label in enumerate(LABELS) if number not in present]


def outcome_json(mode: str, windows: Sequence[WindowOutcome], labels: Classes, session_dir: str) -> dict[str, Any]:
    """What was measured, for programs; ``auc`` is exact, ``auc_at_thresholds`` what energyrunner's results print."""
    facts: dict[str, Any] = {"mode": mode, "session_dir": session_dir}
    if mode == "performance":
        facts["windows"] = [
            {
                "inferences": window.inferences,
                "lap_us": window.lap_us,
                "wall_s": round(window.wall_s, 6),
                "rate_hz": window.rate_hz if math.isfinite(window.rate_hz) else None,
                "met": window.met,
                "clocks_differ": window.clocks_differ,
            }
            for window in windows
        ]
        facts["median_rate_hz"] = median_rate_hz(windows)
        return facts
    vectors, labels = answers_of(windows, labels)
    return {
        **facts,
        "top1": top1_of(vectors, labels),
        "auc": auc_of(vectors, labels),
        "auc_at_thresholds": auc(labels, vectors, "thresholds"),
        "confusion": confusion_of(vectors, labels).tolist(),
    }
