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
    kind_bar,
    session_frame,
    stage_bar,
    stage_frame,
    window_frame,
)
from dashboard.pages.chrome import (
    command,
    explain_no_gpu_timeline,
    explain_untimed,
    lines,
    metrics,
    show_report,
    table,
)
from tracer.figure_text import MISSING, count_text, share_text, time_text
from tracer.report_types.report import Report
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.reports.advised_gains import gain_note, gain_rows
from tracer.reports.breakdown_text import kernel_lines
from tracer.reports.profiled_parts import busy_and_overhead
from tracer.reports.report_text import closing_lines, rate_line
from tracer.runs.run_store import StoredRun
from tracer.trust.judgement import trust_lines


def show(traces: Path) -> None:
    """Let the user choose a run, and show what its report leads with."""
    show_report("Overview", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    _headline(report)
    _where_the_time_went(run, report)
    _to_remove(report)
    windows = window_frame(report)
    if len(windows):
        st.subheader("Performance windows")
        st.caption("Laps: what the host was told. Wall clock: the recorder's. Rule-valid: 10 s by both.")
        rates = {name: "%.3f" for name in windows.columns if name.startswith("inf/s")}
        table(windows, {**rates, "inferences": "localized"})
    _sessions(run, report["sessions"])
    st.subheader("How it was measured")
    table(fact_frame(report), height="content")
    with st.expander("Overhead of tracing, what was left out, and notes", expanded=True):
        lines([*closing_lines(report), *(kernel_lines(report["gpu"]) if report["gpu"] else [])])


def _headline(report: Report) -> None:
    facts, inference = report["run"], report["inference"]
    st.subheader(rate_line(report))
    lines(trust_lines(report["trust"]))
    lines([f"{facts['model'].get('name')} on {facts['backend'].get('name')} ({facts['backend'].get('device')})"])
    shown, explained = busy_and_overhead(report["gpu"]), "A kernel or a copy running; share of an inference."
    no_share = "no work" if report["gpu"] else MISSING
    mean = time_text(inference["total_ns"] / inference["count"] if inference["count"] else None)
    median, p99 = time_text(inference["median_ns"]), time_text(inference["p99_ns"])
    metrics(
        [
            ("Inference, mean", mean, "Wall time by the recorder, warm-ups left out. The rate is 1 over the mean."),
            ("Inference, median", median, "Half of them take longer; a few slow ones do not move it."),
            ("Inference, p99", p99, "One of a hundred takes longer."),
            ("Inferences timed", count_text(inference["count"]), None),
            ("GPU busy", share_text(shown.busy_share), explained) if shown else ("GPU busy", no_share, None),
        ]
    )
    if report["device"]["note"] or report["device"]["marked"]:
        st.caption(f":material/info: {plain(frequencies_text(report))}.")


def _where_the_time_went(run: StoredRun, report: Report) -> None:
    st.subheader("Where the time went")
    stages = stage_bar(report)
    if report["gpu"] is None:
        # Of a capture that cannot be read the page's head tells.
        if not run.info.captures:
            explain_no_gpu_timeline(run)
    elif report["gpu"]["computing_known"]:
        lines([report["gpu"]["verdict"]["sentence"]])
    _bar("GPU busy against runtime overhead", busy_bar(report))
    _bar("Every part of a profiled inference", kind_bar(report))
    _bar("Stages, without the profiler", stages)
    if stages is not None:
        table(stage_frame(report))
    else:
        explain_untimed()


def _bar(title: str, bar: Bar | None) -> None:
    if bar is None:
        return
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
        column.metric(plain(row["title"]), f"-{row['gain']}", border=True)
        column.caption(f"an inference ({row['interval']}); then **{row['rate']}**")
    st.caption(gain_note(report))


def _sessions(run: StoredRun, sessions: Sequence[RunSession | UnreadSession]) -> None:
    traces = run.folder.parent
    if not sessions:
        st.caption(
            "Top-1 and AUC: no host's session lies in this run. "
            f"{command(traces, 'host', 'accuracy', '--port', 'PORT')} leaves one; "
            f"{command(traces, 'session', 'FOLDER', '--run', run.name)} reads those of other hosts."
        )
        return
    st.subheader("What the host measured")
    table(session_frame(sessions))
    lines(f"{one['path']}: {each['text']}" for one in sessions if "findings" in one for each in one["findings"])
    evidence = command(traces, "session", "--run", run.name)
    st.caption(f"Recomputed from the host's log in the run's folder; {evidence} has the evidence.")
