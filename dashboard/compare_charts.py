"""Charts of the Compare page as Vega-Lite; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.vega import AXIS_PX, LEGEND_PX, Spec, colour_by, layered, number, tooltips
from tracer.figure_text import D3_RATIO
from tracer.palette import BY_MEANING, SESSION_RUN

VERDICTS = ("slower", "faster", "equivalent", "can't be told")
ROW_PX, SERIES_PX = 26, 240


def ratios(rows: Sequence[dict[str, Any]], noise: float) -> Spec:
    """
    How each run's median compares with the baseline's: a point, its spread, and the band of what counts as equal.

    Args:
        rows: ``run``, ``ratio``, ``low``, ``high`` and ``verdict``.
        noise: half width of the band about 1.
    """
    across = {"zero": False, "padding": 20}
    title = "median inference against the baseline (times)"
    grey = BY_MEANING["border"]
    band: Spec = {
        "data": {"values": [{"from": 1 - noise, "to": 1 + noise}]},
        "mark": {"type": "rect", "color": grey, "opacity": 0.2},
        "encoding": {"x": {**number("from"), "scale": across, "title": title}, "x2": {"field": "to"}},
    }
    unity: Spec = {
        "data": {"values": [{"one": 1}]},
        "mark": {"type": "rule", "color": grey},
        "encoding": {"x": {**number("one"), "scale": across}},
    }
    shared: Spec = {
        "y": {"field": "run", "type": "nominal", "title": None, "axis": {"labelLimit": 260}},
        "color": colour_by("verdict", VERDICTS),
        "tooltip": tooltips(
            ("run", "run"), *((name, name, D3_RATIO) for name in ("ratio", "low", "high")), ("verdict", "verdict")
        ),
    }
    data = {"values": list(rows)}
    spread = {**shared, "x": {**number("low"), "scale": across}, "x2": {"field": "high"}}
    middle = {**shared, "x": {**number("ratio"), "scale": across}}
    return layered(
        [
            band,
            unity,
            {"data": data, "mark": {"type": "rule", "strokeWidth": 3}, "encoding": spread},
            {"data": data, "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": middle},
        ],
        AXIS_PX + LEGEND_PX + ROW_PX + ROW_PX * len(rows),
    )


def waterfall(rows: Sequence[dict[str, Any]], of: str) -> Spec:
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
    kinds = ["whole", "slower", "faster"]
    shared: Spec = {
        "y": {
            "field": "label",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"labelExpr": "slice(datum.label, 2)", "labelLimit": 220, "labelOverlap": False},
        },
        "tooltip": tooltips(("part", "part"), ("change", "change"), ("kind", "")),
    }
    bars = {
        **shared,
        "x": {**number("from"), "title": f"mean {of} (us)", "scale": {"domain": [0, 1.2 * longest]}},
        "x2": {"field": "to"},
        "color": {
            "field": "kind",
            "type": "nominal",
            "scale": {"domain": kinds, "range": [BY_MEANING[one] for one in ("border", "slower", "faster")]},
            "legend": None,
        },
    }
    words = {**shared, "x": number("end"), "text": {"field": "change"}}
    data = {"values": placed}
    return layered(
        [
            {"data": data, "mark": {"type": "bar", "height": {"band": 0.75}}, "encoding": bars},
            {"data": data, "mark": {"type": "text", "align": "left", "dx": 4}, "encoding": words},
        ],
        AXIS_PX + ROW_PX * len(rows),
    )


def series(rows: Sequence[dict[str, Any]]) -> Spec:
    """The rate of each run by the time at which it was made; ``rows`` as ``compare_view.series_rows`` gives them."""
    shared: Spec = {
        "x": {
            "field": "created",
            "type": "temporal",
            "title": "made",
            "axis": {"tickCount": 6, "labelOverlap": True},
        },
        "y": {**number("rate_hz"), "title": "official inf/s", "scale": {"zero": False}},
    }
    data = {"values": list(rows)}
    line = {"type": "line", "color": SESSION_RUN, "point": {"size": 70, "color": SESSION_RUN}}
    told = tooltips(("run", "run"), ("made", "made"), ("rate", "rate"), ("change", "against the baseline"))
    text = {"type": "text", "dy": -12, "limit": 160}
    return layered(
        [
            {"data": data, "mark": line, "encoding": {**shared, "tooltip": told}},
            {"data": data, "mark": text, "encoding": {**shared, "text": {"field": "run"}, "tooltip": told}},
        ],
        SERIES_PX,
    )
