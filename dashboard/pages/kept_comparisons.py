"""Comparisons of runs, and what the Compare page shows of two of them, kept until a file of one changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.baseline import Baseline
from dashboard.frames import Frame
from dashboard.pages.kept_inferences import kept_inferences
from dashboard.run_reading import kept_on_disk, read_report
from dashboard.stages_view import histogram_frame, percentile_marks
from tracer.report_types.report import Compared, Comparison, Report, Way
from tracer.reports.compare import moved_stages
from tracer.reports.compare_report import Launches, compare_sides, launches_of
from tracer.runs.run_cache import fingerprint
from tracer.runs.run_store import StoredRun, stored_run

Named = tuple[str, tuple[str, ...]]
"""Of a side its name and the folders of its runs."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Of two runs the stages that differ, and which way; and the later one's histogram, with its marks."""

    moved: dict[str, Way]
    histogram: Frame
    marks: list[tuple[str, float]]


def compared(sides: Sequence[Named], baseline: str, launches: Callable[[], Sequence[Launches]]) -> Comparison:
    """
    ``compare_sides`` of the ``launches`` of these sides, which are made where the comparison is not kept.

    Raises:
        KwsTraceError: if a run cannot be read.
    """
    return _KEPT(tuple(sides), baseline, _marks([folder for _, each in sides for folder in each]), launches)


def _compared(
    sides: tuple[Named, ...],
    baseline: str,
    marks: list[str],  # noqa: ARG001 -- the key
    _launches: Callable[[], Sequence[Launches]],
) -> Comparison:
    runs = [stored_run(folder) for _, each in sides for folder in each]
    kind = f"comparison {json.dumps([baseline, sides])}"

    def same(found: Comparison) -> Comparison:
        return found

    return kept_on_disk(runs, kind, lambda: compare_sides(_launches(), baseline=baseline), same)


def held_against(run: StoredRun, baseline: Baseline) -> tuple[Compared, Report]:
    """
    The comparison of a run with its baseline, and the report of the baseline's first launch.

    Raises:
        KwsTraceError: if a run cannot be read.
    """

    def launches() -> list[Launches]:
        sides = ((baseline.runs, baseline.name), ((run,), run.name))
        return [launches_of(runs, name, [read_report(one).report for one in runs]) for runs, name in sides]

    sides = [named(baseline.name, baseline.runs), named(run.name, [run])]
    return compared(sides, baseline.name, launches)["comparisons"][0], read_report(baseline.runs[0]).report


def named(name: str, runs: Sequence[StoredRun]) -> Named:
    """A side of a comparison."""
    return name, tuple(str(run.folder) for run in runs)


def pair_of(before: StoredRun, after: StoredRun) -> Pair | None:
    """Of two runs that can be held against each other; None where one has no timed inference."""
    folders = (str(before.folder), str(after.folder))
    return _KEPT_PAIR(folders, _marks(folders))


def _pair(folders: tuple[str, str], marks: list[str]) -> Pair | None:  # noqa: ARG001 -- the key
    runs = [stored_run(folder) for folder in folders]
    return kept_on_disk(runs, "pair", lambda: _derived_pair(runs), lambda found: found and Pair(**found))


def _derived_pair(runs: Sequence[StoredRun]) -> Pair | None:
    one, two = (kept_inferences(run).timed for run in runs)
    if not len(one) or not len(two):
        return None
    return Pair(moved_stages(one, two), histogram_frame(two.wall_ns, one.wall_ns), percentile_marks(two.wall_ns))


def _marks(folders: Sequence[str]) -> list[str]:
    return [fingerprint(Path(folder)) for folder in folders]


_KEPT: Callable[..., Comparison] = st.cache_data(max_entries=16, show_spinner="Comparing")(_compared)
_KEPT_PAIR: Callable[..., Pair | None] = st.cache_data(max_entries=16, show_spinner="Comparing")(_pair)
