"""
The one way to the terminal: nothing that it would obey goes there, whatever file a text came from.

And what the texts share: lines as they stand, names out of files, tables of figures. Rich is imported where it
prints: what only cleans a name of a file, or says a line, starts without it.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

from tracer.figure_text import count_text
from tracer.harmless_text import harmless

Row = TypeVar("Row")
Rows: TypeAlias = Iterable[Sequence[str]]

FIRST_ROWS = 40
"""Of a long table on a terminal; one row more would not be worth a line that says so."""


def terminal(**options: Any) -> Console:
    """A console of rich on which every text is made harmless; ``options`` are those of ``Console``."""
    from tracer.harmless_console import harmless_console

    return harmless_console(**options)


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print a text as it stands, made harmless, on standard output or standard error."""
    stream = sys.stderr if err else sys.stdout
    stream.write(harmless(text) + end)
    stream.flush()


def say_over(text: str) -> None:
    """Put a text in the place of the last such on standard error, a terminal; an empty one clears it."""
    sys.stderr.write("\r\x1b[K" + harmless(text))
    sys.stderr.flush()


def printable(text: str) -> str:
    """A name out of a file without anything that a terminal would obey."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A line of names, then one a row, with commas: None is empty, texts are ``printable``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def plain(text: str, style: str = "") -> Text:
    """A name out of a file as it stands: ``[bold]`` in it is no markup."""
    from rich.text import Text

    return Text(printable(text), style)


def print_lines(console: Console, lines: Iterable[str], style: str | None = None) -> None:
    """Sentences that may hold names out of files, as they stand."""
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False)


def first_rows(rows: Sequence[Row], console: Console, *, whole: bool) -> tuple[Sequence[Row], str | None]:
    """
    What a long table shows: on a terminal its first rows, those that matter most; piped, or where all are asked for,
    every one.

    Returns:
        The rows, and the line that stands below them; None where all are shown.
    """
    if whole or not console.is_terminal or len(rows) <= FIRST_ROWS:
        return rows, None
    return rows[:FIRST_ROWS], f"and {count_text(len(rows) - FIRST_ROWS)} more (`--all`)"


def framed_table(
    title: str | None, names: Sequence[str], figures: Sequence[str], rows: Rows = (), *, wrap: bool = True
) -> Table:
    """A table with a frame: columns of names, then columns of figures; what is too long for either is folded."""
    from rich.table import Table

    table = Table(title=title)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")
    add_rows(table, len(names), rows)
    return table


def add_rows(table: Table, names: int, rows: Rows) -> None:
    """Rows of texts, the first so many of each as they stand: names may be out of files."""
    for row in rows:
        table.add_row(*map(plain, row[:names]), *row[names:])


def figure_table(names: Sequence[str], figures: Sequence[str]) -> Table:
    """A table without a frame: columns of names, then columns of figures."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name)
    for name in figures:
        table.add_column(name, justify="right")
    return table
