"""Comparisons of runs, and what the Compare page shows of two of them, kept for the pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.baseline import Baseline
from dashboard.frames import Frame
from dashboard.pages.kept import kept, kept_report
from dashboard.pages.kept_inferences import kept_inferences
from dashboard.run_reading import kept_on_disk
from dashboard.stages_view import histogram_frame, percentile_marks
from tracer.report_types.report import Compared, Comparison, Report, Way
from tracer.reports.compare import moved_stages
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.runs.run_store import StoredRun


@dataclass(frozen=True, slots=True)
class Pair:
    """Of two runs the stages that differ, and which way; and the later one's histogram, with its marks."""

    moved: dict[str, Way]
    histogram: Frame
    marks: list[tuple[str, float]]


def compared(sides: Sequence[Baseline], against: str) -> Comparison:
    """
    ``compare_sides`` of runs and named baselines, the one of the name ``against`` the baseline.

    Raises:
        KwsTraceError: if a run cannot be read.
    """
    counts = [(side.name, len(side.runs)) for side in sides]

    def derive(*runs: StoredRun) -> Comparison:
        rest, launches = iter(runs), []
        for name, count in counts:
            mine = [next(rest) for _ in range(count)]
            launches.append(launches_of(mine, name, [kept_report(run).report for run in mine]))
        return compare_sides(launches, baseline=against)

    def found(*runs: StoredRun) -> Comparison:
        kind = f"comparison {json.dumps([against, counts])}"
        return kept_on_disk(runs, kind, lambda: derive(*runs))

    return kept(found, "Comparing", of=[run for side in sides for run in side.runs], key=(against, *counts))


def held_against(run: StoredRun, baseline: Baseline) -> tuple[Compared, Report]:
    """
    The comparison of a run with its baseline, and the report of the baseline's first launch.

    Raises:
        KwsTraceError: if a run cannot be read.
    """
    found = compared([baseline, Baseline(run.name, (run,))], baseline.name)
    return found["comparisons"][0], kept_report(baseline.runs[0]).report


def pair_of(before: StoredRun, after: StoredRun) -> Pair | None:
    """Of two runs that can be held against each other; None where one has no timed inference."""
    return kept(_pair, "Comparing", of=[before, after])


def _pair(*runs: StoredRun) -> Pair | None:
    return kept_on_disk(runs, "pair", lambda: _derived_pair(*runs), lambda found: found and Pair(**found))


def _derived_pair(before: StoredRun, after: StoredRun) -> Pair | None:
    one, two = kept_inferences(before).timed, kept_inferences(after).timed
    if not len(one) or not len(two):
        return None
    return Pair(moved_stages(one, two), histogram_frame(two.wall_ns, one.wall_ns), percentile_marks(two.wall_ns))
