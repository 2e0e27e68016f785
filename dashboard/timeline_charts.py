"""
Charts of a timeline, from the frames of ``timeline_view``; pure, so that tests read what they say.

Written as Vega-Lite (https://vega.github.io/vega-lite/docs/) and not through Altair, whose import takes a second of
the first page and whose building and checking takes a third of a second of each zoom step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.frames import Frame
from dashboard.timeline_view import Drawing
from tracer.palette import BY_MEANING, EDGE, GREY, timeline_colours

LANE_PX, OVERVIEW_LANE_PX = 30, 20
AXIS_PX, LEGEND_ROW_PX = 66, 26
"""Streamlit fits a chart with its axis and its legend into its height."""

LEGEND_COLUMNS = 3
Spec = dict[str, Any]
"""Vega-Lite, with its data as frames under ``datasets``; `marks` is a name that Vega itself gives."""

BRUSH = "brush"
"""Name of the overview's selection."""


def colours(categories: Sequence[str]) -> dict[str, list[str]]:
    """A Vega-Lite scale with a colour for each category, the same whatever a window shows."""
    return {"domain": [*categories, "several"], "range": [*timeline_colours(categories), BY_MEANING["several"]]}


def overview_chart(
    frame: Frame,
    lanes: Sequence[str],
    categories: Sequence[str],
    end_ns: int,
    shown: tuple[int, int] | None = None,
) -> Spec:
    """The whole run, small, with a brush for the range; ``shown`` is where it lies first."""
    brush: Spec = {"name": BRUSH, "select": {"type": "interval", "encodings": ["x"]}}
    if shown is not None:
        brush["value"] = {"x": [shown[0] / 1e6, shown[1] / 1e6]}
    return {
        "datasets": {"drawn": frame},
        "data": {"name": "drawn"},
        "height": OVERVIEW_LANE_PX * max(len(lanes), 1) + AXIS_PX,
        "params": [brush],
        "mark": {"type": "bar", "height": {"band": 0.85}},
        "encoding": {
            **_bars(lanes, categories, None, least_opacity=0.5),
            "x": _time("start_ms", 0, end_ns, "ms since the run's first span: drag to choose a range"),
        },
    }


def detail_chart(drawing: Drawing, categories: Sequence[str], start_ns: int, end_ns: int) -> Spec:
    """The range: each mark has its whole name and exact times on hover; wheel and drag look closer."""
    drawn = set(drawing.marks["category"]) if len(drawing.marks) else set()
    used = [one for one in (*categories, "several") if one in drawn]
    legend = {
        "orient": "bottom",
        "columns": LEGEND_COLUMNS,
        "labelLimit": 210,
        "title": None,
        "values": used,
        "symbolType": "square",
    }
    fields = ("name", "lane", "starts", "lasts", "inference", "detail")
    titles = ("name", "lane", "start", "duration", "inference", " ")
    marks: Spec = {
        "data": {"name": "drawn"},
        "params": [{"name": "look", "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}],
        "mark": {"type": "bar", "height": {"band": 0.82}, "stroke": EDGE, "strokeWidth": 0.5},
        "encoding": {
            "x": _time("start_ms", start_ns, end_ns, "ms since the run's first span"),
            **_bars(drawing.lanes, categories, legend, least_opacity=0.25),
            "tooltip": _tooltip(fields, titles),
        },
    }
    layers, datasets = [marks], {"drawn": drawing.marks}
    if len(drawing.lines):
        layers.append(_launch_lines(drawing, start_ns, end_ns))
        datasets["joined"] = drawing.lines
    rows = -(-len(used) // LEGEND_COLUMNS)
    height = LANE_PX * max(len(drawing.lanes), 1) + AXIS_PX + LEGEND_ROW_PX * rows
    return {"datasets": datasets, "height": height, "layer": layers}


def _launch_lines(drawing: Drawing, start_ns: int, end_ns: int) -> Spec:
    point = {"size": 14, "color": GREY}
    return {
        "data": {"name": "joined"},
        "mark": {"type": "line", "strokeWidth": 1.2, "opacity": 0.75, "color": GREY, "point": point},
        "encoding": {
            "x": _time("ms", start_ns, end_ns, "ms since the run's first span"),
            "y": _lanes(drawing.lanes),
            "detail": {"field": "launch", "type": "nominal"},
            "tooltip": _tooltip(("call", "work", "delay"), ("call", "launched", "launch to start")),
        },
    }


def _tooltip(fields: Sequence[str], titles: Sequence[str]) -> list[Spec]:
    pairs = zip(fields, titles, strict=True)
    return [{"field": field, "type": "nominal", "title": title} for field, title in pairs]


def _time(field: str, start_ns: int, end_ns: int, title: str) -> Spec:
    domain = [start_ns / 1e6, max(end_ns, start_ns + 1) / 1e6]
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": domain, "nice": False, "zero": False},
        "axis": {"labelOverlap": True, "grid": True},
    }


def _lanes(lanes: Sequence[str]) -> Spec:
    return {
        "field": "lane",
        "type": "nominal",
        "sort": list(lanes),
        "scale": {"domain": list(lanes)},
        "axis": {"labelLimit": 210, "labelOverlap": False, "title": None, "domain": False, "ticks": False},
    }


def _bars(lanes: Sequence[str], categories: Sequence[str], legend: Spec | None, *, least_opacity: float) -> Spec:
    busy = {"domain": [0, 1], "range": [least_opacity, 1], "clamp": True}
    return {
        "x2": {"field": "end_ms"},
        "y": _lanes(lanes),
        "color": {"field": "category", "type": "nominal", "scale": colours(categories), "legend": legend},
        "opacity": {"field": "busy", "type": "quantitative", "scale": busy, "legend": None},
    }
