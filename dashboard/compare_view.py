"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tracer.reports.compare_report import part_rows
from tracer.reports.compare_text import run_cells

Figures = dict[str, Any]
Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""


def run_frame(figures: Figures) -> Frame:
    """A row a run: rate, latency and busy share, and how it compares with the first."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    rows = []
    for place, run in enumerate(figures["runs"]):
        rate, median, p99, busy = run_cells(run)
        row = by_run.get(run["name"], {}) if place else {}
        rows.append(
            {
                "run": run["name"],
                "inf/s": rate,
                "median (95 %)": median,
                "p99": p99,
                "GPU busy": busy,
                "against the first": _against(row) if place else "compared with",
                "verdict": row.get("verdict", "-"),
            }
        )
    return pd.DataFrame(rows)


def _against(row: Figures) -> str:
    if row.get("ratio") is None:
        return "-"
    low, high = row["interval"]
    return f"{100 * (row['ratio'] - 1):+.1f} % ({100 * (low - 1):+.1f} to {100 * (high - 1):+.1f} %)"


def part_frame(figures: Figures) -> Frame:
    """A row a part of a profiled inference, a column a run: medians with intervals, and which differ beyond those."""
    shown = [(place, run["name"]) for place, run in enumerate(figures["runs"]) if run["parts"]]
    rows = [
        {
            "part": row["part"],
            "beyond both intervals": ", ".join(row["beyond_noise"]) or "-",
            **{name: row[str(place)] for place, name in shown},
        }
        for row in part_rows(figures)
    ]
    return pd.DataFrame(rows)


def ratio_rows(figures: Figures) -> list[Figures]:
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
        if row["ratio"] is not None
    ]
