"""Charts of the Compare page as Vega-Lite; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.compare_view import NOT_TOLD, WHOLE
from dashboard.vega import AXIS_PX, LEGEND_PX, Spec, colour_by, inline, layered, number, row_names, tooltips
from tracer.figure_text import D3_RATIO
from tracer.palette import BY_MEANING, SESSION_RUN

VERDICTS = ("slower", "faster", "equivalent", "can't be told")
KINDS = (WHOLE, "slower", "faster", NOT_TOLD)
"""Of a waterfall's bars, in the order of its legend."""
ROW_PX, SERIES_PX, TICKS = 26, 225, 8


def ratios(rows: Sequence[dict[str, Any]], noise: float) -> Spec:
    """
    How each run's median compares with the baseline's: a point, its spread, and the band of what counts as equal.

    Args:
        rows: ``run``, ``ratio``, ``low``, ``high`` and ``verdict``.
        noise: half width of the band about 1.
    """
    across, grey = {"zero": False, "padding": 20}, BY_MEANING["border"]
    title = "median inference against the baseline (times)"
    band = {
        "data": inline([{"from": 1 - noise, "to": 1 + noise}]),
        "mark": {"type": "rect", "color": grey, "opacity": 0.2},
        "encoding": {"x": number("from", scale=across, title=title), "x2": {"field": "to"}},
    }
    unity = {
        "data": inline([{"one": 1}]),
        "mark": {"type": "rule", "color": grey},
        "encoding": {"x": number("one", scale=across)},
    }
    shared = {
        "y": row_names("run"),
        "color": colour_by("verdict", VERDICTS),
        "tooltip": tooltips(
            ("run", "run"), *((name, name, D3_RATIO) for name in ("ratio", "low", "high")), ("verdict", "verdict")
        ),
    }
    data = inline(rows)
    spread = {**shared, "x": number("low", scale=across), "x2": {"field": "high"}}
    middle = {**shared, "x": number("ratio", scale=across)}
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
    shared: Spec = {
        "y": row_names("label", labelExpr="slice(datum.label, 2)"),
        "tooltip": tooltips(("part", "part"), ("change", "change"), ("kind", "seen to be")),
    }
    bars = {
        "x": number("from", title=f"mean {of} (us)", scale={"domain": [0, 1.2 * longest]}, axis={"tickCount": TICKS}),
        "x2": {"field": "to"},
        "color": colour_by("kind", [one for one in KINDS if one in {row["kind"] for row in rows}]),
    }
    words = {"x": number("end"), "text": {"field": "change"}}
    return layered(
        [
            {"mark": {"type": "bar", "height": {"band": 0.75}}, "encoding": bars},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": words},
        ],
        AXIS_PX + LEGEND_PX + ROW_PX * len(rows),
        data=inline(placed),
        encoding=shared,
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
        "y": number("rate_hz", title="official inf/s", scale={"zero": False}),
        "tooltip": tooltips(("run", "run"), ("made", "made"), ("rate", "rate"), ("change", "against the baseline")),
    }
    line = {"type": "line", "color": SESSION_RUN, "point": {"size": 70, "color": SESSION_RUN}}
    text = {"mark": {"type": "text", "dy": -12, "limit": 160}, "encoding": {"text": {"field": "run"}}}
    return layered([{"mark": line}, text], SERIES_PX, data=inline(rows), encoding=shared)
