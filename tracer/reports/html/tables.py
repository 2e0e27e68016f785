"""Tables of a document; long ones are cut and say so."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.figure_text import count_text, share_text
from tracer.reports.html.markup import Markup, element, folded, paragraph

MOST_ROWS = 100
NAME_CHARACTERS = 400
"""Of a name that is shown whole on demand: longer ones of templates are cut."""

Row = Sequence[str]


def table(columns: Sequence[str], rows: Sequence[Row], *, words: int = 1, note: str | None = None) -> Markup:
    """
    A table whose first ``words`` columns are words and whose others are figures, cut after ``MOST_ROWS`` rows.

    ``note`` says where the rest is, behind "and N more".
    """
    head = element(
        "tr", *(element("th", name, scope="col", class_=_kind(at, words)) for at, name in enumerate(columns))
    )
    body = [
        element("tr", *(element("td", cell, class_=_kind(at, words)) for at, cell in enumerate(row)))
        for row in rows[:MOST_ROWS]
    ]
    whole = element("table", element("thead", head), element("tbody", *body))
    more = len(rows) - MOST_ROWS
    rest = paragraph(f"and {count_text(more)} more{note or ''}", "quiet") if more > 0 else None
    # Focusable, so that the keyboard scrolls it.
    scrolled = element("div", whole, class_="scroll", tabindex="0", role="group", aria_label=f"Table: {columns[0]}")
    return element("div", scrolled, rest)


def _kind(column: int, words: int) -> str | None:
    return None if column < words else "figure"


def name_cell(short: str, whole: str) -> str:
    """A name by its last segments, whole on demand."""
    if whole == short:
        return cut(short)
    return folded(cut(short), element("code", cut(whole)))


def cut(name: str) -> str:
    """A name of no more than ``NAME_CHARACTERS``."""
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"


def share_cell(share: float | None, colour: str) -> Markup:
    """A share as a bar with its figure."""
    width = 100 * min(max(share or 0.0, 0.0), 1.0)
    bar = element("i", style=f"width:{round(width, 1):g}%;background:{colour}")
    return element(
        "span", element("span", bar, class_="track", aria_hidden="true"), share_text(share), class_="share"
    )
