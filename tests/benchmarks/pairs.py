"""Two ways of doing one thing, measured in turn: these machines are noisy, their ratios are not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.statistics import bootstrap_interval


def interleaved(subject: Callable[[], object], base: Callable[[], object], pairs: int) -> dict[str, Any]:
    """
    Time both ``pairs`` times in turn, each first every other time.

    Returns:
        ``ratio`` (median of the pairs' ratios), its 95 % bootstrap ``interval``, both medians in ns, ``pairs``.
    """
    times = np.zeros((pairs, 2))
    for pair in range(pairs):
        order = ((0, subject), (1, base)) if pair % 2 else ((1, base), (0, subject))
        for column, call in order:
            start = time.perf_counter_ns()
            call()
            times[pair, column] = time.perf_counter_ns() - start
    ratios = times[:, 0] / times[:, 1]
    low, high = bootstrap_interval(ratios)
    subject_ns, base_ns = np.median(times, axis=0)
    return {
        "ratio": round(float(np.median(ratios)), 5),
        "interval": [round(float(low), 5), round(float(high), 5)],
        "subject_ns": int(subject_ns),
        "base_ns": int(base_ns),
        "pairs": pairs,
    }
