"""Fleet: the launches of a folder over time by configuration, and its boards, from the fleet's rows; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import geometric_mean, median
from typing import Any

import pandas as pd

from dashboard.frames import Frame
from dashboard.vega import AXIS_PX, Spec, colour_by, inline, layered, number, tooltips
from tracer.figure_text import D3_RATIO, MISSING, count_text, interval_text, rate_text, short_rate_text
from tracer.fleet.tables import CONFIGURATION
from tracer.palette import GREY

Rows = Sequence[Mapping[str, Any]]

HASH_DIGITS = 12
GROUND_PX = 225
HOUR_OR_DAY = "utcFormat(datum.value, utchours(datum.value) + utcminutes(datum.value) ? '%H:%M' : '%m-%d')"
"""A label of the axis of time (Vega): the hour, at midnight the day."""
PICKED = "picked"
"""The chart's selection: the ``run`` of the point that was clicked."""


def labels(rows: Rows) -> dict[tuple[str, ...], str]:
    """A name for each configuration: the values in which it differs from another, the device always."""
    keys = list(dict.fromkeys(_key(row) for row in rows))
    telling = [at for at, name in enumerate(CONFIGURATION) if name == "device" or len({key[at] for key in keys}) > 1]
    return {key: " · ".join(key[at][:HASH_DIGITS] if at == 1 else key[at] for at in telling) for key in keys}


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in CONFIGURATION)


def launch_rows(rows: Rows, baseline: Collection[str] = ()) -> list[dict[str, Any]]:
    """A point a launch with a rate, oldest first; ``baseline`` are the ids of runs that are one."""
    named = labels(rows)
    return [
        {
            "run": row["name"],
            "created": row["created"],
            "rate": row["rate_hz"],
            "configuration": named[_key(row)],
            "board": row["host"],
            "trust": row["trust"],
            "baseline": row["run_id"] in baseline,
        }
        for row in rows
        if row["rate_hz"] is not None
    ]


def rate_chart(points: Sequence[Mapping[str, Any]]) -> Spec:
    """Each launch's official rate over time, a colour a configuration; a baseline ringed, its mean a line."""
    y = number("rate", scale={"zero": False, "padding": 12}, title="official rate, inf/s")
    encoding: Spec = {
        "x": {
            "field": "created",
            "type": "temporal",
            "title": "recorded (UTC)",
            "scale": {"type": "utc", "padding": 12},
            "axis": {"labelExpr": HOUR_OR_DAY, "tickCount": 8, "labelOverlap": True},
        },
        "y": y,
    }
    told = {
        # Its names are long: the page has them below, where they go over several lines.
        "color": {**colour_by("configuration", configurations(points)), "legend": None},
        "tooltip": tooltips(
            ("run", "run"),
            ("rate", "inf/s", D3_RATIO),
            ("configuration", "configuration"),
            ("board", "board"),
            ("trust", "trust"),
        ),
    }
    held = [one for one in points if one["baseline"]]
    means = [
        {"rate": geometric_mean([one["rate"] for one in held if one["configuration"] == name])}
        for name in sorted({one["configuration"] for one in held})
    ]
    line = {"type": "rule", "color": GREY, "strokeDash": [5, 4], "strokeWidth": 2}
    dots = {"type": "circle", "size": 90, "opacity": 0.85}
    layers: list[Spec] = [
        {"data": inline(means), "mark": line, "encoding": {"y": y}},
        {"name": "dots", "data": inline(points), "mark": dots, "encoding": {**encoding, **told}},
        {"data": inline(held), "mark": {"type": "point", "size": 190, "color": GREY}, "encoding": encoding},
    ]
    picked = {"name": PICKED, "select": {"type": "point", "fields": ["run"]}, "views": ["dots"]}
    return layered(layers if held else layers[1:2], GROUND_PX + AXIS_PX, params=[picked])


def configurations(points: Rows) -> list[str]:
    """Their names, in the order of their colours."""
    return sorted({one["configuration"] for one in points})


def board_frame(rows: Rows, judged: Rows) -> Frame:
    """
    A row a board and configuration: its launches, their median rate and range, the newest run, how many are trusted.

    ``judged`` are the answers of ``outliers``: whether it is not as the other boards are.
    """
    named = labels(rows)
    groups: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["host"], _key(row)), []).append(row)
    verdicts = {(one["host"], _key(one)): one for one in judged}
    shown = []
    for (host, key), launches in sorted(groups.items()):
        rates = sorted(one["rate_hz"] for one in launches if one["rate_hz"] is not None)
        verdict = verdicts.get((host, key))
        spread = interval_text(rates[0], rates[-1], short_rate_text) if rates else MISSING
        shown.append(
            (
                host,
                count_text(len(launches)),
                rate_text(median(rates)) if rates else MISSING,
                spread,
                f"{sum(bool(one['trusted']) for one in launches)} of {len(launches)}",
                {True: "not as the others", False: "as the others"}.get(verdict["outlier"], verdict["why_not"])
                if verdict
                else MISSING,
                named[key],
                max(launches, key=lambda one: str(one["created"]))["name"],
            )
        )
    figures = ["launches", "median rate", "range", "trusted"]
    columns = ["board", *figures, "among boards", "configuration", "newest run"]
    return pd.DataFrame(shown, columns=columns)
