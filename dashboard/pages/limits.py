"""Limits of a device for a run's model: the roofline, the table, and the place among published results."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.limits_charts import roofline_chart
from dashboard.limits_view import (
    default_device,
    device_frame,
    device_names,
    headline,
    limit_frame,
    missing_cost,
    place_frame,
    roofline,
    round_frame,
)
from dashboard.pages.chrome import choose_run, lines, refreshing, report_of, state
from tracer.report_types.report import Report
from tracer.reports.run_limits import board_of, counted_cost, limits_lines, measured_frequencies, run_limits
from tracer.runs.run_store import StoredRun


def show(traces: Path) -> None:
    """Let the user choose a run and a device, and show how far the one is from what the other could do."""
    st.title("Limits")
    run = choose_run(traces)
    if run is not None:
        refreshing(run, lambda: _page(run))


def _page(run: StoredRun) -> None:
    report = report_of(run)
    if report is None:
        return
    if counted_cost(run.info) is None:
        st.info(missing_cost(), icon=":material/function:")
    else:
        _limits(run, report)
    _place(report)


def _limits(run: StoredRun, report: Report) -> None:
    device = _device(run)
    measured_ns = report["inference"]["median_ns"]
    frequencies = measured_frequencies(run)
    limits = run_limits(run.info, frequencies, measured_ns, device)
    if limits is None:
        return
    figures = headline(limits)
    for column, (label, figure, explained) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, figure, help=explained)
    if board_of(run.info) is None:
        st.caption(":material/info: The run's own board is none of the table: the device is the one that was chosen.")
    lines(limits_lines(limits, None))
    st.subheader("Roofline")
    st.altair_chart(roofline_chart(roofline(limits)), width="stretch")
    st.caption(
        "The roof is what the device can do for as many operations a byte. The limit counts the least traffic: "
        "weights once, input and output. The other measured point takes every tensor through memory; caches decide "
        "between the two."
    )
    st.subheader("Table of limits")
    st.dataframe(limit_frame(limits), hide_index=True, width="stretch", height="content")
    st.caption(f"Source: {limits['source']}.")
    st.subheader("This model on every device")
    whole = st.column_config.NumberColumn(format="%.1f")
    names = ("GPU, MHz", "float32, GFLOP/s", "memory, GB/s", "limit, us")
    columns = dict.fromkeys(names, whole)
    st.dataframe(device_frame(run.info, measured_ns), hide_index=True, width="stretch", column_config=columns)
    st.caption("At their highest frequencies, CUDA cores only; peaks are of float32.")


def _device(run: StoredRun) -> str:
    """The key of the device; the address follows."""
    names, own = device_names(), default_device(run.info)
    asked = state().device
    keys = list(names)
    # A widget for each run: another run begins with its own board unless the address says otherwise.
    chosen: str = st.selectbox(
        "Device",
        keys,
        index=keys.index(asked if asked in names else own),
        format_func=lambda key: f"{names[key]} (the run's board)" if key == run.info.board else names[key],
        key=f"device_widget_{run.name}",
    )
    if chosen == own:
        st.query_params.pop("device", None)
    elif st.query_params.get("device") != chosen:
        st.query_params["device"] = chosen
    return chosen


def _place(report: Report) -> None:
    st.subheader("Among published results")
    published = report["published"]
    if published is None:
        st.info("No inference was timed: a host has yet to send `infer`.")
        return
    lines(limits_lines(None, published))
    form = {
        "inf/s": st.column_config.NumberColumn(format="%.1f"),
        "times this run": st.column_config.NumberColumn(format="%.2f x"),
    }
    st.dataframe(place_frame(published), hide_index=True, width="stretch", column_config=form)
    st.caption(
        "MLPerf Tiny keyword spotting, closed division, v0.5 to v1.3: the median throughput that its logs have. "
        "A result carried over unchanged counts once. The place in each round by itself:"
    )
    st.dataframe(round_frame(published), hide_index=True, width="content", height="content")
