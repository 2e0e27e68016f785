"""Stages of one run: spread, course over time, windows, and the inferences that stand out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.charts import by_window, histogram, over_time
from dashboard.overview_view import stage_frame
from dashboard.pages.chrome import command, explain_untimed, into_address, kept, lines, show_report, state, table
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
from tracer.palette import colours
from tracer.report_types.report import Report
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.stages import INFERENCE

EVERY = "all windows"


def show(traces: Path) -> None:
    """Let the user choose a run, a stage and a window, and show how long the stage took."""
    show_report("Stages", traces, _page)


def _read(run: StoredRun) -> TimedInferences:
    return counted_windows(timed_inferences(run, warmups=True), run.each_window)


_inferences = kept(_read, st.cache_resource, 4, "Reading the spans")


def _page(run: StoredRun, report: Report) -> None:
    every = _inferences(run)
    if not len(every):
        explain_untimed()
        return
    table(stage_frame(report))
    told = command(run.folder.parent, "report", run.name)
    st.caption(f"Wall time by the recorder, warm-ups left out; the same figures as {told}.")
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
    columns = st.columns([2, 2, 3], vertical_alignment="bottom")
    first = stages.index(asked.stage) if asked.stage in stages else 0
    stage: str = columns[0].selectbox("Stage", stages, index=first, key="stage_widget")
    choices = [EVERY, *map(str, np.unique(every.window))]
    first = choices.index(str(asked.window)) if str(asked.window) in choices else 0
    picked: str = columns[1].selectbox("Window", choices, index=first, key="window_widget")
    warmups: bool = columns[2].toggle("Include the warm-ups", key="warmups_widget")
    into_address("stage", None if stage == INFERENCE else stage)
    into_address("window", None if picked == EVERY else picked)
    return stage, None if picked == EVERY else int(picked), warmups


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
    table(window_frame(timed, stage), {"inferences": "localized"})
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
    columns = {
        "timeline": st.column_config.LinkColumn("timeline", display_text="show", width="small"),
        "times the median": st.column_config.NumberColumn(format="%.1f x"),
    }
    table(frame, column_config=columns)
    st.caption(
        f"The {len(frame)} longest beyond the outer fence of the logarithms: third quartile + 3 ranges (Tukey)."
    )
