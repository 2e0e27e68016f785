"""The inferences of a run and what the Stages page shows of them, kept for the pages."""

from __future__ import annotations

import numpy as np

from dashboard.pages.kept import kept, kept_report
from dashboard.run_reading import kept_on_disk
from dashboard.stages_figures import (
    Bounds,
    Choice,
    Course,
    FirstView,
    KeptInferences,
    Spread,
    course_of,
    first_view,
    spread_of,
)
from dashboard.stages_view import counted_windows
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import timed_inferences

_SAID = "Reading the spans"


def kept_inferences(run: StoredRun) -> KeptInferences:
    """The inferences of a run, with those that a profiler saw."""
    return kept(_inferences, _SAID, of=[run])


def kept_first_view(run: StoredRun) -> FirstView:
    """What the page shows before anything is chosen."""
    return kept(_first, _SAID, of=[run])


def shown_course(run: StoredRun, choice: Choice) -> Course | None:
    """The course of a choice; None where there is nothing in it."""
    if choice == Choice():
        return kept_first_view(run).course
    return kept(lambda run: course_of(run, kept_inferences(run), choice), _SAID, of=[run], key=choice)


def shown_spread(run: StoredRun, choice: Choice, bounds: Bounds | None, baseline: StoredRun | None) -> Spread | None:
    """The spread of a choice and a part of its time, beside a baseline's; None where there is nothing in it."""
    if choice == Choice() and bounds is None and baseline is None:
        return kept_first_view(run).spread

    def derive(run: StoredRun, baseline: StoredRun | None = None) -> Spread | None:
        beside = None if baseline is None else kept_inferences(baseline)
        return spread_of(run, kept_inferences(run), choice, bounds, kept_report(run).report, beside)

    return kept(derive, _SAID, of=[run] if baseline is None else [run, baseline], key=(choice, bounds))


def _inferences(run: StoredRun) -> KeptInferences:
    captures = [one for one in run.each_window if one.kind == "capture"]
    captured = timed_inferences(run, windows=captures).number if captures else np.empty(0, np.int64)
    return KeptInferences(counted_windows(timed_inferences(run, warmups=True), run.each_window), captured)


def _first(run: StoredRun) -> FirstView:
    return kept_on_disk(
        [run],
        "stages",
        lambda: first_view(run, kept_inferences(run), kept_report(run).report),
        lambda found: FirstView(
            found["stages"],
            found["windows"],
            None if found["course"] is None else Course(**found["course"]),
            None if found["spread"] is None else Spread(**found["spread"]),
        ),
    )
