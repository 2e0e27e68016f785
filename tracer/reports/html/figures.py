"""The figures of a document: stacked bars, windows as dots, gains with their intervals, one unit's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.figure_text import (
    count_text,
    counted,
    interval_text,
    official_rate_text,
    share_text,
    short_rate_text,
    time_text,
)
from tracer.palette import BLUE, GREY, RED, TEAL, colours, timeline_colours
from tracer.report_types.gpu import Gain
from tracer.reports.breakdown_rows import gain_interval_text, gain_text
from tracer.reports.html.markup import Markup, element, paragraph, together
from tracer.reports.html.one_unit import DrawnUnit, Slice
from tracer.reports.html.plots import Axis, Mark, Row, Rows, rows_plot
from tracer.reports.html.tables import cut
from tracer.reports.latency_map import bin_of, latency_edges

WIDTH = 1190.0
LABEL_WIDTH, LANE_HEIGHT, LETTER_WIDTH = 210.0, 24.0, 6.2
HISTOGRAM_BARS = 60
LEAST_LABELLED = 0.055
"""Share of a bar from which a part bears its name."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar; ``ns`` sum to the bar's whole."""

    name: str
    ns: float
    share: float


def stacked_bar(title: str, parts: Sequence[Part], whole_ns: float, source: str) -> Markup:
    """Parts of a time side by side, with their names below, where each stands with its time and share."""
    shown = [one for one in parts if one.ns > 0]
    if not shown:
        return Markup("")
    inks = colours([one.name for one in shown])
    told = [f"{one.name} {time_text(one.ns)} ({share_text(one.share)})" for one in shown]
    spans = [
        element(
            "span",
            one.name,
            title=words,
            class_=None if one.share >= LEAST_LABELLED else "thin",
            style=f"flex-grow:{round(one.ns, 1)};background:{ink}",
        )
        for one, words, ink in zip(shown, told, inks, strict=True)
    ]
    keys = [
        element("li", element("i", style=f"background:{ink}"), words) for words, ink in zip(told, inks, strict=True)
    ]
    return together(
        [
            element("div", element("strong", title), element("span", time_text(whole_ns)), class_="barhead"),
            element("div", *spans, class_="bar", role="img", aria_label=f"{title}: {', '.join(told)}"),
            element("ul", *keys, class_="legend"),
            paragraph(source, "quiet"),
        ]
    )


def rate_dots(rates_hz: Sequence[float], middle_hz: float, names: Sequence[str] = ()) -> Markup:
    """The rate of each window, or of what is called by ``names``, as a dot on one axis, and a line in the middle."""
    called = names or [f"window {number}" for number in range(1, len(rates_hz) + 1)]
    low, high = min(rates_hz), max(rates_hz)
    margin = (high - low) * 0.12 or max(high, 1.0) * 0.01
    told = [f"{name}: {official_rate_text(rate)}" for name, rate in zip(called, rates_hz, strict=True)]
    dots = [Mark(rate, rate, BLUE, words, kind="dot") for words, rate in zip(told, rates_hz, strict=True)]
    label = f"Rates of {len(rates_hz)} {'launches' if names else 'windows'}: "
    axis = Axis(low - margin, high + margin, most=5)
    row = Row("", [Mark(middle_hz, middle_hz, GREY, kind="rule"), *dots])
    return rows_plot(Rows(label + interval_text(low, high, short_rate_text), axis, [row]), "kp-dots")


def latency_bars(values_ns: NDArray[np.int64]) -> Markup:
    """How many inferences took how long, both axes logarithmic, with the median and p99 as lines."""
    edges = latency_edges(values_ns, HISTOGRAM_BARS)
    counts = np.bincount(bin_of(values_ns, edges), minlength=HISTOGRAM_BARS)
    height, floor = 170.0, 148.0
    step, most = WIDTH / HISTOGRAM_BARS, float(np.log1p(counts.max()))

    def at(ns: float) -> float:
        return WIDTH * float(np.log(ns / edges[0]) / np.log(edges[-1] / edges[0]))

    parts: list[Markup] = []
    for place, count in enumerate(counts.tolist()):
        if count:
            tall = (floor - 18) * float(np.log1p(count)) / most
            told = f"{count_text(count)}: {interval_text(edges[place], edges[place + 1], time_text)}"
            box = {"x": step * place, "y": floor - tall, "width": step - 1, "height": tall}
            parts.append(element("rect", element("title", told), **box, fill=BLUE))
    for name, percent in (("median", 50), ("p99", 99)):
        ns = max(float(np.percentile(values_ns, percent)), 1.0)
        x, side = at(ns), "start" if at(ns) < WIDTH / 2 else "end"
        parts.append(element("line", x1=x, x2=x, y1=2.0, y2=floor, style=f"stroke:{RED};stroke-width:2"))
        parts.append(_words(f"{name} {time_text(ns)}", x + (4 if side == "start" else -4), 12.0, side))
    for side, x, ns in (("start", 0.0, edges[0]), ("end", WIDTH, edges[-1])):
        parts.append(_words(time_text(ns), x, height - 4, side))
    return _drawing(f"Time of {counted(len(values_ns), 'inference')}", WIDTH, height, *parts)


def gain_marks(one: Gain, most_ns: float) -> Markup:
    """A gain as a bar, its interval as a line, both of ``most_ns``."""
    width, height = 180.0, 18.0
    if one["gain_ns"] is None or most_ns <= 0:
        return Markup("")
    scale = width / most_ns
    faint = "0.45" if one["bound"] else None
    length = max(one["gain_ns"] * scale, 1.0)
    parts = [element("rect", x=0.0, y=3.0, width=length, height=12.0, fill=TEAL, opacity=faint)]
    if ends := one["interval_ns"]:
        low, high = (end * scale for end in ends)
        parts.append(element("line", x1=low, x2=high, y1=9.0, y2=9.0, style="stroke:var(--ink)"))
    return _drawing(f"{gain_text(one)}, {gain_interval_text(one)}", width, height, *parts, fixed=True)


def unit_timeline(unit: DrawnUnit) -> Markup:
    """Lanes of slices against the time since the unit began; a slice's name and times are its tooltip."""
    length = max(unit.length_ns, 1)
    categories = list(dict.fromkeys(one.category for lane in unit.lanes for one in lane.slices))
    inks = dict(zip(categories, timeline_colours(categories), strict=True))
    height = LANE_HEIGHT * len(unit.lanes) + 22
    parts: list[Markup] = []
    for step in range(5):
        x = LABEL_WIDTH + (WIDTH - LABEL_WIDTH) * step / 4
        side = "start" if step == 0 else "end" if step == 4 else "middle"
        parts.append(element("line", x1=x, x2=x, y1=0.0, y2=height - 18))
        parts.append(_words(time_text(length * step / 4), x, height - 4, side))
    for place, lane in enumerate(unit.lanes):
        y = LANE_HEIGHT * place
        parts.append(
            element("text", _fitting(lane.label, LABEL_WIDTH - 8), element("title", lane.label), x=0.0, y=y + 16)
        )
        parts += [_slice(one, y, length, inks[one.category]) for one in lane.slices]
    return element("div", _drawing(unit.title, WIDTH, height, *parts, fixed=True), class_="scroll", tabindex="0")


def _slice(one: Slice, y: float, length: int, ink: str) -> Markup:
    scale = (WIDTH - LABEL_WIDTH) / length
    x, width = LABEL_WIDTH + one.start_ns * scale, max((one.end_ns - one.start_ns) * scale, 0.5)
    name = _fitting(one.name, width - 6)
    told = f"{cut(one.name)}\n{time_text(one.end_ns - one.start_ns)} from {time_text(one.start_ns)}"
    box = element("rect", x=x, y=y + 2, width=width, height=LANE_HEIGHT - 4, fill=ink)
    letters = element("text", name, x=x + 3, y=y + 16, class_="mark") if name else None
    return element("g", element("title", told), box, letters)


def _fitting(name: str, width: float) -> str:
    """As much of a name as fits; empty where that would say nothing."""
    letters = int(width / LETTER_WIDTH)
    if len(name) <= letters:
        return name
    return f"{name[: letters - 1]}…" if letters >= 5 else ""


def _words(words: str, x: float, y: float, side: str) -> Markup:
    """A caption of which ``side`` (start, middle, end) stands at ``x``."""
    return element("text", words, x=x, y=y, text_anchor=side, class_="quiet")


def _drawing(label: str, width: float, height: float, *parts: str, fixed: bool = False) -> Markup:
    size = {"width": width, "height": height} if fixed else {}
    style = f"min-width:{width:g}px" if fixed else None
    return element(
        "svg", *parts, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label, style=style, **size
    )
