"""Overview of one run: its rate and trust, where the time went, what to remove, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard.markdown_text import plain
from dashboard.overview_charts import AXIS_PX, ROW_PX, confusion_chart, icicle_drawing, icicle_height
from dashboard.overview_view import (
    STATES_MARKS,
    confusion,
    fact_frame,
    session_frame,
    stage_frame,
    top_operations,
    trust_chips,
    window_frame,
    window_rates,
    windows_text,
)
from dashboard.pages.baseline_choice import baseline_of
from dashboard.pages.chrome import (
    card,
    chart,
    detail_of,
    drawing,
    lines,
    metrics,
    problem,
    report_of,
    show_run,
    table,
)
from dashboard.pages.guidance import command, explain_no_gpu_timeline, explain_untimed
from dashboard.pages.kept import kept_recorded_report
from dashboard.pages.kept_comparisons import held_against
from dashboard.url_state import UrlState, link
from tracer.errors import KwsTraceError
from tracer.figure_text import auc_text, count_text, counted, official_rate_text, rate_text, share_text, time_text
from tracer.report_types.report import Compared, Report
from tracer.report_types.sessions import RunSession, SessionAccuracy, UnreadSession
from tracer.reports.advised_gains import gain_note, gain_of, gain_rows
from tracer.reports.breakdown_text import kernel_lines
from tracer.reports.compare_words import change_of
from tracer.reports.device_report import frequencies_text
from tracer.reports.html.figures import rate_dots
from tracer.reports.overview_rows import icicle, lead_sentence
from tracer.reports.profiled_parts import busy_and_overhead, profiler_text
from tracer.reports.report_text import closing_lines
from tracer.runs.run_store import StoredRun
from tracer.trust.judgement import rule_text, worst_text

_COLOURS: dict[str, Literal["green", "red"]] = {"faster": "green", "slower": "red"}
"""Of the change against a baseline, by the verdict."""
NO_BREAK_PERCENT = "\N{NO-BREAK SPACE}%"


def show(traces: Path) -> None:
    """Let the user choose a run, and show what its report leads with."""
    show_run("Overview", traces, _page)


def _page(run: StoredRun) -> None:
    above = st.container()
    with st.container(key="wide_lead"):
        left, right = st.columns([11, 9], gap="medium")
    # What was recorded is there before its captures are broken down and replayed.
    recorded = _recorded(run) if baseline_of(run) is None else None
    if recorded is not None:
        with left:
            _result(recorded, None)
    with right:
        report = report_of(run, above)
    if report is None:
        return
    against = _against(run)
    if recorded is None:
        with left:
            _result(report, against)
    with right:
        _answer(report)
        if _accuracy_of(report) is not None and report["median_rate_hz"] is None:
            _confusion(run)
    _where_the_time_went(report)
    _to_remove(report, against)
    _operations(run, report)
    with st.expander("What was measured how"):
        if against is not None:
            lines([against[0]["sentence"]])
        _measured(run, report)


def _recorded(run: StoredRun) -> Report | None:
    try:
        return kept_recorded_report(run)
    except KwsTraceError:
        return None  # the whole report tells


def _result(report: Report, against: tuple[Compared, Report] | None) -> None:
    """Rate or accuracy, and what speaks for and against it."""
    accuracy = _accuracy_of(report)
    if report["median_rate_hz"] is not None or accuracy is None:
        _rate(report, against)
    else:
        _accuracy(accuracy)
    _chips(report)


def _against(run: StoredRun) -> tuple[Compared, Report] | None:
    baseline = baseline_of(run)
    if baseline is None:
        return None
    try:
        return held_against(run, baseline)
    except KwsTraceError as error:
        problem("The baseline cannot be read.", str(error), warning=True)
        return None


def _rate(report: Report, against: tuple[Compared, Report] | None) -> None:
    rate = report["median_rate_hz"]
    if rate is None:
        what = "An accuracy pass" if report["accuracy"] else "No performance window"
        lines([f"{what}: no rate"] if report["run"]["state"] != "recording" else [windows_text(report)])
        return
    figure, dots = st.columns(2, vertical_alignment="center")
    with figure, st.container(key="rate"):
        _rate_metric(report, rate, against)
    with dots:
        found = window_rates(report)
        names = [f"window {window}, {length}" for window, _, length in found]
        drawing(rate_dots([hz for _, hz, _ in found], rate, names), "rate_dots", ROW_PX + AXIS_PX)
    if report["run"]["state"] != "recording":
        trust = report["trust"]
        lines([f"{rule_text(trust).capitalize()}. {worst_text(trust).capitalize()}."])


def _rate_metric(report: Report, rate: float, against: tuple[Compared, Report] | None) -> None:
    """With how far it is from the baseline's; coloured where the two are told apart, by more than the threshold."""
    delta, sentence = None, None
    colour: Literal["green", "red", "off"] = "off"
    if against is not None:
        row, name = against[0], against[1]["run"]["name"]
        delta = plain(change_of(row["rate"], of_rate=True) if row["rate"] else f"not compared: {name}")
        colour, sentence = _COLOURS.get(row["verdict"], "off"), plain(row["sentence"])
    st.metric(
        windows_text(report).capitalize(),
        official_rate_text(rate),
        delta,
        delta_color=colour,
        delta_arrow="off",
        help=sentence,
    )


def _chips(report: Report) -> None:
    with st.container(horizontal=True, gap="xsmall", key="trust_chips"):
        for one in trust_chips(report):
            with st.popover(f"{STATES_MARKS[one.state]} {one.name}"):
                # Evidence may hold names of files and models.
                st.markdown(f"**{one.name}: {one.state}**")
                lines([one.evidence])
                if one.remedy:
                    lines([f"Remedy: {one.remedy}"])


def _accuracy_of(report: Report) -> SessionAccuracy | None:
    """Of the newest accuracy session that names its classes."""
    found = [one["accuracy"] for one in report["sessions"] if "accuracy" in one and one["kind"] == "accuracy"]
    return next((one for one in reversed(found) if one["top1"] is not None), None)


def _accuracy(accuracy: SessionAccuracy) -> None:
    metrics(
        [
            ("Top-1", share_text(accuracy["top1"]), "Inputs whose largest output is their class."),
            ("AUC", auc_text(accuracy["auc"]), "Mean over classes of the area under the ROC curve."),
            ("Inputs", count_text(accuracy["vectors"]), None),
        ]
    )


def _confusion(run: StoredRun) -> None:
    matrix = confusion(run.folder)
    if matrix is not None:
        chart(confusion_chart(matrix), "confusion")


def _answer(report: Report) -> None:
    """One sentence, and the inference in four figures."""
    sentence = lead_sentence(report)
    if sentence is not None:
        # Words of ours alone: a part's name may be of the host's code, and is escaped.
        st.markdown(f"## {plain(sentence)}".replace(" %", NO_BREAK_PERCENT))
    elif report["inference"]["count"] and report["median_rate_hz"] is not None:
        st.markdown("## No GPU timeline: stages alone")
    inference = report["inference"]
    if not inference["count"]:
        explain_untimed()
        return
    mean = time_text(inference["total_ns"] / inference["count"])
    figures = [
        ("mean", mean, "Wall time by the recorder, warm-ups left out."),
        ("median", time_text(inference["median_ns"]), "Half of them take longer; a few slow ones do not move it."),
        ("p99", time_text(inference["p99_ns"]), "One of a hundred takes longer."),
        ("timed", count_text(inference["count"]), "Inferences, warm-ups left out."),
    ]
    with st.container(key="small_metrics"):
        metrics(figures)
    if report["device"]["note"] or report["device"]["marked"]:
        frequencies = frequencies_text(report["device"], report["windows"])
        st.caption(f":material/info: {plain(frequencies)}.")


def _where_the_time_went(report: Report) -> None:
    parts = icicle(report)
    if not parts:
        return
    run = UrlState(run=report["run"]["name"])
    shown = icicle_drawing(parts, link=lambda page: None if page == "overview" else link(page, run))
    drawing(shown, "icicle", icicle_height(parts))
    gpu = report["gpu"]
    if gpu is not None:
        # A tool's version comes from a file.
        of = f"{counted(gpu['inferences'], 'profiled inference')} ({profiler_text(gpu)})"
        what = "Kinds" if busy_and_overhead(gpu) is None else "GPU, kinds and kernels"
        lines([f"{what} of {of}{', wall time without it' if gpu['unprofiled'] else ''}."])


def _to_remove(report: Report, against: tuple[Compared, Report] | None) -> None:
    rows = gain_rows(report)
    if report["gpu"] is None or not rows:
        return
    now = rate_text(report["median_rate_hz"]) if report["median_rate_hz"] else None
    with st.container(key="gains"):
        columns = st.columns(len(rows))
    for column, row in zip(columns, rows, strict=True):
        before = f"{now.removesuffix(' inf/s')} → " if now else ""
        figure, gain = f"{before}{row['rate']}", f"-{row['gain']} ({row['interval']})"
        card(column, row["title"], figure, gain, gain_note(report))
        if against is not None and against[0]["verdict"] != "refused":
            before_it = gain_of(against[1], row["name"])
            column.caption(plain(f"{against[1]['run']['name']}: {before_it or 'not known'}"))


def _operations(run: StoredRun, report: Report) -> None:
    if busy_and_overhead(report["gpu"]) is not None:
        return
    operations = top_operations(detail_of(run))
    if operations is not None:
        st.markdown("**Operations of the host, the longest own time first** (without that of those within one)")
        table(operations, height="content", key="operations")


def _measured(run: StoredRun, report: Report) -> None:
    """Stages, windows, sessions and facts as tables, and every note."""
    gpu = report["gpu"]
    # Of a capture that cannot be read the page's head tells.
    if gpu is None and not run.info.captures:
        explain_no_gpu_timeline(run)
    if gpu is not None and gpu["computing_known"]:
        lines([gpu["verdict"]["sentence"]])
    if report["inference"]["count"]:
        st.markdown("**Stages, by the recorder, without the profiler**")
        table(stage_frame(report))
    windows = window_frame(report)
    if len(windows):
        st.markdown("**Performance windows**")
        st.caption("Laps: what the host was told. Wall clock: the recorder's. Rule-valid: 10 s by both.")
        rates = {name: "%.3f" for name in windows.columns if name.startswith("inf/s")}
        table(windows, {**rates, "inferences": "localized"})
    _sessions(run, report["sessions"])
    if report["median_rate_hz"] is not None and _accuracy_of(report) is not None:
        _confusion(run)
    table(fact_frame(report), height="content")
    lines([*closing_lines(report), *(kernel_lines(gpu) if gpu else [])])


def _sessions(run: StoredRun, sessions: Sequence[RunSession | UnreadSession]) -> None:
    traces = run.folder.parent
    if not sessions:
        st.caption(
            "Top-1 and AUC: no host's session lies in this run. "
            f"{command(traces, 'host', 'accuracy', '--port', 'PORT')} leaves one; "
            f"{command(traces, 'session', 'FOLDER', '--run', run.name)} reads those of other hosts."
        )
        return
    st.markdown("**What the host measured**")
    table(session_frame(sessions))
    lines(f"{one['path']}: {each['text']}" for one in sessions if "findings" in one for each in one["findings"])
    evidence = command(traces, "session", "--run", run.name)
    st.caption(f"Recomputed from the host's log in the run's folder; {evidence} has the evidence.")
