"""A comparison as text for a terminal of 80 columns; figures come from ``compare_report``."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import share_text, time_text
from tracer.reports.compare_report import part_rows, spread_text

Figures = dict[str, Any]


def render_comparison(figures: Figures, console: Console) -> None:
    """Print the verdicts first, then a run a row, then the parts of an inference a column a run."""
    for row in figures["comparisons"]:
        console.print(row["sentence"], markup=False, highlight=False, style="bold" if row["ratio"] else "bold red")
        if row["p_value"] is not None:
            p_value = f"{row['p_value']:.3g}"
            console.print(f"  p = {p_value}: how often the windows of equal runs differ as much", highlight=False)
        for warning in row["warnings"]:
            console.print(f"  Note: {warning}", markup=False, highlight=False)
    table = Table()
    table.add_column("run", overflow="fold")
    for name in ("inf/s", "median (95 %)", "p99", "GPU busy"):
        table.add_column(name, justify="right")
    for run in figures["runs"]:
        table.add_row(escape(run["name"]), *run_cells(run))
    console.print(table)
    parts = part_rows(figures)
    if parts:
        console.print(_part_table(figures, parts))


def run_cells(run: Figures) -> list[str]:
    """Rate, median with its interval, p99 and busy share of a run, as text."""
    whole = run["inference"]
    spread = whole["median_interval_ns"]
    median = spread_text(whole["median_ns"], spread) if spread else time_text(whole["median_ns"])
    rate = "-" if run["rate_hz"] is None else f"{run['rate_hz']:.1f}"
    return [rate, median, time_text(whole["p99_ns"]), share_text(run["busy_share"])]


def _part_table(figures: Figures, parts: list[Figures]) -> Table:
    table = Table(title="Parts of a profiled inference, median (95 %); * beyond both intervals")
    table.add_column("part", overflow="fold")
    for run in figures["runs"]:
        table.add_column(escape(run["name"]), justify="right", overflow="fold")
    for row in parts:
        cells = [
            row[str(place)] + (" *" if run["name"] in row["beyond_noise"] else "")
            for place, run in enumerate(figures["runs"])
        ]
        table.add_row(escape(row["part"]), *cells)
    return table
