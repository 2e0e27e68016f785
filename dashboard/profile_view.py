"""Profile: the tables of any program's breakdown, from the figures that ``breakdown --json`` prints; pure."""

from __future__ import annotations

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import counted, time_text
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.gpu import WorkFigures
from tracer.reports.breakdown_rows import part_rows, part_text, work_cells
from tracer.reports.kernel_labels import distinct_labels
from tracer.reports.profiled_parts import profiler_text
from tracer.reports.report_text import spread_row
from tracer.reports.unit_text import words_of

Figure = tuple[str, str, str | None]
"""Label, figure and explanation."""


def facts_text(figures: BreakdownReport) -> str:
    """The profile, what recorded it, and what its units are, in a line."""
    gpu, words = figures["gpu"], words_of(figures)
    source = "no GPU timeline" if gpu is None else profiler_text(gpu)
    told = (figures["profile"], source, counted(figures["count"], words.one, words.many))
    return " · ".join(" ".join(one.split()) for one in told)


def wall_metrics(figures: BreakdownReport) -> list[Figure]:
    """The wall time of a unit, under the profiler."""
    wall = figures["wall_ns"]
    words = words_of(figures)
    return [
        ("mean", time_text(wall["mean"]), f"Wall time of {words.each} under the profiler."),
        ("median", time_text(wall["median"]), "Half of them take longer."),
        ("p90", time_text(wall["p90"]), "One of ten takes longer."),
        ("p99", time_text(wall["p99"]), "One of a hundred takes longer."),
    ]


def part_frame(figures: BreakdownReport) -> Frame:
    """A row a part of a unit: its exposed time in the mean, its share of the wall time, its median."""
    rows = list(part_rows(figures).values())
    return pd.DataFrame(rows, columns=["part", words_of(figures).each, "share", "median"])


def stage_frame(figures: BreakdownReport) -> Frame:
    """A row a stage of the units that have it."""
    rows = [list(spread_row(one, one["share"]).values()) for one in figures["stages"]]
    return pd.DataFrame(rows, columns=["stage", "count", "median", "p90", "p99", "share of the wall time"])


def work_frame(figures: BreakdownReport, works: list[WorkFigures]) -> Frame:
    """A row a kernel or copy, the longest first; its whole name beside the short one."""
    labels = distinct_labels([one["name"] for one in works])
    words = words_of(figures)
    rows = [(labels[one["name"]], *cells, one["name"]) for one, cells in zip(works, work_cells(works), strict=True)]
    columns = ["name", words.each, "share", "cumulative", f"calls in {words.each}", "mean", "median", "whole name"]
    return pd.DataFrame(rows, columns=columns)


def slowest_frame(figures: BreakdownReport) -> Frame | None:
    """The parts of the slowest unit beside the medians of all, the largest growth first; None of a single unit."""
    slowest = figures["slowest"]
    if slowest is None:
        return None
    parts = sorted(slowest["parts"].items(), key=lambda one: one[1]["median_ns"] - one[1]["ns"])
    rows = [(part_text(name), time_text(one["ns"]), time_text(one["median_ns"])) for name, one in parts]
    return pd.DataFrame(rows, columns=["part", "in the slowest", "median of all"])
