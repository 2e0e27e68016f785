"""Compare: runs held against one of them, with a verdict that tells a difference from noise."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.compare_charts import ratios, series, waterfall
from dashboard.compare_view import (
    kernel_frame,
    number_sentence,
    part_frame,
    ratio_rows,
    run_frame,
    same_profiler,
    series_rows,
    stage_frame,
    waterfall_rows,
)
from dashboard.markdown_text import plain
from dashboard.pages.address import into_address, state
from dashboard.pages.chrome import chart, headed, lines, opened, problem, report_of, table
from dashboard.pages.guidance import command
from dashboard.pages.kept_inferences import kept_inferences
from dashboard.run_reading import run_entries
from dashboard.stages_charts import histogram
from dashboard.stages_view import histogram_frame, percentile_marks
from tracer.errors import KwsTraceError
from tracer.palette import colours
from tracer.report_types.report import Compared, Report
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.compare_words import claim_line, kernel_lines
from tracer.runs.run_store import StoredRun
from tracer.stages import INFERENCE

MOST = 8
"""Runs that are held against the first at most: each is read whole."""


def show(traces: Path) -> None:
    """Let the user choose runs, and compare them and the one of the sidebar with the oldest, or another."""
    first = headed("Compare", traces)
    if first is None:
        return
    others = [entry.name for entry in run_entries(traces) if not entry.problem and entry.name != first.name]
    if not others:
        st.info(f"There is one run only. {command(traces, 'demo')} makes others to compare it with.")
        return
    chosen = _chosen(others, _before([entry.name for entry in run_entries(traces) if not entry.problem], first.name))
    if not chosen:
        st.info("Choose runs to hold against the one in the sidebar.")
        return
    runs = [first, *filter(None, (opened(traces, name) for name in chosen))]
    if len(runs) > 1:
        _page(runs)


def _before(newest_first: list[str], name: str) -> str:
    """The run before this one, or of the oldest the one after it."""
    place = newest_first.index(name)
    return newest_first[place + 1] if place + 1 < len(newest_first) else newest_first[place - 1]


def _chosen(others: list[str], before: str) -> list[str]:
    asked = state().runs or (before,)
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
    names = [run.name for run, _ in sorted(readable, key=lambda one: one[0].info.created)]
    baseline = _baseline(names)
    with st.spinner("Comparing"):
        try:
            figures = compare_sides([launches_of([run], reports=[one]) for run, one in readable], baseline=baseline)
        except KwsTraceError as error:
            problem("The runs cannot be compared.", str(error))
            return
    by_name = {run.name: report for run, report in readable}
    for row in figures["comparisons"]:
        _verdict(row, baseline)
    baseline_report, other = by_name[baseline], by_name[figures["comparisons"][0]["run"]]
    _waterfalls(baseline_report, other)
    points = series_rows(figures)
    if len(points) > 2:
        st.header("Over time")
        chart(series(points), "series")
    table(run_frame(figures), key="runs")
    st.caption(
        "Wall time by the recorder, warm-ups left out; rates by the laps. 95 % intervals by whole windows; [ ] is a "
        "range where none would cover. Differences are of the windows' geometric means."
    )
    rows = ratio_rows(figures)
    if rows:
        chart(ratios(rows, figures["threshold"]), "ratios")
        st.caption(f"Grey: within {100 * figures['threshold']:g} %, which counts as no difference.")
    by_run = {run.name: run for run, _ in readable}
    _spread(by_run[baseline], by_run[other["run"]["name"]])
    ordered = [by_name[run["name"]] for run in figures["runs"]]
    st.header("Stages")
    table(stage_frame(ordered), key="stages")
    kernels = kernel_frame(ordered)
    if len(kernels):
        st.header("Kernels")
        shown = {name: "%.3f" for name in kernels.columns if name.endswith((", us", ", difference"))}
        table(kernels, shown, key="kernels")
        st.caption("GPU time of an inference, in microseconds; each run's own capture.")
    parts = part_frame(figures)
    if len(parts):
        st.header("Parts of a profiled inference")
        table(parts, height="content", key="parts")
        st.caption(
            "Medians (95 % intervals) of each run's own capture, the profiler's cost included. Parts are held "
            "against each other where the same kind of profiler recorded both."
        )


def _waterfalls(before: Report, after: Report) -> None:
    """By stages, and by the parts of a profiled inference where the same kind of profiler recorded both."""
    kinds = [("timed inference", False), *([("profiled inference", True)] if same_profiler(before, after) else [])]
    found = [(of, rows) for of, profiled in kinds if (rows := waterfall_rows(before, after, profiled=profiled))]
    for column, (of, rows) in zip(st.columns(len(found)) if found else [], found, strict=True):
        with column:
            chart(waterfall(rows, of), f"waterfall-{of.partition(' ')[0]}")


def _spread(before: StoredRun, after: StoredRun) -> None:
    """Both runs' inferences in one histogram."""
    one, two = (kept_inferences(run).timed for run in (before, after))
    if not len(one) or not len(two):
        return
    st.header("Spread of the inferences")
    frame = histogram_frame(two.wall_ns, one.wall_ns)
    spec = histogram(frame, colours([INFERENCE])[0], percentile_marks(two.wall_ns), before.name)
    chart(spec, "histograms")
    st.text(f"Bars and rules: {after.name}. Line: {before.name}, scaled to as many inferences.")


def _baseline(names: list[str]) -> str:
    """The oldest unless the address or a hand says otherwise; of two runs a click swaps them."""
    asked = st.query_params.get("baseline")
    kept = st.session_state.get("baseline_widget", asked)
    st.session_state["baseline_widget"] = kept if kept in names else names[0]
    choice, swap = st.columns([5, 1], vertical_alignment="bottom")
    if len(names) == 2 and swap.button("Swap", icon=":material/swap_horiz:", width="stretch"):
        st.session_state["baseline_widget"] = names[1 - names.index(st.session_state["baseline_widget"])]
    baseline: str = choice.selectbox("Baseline (the oldest, unless you choose)", names, key="baseline_widget")
    into_address("baseline", None if baseline == names[0] else baseline)
    return baseline


def _verdict(row: Compared, baseline: str) -> None:
    headline = {
        "slower": (st.error, "Slower by more than the threshold.", ":material/trending_down:"),
        "faster": (st.success, "Faster by more than the threshold.", ":material/trending_up:"),
        "equivalent": (st.info, "Equivalent: no further apart than the threshold.", ":material/drag_handle:"),
        "refused": (st.warning, "Not compared: they cannot be held against each other.", ":material/block:"),
        "can't be told": (st.warning, "Whether they differ can't be told.", ":material/help:"),
        "rate and median disagree": (st.warning, "Rate and median disagree.", ":material/help:"),
    }
    show_box, text, icon = headline[row["verdict"]]
    number = number_sentence(row, baseline)
    show_box(f"**{plain(number)}.** {text}" if number else text, icon=icon)
    claim = claim_line(row)
    notes = [*([claim] if claim else []), *(f"Note: {warning}" for warning in row["warnings"])]
    lines([row["sentence"], *notes, *(f"Kernel of {one}" for one in kernel_lines(row["kernels"]))])
