"""The button that gives a run's report as one HTML file; it is made when it is asked for."""

from __future__ import annotations

import streamlit as st

from dashboard.run_reading import read_report
from tracer.reports.html.export import run_html
from tracer.runs.run_store import StoredRun


def export_button(run: StoredRun) -> None:
    """Offer the file of ``run``."""
    st.download_button(
        "Export",
        lambda: run_html(run, read_report(run).report),
        file_name=f"{run.name}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help="This run's report as one HTML file, which opens without a server or network.",
    )
