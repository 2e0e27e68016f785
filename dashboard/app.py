"""The app around the pages: who may look, and which page the address names."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from dashboard.icon import tab_icon
from dashboard.pages.address import PAGES_KEY
from dashboard.pages.sign_in import signed_in

PAGES = {
    "overview": ("Overview", ":material/speed:"),
    "stages": ("Stages", ":material/stacked_bar_chart:"),
    "kernels": ("Kernels", ":material/memory:"),
    "limits": ("Limits", ":material/roofing:"),
    "timeline": ("Timeline", ":material/view_timeline:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "runs": ("Runs", ":material/folder_open:"),
    "fleet": ("Fleet", ":material/hub:"),
    "ladder": ("Ladder", ":material/stairs:"),
}
"""Each is a module of ``dashboard.pages`` with ``show(traces)``, and the last part of the page's address."""


def show(traces: Path, profile: Path | None = None) -> None:
    """Show the page that the address names, its module is imported only then; or that of a profile alone."""
    st.set_page_config(page_title="kws-trace", page_icon=tab_icon(), layout="wide")
    if not signed_in():
        return
    if profile is not None:
        only = st.Page(partial(_show_page, "profile", profile), title="Profile", url_path="profile", default=True)
        st.navigation([only], position="hidden").run()
        return
    pages = [
        st.Page(partial(_show_page, name, traces), title=title, icon=icon, url_path=name, default=name == "overview")
        for name, (title, icon) in PAGES.items()
    ]
    st.session_state[PAGES_KEY] = dict(zip(PAGES, pages, strict=True))
    st.navigation(pages).run()


def _show_page(name: str, shown: Path) -> None:
    import_module(f"dashboard.pages.{name}").show(shown)
