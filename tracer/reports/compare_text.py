"""A comparison as text for a terminal of 80 columns; figures come from ``compare_report``."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import number_text, share_text, significant_text, time_text
from tracer.report_types.report import ComparedRun, Comparison
from tracer.reports.compare_report import part_rows, spread_text
from tracer.terminal_text import framed_table, print_lines
from tracer.trust.judgement import verdict_text


def render_comparison(figures: Comparison, console: Console) -> None:
    """Print the verdicts first, then a run a row, then the parts of an inference a column a run."""
    for row in figures["comparisons"]:
        print_lines(console, [row["sentence"]], style="bold" if row["ratio"] else "bold red")
        if row["p_value"] is not None:
            p_value = significant_text(row["p_value"])
            print_lines(console, [f"  p = {p_value}: how often the windows of equal runs differ as much"])
        print_lines(console, (f"  Note: {warning}" for warning in row["warnings"]))
    table = framed_table(None, ["run"], ("inf/s", "median (95 %)", "p99", "GPU busy"))
    for run in figures["runs"]:
        table.add_row(escape(run["name"]), *run_cells(run))
    console.print(table)
    print_lines(console, (f"{run['name']}: {verdict_text(run['trust'])}" for run in figures["runs"]))
    if any(run["parts"] for run in figures["runs"]):
        console.print(_part_table(figures))


def run_cells(run: ComparedRun) -> list[str]:
    """Rate, median with its interval, p99 and busy share of a run, as text."""
    whole = run["inference"]
    spread = whole["median_interval_ns"]
    median = spread_text(whole["median_ns"], spread) if spread else time_text(whole["median_ns"])
    return [number_text(run["rate_hz"], 1), median, time_text(whole["p99_ns"]), share_text(run["busy_share"])]


def _part_table(figures: Comparison) -> Table:
    names = [run["name"] for run in figures["runs"]]
    title = "Parts of a profiled inference, median (95 %); * beyond both intervals"
    table = framed_table(title, ["part"], [escape(name) for name in names])
    for part, cells, beyond in part_rows(figures):
        marked = [cell + (" *" if name in beyond else "") for name, cell in zip(names, cells, strict=True)]
        table.add_row(escape(part), *marked)
    return table
