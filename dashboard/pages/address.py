"""The page's address, which is the view: what it asks for, and what is put into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.url_state import UrlState, read_url

PAGES_KEY = "pages_of_the_app"
"""Where the app keeps its pages by their names, for those who lead to one."""


def state() -> UrlState:
    """What the page's address asks for."""
    return read_url(st.query_params, st.query_params.get_all("with"))


def into_address(key: str, value: str | None) -> None:
    """Put a choice into the page's address, or take it out, so that a link shows the same."""
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def all_into_address(values: Mapping[str, str | None]) -> None:
    """The same of several choices at once: one step in the browser's history."""
    before = {key: st.query_params.get_all(key) for key in st.query_params}
    after = {**before, **{key: [value] for key, value in values.items() if value is not None}}
    after = {key: value for key, value in after.items() if values.get(key, "") is not None}
    if after != before:
        st.query_params.from_dict(after)


def go_to(page: str, run: str | None = None, others: Sequence[str] = ()) -> None:
    """Show another page of the app, of ``run`` against ``others``; one shown alone, as in a test, has no other."""
    pages = st.session_state.get(PAGES_KEY, {})
    if page in pages:
        asked = [("run", run)] if run else []
        st.switch_page(pages[page], query_params=[*asked, *(("with", one) for one in others)])
