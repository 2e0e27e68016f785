"""
The colours of the pages and of the exported document, by what they mean; the same on every page and chart.

Each is told from a light and from a dark ground (contrast 3:1 at least) and bears white letters (4.5:1), by the
formula of WCAG 2.2. Words on a page have the theme's colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TEAL, GREEN, ORANGE, OCHRE, VIOLET = "#167f74", "#457f1b", "#c05010", "#936a0c", "#7e54c6"
MAGENTA, BROWN, BLUE, RED, SLATE, GREY = "#b73da2", "#905c45", "#2e6fba", "#d0253b", "#617192", "#6d6d6d"
LETTERS = "#ffffff"
"""On a mark."""


EDGE = f"{GREY}60"
"""Around a mark: a part of it is let through."""

EMPTY_CELL, INK = "#f2f4f8", "#1b2430"
"""Of a matrix: a cell of nothing, and letters on light cells."""

SESSION_RUN = BLUE
BY_MEANING = {
    "inference": GREY,
    "dequantize": OCHRE,
    "host_to_device": GREEN,
    "session_run": SESSION_RUN,
    "readback": VIOLET,
    "GPU busy": TEAL,
    "GPU kernel": TEAL,
    "GPU copy": GREEN,
    "runtime overhead": RED,
    "CUDA launch": ORANGE,
    "CUDA copy call": OCHRE,
    "CUDA synchronise: waiting": VIOLET,
    "CUDA synchronise: waking up": MAGENTA,
    "CUDA ordering": "#177a9e",
    "CUDA launch preparation": "#5a62c8",
    "CUDA context": "#208141",
    "CUDA call, other": BROWN,
    "computing operations (host)": BLUE,
    "framework": RED,
    "framework and computing": RED,
    "the tracer's own ranges": SLATE,
    # Of the timeline.
    "call: launch": ORANGE,
    "call: copy": OCHRE,
    "call: synchronise": VIOLET,
    "call: query": SLATE,
    "call: order": "#177a9e",
    "call: prepare": "#5a62c8",
    "call: context": "#208141",
    "call: other": BROWN,
    "copy or memset": GREEN,
    "operation": BLUE,
    "other kernels": GREY,
    "several": GREY,
    # Of a comparison, of limits, and of a distribution.
    "slower": RED,
    "faster": TEAL,
    "equivalent": SLATE,
    "mean inference": SLATE,
    "can't be told": GREY,
    "limit": TEAL,
    "predicted": TEAL,
    "measured": VIOLET,
    "measured, every tensor through memory": OCHRE,
    "roof": BLUE,
    "border": SLATE,
    "baseline": ORANGE,
}
"""Parts of an inference, stages, and states."""

KERNELS = (TEAL, "#177a9e", "#208141", "#5a62c8", "#cc2b89", "#816f4d")
"""Of the kernels that a timeline tells apart."""

OTHERS = ("#b4517a", "#816f4d", "#4a7c5b", "#91559e", "#177a9e", ORANGE, BLUE, RED, TEAL, GREEN, SLATE, MAGENTA)
"""For what has no colour by meaning, as Python around a stage, a stage of another program, a configuration."""

LINES = (SLATE, BROWN, "#4a7c5b")
"""Of the serial line's stages."""


HEAT = (SLATE, BLUE, VIOLET, MAGENTA, RED, ORANGE)
"""Of counts on a map, few to many: by hue, since each has to be told from a light and from a dark ground."""

STATES = {"fine": GREEN, "doubtful": OCHRE, "bad": RED, "unknown": SLATE}
"""Of the checks of trust."""

PAPER = {
    "light": {"ground": "#ffffff", "panel": "#f3f5f8", "ink": "#1b1f26", "quiet": "#545d6b", "rule": "#d3d8e0"},
    "dark": {"ground": "#12161d", "panel": "#1c222c", "ink": "#e8ebf0", "quiet": "#a9b2c0", "rule": "#3a4352"},
}
"""Of the exported document: its grounds, its words and its lines; words have 4.5:1 on both grounds (WCAG 2.2)."""


def timeline_colours(categories: Sequence[str]) -> list[str]:
    """A colour for each category of a timeline, the same whatever a window shows."""
    kernels, lines = iter(KERNELS * 9), iter(LINES * 9)
    return [BY_MEANING.get(one) or next(lines if one.startswith("line: ") else kernels) for one in categories]


def colours(parts: Sequence[str]) -> list[str]:
    """A colour for each part, the same part the same wherever it is known; a dozen unknown ones differ."""
    spare = [part for part in dict.fromkeys(parts) if part not in BY_MEANING]
    known = {BY_MEANING[part] for part in parts if part in BY_MEANING}
    free = [one for one in OTHERS if one not in known]
    return [BY_MEANING.get(part) or free[spare.index(part) % len(free)] for part in parts]


def colour_by_part(parts: Iterable[str]) -> dict[str, str]:
    """``colours`` by the part, each once."""
    names = list(dict.fromkeys(parts))
    return dict(zip(names, colours(names), strict=True))


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:7])
    return red, green, blue
