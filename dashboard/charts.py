"""The charts of the pages as Altair specifications; pure and without Streamlit: tests read what they draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from tracer.figure_text import D3_RATIO
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
