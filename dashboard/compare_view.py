"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import MISSING
from tracer.report_types.report import Comparison
from tracer.reports.compare_report import difference_text, part_rows
from tracer.reports.compare_text import run_cells


def run_frame(figures: Comparison) -> Frame:
    """A row a run: rate, latency and busy share, and how it compares with the first."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    columns = ["run", "inf/s", "median (95 %)", "p99", "GPU busy", "against the first", "verdict"]
    rows = []
    for place, run in enumerate(figures["runs"]):
        row = by_run.get(run["name"]) if place else None
        verdict = (difference_text(row), row["verdict"]) if row else ("compared with", MISSING)
        rows.append((run["name"], *run_cells(run), *verdict))
    return pd.DataFrame(rows, columns=columns)


def part_frame(figures: Comparison) -> Frame:
    """A row a part of a profiled inference, a column a run: medians with intervals, and which differ beyond those."""
    shown = [place for place, run in enumerate(figures["runs"]) if run["parts"]]
    columns = ["part", "beyond both intervals", *(figures["runs"][place]["name"] for place in shown)]
    rows = [
        (part, ", ".join(beyond) or MISSING, *(cells[place] for place in shown))
        for part, cells, beyond in part_rows(figures)
    ]
    return pd.DataFrame(rows, columns=columns)


def ratio_rows(figures: Comparison) -> list[dict[str, Any]]:
    """``run``, ``ratio``, ``low``, ``high`` and ``verdict`` of each run that was compared, for the chart."""
    return [
        {**row, "low": row["interval"][0], "high": row["interval"][1]}
        for row in figures["comparisons"]
        if row["ratio"] is not None and row["interval"] is not None
    ]
