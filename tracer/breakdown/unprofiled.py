"""What a run says of its inferences without the profiler: wall times, means by stage, and pairs of windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.arrow_arrays import Integers
from tracer.breakdown.calibration import Target
from tracer.breakdown.inflation import StagePair
from tracer.breakdown.replay import Replay
from tracer.captures.inference_work import InferenceWork
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import performance_windows, profiler_pairs

HIDDEN_SHARE = 0.05
"""Of a stage: one that waits for the GPU longer hides what the profiler adds to its calls."""


def timed_spans(run: StoredRun, profiled: set[int]) -> pa.Table:
    """The stage spans of the timed inferences of the performance windows, without those numbered in ``profiled``."""
    used = [one.number for one in performance_windows(run.each_window)]
    spans = run.spans()
    timed = pc.and_(pc.is_valid(spans["inference"]), pc.invert(spans["warmup"]))
    spans = spans.filter(pc.and_(timed, pc.is_in(spans["window"], pc.cast(used or [-1], "int32"))))
    if not profiled:
        return spans
    return spans.filter(pc.invert(pc.is_in(spans["inference"], pa.array(sorted(profiled), spans["inference"].type))))


def wall_times(spans: pa.Table) -> Integers:
    """Wall time of each inference of the spans."""
    numbers = np.asarray(spans["inference"].to_numpy(), np.int64)
    _, place = np.unique(numbers, return_inverse=True)
    return np.bincount(place, weights=spans["duration_ns"].to_numpy()).astype(np.int64)


def target_of(spans: pa.Table) -> Target | None:
    """The means that a replay is brought to; None of no spans."""
    walls = wall_times(spans)
    if not len(walls):
        return None
    means = _stage_means(spans, len(walls))
    return Target(float(walls.mean()), means)


def stage_pairs(run: StoredRun, replay: Replay) -> list[StagePair]:
    """
    The stages of windows beside which the same was run with the profiler off (column ``pair`` of ``windows``).

    A stage that waits for the GPU is left out: there what the profiler adds to a call is hidden. Empty of a run that
    has no such windows.
    """
    both = profiler_pairs(run.each_window)
    if not both:
        return []
    means = _window_means(run.spans())
    calls, works, hidden = per_stage(replay)
    found: list[StagePair] = []
    for one in both:
        pair, on, off = one.number, means.get(one.captured.number, {}), means.get(one.uncaptured.number, {})
        stages = on.keys() & off.keys() & calls.keys() - hidden
        found += [StagePair(pair, name, on[name], off[name], calls[name], works[name]) for name in stages]
    return sorted(found, key=lambda one: (one.pair, one.stage))


def pair_walls_ns(run: StoredRun) -> list[tuple[float, float]]:
    """Of each pair of windows the mean inference with the profiler on and off; empty of a run without pairs."""
    both = profiler_pairs(run.each_window)
    if not both:
        return []
    walls = {window: sum(stages.values()) for window, stages in _window_means(run.spans()).items()}
    sides = [(walls.get(one.captured.number, 0.0), walls.get(one.uncaptured.number, 0.0)) for one in both]
    return [(on, off) for on, off in sides if on > 0 and off > 0]


def per_stage(replay: Replay) -> tuple[dict[str, float], dict[str, float], set[str]]:
    """CUDA calls and GPU works of an inference by stage, and the stages that wait for the GPU."""
    work, count = replay.work, max(len(replay.work.inferences), 1)
    names, stage = work.stage_names, work.stages.stage
    staged = work.gpu_stage[work.gpu_stage >= 0]
    works = np.bincount(stage[staged], minlength=len(names)) / count
    rows = work.call_stage[work.call_stage >= 0]
    calls = np.bincount(stage[rows], minlength=len(names)) / count
    fixed, waited = replay.stages_ns(replay.measured)
    whole = np.bincount(stage, fixed + waited, minlength=len(names))
    waiting = np.bincount(stage, waited, minlength=len(names))
    hidden = {name for name, part, of in zip(names, waiting, whole, strict=True) if part > HIDDEN_SHARE * of}
    return _named(work, calls), _named(work, works), hidden


def _named(work: InferenceWork, values: np.ndarray) -> dict[str, float]:
    return dict(zip(work.stage_names, map(float, values), strict=True))


def _stage_means(spans: pa.Table, inferences: int) -> Mapping[str, float]:
    sums = spans.group_by("stage").aggregate([("duration_ns", "sum")])
    rows = zip(sums["stage"].to_pylist(), sums["duration_ns_sum"].to_pylist(), strict=True)
    return {name: total / inferences for name, total in rows}


def _window_means(spans: pa.Table) -> dict[int, dict[str, float]]:
    """Mean of each stage in each window, of its timed inferences."""
    timed = spans.filter(pc.and_(pc.is_valid(spans["inference"]), pc.invert(spans["warmup"])))
    found: dict[int, dict[str, float]] = {}
    for row in timed.group_by(["window", "stage"]).aggregate([("duration_ns", "mean")]).to_pylist():
        found.setdefault(row["window"], {})[row["stage"]] = float(row["duration_ns_mean"])
    return found
