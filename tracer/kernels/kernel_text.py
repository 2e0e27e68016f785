"""Kernel tables as text for a terminal of 80 columns; figures come from ``kernel_tables`` and ``range_tables``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracer.figure_text import bandwidth_text, count_text, share_text, time_text
from tracer.kernels.kernel_names import short_name
from tracer.terminal_text import plain, print_lines, printable

Row = dict[str, Any]

NO_RANGE = "(no range)"


def render_kernels(rows: Sequence[Row], console: Console, *, full_names: bool, title: str = "Kernels") -> None:
    """Kernels by name, the longest total first."""
    table = _table(title, ("share", "total", "count", "mean", "median"), ("name",))
    for row in rows:
        table.add_row(*_figures(row, "median_ns"), plain(_name(row, full_names=full_names)))
    console.print(table)


def render_copies(rows: Sequence[Row], console: Console, *, of_all: bool) -> None:
    """Copies and sets by direction; with ``of_all`` their shares are of all GPU work, as a summary prints them."""
    title = f"Copies and sets (share of {'all GPU work' if of_all else 'their own time'})"
    table = _table(title, ("share", "total", "count", "mean", "rate"), ("name",))
    for row in rows:
        table.add_row(*_figures(row), bandwidth_text(row.get("bytes_per_s")), plain(row["name"]))
    console.print(table)


def render_ranges(rows: Sequence[Row], console: Console, *, full_names: bool) -> None:
    """Kernels by range: a kernel counts in every range around its launch, so shares add up to more than the whole."""
    title = "Kernels by range that launched them (in every range around them)"
    table = _table(title, ("share", "total", "count", "mean"), ("range", "kernel"))
    last: object = None
    for row in rows:
        here = tuple(row[key] for key in ("domain", "range", "style", "process", "thread"))
        name = plain(_name(row, full_names=full_names))
        table.add_row(*_figures(row), _range_cell(row, repeated=here == last), name)
        last = here
    console.print(table)


def render_calls(rows: Sequence[Row], console: Console) -> None:
    """CUDA calls by name, and what they launched."""
    table = _table("CUDA calls", ("share", "total", "count", "launched", "GPU time", "delay"), ("name",))
    for row in rows:
        launched = row.get("launched")
        cells = count_text(launched), time_text(row.get("launched_ns") if launched else None)
        table.add_row(*_figures(row)[:3], *cells, time_text(row.get("median_delay_ns")), plain(row["name"]))
    console.print(table)


def render_notes(notes: Iterable[str], console: Console) -> None:
    """What the file cannot tell, one line each."""
    print_lines(console, (f"Note: {printable(note)}" for note in notes))


def _table(title: str, figures: Sequence[str], names: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), show_edge=False)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _figures(row: Row, *more: str) -> list[str]:
    times = [time_text(row[key]) for key in ("mean_ns", *more)]
    return [share_text(row["share"]), time_text(row["total_ns"]), count_text(row["count"]), *times]


def _range_cell(row: Row, *, repeated: bool) -> Text:
    nowhere = row["range"] is None and row["process"] is None
    name = NO_RANGE if nowhere else row["range"] or "(unnamed)"
    if row["domain"] is not None:
        name = f"{row['domain']}:{name}"
    return plain(name, "dim" if repeated else "")


def _name(row: Row, *, full_names: bool) -> str:
    return str(row["name"]) if full_names else short_name(str(row["name"]))
