"""The chart of the Limits page as Vega-Lite; pure."""

from __future__ import annotations

from dashboard.limits_view import LIMIT, MEASURED, THROUGH_MEMORY, Roofline
from dashboard.vega import Spec, colour_by, inline, layered, nominal, number, tooltips
from tracer.figure_text import D3_MICROSECONDS, D3_PREFIX, significant_text
from tracer.palette import BY_MEANING

SHAPES = {LIMIT: "diamond", MEASURED: "circle", THROUGH_MEMORY: "square"}
HEIGHT_PX = 400


def roofline_chart(shown: Roofline) -> Spec:
    """Both axes logarithmic: the roof, its ridge, and the points of an inference."""
    axis = {"format": D3_PREFIX, "tickCount": 6}
    across, upward = ({"type": "log", "domain": list(ends), "nice": False} for ends in (shown.across, shown.upward))
    x = number("intensity", scale=across, title="operations a byte (log)", axis=axis)
    y = number("per_s", scale=upward, title="operations a second (log)", axis=axis)
    ridge = {"data": inline([{"intensity": shown.ridge, "text": f"ridge {significant_text(shown.ridge)}"}])}
    text = {"type": "text", "align": "left", "dx": 6, "baseline": "top"}
    layers: list[Spec] = [
        {
            **ridge,
            "mark": {"type": "rule", "color": BY_MEANING["border"], "strokeDash": [4, 3]},
            "encoding": {"x": x},
        },
        {**ridge, "mark": text, "encoding": {"x": x, "y": {"value": 4}, "text": {"field": "text"}}},
        {
            "data": inline(shown.roof.to_dict("records")),
            "mark": {"type": "line", "color": BY_MEANING["roof"], "strokeWidth": 2.5},
            "encoding": {"x": x, "y": y},
        },
    ]
    if len(shown.points):
        layers.append({**_points(shown), "encoding": {"x": x, "y": y, **_of_a_point(shown)}})
    return layered(layers, HEIGHT_PX)


def _points(shown: Roofline) -> Spec:
    mark = {"type": "point", "filled": True, "size": 130, "opacity": 1}
    return {"data": inline(shown.points.to_dict("records")), "mark": mark}


def _of_a_point(shown: Roofline) -> Spec:
    names = shown.points["point"].tolist()
    legend = {"orient": "bottom", "title": None, "labelLimit": 320}
    shapes = {"domain": names, "range": [SHAPES[one] for one in names]}
    return {
        "color": colour_by("point", names, labelLimit=320),
        "shape": nominal("point", sort=names, legend=legend, scale=shapes),
        "tooltip": tooltips(
            ("point", "point"),
            ("intensity", "operations a byte", D3_MICROSECONDS),
            ("per_s", "operations a second", D3_PREFIX),
            ("time", "an inference"),
        ),
    }
