"""Charts of the Stages page; pure: tests read what they draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dashboard.frames import Frame
from dashboard.vega import Spec, colour_by, number, tooltips
from tracer.figure_text import (
    D3_COUNT,
    D3_MICROSECONDS,
    D3_SECONDS,
    count_text,
    interval_text,
    number_text,
    time_text,
)
from tracer.palette import BY_MEANING, HEAT, colour_by_part
from tracer.reports.html.markup import Markup
from tracer.reports.html.plots import Axis, Column, Columns, Row, Rows, columns_plot, rows_plot, stacked

MAP_PX, SENSOR_PX, HISTOGRAM_PX, AROUND_PX = 285, 81, 260, 100
BRUSH = "brush"
SIDE = {"minExtent": 58, "maxExtent": 58}
"""Left of the ground of the map and of its sensors: one time stands above another only where both leave as much."""

CELL = {"from_s": "from (s)", "to_s": "to (s)", "low_us": "from (us)", "high_us": "to (us)", "count": "inferences"}
"""Of a cell of the map: the columns of its frame by their names on hover."""

UNITS = {"frequency": "MHz", "temperature": "degrees C", "power": "W"}
_ACROSS = "time, the windows joined (s)"


def map_chart(
    frame: Frame, length_s: float, starts: Sequence[tuple[float, str]], shown: tuple[float, float] | None
) -> Spec:
    """
    Counts by time and latency, with a brush over the time.

    Args:
        frame: as ``stages_view.map_frame`` gives it.
        length_s: of the joined time.
        starts: seconds and name of each window, to be marked.
        shown: where the brush lies at first, in seconds.
    """
    marked = {} if shown is None else {"value": {"x": list(shown)}}
    upward = {"type": "log", "nice": False, "domain": _ends(frame, "low_us", "high_us")}
    return {
        "datasets": {"cells": frame.rename(columns=CELL).round(dict.fromkeys(CELL.values(), 3))},
        "data": {"name": "cells"},
        "height": MAP_PX,
        "params": [{"name": BRUSH, "select": {"type": "interval", "encodings": ["x"]}, **marked}],
        "description": "Inferences by time and latency; the percentiles below say in words what it shows.",
        # As SVG a brush has parts that Vega gives no name to be read out.
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
        # What is told is the row: fields with formats are put together for every cell before it is drawn.
        "mark": {"type": "rect", "stroke": None, "tooltip": {"content": "data"}},
        "encoding": {
            "x": _time(CELL["from_s"], length_s, starts),
            "x2": {"field": CELL["to_s"]},
            "y": number(
                CELL["low_us"],
                title="time (us, log)",
                scale=upward,
                axis={**SIDE, "tickCount": 5, "format": D3_COUNT},
            ),
            "y2": {"field": CELL["high_us"]},
            "color": _counts(max(float(frame["count"].max()), 2)),
        },
    }


def _counts(most: float) -> Spec:
    """The colour of a cell by its count, and a bar of them above the map."""
    legend = {
        "title": "inferences",
        "orient": "top",
        "titleOrient": "left",
        "direction": "horizontal",
        "gradientLength": 160,
        "gradientThickness": 8,
        "format": D3_COUNT,
        "tickCount": 3,
    }
    return number(CELL["count"], scale={"type": "log", "range": list(HEAT), "domain": [1, most]}, legend=legend)


def sensor_chart(frame: Frame, quantity: str, length_s: float) -> Spec:
    """One quantity over the map's time, a line a source."""
    names = list(dict.fromkeys(frame["source"].tolist()))
    return {
        "datasets": {"readings": frame},
        "data": {"name": "readings"},
        "height": SENSOR_PX,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "point": {"size": 12}},
        "encoding": {
            "x": number(
                "seconds",
                scale={"nice": False, "domain": [0, length_s]},
                axis={"title": None, "labels": False, "ticks": False},
            ),
            "y": number("value", title=UNITS[quantity], scale={"zero": False}, axis={**SIDE, "tickCount": 3}),
            "color": colour_by("source", names, title=quantity, orient="top", titleOrient="left"),
            "tooltip": tooltips(
                ("source", quantity), ("seconds", "s", D3_SECONDS), ("value", UNITS[quantity], D3_MICROSECONDS)
            ),
        },
    }


def histogram(
    frame: Frame, colour: str, marks: Sequence[tuple[str, float]] = (), beside: str | None = None
) -> Markup:
    """
    Bars between edges that are equally far apart on a logarithmic axis, and percentiles as rules.

    Args:
        frame: as ``stages_view.histogram_frame`` gives it.
        colour: of the bars.
        marks: what each rule says, and its microseconds.
        beside: name of the run whose counts are drawn over it as a line.
    """
    low, high = _ends(frame, "low_us", "high_us")
    most = 1.1 * float(max(frame["count"].max(), frame["beside"].max()))

    def up(count: float) -> float:
        # From 1 up: a count of one is seen beside one of a hundred thousand.
        return math.log1p(count) / math.log1p(most)

    rows = frame.to_dict("records")
    columns = [
        Column(row["low_us"], row["high_us"], 0.0, up(row["count"]), colour, _counted(row))
        for row in rows
        if row["count"]
    ]
    outline = None
    if beside is not None:
        outline = (BY_MEANING["baseline"], [*((row["low_us"], up(row["beside"])) for row in rows), (high, 0.0)])
    heights = [(up(one), count_text(one)) for one in (0, *(10**power for power in range(9))) if one <= most]
    axis = Axis(low, high, "time (us, log)", log=True)
    rules = [(us, words) for words, us in marks]
    label = (
        "Times of the inferences" if beside is None else f"Times of the inferences, and those of {beside} as a line"
    )
    return columns_plot(
        Columns(label, axis, "inferences (log)", heights, columns, HISTOGRAM_PX, outline=outline, rules=rules)
    )


def _counted(row: dict[str, Any]) -> str:
    return f"{count_text(row['count'])}: {interval_text(1e3 * row['low_us'], 1e3 * row['high_us'], time_text)}"


def by_window(frame: Frame) -> Markup:
    """A stacked bar a window of its stages' means."""
    inks, rows = colour_by_part(frame["stage"].tolist()), []
    for window in frame["window"].unique():
        mine = frame[frame["window"] == window]
        parts = [
            (us, inks[stage], f"{stage}: {time_text(1e3 * us)}")
            for stage, us in zip(mine["stage"], mine["us"], strict=True)
        ]
        rows.append(Row(f"window {window}", stacked(parts)))
    longest = max(row.marks[-1].high for row in rows)
    axis = Axis(0.0, longest or 1.0, "mean time of an inference (us)")
    return rows_plot(Rows("Mean time of the stages by window", axis, rows, inks))


def _time(field: str, length_s: float, starts: Sequence[tuple[float, str]]) -> dict[str, Any]:
    axis: dict[str, Any] = {"tickCount": 8, "title": _ACROSS}
    if starts:
        # A selection is of one view alone, so that no layer can mark the windows: their beginnings are the ticks.
        ticks = [round(seconds, 3) for seconds, _ in starts]
        names = {
            str(at).removesuffix(".0"): f"{name} · {number_text(at, 1)}"
            for at, (_, name) in zip(ticks, starts, strict=True)
        }
        axis = {
            "title": f"window and its beginning; {_ACROSS}",
            "values": ticks,
            "labelExpr": f"({names!r})['' + datum.value]",
            "labelAlign": "left",
            "labelFlush": False,
        }
    return number(field, scale={"nice": False, "domain": [0, length_s]}, axis=axis)


def _ends(frame: Frame, low: str, high: str) -> list[float]:
    return [float(frame[low].min()), float(frame[high].max())]
