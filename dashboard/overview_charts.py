"""The charts of the first page: an inference as an icicle, a confusion matrix; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboard.vega import Spec, inline, layered, nominal, number, tooltips
from tracer.classes import LABELS
from tracer.figure_text import D3_COUNT, share_text, time_text
from tracer.palette import BY_MEANING, EMPTY_CELL, GREY, INK, KERNELS, LETTERS, SESSION_RUN, SLATE, colours
from tracer.reports.html.markup import Markup
from tracer.reports.html.plots import Axis, Mark, Row, Rows, rows_plot
from tracer.reports.overview_rows import ADDED, KERNEL, LEVELS, OTHERS, WALL, Part
from tracer.reports.profiled_parts import BUSY, OVERHEAD
from tracer.unit_words import INFERENCES

ROW_PX, AXIS_PX, MATRIX_PX = 24, 40, 325


def icicle_drawing(
    parts: Sequence[Part], each: str = INFERENCES.each, link: Callable[[str], str | None] = lambda _: None
) -> Markup:
    """Each level a row, each part a bar of its own length; names where there is room, all else on hover."""
    axis = Axis(0.0, max((one["to_ns"] for one in parts), default=1.0) / 1e3 or 1.0, f"{each} in the mean (us)")
    kernels = [one["part"] for one in parts if one["level"] == KERNEL]
    levels = {level: [one for one in parts if one["level"] == level] for level in LEVELS}
    rows = [Row(level, [_bar(one, each, kernels, link) for one in mine]) for level, mine in levels.items() if mine]
    return rows_plot(Rows(f"Time of {each} by its parts", axis, rows), "kp-icicle")


def icicle_height(parts: Sequence[Part]) -> int:
    """Pixels of the drawing."""
    return ROW_PX * len({one["level"] for one in parts}) + AXIS_PX


def _bar(one: Part, each: str, kernels: Sequence[str], link: Callable[[str], str | None]) -> Mark:
    percent, time = share_text(one["share"]), time_text(one["to_ns"] - one["from_ns"])
    whole = one["part"] == WALL
    words = f"{time} {each}" if whole else f"{one['part']} {percent}"
    page = link(one["page"])
    told = f"{one['name']}: {time}, {percent} of {one['of']}"
    if page is not None:
        told += f"; opens {one['page'].capitalize()}"
    return Mark(one["from_ns"] / 1e3, one["to_ns"] / 1e3, _colour(one, kernels), told, words, link=page)


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
