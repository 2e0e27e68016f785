"""The report of a run as one HTML file; pure, from the figures that ``report --json`` prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracer.figure_text import (
    MISSING,
    change_text,
    count_text,
    counted,
    number_text,
    official_rate_text,
    seconds_text,
    share_text,
    time_text,
)
from tracer.palette import STATES
from tracer.report_types.report import Comparison, Report
from tracer.report_types.run import WindowFigures
from tracer.report_types.trust import Trust
from tracer.reports.breakdown_text import answer_lines, kernel_lines
from tracer.reports.compare_text import LAUNCH_COLUMNS, launch_cells, launch_notes
from tracer.reports.compare_words import kernel_lines as changed_kernels
from tracer.reports.compare_words import note_lines as comparison_notes
from tracer.reports.compare_words import starred_parts
from tracer.reports.html.document import document
from tracer.reports.html.figures import latency_bars, rate_dots, unit_timeline
from tracer.reports.html.kernel_sections import gain_section, kernel_section, overview, stage_section
from tracer.reports.html.markup import Markup, element, folded, paragraph, sentences, together
from tracer.reports.html.one_unit import DrawnUnit
from tracer.reports.html.privacy import Private
from tracer.reports.html.tables import table
from tracer.reports.report_text import (
    accuracy_lines,
    closing_lines,
    mean_line,
    mode_text,
    model_line,
    performance_rows,
    rate_line,
    run_facts,
    spread_line,
)
from tracer.runs.run_note import note_lines
from tracer.trust.judgement import rule_text, trust_lines
from tracer.unit_words import INFERENCES

_LEFT_OUT = ("state", "recorded", "machine", "model", "timed", "stages", "host's port")
"""Facts that stand above, or that are private: the machine's name and the port."""


def run_document(
    report: Report,
    comparison: Comparison | None,
    drawn: DrawnUnit | None,
    private: Private,
    version: str,
    latencies_ns: NDArray[np.int64] | None = None,
) -> str:
    """
    The file, made by ``version`` of this program, in which no sentence holds what is ``private``.

    ``comparison`` is with a baseline, ``drawn`` the inference of the timeline, ``latencies_ns`` of each timed
    inference, shape (n,); each is None where there is none.
    """
    run = report["run"]
    told: list[tuple[str, Markup | None]] = [
        ("Overview", _overview(report, private)),
        ("Stages", _stages(report, latencies_ns)),
        ("Kernels", kernel_section(report, INFERENCES)),
        ("Gains", gain_section(report, INFERENCES)),
        ("Comparison", None if comparison is None else _comparison(comparison, private)),
        ("Timeline", None if drawn is None else timeline_section(drawn)),
        ("How it was measured", _measured(report, private)),
    ]
    recorded = f"{run['state']}, recorded {run['created']}, {mode_text(run)}"
    facts = [model_line(run), recorded, *private.each(note_lines(run["note"]))]
    return document(run["name"], facts, told, f"Made by kws-trace {version} from run {run['run_id']}.")


def timeline_section(drawn: DrawnUnit) -> Markup:
    """One inference or unit on lanes, and what is not drawn of it."""
    rest = [
        f"{lane.label}: {count_text(lane.left_out)} shorter ones are not drawn"
        for lane in drawn.lanes
        if lane.left_out
    ]
    return together([paragraph(drawn.title), unit_timeline(drawn), sentences(rest)])


def _overview(report: Report, private: Private) -> Markup:
    rate, rates = report["median_rate_hz"], [one["rate_hz"] for one in performance_rows(report)]
    known = [one for one in rates if one is not None]
    number, _, unit = official_rate_text(rate).partition(" ")
    left = [
        element("p", number, " ", element("small", unit), class_="rate") if rate is not None else None,
        paragraph(rate_line(report) if rate is None else rule_text(report["trust"])),
        rate_dots(known, rate) if rate is not None and known else None,
        paragraph("A dot is a window, the line their median.", "quiet") if known else None,
        trust_chips(report["trust"], private),
        folded("What speaks against the rate", sentences(private.each(trust_lines(report["trust"])))),
    ]
    told = (mean_line(report), spread_line(report["inference"]["spread"]))
    answer = [*private.each(answer_lines(report)), *(line for line in told if line)]
    return overview(left, answer, report, INFERENCES)


def trust_chips(trust: Trust, private: Private) -> Markup:
    """A check of the judgement each, in the colour of its state."""
    chips = [
        element(
            "li",
            f"{one['key']}: {one['state']}",
            title=private.of(one["evidence"]),
            style=f"background:{STATES[one['state']]}",
        )
        for one in trust["checks"]
    ]
    return element("ul", *chips, class_="chips", aria_label="Trust")


def _stages(report: Report, latencies_ns: NDArray[np.int64] | None) -> Markup | None:
    whole = report["inference"]
    if not whole["count"]:
        return None
    source = f"By the recorder, {counted(whole['count'], 'timed inference')}, without the profiler; means."
    stages = [*report["stages"], whole] if report["stages"] else [whole]
    section = stage_section(stages, report["stages"] or [whole], whole["total_ns"] / whole["count"], source)
    if latencies_ns is None or not len(latencies_ns):
        return section
    told = "Both axes logarithmic; a bar's count and times on hover."
    spread = [element("h3", "Spread of the inferences"), latency_bars(latencies_ns), paragraph(told, "quiet")]
    return together([section, *spread])


def _comparison(figures: Comparison, private: Private) -> Markup:
    parts: list[Markup | None] = [paragraph(f"The baseline is {figures['baseline']}.")]
    for row in figures["comparisons"]:
        parts += [
            paragraph(private.of(row["sentence"]), "lead"),
            sentences(private.each(comparison_notes(row))),
            sentences(changed_kernels(row["kernels"])),
        ]
    launches = [(one["name"], *launch_cells(one)) for run in figures["runs"] for one in run["launches"]]
    parts += [table(("run", *LAUNCH_COLUMNS), launches)]
    if rows := starred_parts(figures):
        parts += [
            element("h3", "Parts of a profiled inference, median (95 %)"),
            table(("part", *(run["name"] for run in figures["runs"])), rows),
            paragraph("* beyond both intervals", "quiet"),
        ]
    return together([*parts, *(paragraph(f"{line}.", "quiet") for line in launch_notes(figures))])


def _measured(report: Report, private: Private) -> Markup:
    windows = [_window_row(one) for one in performance_rows(report)]
    columns = ("window", "inferences", "laps", "inf/s", "inf/s by wall clock", "laps to wall", "rule-valid")
    sessions = [line for one in report["sessions"] for line in one["lines"]]
    gpu = report["gpu"]
    lines = [*closing_lines(report), *(kernel_lines(gpu) if gpu else [])]
    serial = [
        (one["stage"], count_text(one["count"]), time_text(one["median_ns"]), share_text(one["share_of_session"]))
        for one in report["serial"]
    ]
    return together(
        [
            table(columns, windows) if windows else None,
            *_titled("Accuracy pass", accuracy_lines(report)),
            *_titled("What the host measured", private.each(sessions)),
            element("h3", "Facts"),
            table(("what", "value"), [one for one in run_facts(report) if one[0] not in _LEFT_OUT], words=2),
            element("h3", "Overhead of tracing, what was left out, and notes"),
            sentences(private.each(lines)),
            folded("Serial line", table(("stage", "count", "median", "share of the session"), serial))
            if serial
            else None,
        ]
    )


def _titled(title: str, lines: Sequence[str]) -> list[Markup | None]:
    return [element("h3", title), sentences(lines)] if lines else []


def _window_row(one: WindowFigures) -> tuple[str, ...]:
    laps, wall = one["duration_ns"], one["wall_duration_ns"]
    return (
        count_text(one["ordinal"]),
        count_text(one["inferences"]),
        seconds_text(None if laps is None else laps / 1e9),
        number_text(one["rate_hz"], 3),
        number_text(one["wall_rate_hz"], 3),
        MISSING if laps is None or not wall else change_text(laps / wall, 3),
        "yes" if one["valid"] else f"no: {', '.join(one['why'])}",
    )
