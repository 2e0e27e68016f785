"""The button that gives a run's report as one HTML file; it is made when it is asked for."""

from __future__ import annotations

import streamlit as st

from tracer.reports.html.export import run_html
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun


def export_button(run: StoredRun, baseline: StoredRun | None = None) -> None:
    """Offer the file of ``run``, compared with ``baseline`` where one is given."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.download_button(
            "Export",
            lambda: run_html(run, build_report(run), baseline),
            file_name=f"{run.name}.html",
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
            help="This run's report as one HTML file, which opens without a server or network.",
        )
