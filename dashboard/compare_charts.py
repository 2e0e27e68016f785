"""Charts of the Compare page; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.compare_view import NOT_TOLD, WHOLE
from dashboard.vega import Spec, inline, layered, number, tooltips
from tracer.figure_text import number_text
from tracer.palette import BY_MEANING, SESSION_RUN, colour_by_part
from tracer.reports.html.markup import Markup
from tracer.reports.html.plots import Axis, Mark, Row, Rows, rows_plot

VERDICTS = ("slower", "faster", "equivalent", "can't be told")
KINDS = (WHOLE, "slower", "faster", NOT_TOLD)
"""Of a waterfall's bars, in the order of its legend."""
SERIES_PX = 225


def ratios(rows: Sequence[dict[str, Any]], noise: float) -> Markup:
    """
    How each run's median compares with the baseline's: a point, its spread, and the band of what counts as equal.

    Args:
        rows: ``run``, ``ratio``, ``low``, ``high`` and ``verdict``.
        noise: half width of the band about 1.
    """
    inks = colour_by_part(VERDICTS)
    ends = [1 - noise, 1 + noise, *(row[name] for row in rows for name in ("low", "high", "ratio"))]
    room = 0.06 * (max(ends) - min(ends))
    axis = Axis(min(ends) - room, max(ends) + room, "median inference against the baseline (times)", most=8)
    shown = []
    for row in rows:
        ink, low, middle, high = inks[row["verdict"]], *(row[name] for name in ("low", "ratio", "high"))
        ends_told = f"{number_text(low, 3)} to {number_text(high, 3)}"
        told = f"{row['run']}: {number_text(middle, 3)} ({ends_told}), {row['verdict']}"
        marks = [Mark(1.0, 1.0, BY_MEANING["border"], kind="rule"), Mark(low, high, ink, told, kind="thin")]
        shown.append(Row(row["run"], [*marks, Mark(middle, middle, ink, told, kind="dot")]))
    there = {name: ink for name, ink in inks.items() if any(row["verdict"] == name for row in rows)}
    return rows_plot(Rows("Medians against the baseline", axis, shown, there, (1 - noise, 1 + noise)))


def waterfall(rows: Sequence[dict[str, Any]], of: str) -> Markup:
    """
    Two wholes and the steps from one to the other.

    Args:
        rows: as ``compare_view.waterfall_rows`` gives them.
        of: what a whole is.
    """
    there = [one for one in KINDS if any(row["kind"] == one for row in rows)]
    inks = colour_by_part(there)
    longest = max(max(row["from"], row["to"]) for row in rows)
    shown = [
        Row(
            row["part"],
            [Mark(row["from"], row["to"], inks[row["kind"]], f"{row['part']}: {row['change']}", after=row["change"])],
        )
        for row in rows
    ]
    axis = Axis(0.0, 1.2 * longest, f"mean {of} (us)", most=6)
    return rows_plot(Rows(f"From one mean {of} to the other", axis, shown, inks))


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
