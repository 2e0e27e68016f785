"""Profiles held against a baseline as runs are: the units of ``breakdown``, a capture's tenths as its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracer.captures.chosen_units import ChosenUnits, chosen_units
from tracer.errors import UsageError
from tracer.figure_text import counted
from tracer.profiles.gpu_facts import gpu_names
from tracer.profiles.profile import Profile, ProfileSummary
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.report import Compared, ComparedLaunch, ComparedRun, Comparison
from tracer.reports.compare import (
    BLOCKS,
    CLAIM_LAUNCHES,
    THRESHOLD,
    Comparability,
    Floats,
    Side,
    difference,
    side_of_times,
)
from tracer.reports.compare_report import compared_row, compared_run
from tracer.reports.compare_words import sentence
from tracer.reports.profiled_parts import busy_and_overhead
from tracer.reports.report import spread_of
from tracer.reports.unit_report import breakdown_figures, profile_level, timeline_of
from tracer.runs.timed_inferences import TimedInferences
from tracer.stages import INFERENCE
from tracer.statistics.intervals import WINDOW, clustered

UNDER_PROFILER = "both times are under a profiler, whose own cost differs with the number of launches"


@dataclass(frozen=True, slots=True)
class ProfileSide:
    """
    A profile as a side: its ``figures`` as ``breakdown`` has them, and its units as timed inferences, by tenths.

    ``name`` is of ``profile_names``, ``gpus`` are the names of its GPUs, where it tells them; ``timed`` has the
    counted units in the order of their starts, and ``window`` is the tenth.
    """

    name: str
    gpus: tuple[str, ...]
    chosen: ChosenUnits
    figures: BreakdownReport
    timed: TimedInferences


def profile_names(paths: Sequence[str]) -> dict[str, str]:
    """Of each path what its side is called: the file's name, or the path where two files have one name."""
    names = [Path(path).name for path in paths]
    return dict(zip(paths, names if len(set(names)) == len(set(paths)) else paths, strict=True))


def profile_side(name: str, profile: Profile | ProfileSummary, unit_range: str | None = None) -> ProfileSide:
    """
    The side of a comparison that a profile is; ``unit_range`` as ``chosen_units`` takes it.

    Raises:
        ProfileError: as ``build_breakdown``.
    """
    opened = timeline_of(profile)
    chosen = chosen_units(opened, unit_range)
    level = profile_level(opened, chosen)
    units = level.ranges.only(level.keep)
    start = units.start_ns - units.shifts(units.lane)
    order = np.argsort(start, kind="stable")
    count = len(order)
    timed = TimedInferences(
        level.breakdown.number[order],
        np.arange(count) * min(BLOCKS, count) // count,
        np.zeros(count, np.bool_),
        start[order],
        (INFERENCE,),
        level.breakdown.wall_ns[order, None],
    )
    return ProfileSide(name, gpu_names(opened.notes), chosen, breakdown_figures(level, chosen), timed)


def compare_profiles(
    sides: Sequence[ProfileSide], threshold: float = THRESHOLD, baseline: str | None = None
) -> Comparison:
    """
    Hold two or more profiles against the first, or against the one named ``baseline``.

    A profile is one launch of its program: nothing is said of configurations.

    Raises:
        UsageError: if there are fewer than two, or none of that name.
    """
    if len(sides) < 2:
        raise UsageError("compare", "one profile is named", "name two or more: the first is the baseline")
    if baseline is not None and baseline not in {one.name for one in sides}:
        raise UsageError("--baseline", f"{baseline} is not one of those compared", "name one of them")
    first, *others = sorted(sides, key=lambda one: baseline is not None and one.name != baseline)
    figures = [_side_figures(one) for one in (first, *others)]
    rows = [
        _compared(first, other, (figures[0], shown), threshold)
        for other, shown in zip(others, figures[1:], strict=True)
    ]
    return {
        "unit": "inference" if all(one.chosen.ours for one in sides) else "unit",
        "threshold": threshold,
        "baseline": first.name,
        "runs": figures,
        "comparisons": rows,
    }


def _compared(
    first: ProfileSide, other: ProfileSide, shown: tuple[ComparedRun, ComparedRun], threshold: float
) -> Compared:
    allowed = _comparability(first, other)
    found = None if allowed.refusals else difference(_side(first), _side(other), threshold)
    row = compared_row(allowed, found, shown, (first.figures, other.figures))
    row["why_no_claim"] = (
        f"a profile is {counted(1, 'launch', 'launches')}: a claim about a configuration takes {CLAIM_LAUNCHES} on "
        "each side, in turn, without the profiler"
    )
    row["sentence"] = sentence(row, *shown, threshold, first.chosen.words)
    return row


def _side(one: ProfileSide) -> Side:
    no_rates: Floats = np.empty(0, np.float64)
    return side_of_times([one.timed], [no_rates], one.chosen.words.one)


def _comparability(first: ProfileSide, other: ProfileSide) -> Comparability:
    """Refuse other GPUs and other units; warn of what differs besides."""
    refusals, warnings = [], [UNDER_PROFILER]
    if first.gpus and other.gpus and first.gpus != other.gpus:
        refusals.append(f"other GPU: {', '.join(first.gpus)} against {', '.join(other.gpus)}")
    elif not (first.gpus and other.gpus):
        unknown = [one.name for one in (first, other) if not one.gpus]
        warnings.append(f"the GPU is not told in {' and '.join(unknown)}: whether both are alike is not known")
    one, two = first.chosen, other.chosen
    if (one.name, one.how == "windows") != (two.name, two.how == "windows") or one.window_ns != two.window_ns:
        refusals.append(f"other units: {one.sentence} against {two.sentence}; name a range of both by --range")
    if one.how == two.how == "windows":
        refusals.append("units are windows of one length, which tell no time: name a range of both by --range")
    sources = [side.figures["gpu"]["source"] for side in (first, other) if side.figures["gpu"]]
    if len(set(sources)) > 1:
        warnings.append(f"other profiler: {' against '.join(sources)}; their parts are not compared")
    return Comparability(tuple(refusals), tuple(warnings))


def _side_figures(side: ProfileSide) -> ComparedRun:
    walls = side.timed.wall_ns
    shown = busy_and_overhead(side.figures["gpu"])
    launch: ComparedLaunch = {
        "name": side.name,
        "rate_hz": None,
        "trust": None,
        "inference": {
            "stage": INFERENCE,
            **spread_of(walls),
            "share": 1.0,
            "spread": clustered(walls, [(WINDOW, side.timed.window)], each=side.chosen.words.one).figures,
        },
        "busy_share": shown.busy_share if shown else None,
    }
    return compared_run(side.name, None, [launch], side.figures)
