"""The Streamlit app: ``streamlit run app.py -- TRACES``, as ``kws-trace dashboard`` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from dashboard.pages.overview import show

st.set_page_config(page_title="kws-trace", layout="wide")
st.navigation([st.Page(lambda: show(Path(sys.argv[1] if len(sys.argv) > 1 else "traces")), title="Overview")]).run()
