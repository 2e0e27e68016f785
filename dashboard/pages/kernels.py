"""Kernels of a run: by kernel and by stage, launch delay, copies and CUDA calls; what a run without them lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.frames import Frame
from dashboard.kernels_charts import delay_chart, kernel_chart
from dashboard.kernels_view import (
    KERNELS_CHARTED,
    KernelDetail,
    call_frame,
    charted,
    copy_frame,
    csv_bytes,
    kernel_frame,
    parquet_bytes,
    searched,
)
from dashboard.pages import chrome
from tracer.figure_text import counted, number_text, time_text
from tracer.report_types.gpu import GpuFigures
from tracer.report_types.report import Report
from tracer.reports.profiled_parts import profiler_text
from tracer.runs.run_store import StoredRun

_LABELS = {
    "whole_name": "whole name",
    "stage": "launched in",
    "per_inference": "an inference",
    "total_ms": "total, ms",
    "us_per_inference": "us an inference",
    "mean_us": "mean, us",
    "median_us": "median, us",
    "share": "share, %",
    "cumulative": "with those above, %",
    "bytes_per_inference": "bytes an inference",
    "gb_per_s": "rate, GB/s",
}
"""Headings of the columns that are not called by their names."""

_WHOLE = ("count", "bytes", "bytes_per_inference")


def show(traces: Path) -> None:
    """Let the user choose a run, and show its GPU timeline."""
    chrome.show_report("Kernels", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    if report["gpu"] is None:
        # Of captures that cannot be read the report has told why.
        if not run.info.captures:
            chrome.explain_no_gpu_timeline(run)
        return
    detail = chrome.detail_of(run)
    if detail is not None:
        _show_level(run, report, report["gpu"], detail)


def _show_level(run: StoredRun, report: Report, gpu: GpuFigures, detail: KernelDetail) -> None:
    kernels, copies, calls = kernel_frame(report), copy_frame(report), call_frame(report)
    st.caption(
        f"Of {counted(gpu['inferences'], 'profiled inference')}; warm-ups are left out. "
        "A kernel belongs to the stage during which the call that launched it began."
    )
    st.text(f"Source: {profiler_text(gpu)}; GPU: {gpu['frequencies'] or 'frequencies not recorded'}")
    if len(kernels):
        delay = gpu["launch_delay_ns"]
        median, p99 = (time_text(delay[name] if delay else None) for name in ("median", "p99"))
        each, took = number_text(kernels["per_inference"].sum(), 1), time_text(gpu["kernel_ns"]["mean"])
        chrome.metrics(
            [
                ("Kernels an inference", each, None),
                ("Kernel time, an inference", took, None),
                ("Launch to start, median", median, None),
                ("Launch to start, p99", p99, None),
            ]
        )
    chrome.lines(gpu["notes"])
    text = st.text_input(
        "Search", placeholder="part of a name", key="search", bind="query-params", icon=":material/search:"
    )
    if len(kernels):
        _kernels(searched(kernels, text), searched(detail.staged, text), run.name)
        st.subheader("Launch delay")
        st.caption("From the start of the call that launched a kernel to the kernel's start; of all kernels.")
        st.altair_chart(delay_chart(detail.delays), width="stretch")
    elif len(detail.operations):
        st.caption("No GPU work lies in these inferences: the host's operations take the kernels' place.")
    if len(detail.operations):
        st.subheader("Operations of the host")
        st.caption("Time on the threads that ran them; operations may lie within one another or run side by side.")
        _table(searched(detail.operations, text), "operations", run.name)
    if len(copies):
        st.subheader("Copies")
        _table(searched(copies, text), "copies", run.name)
    if len(calls):
        st.subheader("CUDA calls")
        st.caption("Calls that began in the inferences, on any thread; a call may lie within another.")
        _table(searched(calls, text), "calls", run.name)


def _kernels(kernels: Frame, staged: Frame, run: str) -> None:
    st.subheader("By kernel")
    if not len(kernels):
        st.caption("No kernel has this in its name.")
        return
    st.altair_chart(kernel_chart(charted(staged)), width="stretch")
    if len(kernels) > KERNELS_CHARTED:
        st.caption(f"The {KERNELS_CHARTED} longest of {len(kernels)} kernels, the others as one; the table has all.")
    _table(kernels, "kernels", run)
    st.subheader("By stage")
    _table(staged, "kernels-by-stage", run)


def _table(frame: Frame, what: str, run: str) -> None:
    """A table that a click on a column sorts, and its rows as files; a sentence where a search leaves no row."""
    if not len(frame):
        st.caption("None has this in its name.")
        return
    columns: dict[str, Any] = {}
    for name in frame.columns:
        label = _LABELS.get(name, name)
        if name in ("name", "whole_name", "kind", "stage", "kernel"):
            columns[name] = st.column_config.TextColumn(label, width="medium" if name != "kind" else "small")
        else:
            form = "localized" if name in ("count", "bytes") else "%.3f"
            columns[name] = st.column_config.NumberColumn(label, format=form)
    chrome.table(frame, column_config=columns)
    with st.container(horizontal=True):
        files = (
            ("CSV", "csv", "text/csv", csv_bytes),
            ("Parquet", "parquet", "application/vnd.apache.parquet", parquet_bytes),
        )
        for label, ending, kind, made in files:
            st.download_button(
                label, made(frame), f"{run}-{what}.{ending}", kind, key=f"{what}-{ending}", icon=":material/download:"
            )
