"""
Charts as HTML alone, which any page may hold, as wide as their place.

Rows of bars beside their names, and columns between edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tracer.figure_text import tick_text
from tracer.reports.html.markup import Markup, element, text, together

MOST_TICKS = 10
ROW_PX, AROUND_PX = 20, 64
"""Of a chart of rows: each (as in ``plots.css``), and the axis with its title and the keys."""

LINE_PX = 14.0
"""Of words one below another."""

RIGHT_FROM = 85.0
"""Percent of the length from where a rule's words stand left of it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high`` of one unit, and its name; ``log`` where equal ratios are as long."""

    low: float
    high: float
    title: str = ""
    log: bool = False
    most: int = MOST_TICKS

    def at(self, value: float) -> float:
        """Where a value stands, in percent of the length; what lies outside stands at the end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def ticks(self) -> list[float]:
        """Round values within the ends: steps of 1, 2 or 5, of a logarithmic axis the same digits in every decade."""
        if not self.log:
            return self._steps((self.high - self.low) / self.most)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 2, 3, 4, 6, 8), (1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**power for power in decades for digit in digits]
            found = [one for one in found if self.low <= one <= self.high]
            if len(found) <= self.most and len(found) > 1:
                return found
        return found if len(found) > 1 else self._steps((self.high - self.low) / 4)

    def _steps(self, least: float) -> list[float]:
        power = 10.0 ** math.floor(math.log10(least))
        step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Mark:
    """
    In a row, from ``low`` to ``high`` of its axis; a ``dot`` is at ``low``, a ``thin`` one is a line.

    ``told`` is said of it on hover, ``words`` stand in it as far as they fit, ``after`` behind it; it leads to
    ``link``.
    """

    low: float
    high: float
    colour: str
    told: str = ""
    words: str = ""
    after: str = ""
    link: str | None = None
    kind: str = "bar"


def stacked(parts: Iterable[tuple[float, str, str]]) -> list[Mark]:
    """The parts of a bar after one another, from 0: of each its length, its colour and what it tells."""
    found, end = list[Mark](), 0.0
    for length, ink, told in parts:
        found.append(Mark(end, end + length, ink, told))
        end += length
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """What stands beside a name, of which ``told`` is the whole."""

    name: str
    marks: Sequence[Mark]
    told: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A chart of rows: ``keys`` are its colours and their names, ``band`` a range of the axis that is shaded."""

    label: str
    axis: Axis
    rows: Sequence[Row]
    keys: Mapping[str, str] = field(default_factory=dict)
    band: tuple[float, float] | None = None


def rows_height(count: int) -> int:
    """Pixels of a chart of so many rows, about."""
    return AROUND_PX + ROW_PX * count


def rows_plot(plot: Rows, key: str = "") -> Markup:
    """The chart, with its axis below and its keys above; ``key`` is a class of its own."""
    axis, count = plot.axis, len(plot.rows)
    ticks = [(axis.at(one), one) for one in axis.ticks()]
    lines = [element("i", style=f"left:{at:g}%") for at, _ in ticks]
    if plot.band is not None:
        low, high = map(axis.at, plot.band)
        lines.insert(0, element("b", style=f"left:{low:g}%;width:{high - low:g}%"))
    parts = [element("div", *lines, class_="kp-lines", style=f"grid-row:1/{count + 1}")]
    for place, row in enumerate(plot.rows, 1):
        parts.append(element("span", row.name, class_="kp-name", style=f"grid-row:{place}", title=row.told or None))
        marks = [_mark(one, axis) for one in row.marks]
        parts.append(element("div", *marks, class_="kp-lane", style=f"grid-row:{place}"))
    words = [element("span", tick_text(one), style=f"left:{at:g}%", class_=_side(at)) for at, one in ticks]
    parts.append(element("div", *words, class_="kp-axis", style=f"grid-row:{count + 1}"))
    if axis.title:
        parts.append(element("span", axis.title, class_="kp-title", style=f"grid-row:{count + 2}"))
    linked = any(one.link for row in plot.rows for one in row.marks)
    role = "group" if linked else "img"
    shown = element("div", *parts, class_=f"kp-rows {key}".strip(), role=role, aria_label=plot.label)
    return element("div", key_list(plot.keys), shown, class_="kp")


def _mark(one: Mark, axis: Axis) -> Markup:
    left, right = axis.at(min(one.low, one.high)), axis.at(max(one.low, one.high))
    width = "" if one.kind == "dot" else f"width:{round(right - left, 4):g}%;"
    look = {"style": f"left:{left:g}%;{width}background:{one.colour}", "title": one.told or None}
    words = element("span", one.words) if one.words else None
    if one.link is None:
        shown = element("i", words, class_=None if one.kind == "bar" else f"kp-{one.kind}", **look)
    else:
        shown = element("a", words, href=one.link, aria_label=one.told, **look)
    behind = element("span", one.after, style=f"left:{right:g}%") if one.after else None
    return together([shown, behind])


@dataclass(frozen=True, slots=True)
class Column:
    """Between two edges of the lower axis, from ``low`` up to ``high`` of the other."""

    left: float
    right: float
    low: float
    high: float
    colour: str
    told: str


@dataclass(frozen=True, slots=True)
class Columns:
    """
    A chart of columns.

    Args:
        label: what it shows.
        across, upward: its axes; ``heights`` are ticks of the other, each with the share of the height it stands at.
        columns: in it; a ``high`` and a ``low`` are shares of the height.
        height_px: of the ground.
        keys: colours and their names.
        outline: edge, and share of the height from there to the next; of the ``colour`` that comes first.
        rules: value and words of each.
    """

    label: str
    across: Axis
    upward: str
    heights: Sequence[tuple[float, str]]
    columns: Sequence[Column]
    height_px: float
    keys: Mapping[str, str] = field(default_factory=dict)
    outline: tuple[str, Sequence[tuple[float, float]]] | None = None
    rules: Sequence[tuple[float, str]] = ()


def columns_plot(plot: Columns) -> Markup:
    """The chart, whose lengths are percent, so that its words keep their size."""
    axis, above = plot.across, LINE_PX * len(plot.rules)
    ground = [element("i", element("span", words), style=f"bottom:{_percent(at)}") for at, words in plot.heights]
    columns = []
    for one in plot.columns:
        left, right = axis.at(one.left), axis.at(one.right)
        across = f"left:{left:g}%;width:{round(right - left, 4):g}%"
        up = f"bottom:{_percent(one.low)};height:{_percent(one.high - one.low)}"
        columns.append(element("i", style=f"{across};{up};background:{one.colour}", title=one.told))
    ticks = [element("span", tick_text(one), style=f"left:{axis.at(one):g}%") for one in axis.ticks()]
    layers = [
        element("div", *ground, class_="kp-heights"),
        element("div", *columns, class_="kp-columns"),
        element("div", *_outline(plot), class_="kp-outline"),
        element("div", *_rules(plot, above), class_="kp-rules"),
    ]
    shown = element(
        "div",
        element("span", plot.upward, class_="kp-up"),
        element("div", *layers, class_="kp-tall"),
        element("div", *ticks, class_="kp-axis"),
        element("span", axis.title, class_="kp-title"),
        class_="kp-ground",
        role="img",
        aria_label=plot.label,
        style=f"padding-top:{above + 6:g}px;--tall:{plot.height_px:g}px",
    )
    return element("div", key_list(plot.keys), shown, class_="kp")


def _percent(share: float) -> str:
    return f"{round(100 * share, 3):g}%"


def _outline(plot: Columns) -> list[Markup]:
    """As steps: each begins at the height of the one before."""
    if plot.outline is None:
        return []
    colour, steps = plot.outline
    parts = []
    before, ends = [0.0, *(share for _, share in steps[:-1])], [*(edge for edge, _ in steps[1:]), steps[-1][0]]
    for high, (start, share), end in zip(before, steps, ends, strict=True):
        left, right = plot.across.at(start), plot.across.at(end)
        side = "top" if share >= high else "bottom"
        low, tall = min(share, high), abs(share - high)
        where = f"left:{left:g}%;width:{round(right - left, 4):g}%;bottom:{_percent(low)};height:{_percent(tall)}"
        parts.append(element("i", style=f"{where};border-color:{colour};border-{side}-width:2px"))
    return parts


def _rules(plot: Columns, above: float) -> list[Markup]:
    """A rule a value, whose words stand on a line of their own: close ones would cover each other."""
    # To the right of an edge words stand left of their rule: there has to be room for them.
    placed = [(plot.across.at(value), words) for value, words in plot.rules]
    inner, outer = ([one for one in placed if (one[0] < RIGHT_FROM) is within] for within in (True, False))
    found = []
    # Words then cross no rule: whatever rule is on their side begins below them.
    for place, (at, words) in enumerate([*inner, *reversed(outer)]):
        top = LINE_PX * place - above
        side = None if at < RIGHT_FROM else "kp-before"
        found.append(element("i", element("span", words, class_=side), style=f"left:{at:g}%;top:{top:g}px"))
    return found


def key_list(keys: Mapping[str, str]) -> Markup:
    """Names and their colours, in as many lines as it takes."""
    items = [element("li", element("i", style=f"background:{colour}"), text(name)) for name, colour in keys.items()]
    return element("div", element("ul", *items, class_="kp-keys"), class_="kp") if items else Markup("")


def _side(at: float) -> str | None:
    return "kp-end" if at > 97 else None
