"""Charts of a timeline, from the frames of ``timeline_view``; pure, so that tests read what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard.timeline_lanes import COPIES, OPERATIONS, OTHER_KERNELS
from dashboard.timeline_view import Drawing, Frame
from tracer.stages import INFERENCE

LANE_PX, OVERVIEW_LANE_PX = 30, 20
AXIS_PX, LEGEND_ROW_PX = 66, 26
"""Streamlit fits a chart with its axis and its legend into its height."""

LEGEND_COLUMNS = 4
BRUSH = "brush"
"""Name of the overview's selection."""

_FIXED = {
    INFERENCE: "#8c8c96",
    "dequantize": "#b07aa1",
    "host_to_device": "#4e79a7",
    "session_run": "#f28e2b",
    "readback": "#59a14f",
    "call: launch": "#e15759",
    "call: copy": "#76b7b2",
    "call: synchronise": "#edc948",
    "call: query": "#bab0ac",
    "call: other": "#9c755f",
    COPIES: "#2f8f9d",
    OTHER_KERNELS: "#7f7f7f",
    OPERATIONS: "#6a51a3",
    "several": "#a0a0a0",
}
_KERNELS = ("#1f9d55", "#38b2ac", "#3182ce", "#805ad5", "#d53f8c", "#b7791f")
_LINE = ("#a3a3c2", "#c2a3a3", "#a3c2a8")
_EDGE = "#80808060"
"""Seen on light and on dark."""


def colours(categories: Sequence[str]) -> alt.Scale:
    """A colour for each category, the same whatever a window shows."""
    kernels, lines, found = iter(_KERNELS * 9), iter(_LINE * 9), []
    for category in categories:
        if category in _FIXED:
            found.append(_FIXED[category])
        else:
            found.append(next(lines if category.startswith("line: ") else kernels))
    return alt.Scale(domain=[*categories, "several"], range=[*found, _FIXED["several"]])


def overview_chart(
    frame: Frame, lanes: Sequence[str], categories: Sequence[str], end_ns: int, shown: tuple[int, int] | None = None
) -> alt.Chart:
    """The whole run, small, with a brush for the range; ``shown`` is where it lies first."""
    first = {} if shown is None else {"value": {"x": [shown[0] / 1e6, shown[1] / 1e6]}}
    brush = alt.selection_interval(name=BRUSH, encodings=["x"], **first)
    return (
        alt.Chart(frame)
        .mark_bar(height={"band": 0.85})
        .encode(
            x=_time("start_ms", 0, end_ns, "ms since the run's first span: drag to choose a range"),
            x2="end_ms:Q",
            y=_lanes(lanes),
            color=alt.Color("category:N", scale=colours(categories), legend=None),
            opacity=_opacity(0.5),
        )
        .add_params(brush)
        .properties(height=OVERVIEW_LANE_PX * max(len(lanes), 1) + AXIS_PX)
    )


def detail_chart(drawing: Drawing, categories: Sequence[str], start_ns: int, end_ns: int) -> alt.LayerChart:
    """The range: each mark has its whole name and exact times on hover; wheel and drag look closer."""
    drawn = set(drawing.marks["category"]) if len(drawing.marks) else set()
    used = [one for one in (*categories, "several") if one in drawn]
    legend = alt.Legend(
        orient="bottom",
        columns=LEGEND_COLUMNS,
        labelLimit=210,
        title=None,
        values=used,
        symbolType="square",
    )
    marks = (
        alt.Chart(drawing.marks)
        .mark_bar(height={"band": 0.82}, stroke=_EDGE, strokeWidth=0.5)
        .encode(
            x=_time("start_ms", start_ns, end_ns, "ms since the run's first span"),
            x2="end_ms:Q",
            y=_lanes(drawing.lanes),
            color=alt.Color("category:N", scale=colours(categories), legend=legend),
            opacity=_opacity(),
            tooltip=[
                alt.Tooltip("name:N", title="name"),
                alt.Tooltip("lane:N", title="lane"),
                alt.Tooltip("starts:N", title="start"),
                alt.Tooltip("lasts:N", title="duration"),
                alt.Tooltip("inference:N", title="inference"),
                alt.Tooltip("detail:N", title=" "),
            ],
        )
    )
    layers: list[Any] = [marks]
    if len(drawing.lines):
        layers.append(_launch_lines(drawing, start_ns, end_ns))
    zoom = alt.selection_interval(bind="scales", encodings=["x"], name="look")
    rows = -(-len(used) // LEGEND_COLUMNS)
    height = LANE_PX * max(len(drawing.lanes), 1) + AXIS_PX + LEGEND_ROW_PX * rows
    return alt.layer(*layers).add_params(zoom).properties(height=height)


def _launch_lines(drawing: Drawing, start_ns: int, end_ns: int) -> alt.Chart:
    return (
        alt.Chart(drawing.lines)
        .mark_line(strokeWidth=1.2, opacity=0.75, color="#888888", point={"size": 14, "color": "#888888"})
        .encode(
            x=_time("ms", start_ns, end_ns, "ms since the run's first span"),
            y=_lanes(drawing.lanes),
            detail="launch:N",
            tooltip=[
                alt.Tooltip("call:N", title="call"),
                alt.Tooltip("work:N", title="launched"),
                alt.Tooltip("delay:N", title="launch to start"),
            ],
        )
    )


def _time(field: str, start_ns: int, end_ns: int, title: str) -> alt.X:
    scale = alt.Scale(domain=[start_ns / 1e6, max(end_ns, start_ns + 1) / 1e6], nice=False, zero=False)
    return alt.X(f"{field}:Q", scale=scale, title=title, axis=alt.Axis(labelOverlap=True, grid=True))


def _lanes(lanes: Sequence[str]) -> alt.Y:
    axis = alt.Axis(labelLimit=210, labelOverlap=False, title=None, domain=False, ticks=False)
    return alt.Y("lane:N", sort=list(lanes), scale=alt.Scale(domain=list(lanes)), axis=axis)


def _opacity(least: float = 0.25) -> alt.Opacity:
    return alt.Opacity("busy:Q", scale=alt.Scale(domain=[0, 1], range=[least, 1], clamp=True), legend=None)
