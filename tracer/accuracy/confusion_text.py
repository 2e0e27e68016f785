"""A confusion matrix for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from tracer.classes import LABELS


def confusion_table(title: str, matrix: Iterable[Sequence[int]]) -> Table:
    """Inputs by true class (row) and by the class that was given (column); zeros as dots, for 80 columns."""
    table = Table(title=title, padding=0, pad_edge=False)
    table.add_column("")
    for label in LABELS:
        table.add_column(label[:5], justify="right")
    for label, row in zip(LABELS, matrix, strict=True):
        table.add_row(label, *[str(count) if count else "." for count in row])
    return table
