"""A comparison as text for a terminal of 80 columns; figures come from ``compare_report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import count_text, number_text, range_notes, share_text, time_text
from tracer.reports.compare_words import kernel_lines, note_lines, spread_text, starred_parts
from tracer.terminal_text import framed_table, print_lines
from tracer.trust.judgement import verdict_text
from tracer.unit_words import UnitWords, unit_words

if TYPE_CHECKING:
    from tracer.report_types.report import ComparedLaunch, Comparison

BY_WINDOWS = (
    "Compared are geometric means over the windows of a side (over the tenths of a launch, where a window has few "
    "inferences); the table has the official rate, of the median window, and the median of all inferences"
)

BY_TENTHS = (
    "Compared are geometric means over the tenths of a capture; the table has the number of units and the median of "
    "all"
)


LAUNCH_COLUMNS = ("official inf/s", "median of all", "p99", "GPU busy")


def render_comparison(figures: Comparison, console: Console) -> None:
    """Print the verdicts first, then a launch a row, then the parts of an inference a column a run."""
    of_profiles = _of_profiles(figures)
    words = unit_words(figures["unit"])
    for row in figures["comparisons"]:
        print_lines(console, [row["sentence"]], style="bold red" if row["refusals"] else "bold")
        print_lines(console, (f"  {one}" for one in (*note_lines(row), *kernel_lines(row["kernels"], words))))
    columns = ("count", *LAUNCH_COLUMNS[1:]) if of_profiles else LAUNCH_COLUMNS
    launches = [one for run in figures["runs"] for one in run["launches"]]
    rows = ((one["name"], *launch_cells(one)) for one in launches)
    console.print(framed_table(None, ["profile" if of_profiles else "run"], columns, rows))
    print_lines(console, launch_notes(figures))
    print_lines(console, (f"{one['name']}: {verdict_text(one['trust'])}" for one in launches if one["trust"]))
    if any(run["parts"] for run in figures["runs"]):
        console.print(_part_table(figures, words))


def launch_notes(figures: Comparison) -> list[str]:
    """What is to be known of the table of launches: what was compared, if anything was, and what its brackets are."""
    compared = any(row["median"] is not None for row in figures["comparisons"])
    spreads = (one["inference"]["spread"] for run in figures["runs"] for one in run["launches"])
    return [*([BY_TENTHS if _of_profiles(figures) else BY_WINDOWS] if compared else []), *range_notes(spreads)]


def _of_profiles(figures: Comparison) -> bool:
    return all(run["created"] is None for run in figures["runs"])


def launch_cells(launch: ComparedLaunch) -> list[str]:
    """
    The ``LAUNCH_COLUMNS`` of a launch as text; the median has its spread.

    A profile has the count of its units in place of the rate.
    """
    whole = launch["inference"]
    median = spread_text(whole["median_ns"], whole["spread"])
    first = number_text(launch["rate_hz"], 1) if launch["trust"] else count_text(whole["count"])
    return [first, median, time_text(whole["p99_ns"]), share_text(launch["busy_share"])]


def _part_table(figures: Comparison, words: UnitWords) -> Table:
    names = [escape(run["name"]) for run in figures["runs"]]
    title = f"Parts of a profiled {words.one}, median (95 %); * beyond both intervals"
    return framed_table(title, ["part"], names, starred_parts(figures))
