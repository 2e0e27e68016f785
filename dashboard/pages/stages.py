"""Stages of one run: spread, course over time, windows, and the inferences that stand out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.charts import by_window, histogram, over_time
from dashboard.overview_view import stage_frame
from dashboard.pages.chrome import choose_run, lines, refreshing, report_of, state
from dashboard.palette import colours
from dashboard.run_reading import fingerprint
from dashboard.stages_view import (
    composition_frame,
    counted_windows,
    find_outliers,
    histogram_frame,
    outlier_frame,
    percentile_frame,
    steadiness_lines,
    time_frame,
    window_frame,
)
from dashboard.url_state import UrlState, link
from tracer.figure_text import count_text, counted, share_text, time_text
from tracer.report_types.report import Report
from tracer.runs.run_store import StoredRun, open_run
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.stages import INFERENCE

EVERY = "all windows"


def show(traces: Path) -> None:
    """Let the user choose a run, a stage and a window, and show how long the stage took."""
    st.title("Stages")
    run = choose_run(traces)
    if run is not None:
        refreshing(run, lambda: _page(run))


def _read(folder: str, mark: str) -> TimedInferences:  # noqa: ARG001 -- ``mark`` is the key: it changes with the files
    run = open_run(folder)
    return counted_windows(timed_inferences(run, warmups=True), run.each_window)


_kept = st.cache_resource(_read, max_entries=4, show_spinner=False)


def _page(run: StoredRun) -> None:
    report = report_of(run)
    if report is None:
        return
    with st.spinner("Reading the spans"):
        every: TimedInferences = _kept(str(run.folder), fingerprint(run.folder))
    if not len(every):
        st.info("No inference was timed: a host has yet to send `infer`.")
        return
    st.dataframe(stage_frame(report), hide_index=True, width="stretch")
    st.caption("Wall time by the recorder, warm-ups left out; the same figures as `kws-trace report`.")
    stage, window, warmups = _choices(every)
    timed = every if warmups else every.only(~every.warmup)
    if window is not None:
        timed = timed.only(timed.window == window)
    if not len(timed):
        st.info("There is nothing in this choice.")
        return
    _spread(timed, stage)
    _course(timed, stage, report)
    _windows(timed, stage)
    _outliers(run, timed, stage)


def _choices(every: TimedInferences) -> tuple[str, int | None, bool]:
    """Stage, window or None for all, and whether warm-ups count; the address follows."""
    asked = state()
    stages = [INFERENCE, *(name for name in every.stages if name != INFERENCE)]
    windows = [int(window) for window in np.unique(every.window)]
    columns = st.columns([2, 2, 3], vertical_alignment="bottom")
    stage: str = columns[0].selectbox(
        "Stage", stages, index=stages.index(asked.stage) if asked.stage in stages else 0, key="stage_widget"
    )
    choices = [EVERY, *(str(window) for window in windows)]
    picked: str = columns[1].selectbox(
        "Window",
        choices,
        index=choices.index(str(asked.window)) if asked.window in windows else 0,
        key="window_widget",
    )
    warmups: bool = columns[2].toggle("Include the warm-ups", key="warmups_widget")
    _tell("stage", None if stage == INFERENCE else stage)
    _tell("window", None if picked == EVERY else picked)
    return stage, None if picked == EVERY else int(picked), warmups


def _tell(key: str, value: str | None) -> None:
    """Put a choice into the address, so that a link shows the same."""
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def _spread(timed: TimedInferences, stage: str) -> None:
    st.subheader("Spread")
    values = timed.of_stage(stage)
    marks = [(name, float(np.percentile(values, percent)) / 1000) for name, percent in (("median", 50), ("p99", 99))]
    columns = st.columns([3, 1])
    columns[0].altair_chart(histogram(histogram_frame(values), colours([stage])[0], marks), width="stretch")
    columns[1].dataframe(percentile_frame(values), hide_index=True, width="stretch", height="content")
    st.caption(f"{counted(len(values), 'value')}; both axes logarithmic. Source: the recorder's spans.")


def _course(timed: TimedInferences, stage: str, report: Report) -> None:
    st.subheader("Over time")
    logarithmic: bool = st.toggle("Logarithmic", value=True, key="log_widget")
    frame = time_frame(timed, stage)
    st.altair_chart(over_time(frame, colours([stage])[0], logarithmic=logarithmic), width="stretch")
    st.caption("Each stretch of time: its median as the line, p10 to p90 as the band, its longest value as a point.")
    lines(steadiness_lines(timed, stage, report))


def _windows(timed: TimedInferences, stage: str) -> None:
    st.subheader("By window")
    st.dataframe(window_frame(timed, stage), hide_index=True, width="stretch")
    if len(timed.stages) > 1:
        st.altair_chart(by_window(composition_frame(timed)), width="stretch")


def _outliers(run: StoredRun, timed: TimedInferences, stage: str) -> None:
    st.subheader("Inferences that stand out")
    found = find_outliers(timed.of_stage(stage))
    if not len(found.rows):
        st.markdown("None: no value lies beyond the outer fence of the others.")
        return
    st.markdown(
        f"{count_text(len(found.rows))} of {count_text(len(timed))} take longer than {time_text(found.fence_ns)}; "
        f"they took {share_text(found.share_of_time)} of the time."
    )
    frame = outlier_frame(timed, stage, found)
    frame.insert(0, "timeline", [link("timeline", UrlState(run=run.name, inference=n)) for n in frame["inference"]])
    shown = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        column_config={
            "timeline": shown.LinkColumn("timeline", display_text="show", width="small"),
            "times the median": shown.NumberColumn(format="%.1f x"),
        },
    )
    st.caption(
        f"The {len(frame)} longest beyond the outer fence of the logarithms: third quartile + 3 ranges (Tukey)."
    )
