"""Charts of the Stages page as Vega-Lite; pure: tests read what they draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.frames import Frame
from dashboard.vega import AXIS_PX, Spec, colour_by, inline, layered, number, row_names, tooltips
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS, D3_SECONDS, number_text
from tracer.palette import BY_MEANING, HEAT

MAP_PX, SENSOR_PX, HISTOGRAM_PX, LABEL_PX = 285, 81, 300, 14
BRUSH = "brush"
SIDE = {"minExtent": 58, "maxExtent": 58}
"""Left of the ground of the map and of its sensors: one time stands above another only where both leave as much."""

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
        "datasets": {"cells": frame},
        "data": {"name": "cells"},
        "height": MAP_PX,
        "params": [{"name": BRUSH, "select": {"type": "interval", "encodings": ["x"]}, **marked}],
        "description": "Inferences by time and latency; the percentiles below say in words what it shows.",
        # As SVG a brush has parts that Vega gives no name to be read out.
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
        "mark": {"type": "rect", "stroke": None},
        "encoding": {
            "x": _time("from_s", length_s, starts),
            "x2": {"field": "to_s"},
            "y": number(
                "low_us", title="time (us, log)", scale=upward, axis={**SIDE, "tickCount": 5, "format": D3_COUNT}
            ),
            "y2": {"field": "high_us"},
            "color": _counts(max(float(frame["count"].max()), 2)),
            "tooltip": tooltips(
                ("from_s", "from (s)", D3_SECONDS),
                ("to_s", "to (s)", D3_SECONDS),
                ("low_us", "from (us)", D3_MICROSECONDS),
                ("high_us", "to (us)", D3_MICROSECONDS),
                ("count", "inferences", D3_COUNT),
            ),
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
    return number("count", scale={"type": "log", "range": list(HEAT), "domain": [1, most]}, legend=legend)


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


def histogram(frame: Frame, colour: str, marks: Sequence[tuple[str, float]] = (), beside: str | None = None) -> Spec:
    """
    Bars between edges that are equally far apart on a logarithmic axis, and percentiles as rules.

    Args:
        frame: as ``stages_view.histogram_frame`` gives it.
        colour: of the bars.
        marks: what each rule says, and its microseconds.
        beside: name of the run whose counts are drawn over it as a line.
    """
    domain = _ends(frame, "low_us", "high_us")
    across = {"type": "log", "nice": False, "domain": domain}
    # A bar from 1 up: a count of one is seen beside one of a hundred thousand.
    upward = {"type": "symlog", "domain": [0, 1.1 * float(max(frame["count"].max(), frame["beside"].max()))]}
    outline = [] if beside is None else [_outline(frame, across, upward, beside)]
    return layered(
        [_bars(frame, across, upward, colour), *outline, *_rules(marks, across, domain)],
        HISTOGRAM_PX + AXIS_PX,
        padding={"top": LABEL_PX * len(marks)},
    )


def _bars(frame: Frame, across: Spec, upward: Spec, colour: str) -> Spec:
    powers = {"values": [0, *(10**power for power in range(9))], "labelExpr": f"format(datum.value, '{D3_COUNT}')"}
    return {
        "data": inline(row for row in frame.to_dict("records") if row["count"]),
        "mark": {"type": "bar", "color": colour, "binSpacing": 0},
        "encoding": {
            "x": number("low_us", scale=across, title="time (us, log)", axis={"format": D3_COUNT, "tickCount": 8}),
            "x2": {"field": "high_us"},
            "y": number("count", scale=upward, title="inferences (log)", axis=powers),
            "y2": {"datum": 0},
            "tooltip": tooltips(
                ("low_us", "from (us)", D3_MICROSECONDS),
                ("high_us", "to (us)", D3_MICROSECONDS),
                ("count", "inferences", D3_COUNT),
            ),
        },
    }


def _outline(frame: Frame, across: Spec, upward: Spec, name: str) -> Spec:
    rows = [{"us": row["low_us"], "scaled": row["beside"]} for row in frame.to_dict("records")]
    rows.append({"us": float(frame["high_us"].iloc[-1]), "scaled": 0.0})
    return {
        "data": inline(rows),
        "mark": {"type": "line", "interpolate": "step-after", "color": BY_MEANING["baseline"], "strokeWidth": 2},
        "encoding": {
            "x": number("us", scale=across),
            "y": number("scaled", scale=upward),
            "tooltip": tooltips(("us", f"{name}, from (us)", D3_MICROSECONDS), ("scaled", "scaled", D3_MICROSECONDS)),
        },
    }


def _rules(marks: Sequence[tuple[str, float]], across: Spec, domain: Sequence[float]) -> list[Spec]:
    """A rule a percentile, whose words stand on a line of their own: close ones would cover each other."""
    found: list[Spec] = []
    # To the right of an edge words stand left of their rule: there has to be room for them.
    edge = domain[0] ** 0.15 * domain[1] ** 0.85
    inner, outer = ([one for one in marks if (one[1] < edge) is within] for within in (True, False))
    # Words then cross no rule: whatever rule is on their side begins below them.
    for place, (name, us) in enumerate([*inner, *reversed(outer)]):
        data, x = inline([{"us": us, "name": name}]), number("us", scale=across)
        y = {"value": LABEL_PX * (place - len(marks)) + 11}
        rule = {"type": "rule", "color": BY_MEANING["border"], "strokeDash": [4, 3]}
        found.append({"data": data, "mark": rule, "encoding": {"x": x, "y": y, "y2": {"value": "height"}}})
        side, dx = ("left", 4) if us < edge else ("right", -4)
        text = {"type": "text", "align": side, "baseline": "middle", "dx": dx}
        found.append({"data": data, "mark": text, "encoding": {"x": x, "y": y, "text": {"field": "name"}}})
    return found


def by_window(frame: Frame) -> Spec:
    """A stacked bar a window of its stages' means."""
    names = list(dict.fromkeys(frame["stage"].tolist()))
    rows = [
        {**row, "window": f"window {row['window']}", "order": names.index(row["stage"])}
        for row in frame.to_dict("records")
    ]
    return {
        "data": inline(rows),
        "height": AXIS_PX + 60 + 24 * int(frame["window"].nunique()),
        "mark": {"type": "bar", "height": {"band": 0.8}},
        "encoding": {
            "y": row_names("window"),
            "x": number("us", title="mean time of an inference (us)", stack="zero", axis={"tickCount": 10}),
            "order": number("order"),
            "color": colour_by("stage", names),
            "tooltip": tooltips(("window", "window"), ("stage", "stage"), ("us", "us", D3_MICROSECONDS)),
        },
    }


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
