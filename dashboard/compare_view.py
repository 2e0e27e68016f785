"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tracer.figure_text import MISSING
from tracer.report_types.report import Comparison
from tracer.reports.compare_report import difference_text, part_rows
from tracer.reports.compare_text import run_cells

Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""


def run_frame(figures: Comparison) -> Frame:
    """A row a run: rate, latency and busy share, and how it compares with the first."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    rows = []
    for place, run in enumerate(figures["runs"]):
        rate, median, p99, busy = run_cells(run)
        row = by_run.get(run["name"]) if place else None
        rows.append(
            {
                "run": run["name"],
                "inf/s": rate,
                "median (95 %)": median,
                "p99": p99,
                "GPU busy": busy,
                "against the first": difference_text(row) if row else "compared with",
                "verdict": row["verdict"] if row else MISSING,
            }
        )
    return pd.DataFrame(rows)


def part_frame(figures: Comparison) -> Frame:
    """A row a part of a profiled inference, a column a run: medians with intervals, and which differ beyond those."""
    shown = [(place, run["name"]) for place, run in enumerate(figures["runs"]) if run["parts"]]
    rows = [
        {
            "part": part,
            "beyond both intervals": ", ".join(beyond) or MISSING,
            **{name: cells[place] for place, name in shown},
        }
        for part, cells, beyond in part_rows(figures)
    ]
    return pd.DataFrame(rows)


def ratio_rows(figures: Comparison) -> list[dict[str, Any]]:
    """``run``, ``ratio``, ``low``, ``high`` and ``verdict`` of each run that was compared, for the chart."""
    return [
        {
            "run": row["run"],
            "ratio": row["ratio"],
            "low": row["interval"][0],
            "high": row["interval"][1],
            "verdict": row["verdict"],
        }
        for row in figures["comparisons"]
        if row["ratio"] is not None and row["interval"] is not None
    ]
