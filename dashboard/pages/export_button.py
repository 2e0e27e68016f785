"""The button that gives a run's report as one HTML file; it is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.looks import LOOKS
from dashboard.pages.baseline_choice import baseline_of
from dashboard.pages.kept import kept_report
from tracer.reports.html.export import run_html
from tracer.runs.run_store import StoredRun


def offer_document(name: str, made: bytes | str | Callable[[], bytes | str], what: str) -> None:
    """A button that gives one HTML file, made when it is asked for where ``made`` makes it."""
    st.download_button(
        "Export",
        made,
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help=f"{what} as one HTML file, which opens without a server or network.",
    )


def export_button(run: StoredRun) -> None:
    """Offer the file of ``run``, with its comparison with the run that is the page's baseline."""
    baseline = baseline_of(run)
    held = baseline.runs[0] if baseline is not None and len(baseline.runs) == 1 else None
    folder, other = run.folder, None if held is None else held.folder

    def made() -> str:
        # Looked at when it is asked for: the button is kept with what it refers to.
        now, beside = LOOKS.at(folder).run, None if other is None else LOOKS.at(other).run
        return run_html(now, kept_report(now).report, beside)

    offer_document(run.name, made, "This run's report")
