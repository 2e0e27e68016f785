"""Starts Streamlit as it comes, but that it asks no outside service for this machine's address, and warms up."""

from __future__ import annotations

import sys
from importlib import import_module

PAGES = ("overview", "timeline", "kernels", "stages", "compare", "runs")
"""In the order in which they are likely to be asked for."""


def _unknown() -> None:
    """No external address: Streamlit then holds a page's origin against those that it was told."""


def _import_pages() -> None:
    for name in PAGES:
        import_module(f"dashboard.pages.{name}")


def main(arguments: list[str]) -> None:
    """``streamlit`` with these arguments; ends the process."""
    from streamlit import net_util
    from streamlit.web import cli

    # Streamlit checks an unknown page's origin against its external address, which it asks checkip.amazonaws.com for.
    net_util.get_external_ip = _unknown
    # What the pages import takes seconds, and twice as long beside a page that is being made: it comes first.
    _import_pages()
    cli.main(arguments, prog_name="kws-trace dashboard")


if __name__ == "__main__":
    main(sys.argv[1:])
