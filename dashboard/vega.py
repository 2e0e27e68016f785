"""What the charts that are written as Vega-Lite share (https://vega.github.io/vega-lite/docs/); pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
"""A chart, or a layer of one; frames may stand under ``datasets``."""

AXIS_PX = 70
"""A chart's height holds its axis: Streamlit fits the whole into it."""


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


def number(field: str) -> Spec:
    """A channel of numbers."""
    return {"field": field, "type": "quantitative"}


def layered(layers: Sequence[Spec], height: int, **more: Mapping[str, Any]) -> Spec:
    """Layers over one another, the last on top."""
    return {"layer": list(layers), "height": height, **more}
