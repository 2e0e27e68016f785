"""Two ways of doing one thing, measured in turn: these machines are noisy, their ratios are not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.statistics.ratio import rounds_of


def interleaved(subject: Callable[[], object], base: Callable[[], object], pairs: int) -> dict[str, Any]:
    """
    Time both ``pairs`` times in turn, each first every other time.

    Returns:
        ``ratio``, its 95 % ``interval``, both geometric means in ns, ``pairs``.
    """
    times = np.zeros((pairs, 2))
    for pair in range(pairs):
        order = ((0, subject), (1, base)) if pair % 2 else ((1, base), (0, subject))
        for column, call in order:
            start = time.perf_counter_ns()
            call()
            times[pair, column] = time.perf_counter_ns() - start
    rounds = rounds_of([times])
    ratio, (subject_ns, base_ns) = rounds.ratio(0, 1), rounds.times
    return {
        "ratio": round(ratio.value, 5),
        "interval": [round(ratio.low, 5), round(ratio.high, 5)],
        "subject_ns": int(subject_ns),
        "base_ns": int(base_ns),
        "pairs": pairs,
    }
