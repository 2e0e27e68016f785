"""Stages of one run: how long they take over time, spread, windows, and the inferences that stand out and why."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.overview_view import stage_frame
from dashboard.pages.address import into_address, state
from dashboard.pages.baseline_choice import baseline_run
from dashboard.pages.chrome import chart, drawing, lines, show_report, table
from dashboard.pages.guidance import command, explain_untimed
from dashboard.pages.kept_inferences import kept_first_view, shown_course, shown_spread
from dashboard.stages_charts import AROUND_PX, BRUSH, HISTOGRAM_PX, by_window, histogram, map_chart, sensor_chart
from dashboard.stages_figures import Bounds, Choice, Course, FirstView, Spread
from dashboard.url_state import UrlState, link
from tracer.figure_text import count_text, counted, seconds_text, share_text, time_text
from tracer.palette import colours
from tracer.report_types.report import Report
from tracer.reports.html.plots import rows_height
from tracer.runs.run_store import StoredRun
from tracer.stages import INFERENCE

EVERY = "all windows"
_SEEN, _BOUNDS, _SHOWN, _TURN = "stages_seen", "stages_bounds", "stages_shown", "stages_turn"


def show(traces: Path) -> None:
    """Let the user choose a run, a stage, a window and a part of the time, and show how long the stage took."""
    show_report("Stages", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    offered = kept_first_view(run)
    if not offered.windows:
        explain_untimed()
        return
    choice = _choices(offered)
    course = shown_course(run, choice)
    if course is None:
        st.info("There is nothing in this choice.")
        return
    lines([course.slowest])
    bounds = _bounds((run.name, choice.window, choice.warmups), course.length_s)
    _course(course, choice.stage, bounds)
    baseline = baseline_run(run)
    spread = shown_spread(run, choice, bounds, baseline)
    if spread is None:
        st.info("No inference began in the part that the brush marks.")
        return
    _spread(spread, choice.stage, baseline)
    _outliers(run, spread)
    lines(spread.steadiness)
    _tables(run, spread, report)


def _choices(offered: FirstView) -> Choice:
    """The address follows."""
    asked, stages = state(), offered.stages
    columns = st.columns([2, 2, 3], vertical_alignment="bottom")
    first = stages.index(asked.stage) if asked.stage in stages else 0
    stage: str = columns[0].selectbox("Stage", stages, index=first, key="stage_widget")
    choices = [EVERY, *map(str, offered.windows)]
    first = choices.index(str(asked.window)) if str(asked.window) in choices else 0
    picked: str = columns[1].selectbox("Window", choices, index=first, key="window_widget")
    warmups: bool = columns[2].toggle("Include the warm-ups", key="warmups_widget")
    into_address("stage", None if stage == INFERENCE else stage)
    into_address("window", None if picked == EVERY else picked)
    return Choice(stage, None if picked == EVERY else int(picked), warmups)


def _bounds(seen: tuple[str, int | None, bool], length_s: float) -> Bounds | None:
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
    bounds: Bounds | None = memory[_BOUNDS]
    return bounds if bounds is not None and bounds[0] / 1e3 < length_s else None


def _mark(bounds: Bounds | None) -> None:
    st.session_state[_BOUNDS] = bounds
    for key, value in zip(("from", "to"), bounds or (None, None), strict=True):
        into_address(key, None if value is None else str(value))


def _course(course: Course, stage: str, bounds: Bounds | None) -> None:
    length_s, key = course.length_s, f"stages_map_{stage}_{st.session_state[_TURN]}"

    def brushed() -> None:
        found = next(iter(st.session_state[key].selection.get(BRUSH, {}).values()), None)
        if found and len(found) == 2:
            first, last = (round(1000 * float(one)) for one in found)
            _mark((max(first, 0), max(last, first + 1)))
        else:
            _mark(None)

    shown = st.session_state[_SHOWN]
    marked = None if shown is None else (shown[0] / 1e3, min(shown[1] / 1e3, length_s))
    chart(map_chart(course.cells, length_s, course.starts, marked), key, on_select=brushed, selection_mode=[BRUSH])
    for quantity, frame in course.sensors.items():
        if len(frame):
            chart(sensor_chart(frame, quantity, length_s), f"sensor_{quantity}")
    part = "Drag over the map to look at a part of the time; a click beside it takes the part away."
    if bounds is not None:
        part = f"Below: {seconds_text(bounds[0] / 1e3)} to {seconds_text(bounds[1] / 1e3)} of the joined time. {part}"
    lines([part, *([course.missing] if course.missing else [])])


def _spread(spread: Spread, stage: str, baseline: StoredRun | None) -> None:
    st.header(f"Spread of {stage}")
    name = None if spread.beside_ns is None or baseline is None else baseline.name
    left, right = st.columns([3, 1])
    with left:
        spec = histogram(spread.histogram, colours([stage])[0], spread.marks, name)
        drawing(spec, "spread", HISTOGRAM_PX + AROUND_PX)
    right.dataframe(spread.percentiles, hide_index=True, width="stretch", height="content")
    st.caption(f"{counted(spread.count, 'value')}; both axes logarithmic. Source: the recorder's spans.")
    if name is not None and spread.beside_ns is not None:
        median, p99 = map(time_text, spread.beside_ns)
        st.text(f"The line is the baseline {name}, scaled to as many inferences: median {median}, p99 {p99}.")


def _outliers(run: StoredRun, spread: Spread) -> None:
    st.header("Inferences that stand out")
    if not spread.outlying:
        st.markdown("None: no value lies beyond the outer fence of the others.")
        return
    st.markdown(
        f"{count_text(spread.outlying)} of {count_text(spread.count)} take longer than {time_text(spread.fence_ns)}; "
        f"they took {share_text(spread.outlying_share)} of the time."
    )
    frame = spread.outliers.copy()  # what is kept is shared
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


def _tables(run: StoredRun, spread: Spread, report: Report) -> None:
    st.header("By stage")
    table(stage_frame(report), key="by_stage")
    told = command(run.folder.parent, "report", run.name)
    st.caption(f"Of the whole run: wall time by the recorder, warm-ups left out; the same figures as {told}.")
    st.header("By window")
    table(spread.windows, {"inferences": "localized"}, key="by_window")
    if spread.composition["stage"].nunique() > 1:
        drawing(by_window(spread.composition), "composition", rows_height(spread.composition["window"].nunique()))
