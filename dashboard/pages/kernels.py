"""Kernels of a run: by kernel and by stage, launch delay, copies and CUDA calls; what a run without them lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.frames import Frame
from dashboard.kernel_detail import KernelDetail
from dashboard.kernels_charts import AROUND_PX, DELAYS_PX, delay_drawing, kernel_drawing
from dashboard.kernels_view import (
    KERNELS_CHARTED,
    call_frame,
    charted,
    copy_frame,
    csv_bytes,
    kernel_frame,
    operation_frame,
    parquet_bytes,
    searched,
)
from dashboard.pages import chrome
from dashboard.pages.baseline_choice import baseline_run
from dashboard.pages.guidance import explain_no_gpu_timeline
from tracer.figure_text import counted, number_text, time_text
from tracer.report_types.gpu import GpuFigures
from tracer.report_types.report import Report
from tracer.reports.html.plots import rows_height
from tracer.reports.profiled_parts import profiler_text
from tracer.runs.run_store import StoredRun

_LABELS = {
    "whole_name": "whole name",
    "launch_us": "launch delay, us",
    "against_us": "against the baseline, us",
    "self_us": "own time, us an inference",
    "stage": "launched in",
    "per_inference": "calls an inference",
    "total_ms": "total, ms",
    "us_per_inference": "us an inference",
    "mean_us": "mean, us",
    "median_us": "median, us",
    "share": "share, %",
    "cumulative": "cumulative, %",
    "bytes_per_inference": "bytes an inference",
    "gb_per_s": "rate, GB/s",
}
"""Headings of the columns that are not called by their names."""

_WIDTHS: dict[str, Any] = {"name": 255, "kernel": 255, "timeline": 64, "kind": "small", "stage": "small"}
_FORMATS = {
    "count": "localized",
    "bytes": "localized",
    "bytes_per_inference": "localized",
    "per_inference": "%.2f",
    "share": "%.1f",
    "cumulative": "%.1f",
}
"""Streamlit's, of the columns that are no microseconds."""


def show(traces: Path) -> None:
    """Let the user choose a run, and show its GPU timeline."""
    chrome.show_report("Kernels", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    if report["gpu"] is None:
        # Of captures that cannot be read the report has told why.
        if not run.info.captures:
            explain_no_gpu_timeline(run)
        return
    detail = chrome.detail_of(run)
    if detail is not None:
        _show_level(run, report, report["gpu"], detail)


def _show_level(run: StoredRun, report: Report, gpu: GpuFigures, detail: KernelDetail) -> None:
    baseline = baseline_run(run)
    beside = None if baseline is None else chrome.report_of(baseline)
    if beside is not None and not beside["kernels"]:
        beside = None
    kernels = kernel_frame(report, detail, beside, run.name)
    st.caption(
        f"Of {counted(gpu['inferences'], 'profiled inference')}; warm-ups are left out. "
        "A kernel belongs to the stage during which the call that launched it began."
    )
    if len(kernels):
        _headline(kernels, gpu)
    text = st.text_input(
        "Search", placeholder="part of a name", key="search", bind="query-params", icon=":material/search:"
    )
    if len(kernels):
        _ranked("By kernel", "GPU time, us an inference", searched(kernels, text), searched(detail.staged, text), run)
        if beside is not None and baseline is not None:
            st.text(f"The difference is of an inference's time in this run and in the baseline {baseline.name}.")
        st.header("Launch delay")
        st.caption("From the start of the call that launched a kernel to the kernel's start; of all kernels.")
        chrome.drawing(delay_drawing(detail.delays), "delays", DELAYS_PX + AROUND_PX)
    _operations(run, detail, baseline, text, alone=not len(kernels))
    calls_told = "Calls that began in the inferences, on any thread; a call may lie within another."
    for title, told, frame in (("Copies", None, copy_frame(report)), ("CUDA calls", calls_told, call_frame(report))):
        if len(frame):
            st.header(title)
            if told is not None:
                st.caption(told)
            _table(searched(frame, text), title.rpartition(" ")[2].lower(), run.name)
    st.text(f"Source: {profiler_text(gpu)}; GPU: {gpu['frequencies'] or 'frequencies not recorded'}")
    chrome.lines(gpu["notes"])


def _headline(kernels: Frame, gpu: GpuFigures) -> None:
    """How many kernels an inference has, how long they take, and how late they start."""
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


def _operations(run: StoredRun, detail: KernelDetail, baseline: StoredRun | None, text: str, *, alone: bool) -> None:
    """The operations of the host: ``alone``, without kernels, they are what is ranked."""
    operations = operation_frame(detail, run.name, None if baseline is None else chrome.detail_of(baseline))
    if not len(operations):
        return
    if alone:
        staged, told = searched(detail.staged, text), "own time on the host, us an inference"
        _ranked("By operation", told, searched(operations, text), staged, run)
    else:
        st.header("Operations of the host")
        _table(searched(operations, text), "operations", run.name)
    st.caption(
        "An operation's own time is without that of the operations within it on its thread; shares are of own "
        "times. Operations on several threads run side by side."
    )


def _ranked(title: str, axis: str, rows: Frame, staged: Frame, run: StoredRun) -> None:
    """Bars by stage, and the tables of the same rows."""
    st.header(title)
    if not len(rows):
        st.caption("None has this in its name.")
        return
    shown = charted(staged)
    chrome.drawing(kernel_drawing(shown, axis), "ranked", rows_height(shown["kernel"].nunique()))
    if len(rows) > KERNELS_CHARTED:
        st.caption(f"The {KERNELS_CHARTED} longest of {len(rows)}, the others as one; the table has all.")
    _table(rows, title.lower().replace(" ", "-"), run.name)
    if staged["stage"].nunique() > 1:
        st.header("By stage")
        _table(staged, "by-stage", run.name)


def _table(frame: Frame, what: str, run: str) -> None:
    """A table that a click on a column sorts, and its rows as files; a sentence where a search leaves no row."""
    if not len(frame):
        st.caption("None has this in its name.")
        return
    columns: dict[str, Any] = {}
    for name in frame.columns:
        label = _LABELS.get(name, name)
        if name == "timeline":
            columns[name] = st.column_config.LinkColumn("timeline", display_text="show", width=_WIDTHS[name])
        elif name in ("name", "whole_name", "kind", "stage", "kernel"):
            columns[name] = st.column_config.TextColumn(label, width=_WIDTHS.get(name, "medium"))
        else:
            columns[name] = st.column_config.NumberColumn(label, format=_FORMATS.get(name, "%.3f"))
    chrome.table(frame, column_config=columns, key=f"table-{what}")
    with st.container(horizontal=True):
        files = (
            ("CSV", "csv", "text/csv", csv_bytes),
            ("Parquet", "parquet", "application/vnd.apache.parquet", parquet_bytes),
        )
        for label, ending, kind, made in files:
            st.download_button(
                label, made(frame), f"{run}-{what}.{ending}", kind, key=f"{what}-{ending}", icon=":material/download:"
            )
