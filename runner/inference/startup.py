"""What happens before a DUT is ready: inferences until they are stable, and what tracing and splitting cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from runner.inference.blocks import inferences_in, measure_pairs, recorded_block, untraced_block
from runner.inference.pipeline import Pipeline
from tracer.recording.inference_loop import untraced_loop
from tracer.recording.nvtx_ranges import NvtxRanges, open_ranges
from tracer.statistics import bootstrap_interval

COST_DOMAIN = "kws-trace-cost"
"""Ranges of the calibration go to a domain of their own, so that a capture's inferences can be counted."""

COST_INFERENCES = 500
"""Of a block of empty stages."""


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


def recorder_cost(stages: int, *, nvtx: bool) -> dict[str, Any]:
    """
    What recording adds to an inference, over empty stages: nanoseconds, by interleaved pairs.

    With ``nvtx`` its cost with ranges is ``ns_per_inference``.
    """
    empty = [("empty", _nothing)] * stages
    bare = untraced_block(empty)

    def added_ns(ranges: NvtxRanges | None) -> int:
        wall = measure_pairs(recorded_block(empty, ranges), bare, COST_INFERENCES, 31).wall_ns
        return max(0, int(np.median(wall[:, 0] - wall[:, 1]) / COST_INFERENCES))

    costs = {"ns_per_inference_without_nvtx": added_ns(None)}
    ranges = open_ranges(COST_DOMAIN) if nvtx else None
    if ranges is not None:
        costs["ns_per_inference_with_nvtx"] = added_ns(ranges)
    costs["ns_per_inference"] = max(costs.values())
    return {**costs, "stages": stages}


def splitting_cost(pipeline: Pipeline, seconds: float = 1.0) -> dict[str, Any]:
    """
    What splitting an inference into stages costs against the fused one, by interleaved blocks.

    Returns:
        ``split_ns`` and ``fused_ns`` (medians an inference), ``ratio`` (median of the pairs) and its
        95 % bootstrap ``interval``.
    """
    split, fused = (untraced_block(pipeline.in_mode(mode).stages()) for mode in ("split", "fused"))
    count = inferences_in(split, 0.5e9 * seconds / 30)
    pairs = measure_pairs(split, fused, count, 30).wall_ns / count
    ratios = pairs[:, 0] / pairs[:, 1]
    low, high = bootstrap_interval(ratios)
    return {
        "split_ns": int(np.median(pairs[:, 0])),
        "fused_ns": int(np.median(pairs[:, 1])),
        "ratio": float(np.median(ratios)),
        "interval": [float(low), float(high)],
    }


def _nothing() -> None:
    return None
