"""The frame of a document: its head, the links to its sections, and what a browser may do with it."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.reports.html.markup import Markup, anchor, element, paragraph, together
from tracer.reports.html.style import style_sheet

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content Security Policy (W3C, level 3): nothing is fetched, run or sent."""


def document(title: str, facts: Sequence[str], told: Sequence[tuple[str, Markup | None]], made_by: str) -> str:
    """
    One HTML file: its sections are what is ``told`` under a title, without those in which nothing is.

    ``facts`` stand under its title, a line each, and ``made_by`` (program, version) at its foot.
    """
    sections = [(name, one) for name, one in told if one]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{title} - kws-trace"),
        element("style", Markup(style_sheet())),
    )
    links = [element("a", name, href=f"#{anchor(name)}") for name, _ in sections]
    body = element(
        "body",
        element(
            "header",
            element("h1", title),
            *(paragraph(fact, "quiet") for fact in facts),
            element("nav", *links, aria_label="Sections"),
        ),
        element("main", *(element("section", element("h2", name), one, id=anchor(name)) for name, one in sections)),
        element("footer", paragraph(made_by, "quiet")),
    )
    return together([Markup("<!doctype html>\n"), element("html", head, body, lang="en"), "\n"])
