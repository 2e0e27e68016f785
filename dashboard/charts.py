"""The charts of the pages as Altair specifications; pure and without Streamlit: tests read what they draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from dashboard.frames import Frame
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS, D3_RATIO, D3_SECONDS
from tracer.palette import BY_MEANING, LABEL, colours

Chart = Any
"""An Altair chart; Altair comes without types."""

AXIS_PX, LEGEND_PX, LEGEND_ROW_PX = 70, 40, 23
"""A chart's height holds its axis and its legend: Streamlit fits the whole into it."""


def chart_of(rows: Iterable[dict[str, Any]]) -> Chart:
    """A chart with its data in itself."""
    return alt.Chart(alt.Data(values=list(rows)))


def tooltips(*shown: tuple[str, ...]) -> list[alt.Tooltip]:
    """What a mark tells on hover: field and title, and of a number its D3 format."""
    return [
        alt.Tooltip(f"{field}:{'Q' if form else 'N'}", title=title, **({"format": form[0]} if form else {}))
        for field, title, *form in shown
    ]


def colour_by(field: str, names: Sequence[str], **legend: Any) -> alt.Color:
    """The palette's colour of each name, and their legend, below the chart unless ``legend`` says otherwise."""
    return alt.Color(
        f"{field}:N",
        title=None,
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=colours(names)),
        legend=alt.Legend(**{"orient": "bottom", **legend}),
    )


def histogram(frame: Frame, colour: str, marks: Sequence[tuple[str, float]] = ()) -> Chart:
    """
    Bars between edges that are equally far apart on a logarithmic axis.

    Args:
        frame: ``low_us``, ``high_us`` and ``count`` a row.
        colour: of the bars.
        marks: percentiles to draw as lines: name and microseconds.
    """
    rows = [row for row in frame.to_dict("records") if row["count"]]
    across = alt.Scale(type="log", nice=False)
    bars = (
        chart_of(rows)
        .mark_bar(color=colour, binSpacing=0)
        .encode(
            x=alt.X("low_us:Q", scale=across, title="time (us, log)", axis=alt.Axis(format=D3_COUNT, tickCount=8)),
            x2="high_us:Q",
            # A bar from 1 up: a count of one is seen beside one of a hundred thousand.
            y=alt.Y("count:Q", scale=alt.Scale(type="symlog"), title="inferences (log)", axis=alt.Axis(tickCount=5)),
            y2=alt.datum(0),
            tooltip=tooltips(
                ("low_us", "from (us)", D3_MICROSECONDS),
                ("high_us", "to (us)", D3_MICROSECONDS),
                ("count", "inferences", D3_COUNT),
            ),
        )
    )
    if not marks:
        return bars.properties(height=380)
    lines = chart_of({"name": name, "us": us} for name, us in marks).encode(x=alt.X("us:Q", scale=across))
    rules = lines.mark_rule(color=BY_MEANING["outlier"], strokeDash=[4, 3]).encode(
        tooltip=tooltips(("name", "percentile"), ("us", "us", D3_MICROSECONDS))
    )
    texts = lines.mark_text(color=LABEL, align="center", baseline="bottom").encode(y=alt.value(-3), text="name:N")
    return (bars + rules + texts).properties(height=380)


def over_time(frame: Frame, colour: str, *, logarithmic: bool) -> Chart:
    """
    The median of each stretch of time as a line a window, p10 to p90 as a band, and the longest as points.

    Args:
        frame: as ``stages_view.time_frame`` gives it.
        colour: of the line.
        logarithmic: the axis of the times.
    """
    low, high = float(frame["p10_us"].min()) * 0.95, float(frame["max_us"].max()) * 1.05
    scale = alt.Scale(type="log" if logarithmic else "linear", domain=[low, high], nice=False)
    across = alt.X("seconds:Q", title="time within the windows, joined (s)", scale=alt.Scale(nice=False))
    base = chart_of(frame.to_dict("records")).encode(x=across)
    by_window = base.encode(detail="window:N")
    band = by_window.mark_area(color=colour, opacity=0.25).encode(
        y=alt.Y("p10_us:Q", scale=scale, title=f"time (us{', log' if logarithmic else ''})"), y2="p90_us:Q"
    )
    line = by_window.mark_line(color=colour, strokeWidth=1.5).encode(y=alt.Y("median_us:Q", scale=scale))
    times = [(f"{name}_us", f"{name} (us)", D3_MICROSECONDS) for name in ("p10", "median", "p90", "max")]
    points = base.mark_point(color=BY_MEANING["outlier"], size=14, filled=True, opacity=0.7).encode(
        y=alt.Y("max_us:Q", scale=scale),
        tooltip=tooltips(
            ("window", "window"), ("seconds", "s", D3_SECONDS), ("count", "inferences", D3_COUNT), *times
        ),
    )
    starts = [{"start": float(one)} for one in frame.groupby("window", sort=False)["seconds"].min()]
    borders = chart_of(starts[1:]).mark_rule(color=BY_MEANING["border"], strokeDash=[2, 2]).encode(x="start:Q")
    return alt.layer(band, line, points, *([borders] if len(starts) > 1 else [])).properties(height=320)


def by_window(frame: Frame) -> Chart:
    """A stacked bar a window of its stages' means."""
    names = list(dict.fromkeys(frame["stage"].tolist()))
    return (
        chart_of({**row, "order": names.index(row["stage"])} for row in frame.to_dict("records"))
        .mark_bar(height={"band": 0.8})
        .encode(
            y=alt.Y("window:N", title="window", sort=None),
            x=alt.X("us:Q", title="mean time of an inference (us)", stack="zero"),
            order="order:Q",
            color=colour_by("stage", names),
            tooltip=tooltips(("window", "window"), ("stage", "stage"), ("us", "us", D3_MICROSECONDS)),
        )
        .properties(height=AXIS_PX + LEGEND_PX + LEGEND_ROW_PX + 24 * frame["window"].nunique())
    )


def ratios(rows: list[dict[str, Any]], noise: float) -> Chart:
    """
    How each run's median compares with the baseline's: a point, its spread, and the band of what counts as equal.

    Args:
        rows: ``run``, ``ratio``, ``low``, ``high`` and ``verdict``.
        noise: half width of the band about 1.
    """
    across = alt.Scale(zero=False, padding=20)
    title = "median inference against the baseline (times)"
    grey = BY_MEANING["border"]
    band = chart_of([{"from": 1 - noise, "to": 1 + noise}]).mark_rect(color=grey, opacity=0.2)
    unity = chart_of([{"one": 1}]).mark_rule(color=grey)
    base = chart_of(rows).encode(
        y=alt.Y("run:N", title=None, axis=alt.Axis(labelLimit=260)),
        color=colour_by("verdict", ("slower", "faster", "equivalent", "can't be told")),
        tooltip=tooltips(
            ("run", "run"), *((name, name, D3_RATIO) for name in ("ratio", "low", "high")), ("verdict", "verdict")
        ),
    )
    return alt.layer(
        band.encode(x=alt.X("from:Q", scale=across, title=title), x2="to:Q"),
        unity.encode(x=alt.X("one:Q", scale=across)),
        base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=across), x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("ratio:Q", scale=across)),
    ).properties(height=AXIS_PX + LEGEND_PX + LEGEND_ROW_PX + 36 * len(rows))


def waterfall(rows: list[dict[str, Any]], of: str) -> Chart:
    """
    Two wholes and the steps from one to the other.

    Args:
        rows: as ``compare_view.waterfall_rows`` gives them.
        of: what a whole is.
    """
    # A run may be called as a part is: the place tells them apart.
    placed = [
        {**row, "label": f"{place:02}{row['part']}", "end": max(row["from"], row["to"])}
        for place, row in enumerate(rows)
    ]
    longest = max(row["end"] for row in placed)
    names = alt.Axis(labelExpr="slice(datum.label, 2)", labelLimit=260, labelOverlap=False)
    base = chart_of(placed).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=names),
        tooltip=tooltips(("part", "part"), ("change", "change"), ("kind", "")),
    )
    fills = alt.Scale(
        domain=["whole", "slower", "faster"], range=[BY_MEANING["border"], BY_MEANING["slower"], BY_MEANING["faster"]]
    )
    bars = base.mark_bar(height={"band": 0.75}).encode(
        x=alt.X("from:Q", title=f"mean {of} (us)", scale=alt.Scale(domain=[0, 1.12 * longest])),
        x2="to:Q",
        color=alt.Color("kind:N", scale=fills, legend=None),
    )
    texts = base.mark_text(align="left", dx=4, color=LABEL).encode(x="end:Q", text="change:N")
    return (bars + texts).properties(height=AXIS_PX + 24 * len(rows))
