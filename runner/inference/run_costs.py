"""What tracing and splitting cost in a run, measured again and again while it lasts: a group of pairs at a time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from runner.inference.blocks import Block, inferences_in, measure_pairs, recorded_block, untraced_block
from runner.inference.pipeline import Pipeline
from runner.machine_load import load_average
from tracer.recording.nvtx_ranges import NvtxRanges, open_ranges
from tracer.statistics.ratio import rounds_of

COST_DOMAIN = "kws-trace-cost"
"""Ranges of the calibration go to a domain of their own, so that a capture's inferences can be counted."""

COST_INFERENCES = 500
"""Of a block of empty stages."""

SPLITTING_BLOCK_NS = 17e6
"""Of a block that is split, or fused."""

PAIRS = 6
"""Of a group: with blocks of 17 ms it takes a quarter of a second, which a host does not notice between windows."""

WINDOWS = 5
"""Performance windows that a group follows; one more is measured before the run is ready."""


class RunCosts:
    """
    The costs of one run; what is measured at one moment says little of the next, so each group is kept.

    Args:
        pipeline: warm, an input loaded.
        nvtx: whether the run pushes ranges.
        split: whether it splits stages.
    """

    def __init__(self, pipeline: Pipeline, *, nvtx: bool, split: bool) -> None:
        self._stages = len(pipeline.stages())
        self._pipeline, self._split = pipeline, split
        self._ranges = open_ranges(COST_DOMAIN) if nvtx else None
        self._recorder: list[dict[str, Any]] = []
        self._splitting: list[dict[str, Any]] = []
        self._inferences = 0
        self._windows = 0

    def after_window(self) -> bool:
        """Measure a group after one of the first performance windows; whether that was done."""
        if self._windows >= WINDOWS:
            return False
        self._windows += 1
        self.measure()
        return True

    def measure(self) -> None:
        """Measure a group of each cost."""
        empty = [("empty", _nothing)] * self._stages
        bare = untraced_block(empty)

        def added_ns(ranges: NvtxRanges | None) -> list[float]:
            wall = measure_pairs(recorded_block(empty, ranges), bare, COST_INFERENCES, PAIRS).wall_ns
            return [float(added) / COST_INFERENCES for added in wall[:, 0] - wall[:, 1]]

        with _Group(self._recorder, COST_INFERENCES) as group:
            group["without_nvtx_ns"] = added_ns(None)
            group["with_nvtx_ns"] = None if self._ranges is None else added_ns(self._ranges)
        if self._split:
            split, fused = (untraced_block(self._pipeline.in_mode(mode).stages()) for mode in ("split", "fused"))
            self._measure_splitting(split, fused)

    @property
    def facts(self) -> dict[str, Any]:
        """``recorder_cost`` and ``splitting_cost`` of ``run.json``."""
        return {"recorder_cost": self._recorder_cost(), "splitting_cost": self._splitting_cost()}

    def _measure_splitting(self, split: Block, fused: Block) -> None:
        self._inferences = self._inferences or inferences_in(split, SPLITTING_BLOCK_NS)
        with _Group(self._splitting, self._inferences) as group:
            wall = measure_pairs(split, fused, self._inferences, PAIRS).wall_ns / self._inferences
            group["split_ns"], group["fused_ns"] = wall[:, 0].tolist(), wall[:, 1].tolist()

    def _recorder_cost(self) -> dict[str, Any]:
        """Nanoseconds that recording adds to an inference: over groups the mean of their medians."""

        def added_ns(name: str) -> int:
            return max(0, round(float(np.mean([np.median(group[name]) for group in self._recorder]))))

        costs = {"ns_per_inference_without_nvtx": added_ns("without_nvtx_ns")}
        if self._ranges is not None:
            costs["ns_per_inference_with_nvtx"] = added_ns("with_nvtx_ns")
        costs["ns_per_inference"] = max(costs.values())
        return {**costs, "stages": self._stages, "groups": list(self._recorder)}

    def _splitting_cost(self) -> dict[str, Any] | None:
        """
        What splitting an inference into stages costs against the fused one.

        ``split_ns`` and ``fused_ns`` are geometric means, over the pairs of a group and over groups, so that
        ``ratio`` is exactly theirs; its ``spread`` is by the groups.
        """
        if not self._splitting:
            return None
        pairs = [np.column_stack([group["split_ns"], group["fused_ns"]]) for group in self._splitting]
        rounds = rounds_of(pairs, unit="group")
        split_ns, fused_ns = (float(one) for one in rounds.times)
        ratio = rounds.ratio(0, 1)
        return {
            "split_ns": split_ns,
            "fused_ns": fused_ns,
            "ratio": ratio.value,
            "spread": ratio.figures,
            "groups": list(self._splitting),
        }


class _Group(dict[str, Any]):
    """A group of pairs as it is kept: when, under which load, with how much CPU time; kept if it came to its end."""

    def __init__(self, groups: list[dict[str, Any]], inferences: int) -> None:
        super().__init__(inferences=inferences)
        self._groups = groups

    def __enter__(self) -> _Group:
        self["load_start"], self["cpu_ns"] = load_average(), time.process_time_ns()
        self["start_ns"] = time.perf_counter_ns()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self["end_ns"] = time.perf_counter_ns()
        self["cpu_ns"] = time.process_time_ns() - self["cpu_ns"]
        self["load_end"] = load_average()
        if kind is None:
            self._groups.append(dict(self))


def _nothing() -> None:
    return None
