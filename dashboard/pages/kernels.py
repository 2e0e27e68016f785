"""Kernels of a run: by kernel and by stage, launch delay, copies and CUDA calls; what a run without them lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.kernels_charts import delay_chart, kernel_chart
from dashboard.kernels_view import (
    KERNELS_CHARTED,
    Frame,
    KernelDetail,
    call_frame,
    charted,
    copy_frame,
    csv_bytes,
    kernel_detail,
    kernel_frame,
    parquet_bytes,
    searched,
)
from dashboard.pages import chrome
from dashboard.run_reading import fingerprint
from tracer.breakdown.kernel_level import kernel_level
from tracer.errors import KwsTraceError
from tracer.figure_text import counted, number_text, time_text
from tracer.report_types.gpu import GpuFigures
from tracer.report_types.report import Report
from tracer.runs.run_store import StoredRun, stored_run

_LABELS = {
    "name": "name",
    "whole_name": "whole name",
    "kind": "kind",
    "stage": "launched in",
    "kernel": "kernel",
    "count": "count",
    "per_inference": "an inference",
    "total_ms": "total, ms",
    "us_per_inference": "us an inference",
    "mean_us": "mean, us",
    "median_us": "median, us",
    "share": "share, %",
    "bytes": "bytes",
    "bytes_per_inference": "bytes an inference",
    "gb_per_s": "rate, GB/s",
}
_WHOLE = ("count", "bytes", "bytes_per_inference")


def _made(folder: str, mark: str) -> KernelDetail | None:  # noqa: ARG001 -- ``mark`` is the key
    level = kernel_level(stored_run(folder))
    return None if level is None else kernel_detail(level)


_detail = st.cache_data(_made, max_entries=8, show_spinner="Laying kernels under stages")


def show(traces: Path) -> None:
    """Let the user choose a run, and show its GPU timeline."""
    st.title("Kernels")
    run = chrome.choose_run(traces)
    if run is None:
        return
    report = chrome.report_of(run)
    if report is None:
        return
    if report["gpu"] is None:
        # Of captures that cannot be read the report has told why.
        if not run.info.captures:
            _explain_absence()
        return
    try:
        detail: KernelDetail | None = _detail(str(run.folder), fingerprint(run.folder))
    except KwsTraceError as error:
        chrome.problem("The GPU timeline of this run cannot be read.", str(error))
        return
    if detail is not None:
        _show_level(run, report, report["gpu"], detail)


def _explain_absence() -> None:
    st.info(
        "No GPU timeline in this run: it holds what the host saw, and no profile.\n\n"
        "- `kws-trace run --nsys` records kernels, copies and CUDA calls with Nsight Systems, and imports them.\n"
        "- `kws-trace run --profiler tensorflow` records TensorFlow's operations, on machines without a GPU too.\n"
        "- `kws-trace ingest RUN PROFILE` imports a profile that was recorded while this run was made."
    )


def _show_level(run: StoredRun, report: Report, gpu: GpuFigures, detail: KernelDetail) -> None:
    kernels, copies, calls = kernel_frame(report), copy_frame(report), call_frame(report)
    st.caption(
        f"Of {counted(gpu['inferences'], 'profiled inference')}; warm-ups are left out. "
        "A kernel belongs to the stage during which the call that launched it began."
    )
    st.text(f"Source: {gpu['source']} {gpu['version']}; GPU: {gpu['frequencies'] or 'frequencies not recorded'}")
    if len(kernels):
        figures = st.columns(4)
        figures[0].metric("Kernels an inference", number_text(kernels["per_inference"].sum(), 1))
        figures[1].metric("Kernel time, an inference", time_text(gpu["kernel_ns"]["mean"]))
        delay = gpu["launch_delay_ns"]
        figures[2].metric("Launch to start, median", time_text(delay["median"] if delay else None))
        figures[3].metric("Launch to start, p99", time_text(delay["p99"] if delay else None))
    chrome.lines(gpu["notes"])
    text = st.text_input("Search", placeholder="part of a name", key="kernels_search", icon=":material/search:")
    if len(kernels):
        _kernels(searched(kernels, text), searched(detail.staged, text), run.name)
        _delays(detail)
    elif len(detail.operations):
        st.caption("The GPU did nothing in these inferences: the host's operations take the kernels' place.")
    if len(detail.operations):
        st.subheader("Operations of the host")
        st.caption("Time on the threads that ran them; operations may lie within one another or run side by side.")
        _table(searched(detail.operations, text), "operations", run.name)
    if len(kernels) or len(copies):
        st.subheader("Copies")
        if len(copies):
            _table(searched(copies, text), "copies", run.name)
        else:
            st.caption("No copy traced (host-mapped or embedded).")
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


def _delays(detail: KernelDetail) -> None:
    st.subheader("Launch delay")
    st.caption("From the start of the call that launched a kernel to the kernel's start; of all kernels.")
    st.altair_chart(delay_chart(detail.delays), width="stretch")


def _table(frame: Frame, what: str, run: str) -> None:
    """A table that a click on a column sorts, and its rows as files."""
    columns: dict[str, Any] = {}
    for name in frame.columns:
        if name in ("name", "whole_name", "kind", "stage", "kernel"):
            columns[name] = st.column_config.TextColumn(_LABELS[name], width="medium" if name != "kind" else "small")
        else:
            form = "localized" if name in _WHOLE else "%.3f"
            columns[name] = st.column_config.NumberColumn(_LABELS[name], format=form)
    st.dataframe(frame, hide_index=True, width="stretch", column_config=columns)
    with st.container(horizontal=True):
        files = (
            ("CSV", "csv", "text/csv", csv_bytes),
            ("Parquet", "parquet", "application/vnd.apache.parquet", parquet_bytes),
        )
        for label, ending, kind, made in files:
            st.download_button(
                label, made(frame), f"{run}-{what}.{ending}", kind, key=f"{what}-{ending}", icon=":material/download:"
            )
