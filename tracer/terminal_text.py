"""What the texts for the terminal share: lines as they stand, names out of files, tables of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def printable(text: str) -> str:
    """A name out of a file without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def plain(text: str, style: str = "") -> Text:
    """A name out of a file as it stands: ``[bold]`` in it is no markup."""
    return Text(printable(text), style)


def print_lines(console: Console, lines: Iterable[str], style: str | None = None) -> None:
    """Sentences that may hold names out of files, as they stand."""
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False, emoji=False)


def framed_table(title: str | None, names: Sequence[str], figures: Sequence[str], *, wrap: bool = True) -> Table:
    """A table with a frame: columns of names, then columns of figures; what is too long for either is folded."""
    table = Table(title=title)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")
    return table


def figure_table(names: Sequence[str], figures: Sequence[str], *, title: str | None = None) -> Table:
    """A table without a frame: columns of names, then columns of figures."""
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name)
    for name in figures:
        table.add_column(name, justify="right")
    return table
