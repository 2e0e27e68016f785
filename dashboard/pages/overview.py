"""Overview of one run: the rate and its validity, where the time went, what to remove, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard.charts import stacked_bar
from dashboard.markdown_text import plain
from dashboard.overview_view import (
    Bar,
    busy_bar,
    fact_frame,
    frequencies_text,
    gain_note,
    gain_rows,
    kind_bar,
    missing_kernel_level,
    session_frame,
    stage_bar,
    stage_frame,
    window_frame,
)
from dashboard.pages.chrome import choose_run, lines, refreshing, report_of
from tracer.figure_text import MISSING, count_text, share_text, time_text
from tracer.report_types.report import Report
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.reports.breakdown_text import kernel_lines
from tracer.reports.profiled_parts import busy_and_overhead
from tracer.reports.report_text import closing_lines, rate_line
from tracer.runs.run_store import StoredRun


def show(traces: Path) -> None:
    """Let the user choose a run, and show what its report leads with."""
    st.title("Overview")
    run = choose_run(traces)
    if run is not None:
        refreshing(run, lambda: _page(run))


def _page(run: StoredRun) -> None:
    report = report_of(run)
    if report is None:
        return
    _headline(report)
    _where_the_time_went(report, captured=bool(run.info.captures))
    _to_remove(report)
    windows = window_frame(report)
    if len(windows):
        st.subheader("Performance windows")
        st.caption("Laps: what the host was told. Wall clock: the recorder's. A valid window lasts 10 s by both.")
        rate = st.column_config.NumberColumn(format="%.3f")
        shown = {name: rate for name in windows.columns if name.startswith("inf/s")}
        shown["inferences"] = st.column_config.NumberColumn(format="localized")
        st.dataframe(windows, hide_index=True, width="stretch", column_config=shown)
    _sessions(report["sessions"])
    st.subheader("How it was measured")
    st.dataframe(fact_frame(report), hide_index=True, width="stretch", height="content")
    with st.expander("Overhead of tracing, what was left out, and notes", expanded=True):
        lines([*closing_lines(report), *(kernel_lines(report["gpu"]) if report["gpu"] else [])])


def _headline(report: Report) -> None:
    facts, inference = report["run"], report["inference"]
    st.subheader(rate_line(report))
    lines([f"{facts['model'].get('name')} on {facts['backend'].get('name')} ({facts['backend'].get('device')})"])
    columns = st.columns(4)
    columns[0].metric(
        "Inference, median", time_text(inference["median_ns"]), help="Wall time by the recorder, warm-ups left out."
    )
    columns[1].metric("Inference, p99", time_text(inference["p99_ns"]), help="One of a hundred takes longer.")
    columns[2].metric("Inferences timed", count_text(inference["count"]))
    shown = busy_and_overhead(report["gpu"])
    if shown is None:
        columns[3].metric("GPU busy", "no work" if report["gpu"] else MISSING)
    else:
        explained = "A kernel or a copy running; share of an inference."
        columns[3].metric("GPU busy", share_text(shown.busy_share), help=explained)
    if report["device"]["note"] or report["device"]["marked"]:
        st.caption(f":material/info: {plain(frequencies_text(report))}.")


def _where_the_time_went(report: Report, *, captured: bool) -> None:
    st.subheader("Where the time went")
    busy, kinds, stages = busy_bar(report), kind_bar(report), stage_bar(report)
    if report["gpu"] is None:
        # Of a capture that cannot be read the page's head tells.
        if not captured:
            st.info(missing_kernel_level(report), icon=":material/add_chart:")
    elif report["gpu"]["computing_known"]:
        lines([report["gpu"]["verdict"]["sentence"]])
    if busy is not None:
        _bar("GPU busy against runtime overhead", busy)
    if kinds is not None:
        _bar("Every part of a profiled inference", kinds)
    if stages is not None:
        _bar("Stages, without the profiler", stages)
        st.dataframe(stage_frame(report), hide_index=True, width="stretch")
    else:
        st.info("No inference was timed: a host has yet to send `infer`.")


def _bar(title: str, bar: Bar) -> None:
    st.markdown(f"**{title}**: {time_text(bar.wall_ns)} an inference")
    st.altair_chart(stacked_bar(bar.parts), width="stretch")
    # A tool's version comes from a file.
    st.text(f"Source: {bar.source}.")


def _to_remove(report: Report) -> None:
    if report["gpu"] is None:
        return
    st.subheader("What to remove first")
    rows = gain_rows(report)
    if not rows:
        st.markdown("Nothing that this capture tells apart would give time back.")
        return
    for column, row in zip(st.columns(len(rows)), rows, strict=True):
        column.metric(f"without {plain(row['name'])}", f"-{row['gain']}", border=True)
        column.caption(
            f"an inference{', at most' if row['upper_bound'] else ''} ({row['interval']}); then **{row['rate']}**"
        )
    st.caption(gain_note(report))


def _sessions(sessions: Sequence[RunSession | UnreadSession]) -> None:
    if not sessions:
        st.caption(
            "Top-1 and AUC: no host's session lies in this run. `kws-trace host --port PORT accuracy` leaves one; "
            "`kws-trace session` reads those of other hosts."
        )
        return
    st.subheader("What the host measured")
    st.dataframe(session_frame(sessions), hide_index=True, width="stretch")
    found = [f"{one['path']}: {each['text']}" for one in sessions if "findings" in one for each in one["findings"]]
    if found:
        lines(found)
    st.caption("Recomputed from the host's log in the run's folder; `kws-trace session --run` has the evidence.")
