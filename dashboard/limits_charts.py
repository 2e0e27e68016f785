"""The chart of the Limits page; pure."""

from __future__ import annotations

import altair as alt

from dashboard.charts import Chart, chart_of, colour_by, tooltips
from dashboard.limits_view import LIMIT, MEASURED, THROUGH_MEMORY, Roofline
from tracer.figure_text import D3_MICROSECONDS, D3_PREFIX, significant_text
from tracer.palette import BY_MEANING

SHAPES = {LIMIT: "diamond", MEASURED: "circle", THROUGH_MEMORY: "square"}


def roofline_chart(shown: Roofline) -> Chart:
    """Both axes logarithmic: the roof, its ridge, and the points of an inference."""
    shown_axis = alt.Axis(format=D3_PREFIX, tickCount=6)
    at = alt.Scale(type="log", domain=list(shown.across), nice=False)
    upward = alt.Scale(type="log", domain=list(shown.upward), nice=False)
    x = alt.X("intensity:Q", scale=at, title="operations a byte (log)", axis=shown_axis)
    y = alt.Y("per_s:Q", scale=upward, title="operations a second (log)", axis=shown_axis)
    roof = chart_of(shown.roof.to_dict("records")).mark_line(color=BY_MEANING["roof"], strokeWidth=2.5)
    ridge = chart_of([{"intensity": shown.ridge, "text": f"ridge {significant_text(shown.ridge)}"}])
    ridge = ridge.encode(x=alt.X("intensity:Q", scale=at))
    layers = [
        ridge.mark_rule(color=BY_MEANING["border"], strokeDash=[4, 3]),
        ridge.mark_text(align="left", dx=6, baseline="top").encode(y=alt.value(4), text="text:N"),
        roof.encode(x=x, y=y),
    ]
    rows = shown.points.to_dict("records")
    if rows:
        layers.append(_points(rows).encode(x=x, y=y))
    return alt.layer(*layers).properties(height=400)


def _points(rows: list[dict[str, object]]) -> Chart:
    names = [str(row["point"]) for row in rows]
    legend = alt.Legend(orient="bottom", title=None, labelLimit=320)
    shapes = alt.Scale(domain=names, range=[SHAPES[name] for name in names])
    return (
        chart_of(rows)
        .mark_point(filled=True, size=130, opacity=1)
        .encode(
            color=colour_by("point", names, labelLimit=320, title=None),
            shape=alt.Shape("point:N", sort=names, legend=legend, scale=shapes),
            tooltip=tooltips(
                ("point", "point"),
                ("intensity", "operations a byte", D3_MICROSECONDS),
                ("per_s", "operations a second", D3_PREFIX),
                ("time", "an inference"),
            ),
        )
    )
