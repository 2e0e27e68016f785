"""The style of the document: ``style.css``, and of its charts ``plots.css``, whose colours are the palette's."""

from __future__ import annotations

from pathlib import Path

from tracer.palette import LETTERS, PAPER


def style_sheet() -> str:
    """The sheet, for a light ground and, where the reader's system asks for it, a dark one; paper is light."""
    light, dark = (f":root{{{_variables(PAPER[name])}}}" for name in ("light", "dark"))
    scheme = ":root{color-scheme:light dark}"
    asked = f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
    return f"{scheme}{light}{asked}\n{_rules('style')}{plot_style()}"


def plot_style() -> str:
    """The rules of ``plots`` alone, for a page that has a style of its own."""
    return _rules("plots")


def _rules(name: str) -> str:
    return Path(__file__).with_name(f"{name}.css").read_text(encoding="utf-8").replace("var(--letters)", LETTERS)


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
