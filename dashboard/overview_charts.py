"""The charts of the first page: the windows' rates as dots, an inference as an icicle, a confusion matrix; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard.charts import Chart, chart_of, tooltips
from tracer.classes import LABELS
from tracer.figure_text import D3_COUNT, share_text, time_text
from tracer.palette import BY_MEANING, EMPTY_CELL, GREY, INK, KERNELS, LETTERS, SESSION_RUN, SLATE, colours
from tracer.reports.overview_rows import ADDED, BUSY, KERNEL, LEVELS, OTHERS, OVERHEAD, WALL, Part
from tracer.unit_words import INFERENCES

ROW_PX, ICICLE_AXIS_PX = 24, 66
DOTS_PX = 62
LETTER_PX = 6.5
"""Of a label, about: what has no room for three letters gets none."""

PICKED = "picked"
"""The icicle's selection: the ``page`` of the bar that was clicked."""


def window_dots(rates: Sequence[tuple[int, float, str]], median: float) -> Chart:
    """
    A dot a window on an axis of rates, and the median as a line.

    Args:
        rates: ordinal, inferences a second, and the length of each window in words.
        median: the official rate.
    """
    rows = [{"window": number, "rate": rate, "length": length} for number, rate, length in rates]
    across = alt.X("rate:Q", scale=alt.Scale(zero=False, padding=12), title=None, axis=alt.Axis(tickCount=6))
    dots = (
        chart_of(rows)
        .mark_circle(size=150, opacity=0.8, color=SESSION_RUN)
        .encode(
            x=across, tooltip=tooltips(("window", "window"), ("rate", "inf/s", ",.3f"), ("length", "length by laps"))
        )
    )
    line = chart_of([{"rate": median}]).mark_rule(color=GREY, strokeWidth=2).encode(x=across)
    return (line + dots).properties(height=DOTS_PX)


def icicle_chart(parts: Sequence[Part], each: str = INFERENCES.each) -> Chart:
    """Each level a row, each part a bar of its own length; names where there is room, all else on hover."""
    end = max((one["to_ns"] for one in parts), default=1.0) / 1e3
    levels = [level for level in LEVELS if any(one["level"] == level for one in parts)]
    kernels = [one["part"] for one in parts if one["level"] == KERNEL]
    rows = [{**_bar(one, each), "colour": _colour(one, kernels)} for one in parts]
    across = alt.Scale(domain=[0, end or 1], nice=False)
    base = chart_of(rows).encode(
        y=alt.Y("level:N", sort=levels, title=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=tooltips(
            ("name", "part"), ("time", "mean"), ("percent", "share"), ("of", "of"), ("page", "a click opens")
        ),
    )
    picked = alt.selection_point(name=PICKED, fields=["page"])
    bars = (
        base.mark_bar(stroke=LETTERS, strokeWidth=0.5, height={"band": 1}, cursor="pointer")
        .encode(
            x=alt.X("from:Q", scale=across, title=f"{each} in the mean (us)"),
            x2="to:Q",
            color=alt.Color("colour:N", scale=None),
        )
        .add_params(picked)
    )
    room = f"(datum.to - datum.from) / {end or 1} * width / {LETTER_PX}"
    labels = (
        base.transform_calculate(shown=f"{room} < 3 ? '' : truncate(datum.label, max(1, floor({room})))")
        .mark_text(color=LETTERS, fontWeight="bold", fontSize=11)
        .encode(x=alt.X("middle:Q", scale=across), text="shown:N")
    )
    return (bars + labels).properties(height=ROW_PX * len(levels) + ICICLE_AXIS_PX)


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
    }


def _colour(one: Part, kernels: Sequence[str]) -> str:
    if one["level"] == KERNEL:
        return GREY if one["part"] == OTHERS else KERNELS[kernels.index(one["part"]) % len(KERNELS)]
    if one["part"] in (WALL, ADDED):
        return SLATE if one["part"] == WALL else GREY
    return BY_MEANING[one["part"]] if one["part"] in (BUSY, OVERHEAD) else colours([one["part"]])[0]


def confusion_chart(matrix: Sequence[Sequence[int]]) -> Chart:
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
    base = chart_of(rows).encode(
        x=alt.X("given:N", sort=list(LABELS), title="given", axis=alt.Axis(labelAngle=-40, labelOverlap=False)),
        y=alt.Y("true:N", sort=list(LABELS), title="true", axis=alt.Axis(labelOverlap=False)),
        tooltip=tooltips(
            ("true", "true"), ("given", "given"), ("inputs", "inputs", D3_COUNT), ("percent", "of the true class")
        ),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], range=[EMPTY_CELL, SESSION_RUN]), legend=None)
    )
    dark = alt.condition("datum.share > 0.6", alt.value(LETTERS), alt.value(INK))
    numbers = base.transform_filter("datum.inputs > 0").mark_text(fontSize=11).encode(text="inputs:Q", color=dark)
    return (cells + numbers).properties(height=340)
