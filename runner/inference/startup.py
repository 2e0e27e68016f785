"""What happens before a DUT is ready: inferences until they are stable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from runner.inference.pipeline import Pipeline
from tracer.recording.inference_loop import untraced_loop


def settle(
    pipeline: Pipeline, limit_s: float = 60.0, on_batch: Callable[[int, float], None] = lambda *_: None
) -> dict[str, Any]:
    """
    Run inferences until the medians of three batches in a row agree within 5 %.

    A GPU's first inferences load kernels and tune (27 s on the Nano in 2021). ``on_batch`` is told how many were
    made, and the median of the last batch in ns.

    Returns:
        ``inferences``, ``seconds``, ``median_ns`` of the last batch, ``stable``.
    """
    loop = untraced_loop([stage for _, stage in pipeline.stages()])
    medians: list[float] = []
    stable, began = False, time.perf_counter()
    while not stable and time.perf_counter() - began < limit_s:
        batch = []
        for _ in range(25):
            start = time.perf_counter_ns()
            loop(1)
            batch.append(time.perf_counter_ns() - start)
        medians.append(float(np.median(batch)))
        on_batch(25 * len(medians), medians[-1])
        last = medians[-3:]
        stable = len(last) == 3 and max(last) <= 1.05 * min(last)
    seconds = round(time.perf_counter() - began, 3)
    return {"inferences": 25 * len(medians), "seconds": seconds, "median_ns": int(medians[-1]), "stable": stable}
