"""Starts Streamlit as it comes, but that it asks no outside service for this machine's address, and warms up."""

from __future__ import annotations

import sys
from importlib import import_module


def main(arguments: list[str]) -> None:
    """``streamlit`` with these arguments; ends the process."""
    from streamlit import net_util
    from streamlit.web import cli

    # Streamlit checks an unknown page's origin against its external address, which it asks checkip.amazonaws.com for.
    # Without one it holds the origin against the addresses that it was told.
    net_util.get_external_ip = lambda: None
    # What the pages import takes seconds, and twice as long beside a page that is being made: it comes first.
    for name in import_module("dashboard.app").PAGES:
        import_module(f"dashboard.pages.{name}")
    cli.main(arguments, prog_name="kws-trace dashboard")


if __name__ == "__main__":
    main(sys.argv[1:])
