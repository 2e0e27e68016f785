"""The head that every page begins with."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.page_head import COPY_LINK


class Head(NamedTuple):
    """The places in a head: for what the page says of its subject, before *Copy link*, and after it."""

    facts: DeltaGenerator
    before: DeltaGenerator
    after: DeltaGenerator


def page_head(title: str) -> Head:
    """Title, *Copy link*, and room for the page's own."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="page_head"):
        st.title(title, width="content")
        facts = st.empty()
        before = st.container(width="content")
        st.html(COPY_LINK, width="content", unsafe_allow_javascript=True)
        return Head(facts, before, st.container(width="content"))
