"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import MISSING
from tracer.report_types.report import Comparison
from tracer.reports.compare_report import part_rows
from tracer.reports.compare_text import launch_cells
from tracer.reports.compare_words import change_of


def run_frame(figures: Comparison) -> Frame:
    """A row a run: rate, latency and busy share, and how its median and its rate compare with the baseline's."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    cells = ["official inf/s", "median of all", "p99", "GPU busy"]
    rows = []
    for run in figures["runs"]:
        row = by_run.get(run["name"])
        verdict = ("the baseline", MISSING, MISSING)
        if row is not None:
            verdict = (change_of(row["median"]), change_of(row["rate"], of_rate=True), row["verdict"])
        rows.append((run["name"], *launch_cells(run["launches"][0]), *verdict))
    return pd.DataFrame(rows, columns=["run", *cells, "median against it", "rate against it", "verdict"])


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
    """``run``, ``ratio``, ``low``, ``high`` and ``verdict`` of each run whose median was compared, for the chart."""
    return [
        {
            "run": row["run"],
            "ratio": row["median"]["ratio"],
            "low": row["median"]["spread"]["low"],
            "high": row["median"]["spread"]["high"],
            "verdict": row["median"]["judgement"],
        }
        for row in figures["comparisons"]
        if row["median"] is not None and row["median"]["spread"]["low"] is not None
    ]
