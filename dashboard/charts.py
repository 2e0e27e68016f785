"""The charts of the pages as Altair specifications; pure and without Streamlit: tests read what they draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from tracer.palette import colours

Chart = Any
"""An Altair chart; Altair comes without types."""


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
