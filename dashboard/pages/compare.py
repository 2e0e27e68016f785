"""Compare: runs held against one of them, with a verdict that tells a difference from noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.baseline import PARAMETER, Baseline, baseline_names, chosen_baseline
from dashboard.compare_charts import ratios, series, waterfall
from dashboard.compare_view import (
    kernel_frame,
    moved_parts,
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
from dashboard.pages.baseline_choice import keep_baseline, kept_baseline
from dashboard.pages.chrome import NAMES_KEY, chart, drawing, headed, lines, problem, report_of, table
from dashboard.pages.guidance import command
from dashboard.pages.kept_comparisons import Pair, compared, pair_of
from dashboard.run_reading import run_before
from dashboard.stages_charts import AROUND_PX, HISTOGRAM_PX, histogram
from tracer.errors import KwsTraceError
from tracer.palette import colours
from tracer.report_types.report import Compared, Comparison, Report
from tracer.reports.compare_words import kernel_lines, note_lines
from tracer.reports.html.plots import rows_height
from tracer.runs.run_store import StoredRun
from tracer.stages import INFERENCE

MOST = 8
"""Runs that are held against the first at most: each is read whole."""


@dataclass(frozen=True, slots=True)
class Side(Baseline):
    """What is compared, and the report of the first of its launches."""

    report: Report


def show(traces: Path) -> None:
    """Let the user choose runs, and compare them and the one of the sidebar with the oldest, or another."""
    first = headed("Compare", traces)
    if first is None:
        return
    names = st.session_state[NAMES_KEY]
    others = baseline_names(traces, names, first.name)
    if not others:
        st.info(f"There is one run only. {command(traces, 'demo')} makes others to compare it with.")
        return
    kept = kept_baseline()
    chosen = _chosen(others, kept if kept in others else run_before(names, first.name))
    if not chosen:
        st.info("Choose runs to hold against the one in the sidebar.")
        return
    asked = [Baseline(first.name, (first,)), *(_opened(traces, name, first.name) for name in chosen)]
    sides = [side for side in map(_side, filter(None, asked)) if side is not None]
    if len(sides) > 1 and sides[0].name == first.name:
        _page(sides, first.name)


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


def _opened(traces: Path, name: str, shown: str) -> Baseline | None:
    """A run, or the launches of a named baseline; None where it cannot be opened, which is then told."""
    try:
        return chosen_baseline(traces, name, shown)
    except KwsTraceError as error:
        problem(f"{plain(name)} cannot be opened.", str(error), warning=True)
        return None


def _side(one: Baseline) -> Side | None:
    reports = [report_of(run) for run in one.runs]
    readable = [report for report in reports if report is not None]
    if not readable or len(readable) < len(reports):
        return None
    return Side(one.name, one.runs, readable[0])


def _created(side: Side) -> str:
    """When the first of its launches began."""
    return min(run.info.created for run in side.runs)


def _page(sides: list[Side], shown: str) -> None:
    chosen = _baseline([one.name for one in sorted(sides, key=_created)], shown)
    with st.spinner("Comparing"):
        try:
            figures = compared(sides, chosen)
        except KwsTraceError as error:
            problem("The runs cannot be compared.", str(error))
            return
    for row in figures["comparisons"]:
        _verdict(row, chosen)
    by_name = {one.name: one for one in sides}
    ordered = [by_name[run["name"]] for run in figures["runs"]]
    pair = pair_of(ordered[0].runs[0], ordered[1].runs[0])
    _waterfalls(ordered[0], ordered[1], figures["comparisons"][0], pair)
    several = [f"{one.name} by its first launch, {one.runs[0].name}" for one in ordered if len(one.runs) > 1]
    if several:
        lines([f"Parts, stages and kernels show {', '.join(several)}."])
    points = series_rows(figures)
    if len(points) > 2:
        st.header("Over time")
        chart(series(points), "series")
    _runs(figures)
    if pair is not None:
        _spread(ordered[0].runs[0], ordered[1].runs[0], pair)
    _side_by_side([one.report for one in ordered], figures)


def _runs(figures: Comparison) -> None:
    """A row a launch, and how far each side's median lies from the baseline's."""
    table(run_frame(figures), height="content", key="runs")
    st.caption(
        "Wall time by the recorder, warm-ups left out; rates by the laps. 95 % intervals by whole windows; [ ] is a "
        "range where none would cover. Differences are of the windows' geometric means."
    )
    rows = ratio_rows(figures)
    if rows:
        drawing(ratios(rows, figures["threshold"]), "ratios", rows_height(len(rows)))
        st.caption(f"Grey: within {100 * figures['threshold']:g} %, which counts as no difference.")


def _side_by_side(reports: list[Report], figures: Comparison) -> None:
    """Stages, kernels and parts, a column a side."""
    st.header("Stages")
    table(stage_frame(reports), key="stages")
    kernels = kernel_frame(reports)
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


def _waterfalls(before: Side, after: Side, row: Compared, pair: Pair | None) -> None:
    """By stages, and by the parts of a profiled inference where the same kind of profiler recorded both."""
    one, other = before.report, after.report
    stages = {} if row["refusals"] or pair is None else pair.moved
    kinds = [("timed inference", False, stages)]
    if same_profiler(one, other):
        kinds.append(("profiled inference", True, moved_parts(row)))
    found = [
        (of, rows)
        for of, profiled, moved in kinds
        if (rows := waterfall_rows(one, other, profiled=profiled, moved=moved))
    ]
    if not found:
        return
    with st.container(key="wide_waterfalls"):
        columns = st.columns(len(found))
    for column, (of, rows) in zip(columns, found, strict=True):
        with column:
            key = f"waterfall-{of.partition(' ')[0]}"
            drawing(waterfall(rows, of), key, rows_height(len(rows)))


def _spread(before: StoredRun, after: StoredRun, pair: Pair) -> None:
    """Both runs' inferences in one histogram."""
    st.header("Spread of the inferences")
    spec = histogram(pair.histogram, colours([INFERENCE])[0], pair.marks, before.name)
    drawing(spec, "histograms", HISTOGRAM_PX + AROUND_PX)
    st.text(f"Bars and rules: {after.name}. Line: {before.name}, scaled to as many inferences.")


def _baseline(names: list[str], shown: str) -> str:
    """The head's choice or the address's, else the oldest; of two runs a click swaps them."""
    memory, asked = st.session_state, kept_baseline()
    wanted = memory.get("baseline_widget", asked)
    memory["baseline_widget"] = wanted if wanted in names else names[0]
    choice, swap = st.columns([5, 1], vertical_alignment="bottom")
    if len(names) == 2 and swap.button("Swap", icon=":material/swap_horiz:", width="stretch"):
        memory["baseline_widget"] = names[1 - names.index(memory["baseline_widget"])]
    baseline: str = choice.selectbox("Baseline (the oldest, unless you choose)", names, key="baseline_widget")
    if asked is not None or baseline != names[0]:
        keep_baseline(None if baseline == shown else baseline)
    into_address(PARAMETER, None if baseline == names[0] else baseline)
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
    told = row["verdict"] in ("slower", "faster", "equivalent")
    if number is not None:
        text = f"**{plain(number)}.** {text}" if told else f"**{text}** {plain(number)}."
    show_box(text, icon=icon)
    lines([row["sentence"], *note_lines(row), *kernel_lines(row["kernels"])])
