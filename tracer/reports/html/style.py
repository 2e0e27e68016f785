"""The style of the document: one sheet (``style.css``), whose colours are the palette's."""

from __future__ import annotations

from pathlib import Path

from tracer.palette import LETTERS, PAPER


def style_sheet() -> str:
    """The sheet, for a light ground and, where the reader's system asks for it, a dark one; paper is light."""
    light, dark = (f":root{{{_variables(PAPER[name])}}}" for name in ("light", "dark"))
    scheme = ":root{color-scheme:light dark}"
    asked = f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
    rules = Path(__file__).with_name("style.css").read_text(encoding="utf-8").replace("var(--letters)", LETTERS)
    return f"{scheme}{light}{asked}\n{rules}"


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
