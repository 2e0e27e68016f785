"""What runs and profiles share: where the time went, the kernels, and what removing a part gives."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.figure_text import count_text, counted, number_text, time_text
from tracer.palette import TEAL, colours
from tracer.report_types.gpu import KernelFigures, WorkFigures
from tracer.report_types.run import StageFigures
from tracer.reports.advised_gains import gain_note, gain_rows
from tracer.reports.breakdown_rows import (
    gain_cells,
    gain_name,
    part_rows,
    part_text,
    shown_gains,
    stage_work_rows,
    work_cells,
)
from tracer.reports.html.figures import Part, gain_marks, stacked_bar
from tracer.reports.html.markup import Markup, element, folded, paragraph, sentences, together
from tracer.reports.html.tables import name_cell, share_cell, table
from tracer.reports.profiled_parts import BUSY, OVERHEAD, busy_and_overhead, profiled_parts, profiler_text
from tracer.reports.report_text import spread_row
from tracer.unit_words import UnitWords


def overview(left: Sequence[Markup | None], answer: Sequence[str], report: KernelFigures, words: UnitWords) -> Markup:
    """What a document begins with: ``left`` beside the ``answer`` and what is advised, below them where time went."""
    right = [paragraph(answer[0], "lead") if answer else None, sentences(answer[1:]), _advice_cards(report, words)]
    columns = element("div", element("div", *left), element("div", *right), class_="columns")
    return together([columns, _time_bars(report, words)])


def _time_bars(report: KernelFigures, words: UnitWords) -> Markup | None:
    """GPU busy against runtime overhead, and every part; None without a GPU timeline."""
    gpu = report["gpu"]
    if gpu is None:
        return None
    profiled, tool = counted(gpu["inferences"], f"profiled {words.one}"), profiler_text(gpu)
    bars = []
    shown = busy_and_overhead(gpu)
    if shown is not None:
        parts = [
            Part(BUSY, shown.busy_ns, shown.busy_share),
            Part(OVERHEAD, shown.overhead_ns, shown.overhead_share),
        ]
        source = f"Both by {tool}, {profiled}; means."
        if shown.unprofiled is not None:
            of = count_text(shown.unprofiled["inferences"])
            source = f"GPU by {tool}, {profiled}; wall time without the profiler, of {of}; means."
        bars.append(stacked_bar("GPU busy against runtime overhead", parts, shown.wall_ns, source))
    wall = gpu["wall_ns"]["mean"]
    kinds = [Part(part_text(name), one["mean"], one["share"]) for name, one in profiled_parts(report).items()]
    source = f"By {tool}, {profiled}, the profiler's own cost included; means."
    bars.append(stacked_bar(f"Every part of a profiled {words.one}", kinds, wall, source))
    parts_table = table(("part", f"time of {words.each}", "share", "median"), list(part_rows(report).values()))
    return together([*bars, folded("The parts as a table", parts_table)])


def stage_section(
    rows_of: Sequence[StageFigures], stages: Sequence[StageFigures], whole_ns: float, source: str
) -> Markup:
    """A bar of ``stages`` and a table of ``rows_of``; ``whole_ns`` is the mean."""
    timed = [one for one in stages if one["count"]]
    each = max((one["count"] for one in timed), default=1)
    parts = [Part(one["stage"], one["total_ns"] / each, one["share"] or 0.0) for one in timed]
    rows = [
        (
            *list(spread_row(one, one["share"]).values())[:-1],
            share_cell(one["share"], ink),
        )
        for one, ink in zip(rows_of, colours([one["stage"] for one in rows_of]), strict=True)
    ]
    columns = ("stage", "count", "median", "p90", "p99", "share of the wall time")
    return together([stacked_bar("Stages", parts, whole_ns, source), table(columns, rows)])


def kernel_section(report: KernelFigures, words: UnitWords) -> Markup:
    """Kernels and copies ranked, GPU work by stage, and CUDA calls; empty without any."""
    parts: list[Markup | None] = []
    for name, works in (("kernel", report["kernels"]), ("copy", report["copies"])):
        if works:
            parts.append(_work_table(name, works, words))
    if stages := stage_work_rows(report):
        parts += [
            element("h3", "GPU work by the stage that launched it"),
            table(("stage", f"time of {words.each}", "works"), stages),
        ]
    calls = [
        (
            one["name"],
            time_text(one["ns_per_inference"]),
            number_text(one["per_inference"], 1),
            time_text(one["mean_ns"]),
            count_text(one["count"]),
        )
        for one in report["api"]
    ]
    if calls:
        columns = ("call", f"time of {words.each}", f"calls in {words.each}", "mean", "count")
        parts.append(folded("CUDA calls", table(columns, calls)))
    return together(parts)


def _work_table(name: str, works: Sequence[WorkFigures], words: UnitWords) -> Markup:
    columns = ("share of its kind", "cumulative", f"calls in {words.each}", "mean", "median")
    rows = [
        (name_cell(one["short_name"], one["name"]), time, share_cell(one["share"], TEAL), *rest)
        for one, (time, _, *rest) in zip(works, work_cells(works), strict=True)
    ]
    return table((name, f"time of {words.each}", *columns), rows, note=": `kws-trace kernels` has each")


def _advice_cards(report: KernelFigures, words: UnitWords) -> Markup | None:
    """The gains that a reader is led to, before anything else; None where there is none."""
    rows = gain_rows(report, words)
    if not rows:
        return None
    cards = [
        element(
            "div",
            row["title"],
            element("b", f"-{row['gain']}"),
            element("span", f"{row['interval']}; then {row['rate']}", class_="quiet"),
            class_="card",
        )
        for row in rows
    ]
    return together([element("div", *cards, class_="cards"), paragraph(gain_note(report, words), "quiet")])


def gain_section(report: KernelFigures, words: UnitWords) -> Markup | None:
    """What removing each part would give, by replay; None where that is not known of any."""
    if not report["gains"]:
        return None
    shown, notes = shown_gains(report["gains"])
    ends = [end for one in shown for end in (one["gain_ns"], *(one["interval_ns"] or ())) if end is not None]
    most = max(ends, default=0.0)
    rows = [
        (
            gain_name(one),
            "part" if one["group"] == "kind" else one["group"],
            gain_marks(one, most),
            *gain_cells(one),
        )
        for one in shown
    ]
    columns = ("removed", "what it is", "", "gain", "95 % interval", f"{words.rate} then")
    note = paragraph(" ".join(notes), "quiet") if notes else None
    return together([paragraph(gain_note(report, words), "quiet"), table(columns, rows, words=3), note])
