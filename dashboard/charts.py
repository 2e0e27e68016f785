"""The charts of the pages as Altair specifications; pure and without Streamlit: tests read what they draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard.palette import BY_MEANING, LABEL, LETTERS, colours
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS, D3_RATIO, D3_SECONDS, number_text, share_text

Frame = Any
Chart = Any
"""An Altair chart; Altair comes without types."""

LABELLED_SHARE = 0.06
"""Parts of a bar with less than this share of it have no room for a label."""


BAR_PX, AXIS_PX, LEGEND_PX, LEGEND_ROW_PX, LEGEND_COLUMNS = 46, 70, 40, 23, 3
"""A chart's height holds its axis and its legend: Streamlit fits the whole into it."""


def stacked_bar(parts: Frame) -> Chart:
    """
    One bar of parts in their order.

    Args:
        parts: ``part``, ``us``, ``share`` and ``time`` a row.
    """
    names = parts["part"].tolist()
    rows, at = [], 0.0
    for row in parts.to_dict("records"):
        rows.append({**row, "from": at, "to": at + row["us"], "middle": at + row["us"] / 2})
        at += row["us"]
    for row in rows:
        row["percent"] = share_text(row["share"])
        row["label"] = f"{number_text(100 * row['share'])} %" if row["share"] >= LABELLED_SHARE else ""
    data = alt.Data(values=rows)
    across = alt.Scale(domain=[0, at or 1], nice=False)
    bars = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", scale=across, title="mean time of an inference (us)"),
            x2="to:Q",
            color=alt.Color(
                "part:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=colours(names)),
                legend=alt.Legend(orient="bottom", columns=LEGEND_COLUMNS, labelLimit=260),
            ),
            tooltip=[
                alt.Tooltip("part:N", title="part"),
                alt.Tooltip("time:N", title="mean"),
                alt.Tooltip("percent:N", title="share"),
            ],
        )
    )
    labels = (
        alt.Chart(data)
        .mark_text(color=LETTERS, fontWeight="bold")
        .encode(x=alt.X("middle:Q", scale=across), text="label:N")
    )
    legend = LEGEND_PX + LEGEND_ROW_PX * -(-len(names) // LEGEND_COLUMNS)
    return (bars + labels).properties(height=BAR_PX + AXIS_PX + legend)


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
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color=colour, binSpacing=0)
        .encode(
            x=alt.X("low_us:Q", scale=across, title="time (us, log)", axis=alt.Axis(format=D3_COUNT, tickCount=8)),
            x2="high_us:Q",
            # A bar from 1 up: a count of one is seen beside one of a hundred thousand.
            y=alt.Y("count:Q", scale=alt.Scale(type="symlog"), title="inferences (log)", axis=alt.Axis(tickCount=5)),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low_us:Q", title="from (us)", format=D3_MICROSECONDS),
                alt.Tooltip("high_us:Q", title="to (us)", format=D3_MICROSECONDS),
                alt.Tooltip("count:Q", title="inferences", format=D3_COUNT),
            ],
        )
    )
    lines = [{"name": name, "us": us} for name, us in marks]
    rules = (
        alt.Chart(alt.Data(values=lines))
        .mark_rule(color=BY_MEANING["outlier"], strokeDash=[4, 3])
        .encode(
            x=alt.X("us:Q", scale=across),
            tooltip=[
                alt.Tooltip("name:N", title="percentile"),
                alt.Tooltip("us:Q", title="us", format=D3_MICROSECONDS),
            ],
        )
    )
    texts = (
        alt.Chart(alt.Data(values=lines))
        .mark_text(color=LABEL, align="center", baseline="bottom")
        .encode(x=alt.X("us:Q", scale=across), y=alt.value(-3), text="name:N")
    )
    return (bars + rules + texts if lines else bars).properties(height=380)


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
    base = alt.Chart(alt.Data(values=frame.to_dict("records")))
    tooltip = [
        alt.Tooltip("window:N", title="window"),
        alt.Tooltip("seconds:Q", title="s", format=D3_SECONDS),
        alt.Tooltip("count:Q", title="inferences", format=D3_COUNT),
        *(
            alt.Tooltip(f"{name}_us:Q", title=f"{name} (us)", format=D3_MICROSECONDS)
            for name in ("p10", "median", "p90", "max")
        ),
    ]
    detail = alt.Detail("window:N")
    band = base.mark_area(color=colour, opacity=0.25).encode(
        x=across, y=alt.Y("p10_us:Q", scale=scale, title=f"time (us{', log' if logarithmic else ''})"), y2="p90_us:Q"
    )
    line = base.mark_line(color=colour, strokeWidth=1.5).encode(x=across, y=alt.Y("median_us:Q", scale=scale))
    points = base.mark_point(color=BY_MEANING["outlier"], size=14, filled=True, opacity=0.7).encode(
        x=across, y=alt.Y("max_us:Q", scale=scale), tooltip=tooltip
    )
    starts = [{"start": float(one)} for one in frame.groupby("window", sort=False)["seconds"].min()]
    borders = (
        alt.Chart(alt.Data(values=starts[1:]))
        .mark_rule(color=BY_MEANING["border"], strokeDash=[2, 2])
        .encode(x="start:Q")
    )
    layers = [band.encode(detail), line.encode(detail), points]
    return alt.layer(*layers, *([borders] if len(starts) > 1 else [])).properties(height=320)


def by_window(frame: Frame) -> Chart:
    """A stacked bar a window of its stages' means."""
    names = list(dict.fromkeys(frame["stage"].tolist()))
    order = {name: place for place, name in enumerate(names)}
    rows = [{**row, "order": order[row["stage"]]} for row in frame.to_dict("records")]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height={"band": 0.8})
        .encode(
            y=alt.Y("window:N", title="window", sort=None),
            x=alt.X("us:Q", title="mean time of an inference (us)", stack="zero"),
            order=alt.Order("order:Q"),
            color=alt.Color(
                "stage:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=colours(names)),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("window:N", title="window"),
                alt.Tooltip("stage:N", title="stage"),
                alt.Tooltip("us:Q", title="us", format=D3_MICROSECONDS),
            ],
        )
        .properties(height=AXIS_PX + LEGEND_PX + LEGEND_ROW_PX + 24 * frame["window"].nunique())
    )


def ratios(rows: list[dict[str, Any]], noise: float) -> Chart:
    """
    How each run's median compares with the first run's: a point, its interval, and the band of what counts as equal.

    Args:
        rows: ``run``, ``ratio``, ``low``, ``high`` and ``verdict``.
        noise: half width of the band about 1.
    """
    verdicts = ("slower", "faster", "no difference")
    data = alt.Data(values=rows)
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(domain=list(verdicts), range=colours(verdicts)),
        legend=alt.Legend(orient="bottom"),
    )
    across = alt.Scale(zero=False, padding=20)
    tooltip = [
        alt.Tooltip("run:N", title="run"),
        *(alt.Tooltip(f"{name}:Q", title=name, format=D3_RATIO) for name in ("ratio", "low", "high")),
        alt.Tooltip("verdict:N", title="verdict"),
    ]
    band = (
        alt.Chart(alt.Data(values=[{"from": 1 - noise, "to": 1 + noise}]))
        .mark_rect(color=BY_MEANING["border"], opacity=0.2)
        .encode(x=alt.X("from:Q", scale=across, title="median inference against the first run (times)"), x2="to:Q")
    )
    unity = (
        alt.Chart(alt.Data(values=[{"one": 1}]))
        .mark_rule(color=BY_MEANING["border"])
        .encode(x=alt.X("one:Q", scale=across))
    )
    upward = alt.Y("run:N", title=None, axis=alt.Axis(labelLimit=260))
    bars = alt.Chart(data).mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=across), x2="high:Q", y=upward)
    points = (
        alt.Chart(data).mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("ratio:Q", scale=across), y=upward)
    )
    return alt.layer(
        band, unity, bars.encode(colour, tooltip=tooltip), points.encode(colour, tooltip=tooltip)
    ).properties(height=AXIS_PX + LEGEND_PX + LEGEND_ROW_PX + 36 * len(rows))
