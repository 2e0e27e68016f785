"""Overview of one run: the rate and its validity, where the time went, and what was left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import streamlit as st

from dashboard.pages.chrome import choose_run, refreshing, report_of
from dashboard.view_model import mean_stage_frame, stage_frame, window_frame
from tracer.figure_text import time_text
from tracer.report_text import closing_lines, rate_text
from tracer.run_store import StoredRun


def show(traces: Path) -> None:
    """Let the user choose a run, by the URL's ``run`` or the list, and show its report."""
    run = choose_run(traces)
    if run is None:
        return
    st.title("Overview")
    refreshing(run, lambda: _page(run))


def _page(run: StoredRun) -> None:
    report = report_of(run)
    if report is None:
        return
    facts, inference = report["run"], report["inference"]
    st.subheader(rate_text(report))
    columns = st.columns(3)
    columns[0].metric("Inference, median", time_text(inference["median_ns"]))
    columns[1].metric("Inference, p99", time_text(inference["p99_ns"]))
    columns[2].metric("Inferences timed", inference["count"])
    # Names come from files and from hosts: st.text takes them as they are, never as Markdown.
    st.text(
        f"{facts['model'].get('name')} on {facts['backend'].get('name')} ({facts['backend'].get('device')}), "
        f"timed {facts['timed']}, stages {facts['stages_mode']}, {facts['host']}, {facts['cpu']}, {facts['created']}"
    )
    st.caption("No kernel level in this run: the stages are wall time on the host.")
    _chart(mean_stage_frame(report).to_dict("records"))
    st.dataframe(stage_frame(report), hide_index=True, width="stretch")
    windows = window_frame(report)
    if len(windows):
        st.subheader("Performance windows")
        st.dataframe(windows, hide_index=True, width="stretch")
    for line in closing_lines(report):
        st.text(line)


def _chart(rows: list[dict[Any, Any]]) -> None:
    if not rows:
        return
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("us:Q", stack="zero", title="mean time of an inference, us"),
            color=alt.Color("stage:N", title="stage"),
            tooltip=[alt.Tooltip("stage:N"), alt.Tooltip("us:Q", title="us", format=".3f")],
        )
        .properties(height=90)
    )
    st.altair_chart(chart, width="stretch")
