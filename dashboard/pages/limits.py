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
    place_frame,
    roofline,
    round_frame,
)
from dashboard.pages.address import into_address, state
from dashboard.pages.chrome import chart, lines, metrics, show_report, table
from dashboard.pages.guidance import command, explain_untimed
from dashboard.pages.kept import kept_frequencies
from tracer.report_types.report import Report
from tracer.reports.run_limits import (
    board_of,
    counted_cost,
    limits_lines,
    run_limits,
    why_no_limits,
)
from tracer.runs.run_store import StoredRun


def show(traces: Path) -> None:
    """Let the user choose a run and a device, and show how far the one is from what the other could do."""
    show_report("Limits", traces, _page)


def _page(run: StoredRun, report: Report) -> None:
    if counted_cost(run.info) is None:
        counts = command(run.folder.parent, "cost", "MODEL", "--run", run.name, "--device", "NAME")
        st.info(
            "**No limits: the operations of this run's model are not in its record.** They are counted when a run "
            "begins: one of an older version has none, nor has one whose model could not be read. "
            f"{counts} counts them from the model's file and sets the run's time beside them.",
            icon=":material/function:",
        )
    else:
        _limits(run, report)
    _place(report)


def _limits(run: StoredRun, report: Report) -> None:
    device = _device(run)
    measured_ns = report["inference"]["median_ns"]
    frequencies = kept_frequencies(run)
    limits = None if device is None else run_limits(run.info, frequencies, measured_ns, device)
    if limits is None:
        st.info("**No limits of the run's own board.** Choose a device to hold the run against.")
        why = (why_no_limits(run.info, None) or "").removeprefix("no limits: ")
        lines([f"{why[:1].upper()}{why[1:]}."] if why else [])
        return
    metrics(headline(limits))
    if board_of(run.info) is None:
        st.caption(":material/info: Not the run's own board: the device is the one that was chosen.")
    lines(limits_lines(limits, None, None))
    st.header("Roofline")
    chart(roofline_chart(roofline(limits)), "roofline")
    st.caption(
        "The roof is what the device can do for as many operations a byte. The limit counts the least traffic: "
        "weights once, input and output. The other measured point takes every tensor through memory; caches decide "
        "between the two."
    )
    st.header("Table of limits")
    table(limit_frame(limits), height="content", key="limits")
    st.caption(f"Source: {limits['source']}.")
    st.header("This model on every device")
    formats = dict.fromkeys(("cores", "GPU, MHz", "float32, GFLOP/s", "memory, GB/s", "limit, us"), "localized")
    table(device_frame(run.info, measured_ns), formats, key="devices")
    st.caption("At their highest frequencies, CUDA cores only; peaks are of float32.")


def _device(run: StoredRun) -> str | None:
    """The key of the device, None where the run's board is not known and none was chosen; the address follows."""
    names, own = device_names(), default_device(run.info)
    asked = state().device
    keys = list(names)
    # A widget for each run: another run begins with its own board unless the address says otherwise.
    shown = asked if asked in names else own
    chosen: str | None = st.selectbox(
        "Device",
        keys,
        index=None if shown is None else keys.index(shown),
        placeholder="The run's own board is not known: choose one to compare with",
        format_func=lambda key: f"{names[key]} (the run's board)" if key == run.info.board else names[key],
        key=f"device_widget_{run.name}",
    )
    into_address("device", None if chosen == own else chosen)
    return chosen


def _place(report: Report) -> None:
    st.header("Among published results")
    published = report["published"]
    if not report["inference"]["count"]:
        explain_untimed()
        return
    lines(limits_lines(None, published, report["why_no_place"]))
    if published is None:
        return
    table(place_frame(published), {"inf/s": "localized", "times this run": "%.2f x"}, key="place")
    st.caption(
        "MLPerf Tiny keyword spotting, closed division, v0.5 to v1.3: the median throughput that its logs have. "
        "Neighbours are of the newest round. The place in each round by itself:"
    )
    table(round_frame(published), width="content", height="content")
