"""The breakdown of a profile as one HTML file; pure, from the figures that ``breakdown --json`` prints."""

from __future__ import annotations

from tracer.figure_text import beside_text, counted, range_notes, time_text
from tracer.report_types.breakdown import BreakdownReport
from tracer.reports.breakdown_text import busy_lines, kernel_lines
from tracer.reports.html.document import document
from tracer.reports.html.kernel_sections import gain_section, kernel_section, overview, stage_section
from tracer.reports.html.markup import Markup, element, paragraph, sentences, together
from tracer.reports.html.one_unit import DrawnUnit
from tracer.reports.html.privacy import Private
from tracer.reports.html.run_document import timeline_section
from tracer.reports.html.tables import table
from tracer.reports.unit_text import GPU_COLUMNS, gpu_rows, thread_columns, thread_rows, words_of


def unit_document(report: BreakdownReport, drawn: DrawnUnit | None, private: Private, version: str) -> str:
    """The file; arguments as those of ``run_document``."""
    words, wall = words_of(report), report["wall_ns"]
    stages = None
    if report["stages"]:
        source = f"Wall time under the profiler, {counted(report['count'], words.one, words.many)}; means."
        stages = stage_section(report["stages"], report["stages"], wall["mean"], source)
    told: list[tuple[str, Markup | None]] = [
        ("Overview", _overview(report, private)),
        ("Stages", stages),
        ("Kernels", kernel_section(report, words)),
        ("Gains", gain_section(report, words)),
        ("Timeline", None if drawn is None else timeline_section(drawn)),
        ("How it was measured", _measured(report, private)),
    ]
    gpu = report["gpu"]
    source = "" if gpu is None else f"Profile by {gpu['source']} {gpu['version']}"
    facts = [private.of(f"{report['range']['sentence']}: {counted(report['count'], words.one, words.many)}"), source]
    return document(report["profile"], facts, told, f"Made by kws-trace {version} from {report['profile']}.")


def _overview(report: BreakdownReport, private: Private) -> Markup:
    words, wall, slowest = words_of(report), report["wall_ns"], report["slowest"]
    answer = private.each(busy_lines(report["gpu"], words)) if report["gpu"] else []
    shown = time_text(wall["median"])
    number, _, unit = shown.partition(" ")
    left = [
        element("p", number, " ", element("small", f"{unit}, the median {words.one}"), class_="rate"),
        paragraph(f"Wall time under the profiler: {shown}{beside_text(wall['spread'], time_text)}"),
        paragraph(
            f"mean {time_text(wall['mean'])}, p90 {time_text(wall['p90'])}, p99 {time_text(wall['p99'])}", "quiet"
        ),
        sentences(range_notes([wall["spread"]])),
        paragraph(f"Slowest: {private.of(slowest['sentence'])}") if slowest else None,
    ]
    return overview(left, answer, report, words)


def _measured(report: BreakdownReport, private: Private) -> Markup:
    words, gpu = words_of(report), report["gpu"]
    notes = [*(kernel_lines(gpu, words) if gpu else []), *(f"Note: {note}" for note in report["notes"])]
    return together(
        [
            table(thread_columns(words), thread_rows(report)) if report["threads"] else None,
            table(GPU_COLUMNS, gpu_rows(report)) if report["gpus"] else None,
            sentences(private.each(notes)),
        ]
    )
