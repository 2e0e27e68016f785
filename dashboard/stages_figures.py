"""What the Stages page shows of one choice, made of a run's inferences; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dashboard.frames import Frame
from dashboard.stages_view import (
    Integers,
    composition_frame,
    histogram_frame,
    map_frame,
    outlier_frame,
    percentile_frame,
    percentile_marks,
    sensor_frame,
    slowest_sentence,
    steadiness_lines,
    window_frame,
    window_starts,
)
from tracer.report_types.report import Report
from tracer.reports.latency_map import QUANTITIES, joined_time, latency_map, sensor_lines, sensors_missing
from tracer.reports.machine_report import on_gpu
from tracer.reports.outliers import Reasons, find_outliers
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import figure_windows
from tracer.stages import INFERENCE


class Choice(NamedTuple):
    """A stage or ``inference``, a window or None for all, and whether warm-ups count."""

    stage: str = INFERENCE
    window: int | None = None
    warmups: bool = False


Bounds = tuple[int, int]
"""A part of the joined time, in milliseconds."""


@dataclass(frozen=True, slots=True)
class KeptInferences:
    """Of a run: its inferences with their warm-ups, and the numbers of those that a profiler saw."""

    inferences: TimedInferences
    captured: Integers

    @property
    def timed(self) -> TimedInferences:
        """Without the warm-ups."""
        return self.inferences.only(~self.inferences.warmup)

    def chosen(self, choice: Choice) -> TimedInferences:
        """Those of a window, or of all, with their warm-ups or without."""
        found = self.inferences if choice.warmups else self.timed
        return found if choice.window is None else found.only(found.window == choice.window)


@dataclass(frozen=True, slots=True)
class Course:
    """
    How long inferences took over time.

    ``length_s`` is of the joined time; ``cells``, ``starts`` and the sensors' frames (by quantity) are those of
    ``stages_view``; ``missing`` says which sensors there are none of.
    """

    slowest: str
    length_s: float
    cells: Frame
    starts: list[tuple[float, str]]
    sensors: dict[str, Frame]
    missing: str | None


@dataclass(frozen=True, slots=True)
class Spread:
    """
    How the times of ``count`` inferences are spread, and which stand out.

    ``beside_ns`` is median and p99 of the baseline; ``outliers`` the longest of the ``outlying``, which are longer
    than ``fence_ns`` and took ``outlying_share`` of the time. The other frames are those of ``stages_view``.
    """

    count: int
    histogram: Frame
    marks: list[tuple[str, float]]
    percentiles: Frame
    beside_ns: tuple[float, float] | None
    outlying: int
    fence_ns: float
    outlying_share: float
    outliers: Frame
    steadiness: list[str]
    windows: Frame
    composition: Frame


@dataclass(frozen=True, slots=True)
class FirstView:
    """Of a run: what can be chosen, and what is shown before anything is; None where no inference is timed."""

    stages: list[str]
    windows: list[int]
    course: Course | None
    spread: Spread | None


def first_view(run: StoredRun, kept: KeptInferences, report: Report) -> FirstView:
    """What the page shows of every timed inference."""
    every = kept.inferences
    stages = [INFERENCE, *(name for name in every.stages if name != INFERENCE)]
    windows = [int(one) for one in np.unique(every.window)]
    return FirstView(
        stages, windows, course_of(run, kept, Choice()), spread_of(run, kept, Choice(), None, report, None)
    )


def course_of(run: StoredRun, kept: KeptInferences, choice: Choice) -> Course | None:
    """Of the inferences of a choice; None where there is none."""
    timed = kept.chosen(choice)
    if not len(timed):
        return None
    time, samples = joined_time(timed), run.samples()
    found = sensor_lines(samples, time)
    return Course(
        slowest=slowest_sentence(timed, choice.stage, _reasons(run, timed), kept.captured),
        length_s=time.length_ns / 1e9,
        cells=map_frame(latency_map(timed, choice.stage, time)),
        starts=window_starts(time),
        sensors={quantity: sensor_frame(found, quantity) for quantity in QUANTITIES},
        missing=sensors_missing(found, samples),
    )


def spread_of(
    run: StoredRun,
    kept: KeptInferences,
    choice: Choice,
    bounds: Bounds | None,
    report: Report,
    baseline: KeptInferences | None,
) -> Spread | None:
    """Of the inferences of a choice that began within ``bounds``; None where there is none."""
    timed = kept.chosen(choice)
    if bounds is not None:
        begun, _ = joined_time(timed).place_ns(timed.start_ns)
        timed = timed.only((begun >= bounds[0] * 1e6) & (begun <= bounds[1] * 1e6))
    if not len(timed):
        return None
    values = timed.of_stage(choice.stage)
    beside = None if baseline is None else _of_stage(baseline, choice.stage)
    outliers = find_outliers(values)
    shown: dict[str, Any] = {
        "histogram": histogram_frame(values, beside),
        "marks": percentile_marks(values),
        "percentiles": percentile_frame(values),
        "outliers": outlier_frame(timed, choice.stage, outliers, _reasons(run, timed), kept.captured),
        "steadiness": steadiness_lines(timed, choice.stage, report),
        "windows": window_frame(timed, choice.stage),
        "composition": composition_frame(timed),
    }
    return Spread(
        count=len(timed),
        beside_ns=None if beside is None else (float(np.median(beside)), float(np.percentile(beside, 99))),
        outlying=len(outliers.rows),
        fence_ns=outliers.fence_ns,
        outlying_share=outliers.share_of_time,
        **shown,
    )


def _of_stage(kept: KeptInferences, stage: str) -> Integers | None:
    """A run whose stages were not separated has nothing to hold against one stage."""
    timed = kept.timed
    return timed.of_stage(stage) if len(timed) and (stage == INFERENCE or stage in timed.stages) else None


def _reasons(run: StoredRun, timed: TimedInferences) -> Reasons:
    windows = {one.ordinal or one.number: one for one in figure_windows(run.each_window)}
    return Reasons(timed, run.samples(), windows, on_cpu=not on_gpu(run.info.backend))
