"""The kernel level of a run as figures: ``gpu``, ``overhead``, ``kernels`` and ``gains`` of ``report --json``."""

from __future__ import annotations

from typing import cast

import numpy as np

from tracer.arrow_arrays import Integers
from tracer.breakdown.gpu_idle import GAP_CAUSES
from tracer.breakdown.kernel_level import KernelLevel
from tracer.figure_text import time_text
from tracer.kernels.kernel_tables import COPY_KINDS, KERNEL_KINDS
from tracer.profiles.gpu_records import checked_notes, unrecorded
from tracer.report_types.gpu import (
    GpuFigures,
    InflationFigures,
    KernelFigures,
    LaunchDelay,
    OutsideWork,
    OverheadFigures,
    PartFigures,
    Spill,
    SpilledWork,
    Unprofiled,
)
from tracer.reports.level_tables import api_table, by_stage, counted_rows, work_table
from tracer.reports.profiled_parts import GPU_PARTS
from tracer.statistics.intervals import CAPTURE, NOTHING, clustered
from tracer.statistics.ratio import rounds_of
from tracer.unit_words import INFERENCES


def kernel_figures(
    level: KernelLevel, captures: Integers | None = None, frequencies: str | None = None
) -> KernelFigures:
    """
    The figures of a kernel level.

    ``captures`` are the numbers of the captures that its inferences are of, shape (n,), None for one capture;
    ``frequencies`` are the GPU's meanwhile, in words, None where not recorded.
    """
    breakdown = level.breakdown
    wall = breakdown.wall_ns
    parts, totals = breakdown.parts(), breakdown.totals()
    of_capture = np.zeros(len(wall), np.int64) if captures is None else captures
    overhead: dict[str, OverheadFigures] = {
        name: {
            **_time(ns, wall, of_capture, level.words.one),
            "cpu_total": float(np.mean(totals[name])) if len(wall) else 0.0,
        }
        for name, ns in parts.items()
        if name not in GPU_PARTS and (ns.any() or totals[name].any())
    }
    return {
        "gpu": _gpu(level, parts, of_capture, frequencies),
        "overhead": overhead,
        "kernels": work_table(level, KERNEL_KINDS),
        "copies": work_table(level, COPY_KINDS),
        "kernels_by_stage": by_stage(level),
        "api": api_table(level),
        "gains": level.gains,
    }


def _time(ns: Integers, wall: Integers, captures: Integers, each: str) -> PartFigures:
    if not len(ns):
        return {"mean": 0.0, "median": 0.0, "spread": NOTHING.figures, "share": 0.0}
    return {
        "mean": float(np.mean(ns)),
        "median": float(np.median(ns)),
        "spread": clustered(ns, [(CAPTURE, captures)], each=each).figures,
        "share": float(ns.sum() / wall.sum()) if wall.sum() else 0.0,
    }


def _gpu(level: KernelLevel, parts: dict[str, Integers], captures: Integers, frequencies: str | None) -> GpuFigures:
    breakdown, profile = level.breakdown, level.profile
    wall = breakdown.wall_ns
    return {
        "source": profile.source,
        "version": profile.version,
        "experimental": profile.experimental,
        "traced": sorted(profile.traced),
        "inferences": len(wall),
        "has_gpu_work": bool(len(level.work.gpu)),
        "unrecorded": unrecorded(profile, level.records),
        "computing_known": level.computing_known,
        "wall_ns": _time(wall, wall, captures, level.words.one),
        "kernel_ns": _time(parts["kernel"], wall, captures, level.words.one),
        "copy_ns": _time(parts["copy"], wall, captures, level.words.one),
        "busy_ns": _time(breakdown.busy_ns, wall, captures, level.words.one),
        "overhead_ns": _time(breakdown.overhead_ns, wall, captures, level.words.one),
        "unprofiled": _unprofiled(level),
        "verdict": {"key": level.bottleneck.key, "sentence": level.bottleneck.sentence},
        "queued_share": level.bottleneck.queued_share,
        "gaps_ns": {
            name: float(breakdown.idle_ns[:, place].mean()) if len(wall) else 0.0
            for place, name in enumerate(GAP_CAUSES)
        },
        "launch_delay_ns": _launch_delay(level),
        "spill": _spill(level),
        "outside": _outside(level),
        "polling_queries": int(breakdown.polling.queries.sum()),
        "frequencies": frequencies,
        "interrupted": level.interrupted,
        "inflation": _inflation(level),
        "notes": _notes(level),
    }


def _unprofiled(level: KernelLevel) -> Unprofiled | None:
    """Kernel time of the profiled run against the wall time of the unprofiled."""
    walls = level.unprofiled_ns
    if not len(walls):
        return None
    wall, profiled = float(np.mean(walls)), float(np.mean(level.breakdown.wall_ns))
    busy = min(float(np.mean(level.breakdown.busy_ns)), wall)
    pairs = rounds_of([level.pair_walls_ns])
    paired = pairs.ratio(0, 1) if level.pair_walls_ns else None
    return {
        "run": level.unprofiled,
        "inferences": len(walls),
        "wall_ns": wall,
        "wall_median_ns": float(np.median(walls)),
        "busy_ns": busy,
        "busy_share": busy / wall if wall else 0.0,
        "overhead_ns": wall - busy,
        "overhead_share": 1 - busy / wall if wall else 0.0,
        "profiler_ratio": profiled / wall if wall else None,
        "profiler_median_ratio": float(np.median(level.breakdown.wall_ns) / np.median(walls)),
        "profiler_pairs_ratio": None if paired is None else paired.value,
        "profiler_pairs_spread": None if paired is None else paired.figures,
        "profiler_pairs_left_out": pairs.left_out,
    }


def _inflation(level: KernelLevel) -> InflationFigures | None:
    found = level.inflation
    if found is None:
        return None
    return cast("InflationFigures", {name: getattr(found, name) for name in InflationFigures.__annotations__})


def _launch_delay(level: KernelLevel) -> LaunchDelay | None:
    delays = level.attribution.launch_delay_ns[counted_rows(level, KERNEL_KINDS)]
    if not len(delays):
        return None
    median, p90, p99 = np.percentile(delays, [50, 90, 99])
    return {"median": float(median), "p90": float(p90), "p99": float(p99), "kernels": len(delays)}


def _spill(level: KernelLevel) -> Spill:
    spill = level.breakdown.spill
    stages: dict[str, SpilledWork] = {
        name: {"works": int(spill.stage_works[:, place].sum()), "total_ns": int(spill.stage_ns[:, place].sum())}
        for place, name in enumerate(level.breakdown.stage_names)
        if spill.stage_works[:, place].any()
    }
    return {
        "stages": stages,
        "inference": {"works": int(spill.inference_works.sum()), "total_ns": int(spill.inference_ns.sum())},
    }


def _outside(level: KernelLevel) -> OutsideWork:
    outside = level.breakdown.outside
    return {
        "works": len(outside.gpu),
        "without_launch": len(outside.unlaunched),
        "total_ns": outside.gpu_ns,
        "of_it_inside_inferences_ns": outside.inside_ns,
        "calls": len(outside.calls),
        "calls_ns": outside.calls_ns,
        "other_processes": int((~level.attribution.ours).sum()),
    }


def _notes(level: KernelLevel) -> list[str]:
    profile, work = level.profile, level.work
    absent = ["copy"] if len(work.gpu) and work.gpu.kernel.all() else []
    # TensorFlow's profile of a CPU says so itself.
    if not len(work.gpu) and profile.source != "tensorflow":
        absent.append("launch")
    notes = list(checked_notes(profile, absent, level.records))
    walls, busy, one = level.unprofiled_ns, level.breakdown.busy_ns, level.words.one
    if len(walls) and len(busy) and busy.mean() > walls.mean():
        notes.append(
            f"the GPU works {time_text(busy.mean())} of a profiled {one}, longer than a whole unprofiled one takes "
            f"({time_text(walls.mean())}): they differ in frequency or in what they do, or the time given is not "
            f"that of {level.words.each}"
        )
    if not level.computing_known and level.words is INFERENCES:
        notes.append("framework and its computing are not told apart here; --profiler tensorflow records operations")
    return notes
