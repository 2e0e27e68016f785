"""The inferences of a run and what the Stages page shows of them, kept for the pages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from dashboard.pages.chrome import kept
from dashboard.run_reading import kept_on_disk, read_report
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
from tracer.runs.run_cache import fingerprint
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import timed_inferences

_MOST = 32
"""Choices that are kept: some 50 kB each."""


def _read(run: StoredRun) -> KeptInferences:
    captures = [one for one in run.each_window if one.kind == "capture"]
    captured = timed_inferences(run, windows=captures).number if captures else np.empty(0, np.int64)
    return KeptInferences(counted_windows(timed_inferences(run, warmups=True), run.each_window), captured)


kept_inferences = kept(_read, st.cache_resource, 4, "Reading the spans")


def _first(run: StoredRun) -> FirstView:
    return kept_on_disk(
        [run],
        "stages",
        lambda: first_view(run, kept_inferences(run), read_report(run).report),
        lambda found: FirstView(
            found["stages"],
            found["windows"],
            None if found["course"] is None else Course(**found["course"]),
            None if found["spread"] is None else Spread(**found["spread"]),
        ),
    )


def _course(run: StoredRun, choice: Choice) -> Course | None:
    return course_of(run, kept_inferences(run), choice)


def _spread(run: StoredRun, choice: Choice, bounds: Bounds | None, baseline: str | None, mark: str) -> Spread | None:  # noqa: ARG001 -- the key
    beside = None if baseline is None else lambda: kept_inferences(stored_run(baseline))
    return spread_of(run, kept_inferences(run), choice, bounds, read_report(run).report, beside)


kept_first_view: Callable[[StoredRun], FirstView] = kept(_first, st.cache_data, 16, "Reading the spans")
_KEPT_COURSE: Callable[..., Course | None] = kept(_course, st.cache_data, _MOST, "Reading the spans")
_KEPT_SPREAD: Callable[..., Spread | None] = kept(_spread, st.cache_data, _MOST, "Reading the spans")


def shown_course(run: StoredRun, choice: Choice) -> Course | None:
    """The course of a choice; None where there is nothing in it."""
    return kept_first_view(run).course if choice == Choice() else _KEPT_COURSE(run, choice)


def shown_spread(run: StoredRun, choice: Choice, bounds: Bounds | None, baseline: StoredRun | None) -> Spread | None:
    """The spread of a choice and a part of its time, beside a baseline's; None where there is nothing in it."""
    if choice == Choice() and bounds is None and baseline is None:
        return kept_first_view(run).spread
    beside, mark = (None, "") if baseline is None else (str(baseline.folder), fingerprint(baseline.folder))
    return _KEPT_SPREAD(run, choice, bounds, beside, mark)
