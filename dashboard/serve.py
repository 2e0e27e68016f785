"""Starts Streamlit as it comes, but for one thing: it never asks an outside service for this machine's address."""

from __future__ import annotations

import sys


def _unknown() -> None:
    """No external address: Streamlit then holds a page's origin against those that it was told."""


def main(arguments: list[str]) -> None:
    """``streamlit`` with these arguments; ends the process."""
    from streamlit import net_util
    from streamlit.web import cli

    # Streamlit checks an unknown page's origin against its external address, which it asks checkip.amazonaws.com for.
    net_util.get_external_ip = _unknown
    cli.main(arguments, prog_name="kws-trace dashboard")


if __name__ == "__main__":
    main(sys.argv[1:])
