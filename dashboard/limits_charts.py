"""The chart of the Limits page; pure."""

from __future__ import annotations

import altair as alt

from dashboard.charts import Chart
from dashboard.limits_view import LIMIT, MEASURED, THROUGH_MEMORY, Roofline
from dashboard.palette import BY_MEANING, LABEL, colours
from tracer.figure_text import D3_MICROSECONDS, D3_PREFIX, significant_text

SHAPES = {LIMIT: "diamond", MEASURED: "circle", THROUGH_MEMORY: "square"}


def roofline_chart(shown: Roofline) -> Chart:
    """Both axes logarithmic: the roof, its ridge, and the points of an inference."""
    across = alt.Scale(type="log", domain=list(shown.across), nice=False)
    upward = alt.Scale(type="log", domain=list(shown.upward), nice=False)
    x = alt.X(
        "intensity:Q", scale=across, title="operations a byte (log)", axis=alt.Axis(format=D3_PREFIX, tickCount=6)
    )
    y = alt.Y(
        "per_s:Q", scale=upward, title="operations a second (log)", axis=alt.Axis(format=D3_PREFIX, tickCount=6)
    )
    roof = alt.Chart(alt.Data(values=shown.roof.to_dict("records"))).mark_line(
        color=BY_MEANING["roof"], strokeWidth=2.5
    )
    ridge = alt.Chart(alt.Data(values=[{"intensity": shown.ridge, "text": f"ridge {significant_text(shown.ridge)}"}]))
    at = alt.X("intensity:Q", scale=across)
    layers = [
        ridge.mark_rule(color=BY_MEANING["border"], strokeDash=[4, 3]).encode(x=at),
        ridge.mark_text(color=LABEL, align="left", dx=6, baseline="top").encode(x=at, y=alt.value(4), text="text:N"),
        roof.encode(x=x, y=y),
    ]
    rows = shown.points.to_dict("records")
    if rows:
        layers.append(_points(rows, x, y))
    return alt.layer(*layers).properties(height=400)


def _points(rows: list[dict[str, object]], x: alt.X, y: alt.Y) -> Chart:
    names = [str(row["point"]) for row in rows]
    legend = alt.Legend(orient="bottom", title=None, labelLimit=320)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=130, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "point:N", sort=names, legend=legend, scale=alt.Scale(domain=names, range=colours(names))
            ),
            shape=alt.Shape(
                "point:N", sort=names, legend=legend, scale=alt.Scale(domain=names, range=[SHAPES[n] for n in names])
            ),
            tooltip=[
                alt.Tooltip("point:N", title="point"),
                alt.Tooltip("intensity:Q", title="operations a byte", format=D3_MICROSECONDS),
                alt.Tooltip("per_s:Q", title="operations a second", format=D3_PREFIX),
                alt.Tooltip("time:N", title="an inference"),
            ],
        )
    )
