"""Elements of HTML and SVG, in which every text is escaped; what is already markup says so by its type."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tracer.harmless_text import harmless

_VOID = frozenset({"meta", "br"})


class Markup(str):
    """Text that is HTML already; made here only."""

    __slots__ = ()


def text(value: str) -> Markup:
    """A text as it stands: nothing in it is markup, and what is no character of HTML is replaced."""
    return value if isinstance(value, Markup) else Markup(escape(harmless(value)))


def element(tag: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """
    An element.

    Args:
        tag: its name, ours.
        children: texts, which are escaped, or markup; None is nothing.
        attributes: by name, ours, with ``_`` for ``-`` (``class_`` is ``class``); None leaves one out.
    """
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{''.join(text(child) for child in children if child is not None)}</{tag}>")


def together(parts: Iterable[str | None]) -> Markup:
    """Texts and markup one after the other."""
    return Markup("".join(text(part) for part in parts if part is not None))


def _value(value: str | float) -> str:
    """Numbers are lengths of a drawing, for which a tenth is enough."""
    return text(value) if isinstance(value, str) else f"{round(value, 1):g}"


def anchor(title: str) -> str:
    """The ``id`` of a section."""
    return title.lower().replace(" ", "-")


def paragraph(words: str, kind: str | None = None) -> Markup:
    """A sentence or a caption."""
    return element("p", words, class_=kind)


def sentences(lines: Iterable[str]) -> Markup | None:
    """A list of sentences; None without one."""
    items = [element("li", line) for line in lines]
    return element("ul", *items, class_="lines") if items else None


def folded(summary: str, *children: str | None) -> Markup:
    """What is shown when it is asked for; paper shows it."""
    return element("details", element("summary", summary), *children)
