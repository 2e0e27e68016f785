"""What the pages' charts share: they are written as Vega-Lite (https://vega.github.io/vega-lite/docs/); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracer.palette import PAPER, colours

Spec = dict[str, Any]
"""A chart, or a layer of one; frames may stand under ``datasets``."""

AXIS_PX, LEGEND_PX = 55, 40
"""A chart's height holds its axis and its legend: Streamlit fits the whole into it."""

PADDING = {"top": 5, "bottom": 5, "left": 5, "right": 8}
"""Around a chart, in pixels: without it Streamlit leaves 20 below, and cuts the first letter of the longest name."""


def inline(rows: Iterable[Mapping[str, Any]]) -> Spec:
    """Rows that stand in the chart itself."""
    return {"values": [dict(row) for row in rows]}


def tooltips(*shown: tuple[str, ...]) -> list[Spec]:
    """What a mark tells on hover: field and title, and of a number its D3 format."""
    return [
        {
            "field": field,
            "title": title,
            "type": "quantitative" if form else "nominal",
            **({"format": form[0]} if form else {}),
        }
        for field, title, *form in shown
    ]


def number(field: str, **more: Any) -> Spec:
    """A channel of numbers; ``more`` as Vega-Lite takes it."""
    return {"field": field, "type": "quantitative", **more}


def nominal(field: str, **more: Any) -> Spec:
    """A channel of names, untitled unless ``more`` says otherwise."""
    return {"field": field, "type": "nominal", "title": None, **more}


def colour_by(field: str, names: Sequence[str], **legend: Any) -> Spec:
    """The palette's colour of each name, and their legend: below and untitled unless ``legend`` says otherwise."""
    return nominal(
        field,
        sort=list(names),
        scale={"domain": list(names), "range": colours(names)},
        legend={"orient": "bottom", "title": None, **legend},
    )


def layered(layers: Sequence[Spec], height: int, **more: Any) -> Spec:
    """Layers over one another, the last on top."""
    return {"layer": list(layers), "height": height, **more}


def worded(spec: Spec, scheme: str | None) -> Spec:
    """The chart within ``PADDING``, its words coloured for a ``light`` or a ``dark`` ground: Vega's are black."""
    paper = PAPER[scheme if scheme in PAPER else "light"]
    words = {"labelColor": paper["quiet"], "titleColor": paper["quiet"]}
    config = {"text": {"color": paper["ink"]}, "axis": words, "legend": words}
    return {**spec, "padding": {**PADDING, **spec.get("padding", {})}, "config": config}
