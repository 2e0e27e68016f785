"""Compare: runs held against one of them, with a verdict that tells a difference from noise."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.charts import ratios
from dashboard.compare_view import part_frame, ratio_rows, run_frame
from dashboard.pages.chrome import choose_run, command, lines, opened, problem, report_of, state, table
from dashboard.run_reading import run_entries
from tracer.errors import KwsTraceError
from tracer.report_types.report import Compared
from tracer.reports.compare_report import compare_runs
from tracer.runs.run_store import StoredRun

MOST = 8
"""Runs that are held against the first at most: each is read whole."""


def show(traces: Path) -> None:
    """Let the user choose runs, and compare them with the one of the sidebar."""
    st.title("Compare")
    first = choose_run(traces)
    if first is None:
        return
    others = [entry.name for entry in run_entries(traces) if not entry.problem and entry.name != first.name]
    if not others:
        st.info(f"There is one run only. {command(traces, 'demo')} makes others to compare it with.")
        return
    chosen = _chosen(others)
    if not chosen:
        st.info("Choose runs to hold against the one in the sidebar.")
        return
    runs = [first, *filter(None, (opened(traces, name) for name in chosen))]
    if len(runs) > 1:
        _page(runs)


def _chosen(others: list[str]) -> list[str]:
    asked = state().runs
    wanted = [name for name in asked if name in others]
    if len(wanted) < len(asked):
        st.error("A run that the address names is not in the traces folder.")
    # The first run may have become one of them.
    kept = [one for one in st.session_state.get("compared_widget", wanted[:MOST]) if one in others]
    st.session_state["compared_widget"] = kept
    chosen = st.multiselect("Compare it with", others, key="compared_widget", max_selections=MOST)
    st.query_params["with"] = chosen
    return list(chosen)


def _page(runs: list[StoredRun]) -> None:
    reports = [report_of(run) for run in runs]
    readable = [(run, report) for run, report in zip(runs, reports, strict=True) if report is not None]
    if len(readable) < 2 or reports[0] is None:
        return
    with st.spinner("Comparing"):
        try:
            figures = compare_runs([run for run, _ in readable], reports=[report for _, report in readable])
        except KwsTraceError as error:
            problem("The runs cannot be compared.", str(error))
            return
    for row in figures["comparisons"]:
        _verdict(row)
    table(run_frame(figures))
    st.caption(
        "Wall time by the recorder, warm-ups left out; rates by the laps. 95 % intervals: of a median by the run's "
        "inferences, of the difference by whole windows too."
    )
    rows = ratio_rows(figures)
    if rows:
        st.altair_chart(ratios(rows, figures["threshold"]), width="stretch")
        st.caption(f"Grey: within {100 * figures['threshold']:g} %, which counts as no difference.")
    parts = part_frame(figures)
    if len(parts):
        st.subheader("Parts of a profiled inference")
        table(parts, height="content")
        st.caption(
            "Medians (95 % intervals) of each run's own capture, the profiler's cost included. Parts are held "
            "against each other where the same kind of profiler recorded both."
        )


def _verdict(row: Compared) -> None:
    headline = {
        "slower": (st.error, "Slower, beyond the noise.", ":material/trending_down:"),
        "faster": (st.success, "Faster, beyond the noise.", ":material/trending_up:"),
        "no difference": (st.info, "No difference beyond the noise.", ":material/drag_handle:"),
        "refused": (st.warning, "Not compared: they cannot be held against each other.", ":material/block:"),
        "not known": (st.warning, "Not known whether they differ.", ":material/help:"),
    }
    show_box, text, icon = headline[row["verdict"]]
    show_box(text, icon=icon)
    lines([row["sentence"], *(f"Note: {warning}" for warning in row["warnings"])])
