"""The charts of the first page: the windows' rates as dots, an inference as an icicle, a confusion matrix; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.vega import Spec, inline, layered, nominal, number, row_names, tooltips
from tracer.classes import LABELS
from tracer.figure_text import D3_COUNT, share_text, time_text
from tracer.palette import BY_MEANING, EMPTY_CELL, GREY, INK, KERNELS, LETTERS, SESSION_RUN, SLATE, colours
from tracer.reports.overview_rows import ADDED, BUSY, KERNEL, LEVELS, OTHERS, OVERHEAD, WALL, Part
from tracer.unit_words import INFERENCES

ROW_PX, ICICLE_AXIS_PX = 24, 51
DOTS_PX, MATRIX_PX = 57, 325
LETTER_PX, FEWEST_LETTERS = 6.5, 6
"""Of a label, about: its width, and how many letters say something."""

PICKED = "picked"
"""The icicle's selection: the ``page`` of the bar that was clicked."""


def window_dots(rates: Sequence[tuple[int, float, str]], median: float) -> Spec:
    """
    A dot a window on an axis of rates, and the median as a line.

    Args:
        rates: ordinal, inferences a second, and the length of each window in words.
        median: the official rate.
    """
    rows = [{"window": window, "rate": rate, "length": length} for window, rate, length in rates]
    x = number("rate", scale={"zero": False, "padding": 12}, title=None, axis={"tickCount": 6})
    told = tooltips(("window", "window"), ("rate", "inf/s", ",.3f"), ("length", "length by laps"))
    line, dots = {"type": "rule", "color": GREY, "strokeWidth": 2}, {"type": "circle", "size": 150, "opacity": 0.8}
    return layered(
        [
            {"data": inline([{"rate": median}]), "mark": line, "encoding": {"x": x}},
            {
                "data": inline(rows),
                "mark": {**dots, "color": SESSION_RUN},
                "encoding": {"x": x, "tooltip": told},
            },
        ],
        DOTS_PX,
    )


def icicle_chart(parts: Sequence[Part], each: str = INFERENCES.each) -> Spec:
    """Each level a row, each part a bar of its own length; names where there is room, all else on hover."""
    end = max((one["to_ns"] for one in parts), default=1.0) / 1e3 or 1
    levels = [level for level in LEVELS if any(one["level"] == level for one in parts)]
    kernels = [one["part"] for one in parts if one["level"] == KERNEL]
    across = {"domain": [0, end], "nice": False}
    bars = {
        "name": "bars",
        "mark": {"type": "bar", "stroke": LETTERS, "strokeWidth": 0.5, "height": {"band": 1}, "cursor": "pointer"},
        "encoding": {
            "x": number("from", scale=across, title=f"{each} in the mean (us)", axis={"tickCount": 10}),
            "x2": {"field": "to"},
            "color": nominal("colour", scale=None),
        },
    }
    letters = {
        "transform": _shown_label(end),
        "mark": {"type": "text", "color": LETTERS, "fontWeight": "bold", "fontSize": 11},
        "encoding": {"x": number("middle", scale=across), "text": {"field": "shown"}},
    }
    told = (("name", "part"), ("time", "mean"), ("percent", "share"), ("of", "of"), ("page", "a click opens"))
    return layered(
        [bars, letters],
        ROW_PX * len(levels) + ICICLE_AXIS_PX,
        data=inline({**_bar(one, each), "colour": _colour(one, kernels)} for one in parts),
        encoding={"y": row_names("level", sort=levels), "tooltip": tooltips(*told)},
        params=[{"name": PICKED, "select": {"type": "point", "fields": ["page"]}, "views": ["bars"]}],
    )


def _shown_label(end: float) -> list[Spec]:
    """Name and share where both have room, else the name, else what of it has; nothing of a few letters."""
    room = f"(datum.to - datum.from) / {end} * width / {LETTER_PX}"
    cut = f"datum.room < {FEWEST_LETTERS} ? '' : truncate(datum.short, max(1, floor(datum.room)))"
    return [
        {"calculate": room, "as": "room"},
        {"calculate": f"length(datum.label) <= datum.room ? datum.label : {cut}", "as": "shown"},
    ]


def _bar(one: Part, each: str) -> dict[str, Any]:
    start, end = one["from_ns"] / 1e3, one["to_ns"] / 1e3
    percent = share_text(one["share"])
    time = time_text(one["to_ns"] - one["from_ns"])
    label = f"{time} {each}" if one["part"] == WALL else f"{one['part']} {percent}"
    facts = {"level": one["level"], "name": one["name"], "of": one["of"], "page": one["page"]}
    return {
        **facts,
        "from": start,
        "to": end,
        "middle": (start + end) / 2,
        "percent": percent,
        "time": time,
        "label": label,
        "short": time if one["part"] == WALL else one["part"],
    }


def _colour(one: Part, kernels: Sequence[str]) -> str:
    if one["level"] == KERNEL:
        return GREY if one["part"] == OTHERS else KERNELS[kernels.index(one["part"]) % len(KERNELS)]
    if one["part"] in (WALL, ADDED):
        return SLATE if one["part"] == WALL else GREY
    return BY_MEANING[one["part"]] if one["part"] in (BUSY, OVERHEAD) else colours([one["part"]])[0]


def confusion_chart(matrix: Sequence[Sequence[int]]) -> Spec:
    """Inputs by true class (row) and by the class that was given (column): the share of the row as the shade."""
    rows = [
        {
            "true": LABELS[true],
            "given": LABELS[given],
            "inputs": count,
            "share": count / (sum(line) or 1),
            "percent": share_text(count / (sum(line) or 1)),
        }
        for true, line in enumerate(matrix)
        for given, count in enumerate(line)
    ]
    axes = {
        "x": nominal("given", sort=list(LABELS), title="given", axis={"labelAngle": -40, "labelOverlap": False}),
        "y": nominal("true", sort=list(LABELS), title="true", axis={"labelOverlap": False}),
        "tooltip": tooltips(
            ("true", "true"), ("given", "given"), ("inputs", "inputs", D3_COUNT), ("percent", "of the true class")
        ),
    }
    shade = number("share", scale={"domain": [0, 1], "range": [EMPTY_CELL, SESSION_RUN]}, legend=None)
    letters = {"condition": {"test": "datum.share > 0.6", "value": LETTERS}, "value": INK}
    numbers = {
        "transform": [{"filter": "datum.inputs > 0"}],
        "mark": {"type": "text", "fontSize": 11},
        "encoding": {"text": number("inputs"), "color": letters},
    }
    return layered(
        [{"mark": "rect", "encoding": {"color": shade}}, numbers], MATRIX_PX, data=inline(rows), encoding=axes
    )
