"""Stages of one run: how long they take over time, spread, windows, and the inferences that stand out and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.overview_view import stage_frame
from dashboard.pages.address import into_address, state
from dashboard.pages.baseline_choice import baseline_run
from dashboard.pages.chrome import chart, lines, show_report, table
from dashboard.pages.guidance import command, explain_untimed
from dashboard.pages.kept_inferences import kept_inferences
from dashboard.stages_charts import BRUSH, by_window, histogram, map_chart, sensor_chart
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
from dashboard.url_state import UrlState, link
from tracer.figure_text import count_text, counted, seconds_text, share_text, time_text
from tracer.palette import colours
from tracer.report_types.report import Report
from tracer.reports.latency_map import QUANTITIES, JoinedTime, joined_time, latency_map, sensor_lines, sensors_missing
from tracer.reports.outliers import Reasons, find_outliers
from tracer.reports.run_trust import on_gpu
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import figure_windows
from tracer.stages import INFERENCE

EVERY = "all windows"
_SEEN, _BOUNDS, _SHOWN, _TURN = "stages_seen", "stages_bounds", "stages_shown", "stages_turn"


def show(traces: Path) -> None:
    """Let the user choose a run, a stage, a window and a part of the time, and show how long the stage took."""
    show_report("Stages", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    every = kept_inferences(run)
    if not len(every.inferences):
        explain_untimed()
        return
    stage, window, warmups = _choices(every.inferences)
    timed = every.inferences if warmups else every.timed
    if window is not None:
        timed = timed.only(timed.window == window)
    if not len(timed):
        st.info("There is nothing in this choice.")
        return
    lines([slowest_sentence(timed, stage, _reasons(run, timed), every.captured)])
    time = joined_time(timed)
    bounds = _bounds((run.name, window, warmups), time)
    _course(run, timed, stage, time, bounds)
    if bounds is not None:
        begun, _ = time.place_ns(timed.start_ns)
        timed = timed.only((begun >= bounds[0] * 1e6) & (begun <= bounds[1] * 1e6))
        if not len(timed):
            st.info("No inference began in the part that the brush marks.")
            return
    _spread(run, timed, stage)
    _outliers(run, timed, stage, every.captured)
    lines(steadiness_lines(timed, stage, report))
    _tables(run, timed, stage, report)


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


def _bounds(seen: tuple[str, int | None, bool], time: JoinedTime) -> tuple[int, int] | None:
    """The part of the joined time that the brush or the address marks, in milliseconds; None for all of it."""
    memory, asked = st.session_state, state().bounds
    another = _SEEN in memory and memory[_SEEN] != seen
    if another and asked == memory.get(_BOUNDS):
        # A part of another window's time says nothing of this one.
        asked = None
    if another or _SEEN not in memory or asked != memory.get(_BOUNDS):
        _mark(asked)
        memory[_SHOWN], memory[_TURN] = asked, memory.get(_TURN, 0) + 1
    memory[_SEEN] = seen
    bounds: tuple[int, int] | None = memory[_BOUNDS]
    return bounds if bounds is not None and bounds[0] * 1e6 < time.length_ns else None


def _mark(bounds: tuple[int, int] | None) -> None:
    st.session_state[_BOUNDS] = bounds
    for key, value in zip(("from", "to"), bounds or (None, None), strict=True):
        into_address(key, None if value is None else str(value))


def _course(
    run: StoredRun, timed: TimedInferences, stage: str, time: JoinedTime, bounds: tuple[int, int] | None
) -> None:
    length_s, key = time.length_ns / 1e9, f"stages_map_{stage}_{st.session_state[_TURN]}"

    def brushed() -> None:
        found = next(iter(st.session_state[key].selection.get(BRUSH, {}).values()), None)
        if found and len(found) == 2:
            first, last = (round(1000 * float(one)) for one in found)
            _mark((max(first, 0), max(last, first + 1)))
        else:
            _mark(None)

    shown = st.session_state[_SHOWN]
    spec = map_chart(
        map_frame(latency_map(timed, stage, time)),
        length_s,
        window_starts(time),
        None if shown is None else (shown[0] / 1e3, min(shown[1] / 1e3, length_s)),
    )
    chart(spec, key, on_select=brushed, selection_mode=[BRUSH])
    samples = run.samples()
    found = sensor_lines(samples, time)
    for quantity in QUANTITIES:
        frame = sensor_frame(found, quantity)
        if len(frame):
            spec = sensor_chart(frame, quantity, length_s)
            chart(spec, f"sensor_{quantity}")
    told = sensors_missing(found, samples)
    part = "Drag over the map to look at a part of the time; a click beside it takes the part away."
    if bounds is not None:
        part = f"Below: {seconds_text(bounds[0] / 1e3)} to {seconds_text(bounds[1] / 1e3)} of the joined time. {part}"
    lines([part, *([told] if told else [])])


def _spread(run: StoredRun, timed: TimedInferences, stage: str) -> None:
    values = timed.of_stage(stage)
    baseline = baseline_run(run)
    beside = None
    if baseline is not None:
        other = kept_inferences(baseline).timed
        # A run whose stages were not separated has nothing to hold against one stage.
        if len(other) and (stage == INFERENCE or stage in other.stages):
            beside = other.of_stage(stage)
    st.header(f"Spread of {stage}")
    frame = histogram_frame(values, beside)
    name = None if beside is None or baseline is None else baseline.name
    left, right = st.columns([3, 1])
    with left:
        chart(histogram(frame, colours([stage])[0], percentile_marks(values), name), "spread")
    right.dataframe(percentile_frame(values), hide_index=True, width="stretch", height="content")
    st.caption(f"{counted(len(values), 'value')}; both axes logarithmic. Source: the recorder's spans.")
    if name is not None and beside is not None:
        st.text(
            f"The line is the baseline {name}, scaled to as many inferences: median "
            f"{time_text(float(np.median(beside)))}, p99 {time_text(float(np.percentile(beside, 99)))}."
        )


def _reasons(run: StoredRun, timed: TimedInferences) -> Reasons:
    windows = {one.ordinal or one.number: one for one in figure_windows(run.each_window)}
    return Reasons(timed, run.samples(), windows, on_cpu=not on_gpu(run.info))


def _outliers(run: StoredRun, timed: TimedInferences, stage: str, captured: Integers) -> None:
    st.header("Inferences that stand out")
    found = find_outliers(timed.of_stage(stage))
    if not len(found.rows):
        st.markdown("None: no value lies beyond the outer fence of the others.")
        return
    st.markdown(
        f"{count_text(len(found.rows))} of {count_text(len(timed))} take longer than {time_text(found.fence_ns)}; "
        f"they took {share_text(found.share_of_time)} of the time."
    )
    frame = outlier_frame(timed, stage, found, _reasons(run, timed), captured)
    frame.insert(0, "timeline", [link("timeline", UrlState(run=run.name, inference=n)) for n in frame["inference"]])
    columns = {
        "timeline": st.column_config.LinkColumn("timeline", display_text="show", width="small"),
        "inference": st.column_config.NumberColumn(format="localized"),
        "times the median": st.column_config.NumberColumn(format="%.1f x"),
        "why": st.column_config.TextColumn(width="large"),
    }
    table(frame, column_config=columns, key="outliers")
    st.caption(
        f"The {len(frame)} longest beyond the outer fence of the logarithms: third quartile + 3 ranges (Tukey). "
        "A stage's excess is over its median here."
    )


def _tables(run: StoredRun, timed: TimedInferences, stage: str, report: Report) -> None:
    st.header("By stage")
    table(stage_frame(report), key="by_stage")
    told = command(run.folder.parent, "report", run.name)
    st.caption(f"Of the whole run: wall time by the recorder, warm-ups left out; the same figures as {told}.")
    st.header("By window")
    table(window_frame(timed, stage), {"inferences": "localized"}, key="by_window")
    if len(timed.stages) > 1:
        chart(by_window(composition_frame(timed)), "composition")
