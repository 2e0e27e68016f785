"""The report of a set of launches as one HTML file; pure, from the figures that ``report SET --json`` prints."""

from __future__ import annotations

from tracer.figure_text import rate_text
from tracer.report_types.launches import LaunchSetReport
from tracer.reports.html.document import document
from tracer.reports.html.figures import rate_dots
from tracer.reports.html.markup import Markup, element, paragraph, sentences, together
from tracer.reports.html.privacy import Private
from tracer.reports.html.run_document import trust_chips
from tracer.reports.html.tables import table
from tracer.reports.launch_report import (
    LAUNCH_COLUMNS,
    launch_rows,
    launches_text,
    mean_lines,
    notes_of,
    verdict_lines,
)


def launch_document(report: LaunchSetReport, private: Private, version: str) -> str:
    """The file; arguments as those of ``run_document``."""
    sections = [
        ("Overview", _overview(report, private)),
        ("Launches", table(LAUNCH_COLUMNS, launch_rows(report))),
        ("How it was measured", sentences(private.each(notes_of(report)))),
    ]
    made_by = f"Made by kws-trace {version} from the launches {report['id']}."
    return document(report["name"], [launches_text(report)], sections, made_by)


def _overview(report: LaunchSetReport, private: Private) -> Markup:
    over = report["rate_hz"]
    used = [one for one in report["launches"] if one["name"] not in report["left_out"]]
    rates = {one["name"]: one["rate_hz"] for one in used if one["rate_hz"] is not None}
    parts: list[Markup | None] = [sentences(mean_lines(report))]
    if over is not None:
        number, _, unit = rate_text(over["mean"]).partition(" ")
        parts = [
            element("p", number, " ", element("small", f"{unit}, the mean of the launches"), class_="rate"),
            rate_dots(list(rates.values()), over["mean"], list(rates)),
            paragraph("A dot is a launch, the line their mean.", "quiet"),
            *parts,
        ]
    if told := verdict_lines(report):
        parts += [trust_chips(report["trust"], private), sentences(private.each(told))]
    return together(parts)
