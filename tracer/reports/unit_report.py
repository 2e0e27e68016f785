"""The breakdown of any profile as figures: those of a report's kernel level, of units in place of inferences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracer.arrow_arrays import Integers
from tracer.breakdown.calibration import Target
from tracer.breakdown.kernel_level import Beside, KernelLevel, unit_level
from tracer.breakdown.shared_gpu import busy_by_gpu, shared_gpu
from tracer.captures.chosen_units import ChosenUnits, chosen_units
from tracer.captures.row_bounds import covering_rows
from tracer.errors import ProfileError, UsageError
from tracer.figure_text import counted, number_text, time_text
from tracer.profiles.profile import Profile, ProfileSummary
from tracer.report_types.breakdown import BreakdownReport, SlowestUnit, SlowPart, UnitGpu, UnitThread, UnitWall
from tracer.report_types.report import SCHEMA_VERSION
from tracer.report_types.run import StageFigures
from tracer.reports.breakdown_rows import part_text
from tracer.reports.kernel_report import kernel_figures
from tracer.reports.report import stage_figures
from tracer.side_by_side import both
from tracer.statistics.intervals import CAPTURE, clustered

GIVEN = "--wall-us"
"""Stands for the name of the run whose unprofiled wall time was given."""

LONGEST_WALL_NS = 366 * 86_400 * 10**9
"""Of a unit that is given."""

TELLING = 1.05
"""Ratio to the median from which a reason is sought for the slowest unit."""


def timeline_of(profile: Profile | ProfileSummary) -> Profile:
    """
    The profile, which must have a timeline.

    Raises:
        ProfileError: if it has totals only.
    """
    if isinstance(profile, ProfileSummary):
        raise ProfileError(profile.path, "it has totals and no timeline", profile.timeline_remedy)
    return profile


def profile_level(profile: Profile, chosen: ChosenUnits, wall_ns: float | None = None) -> KernelLevel:
    """
    The kernel level of chosen units; ``wall_ns`` is a unit's mean wall time without the profiler.

    Raises:
        UsageError: if that is none that can be.
    """
    known = Beside()
    if wall_ns is not None:
        if not 1 <= wall_ns <= LONGEST_WALL_NS:
            raise UsageError(
                GIVEN,
                f"{wall_ns:g} ns is no wall time of a unit",
                "give its mean, of 1 ns to a year, or leave it out",
            )
        walls = np.array([round(wall_ns)], np.int64)
        known = Beside(target=Target(wall_ns, {}), unprofiled_ns=walls, unprofiled=GIVEN)
    return unit_level(profile, chosen.units, chosen.counted, lambda _: known, chosen.words)


def build_breakdown(
    profile: Profile | ProfileSummary,
    unit_range: str | None = None,
    stages: Sequence[str] | None = None,
    *,
    wall_ns: float | None = None,
    skip: int = 0,
) -> BreakdownReport:
    """
    Where the time of a program's units went.

    ``unit_range``, ``stages`` and ``skip`` are of ``chosen_units``; ``wall_ns`` is the mean wall time of a unit
    without the profiler, where it is known.

    Raises:
        ProfileError: if the profile has no timeline, no such range, or units of one thread that overlap.
        UsageError: if a stage is in no unit, or nothing is left to count.
    """
    opened = timeline_of(profile)
    chosen = chosen_units(opened, unit_range, stages, skip)
    return breakdown_figures(profile_level(opened, chosen, wall_ns), chosen)


def breakdown_figures(level: KernelLevel, chosen: ChosenUnits) -> BreakdownReport:
    """The figures of the level of chosen units."""
    shared, kernels = both(lambda: shared_gpu(level), lambda: kernel_figures(level))
    walls = level.breakdown.wall_ns
    notes = []
    if any(one.thread is not None for one in level.ranges.lanes):
        notes.append(
            "units of several threads overlap: each has what its thread launched, and what others launched while its "
            "was the only one open; how they hold one another up is not told, and gains are as if each ran alone"
        )
    if shared.unknown_works:
        works = counted(shared.unknown_works, "GPU work")
        notes.append(f"{works} may be of several units, in none of which it counts")
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": level.profile.path.name,
        "range": {
            "name": chosen.name,
            "how": chosen.how,
            "sentence": chosen.sentence,
            "unit": chosen.words.one,
            "window_ns": chosen.window_ns,
            "skipped": int((~chosen.counted).sum()),
        },
        "count": len(walls),
        "wall_ns": _wall(walls, level.words.one),
        "stages": _stages(level),
        "slowest": _slowest(level),
        "threads": _threads(level, shared.beside_ns, shared.alone_ns),
        "gpus": _gpus(level),
        "unknown_works": shared.unknown_works,
        "notes": notes,
        **kernels,
    }


def _wall(walls: Integers, each: str) -> UnitWall:
    median, p90, p99 = np.percentile(walls, [50, 90, 99])
    spread = clustered(walls, [(CAPTURE, np.zeros(len(walls), np.int64))], each=each).figures
    return {
        "mean": float(walls.mean()),
        "median": float(median),
        "p90": float(p90),
        "p99": float(p99),
        "total": int(walls.sum()),
        "spread": spread,
    }


def _stages(level: KernelLevel) -> list[StageFigures]:
    """Of each stage its time in the units that have it; a unit may have several ranges of one."""
    work, total = level.work, int(level.breakdown.wall_ns.sum())
    if not level.ranges.stages:
        return []
    names, size = work.stage_names, len(work.inferences)
    unit = covering_rows(work.stages.start_ns, work.inferences.start_ns, work.inferences.end_ns)
    place = np.where(unit < 0, 0, unit) * len(names) + work.stages.stage
    length = np.where(unit < 0, 0, work.stages.end_ns - work.stages.start_ns)
    took = np.bincount(place, length, minlength=size * len(names)).astype(np.int64).reshape(size, -1)
    there = np.bincount(place, minlength=size * len(names)).reshape(size, -1) > 0
    return [stage_figures(name, took[there[:, at], at], total) for at, name in enumerate(names)]


def _slowest(level: KernelLevel) -> SlowestUnit | None:
    """The longest unit, and the part by which it exceeds the median unit most; None of a single unit."""
    found = level.breakdown
    if len(found.wall_ns) < 2:
        return None
    at = int(np.argmax(found.wall_ns))
    wall, median = int(found.wall_ns[at]), float(np.median(found.wall_ns))
    parts: dict[str, SlowPart] = {
        name: {"ns": int(ns[at]), "median_ns": float(np.median(ns))}
        for name, ns in found.parts().items()
        if ns[at] or np.median(ns)
    }
    more = {name: one["ns"] - one["median_ns"] for name, one in parts.items()}
    lane = level.ranges.lanes[int(level.ranges.lane[level.keep][at])]
    sentence = f"{level.words.one} {int(found.number[at])} took {time_text(wall)}"
    ratio = wall / median
    if ratio < TELLING:
        sentence += ", hardly more than the median"
    else:
        first, *rest = sorted(more, key=lambda name: -more[name])
        sentence += f", {number_text(ratio, 2)} times the median: {time_text(more[first])} more of {part_text(first)}"
        if rest and more[rest[0]] > 0.2 * (wall - median):
            sentence += f", {time_text(more[rest[0]])} of {part_text(rest[0])}"
        works = np.bincount(level.work.gpu_inference[level.work.gpu_inference >= 0], minlength=len(found.wall_ns))
        usual = float(np.median(works))
        if works[at] != usual:
            launched = counted(int(works[at]), "GPU work")
            # Of an even count the median may be a half.
            sentence += f"; it launched {launched}, the median {number_text(usual, 0 if usual.is_integer() else 1)}"
    return {
        "number": int(found.number[at]),
        "process": lane.process,
        "thread": int(level.work.inferences.thread[at]),
        "start_ns": int(level.work.inferences.start_ns[at]) - lane.shift_ns,
        "wall_ns": wall,
        "ratio": ratio,
        "sentence": f"{sentence[0].upper()}{sentence[1:]}",
        "parts": parts,
    }


def _threads(level: KernelLevel, beside: Integers, alone: Integers) -> list[UnitThread]:
    lane_of, found = level.ranges.lane[level.keep], level.breakdown
    rows: list[UnitThread] = []
    for place, lane in enumerate(level.ranges.lanes):
        mine = lane_of == place
        if mine.any():
            row: UnitThread = {
                "process": lane.process,
                "executable": level.profile.processes.get(lane.process),
                "thread": lane.thread,
                "count": int(mine.sum()),
                "wall_ns": float(found.wall_ns[mine].mean()),
                "busy_ns": float(found.busy_ns[mine].mean()),
                "shared_beside_ns": float(beside[mine].mean()),
                "shared_alone_ns": float(alone[mine].mean()),
            }
            rows.append(row)
    return rows


def _gpus(level: KernelLevel) -> list[UnitGpu]:
    rows: list[UnitGpu] = []
    process = np.array([one.process for one in level.ranges.lanes], np.int64)[level.ranges.lane[level.keep]]
    for one, device, busy in busy_by_gpu(level):
        wall = int(level.breakdown.wall_ns[process == one].sum())
        share = float(busy.sum() / wall) if wall else 0.0
        rows.append({"process": one, "device": device, "busy_ns": float(busy.mean()), "busy_share": share})
    return rows
