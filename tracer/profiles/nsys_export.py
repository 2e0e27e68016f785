"""
An Nsight Systems export as its tables are on disk, in whatever container: what both readers of it share.

An export is a set of tables made lazily, whose columns come and go between releases (schema 3.0 of nsys 2022.4 to
3.25 of 2026.2, both seen in real files). The containers differ only in how a table's columns are fetched; what the
columns mean is told in ``nsys_tables`` and ``nsys_metadata``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.arrow_arrays import numbers
from tracer.errors import ProfileError
from tracer.figure_text import counted
from tracer.given_files import LONGEST_NAME, too_many_rows

EXPORT_AGAIN = "export the report again (`nsys export --type sqlite`)"
TEXT_COLUMNS = frozenset({"value", "name", "label", "text", "uuid"})
"""Of the tables that are read; every other column holds whole numbers."""


def column_schema(columns: Sequence[str]) -> pa.Schema:
    """The form in which every container gives columns of an export."""
    return pa.schema([(name, pa.string() if name in TEXT_COLUMNS else pa.int64()) for name in columns])


def not_nsys_export(path: Path, problem: str) -> ProfileError:
    """The file is whole but holds something else than an Nsight Systems export."""
    return ProfileError(path, problem, "give what `nsys export --type sqlite` (or `parquetdir`) wrote")


def damaged_export(path: Path, problem: str) -> ProfileError:
    """The export is cut off, half written, or holds what no release of nsys writes."""
    return ProfileError(path, problem, EXPORT_AGAIN)


def unreadable_export(path: Path, error: OSError) -> ProfileError:
    """The file or folder cannot be opened."""
    return ProfileError(path, f"cannot be read ({error.strerror or error})", "give an export of nsys")


class Export(Protocol):
    """One export, opened to be read and never written."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def columns(self) -> Mapping[str, Collection[str]]:
        """Columns of each table that exists; a table that is absent has none."""

    def fetch(self, table: str, columns: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
        """
        Fetch columns that exist, in the order of the rows.

        Returns:
            Strings for the columns of ``TEXT_COLUMNS``, int64 for all others; nulls where the export has them. With
            ``event_types`` only the rows whose ``eventType`` is one of them.

        Raises:
            ProfileError: if the table cannot be read, or holds something else.
        """


def fetch_existing(export: Export, table: str, wanted: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
    """Fetch those of the wanted columns that exist; no rows and no columns where the table does not."""
    there = [name for name in wanted if name in export.columns.get(table, ())]
    if not there:
        return pa.table({})
    rows = export.fetch(table, there, event_types)
    problem = too_many_rows(rows.num_rows)
    if problem is not None:
        raise ProfileError(export.path, f"{table}: {problem}", "or export a shorter time")
    for place, name in enumerate(there):
        if name in TEXT_COLUMNS and (pc.max(pc.binary_length(rows[name])).as_py() or 0) > LONGEST_NAME:
            rows = rows.set_column(place, name, pc.utf8_slice_codeunits(rows[name], 0, LONGEST_NAME))
    return rows


def require_columns(export: Export, table: str, *names: str) -> None:
    """
    Refuse a table that lacks what its meaning hangs on.

    Raises:
        ProfileError: naming the table and the column.
    """
    for name in names:
        if name not in export.columns[table]:
            raise not_nsys_export(export.path, f"its table {table} has no column {name}")


def whole(export: Export, table: str, rows: pa.Table, column: str) -> NDArray[np.int64]:
    """
    A column that is never null, as int64.

    Raises:
        ProfileError: if it is null somewhere.
    """
    values = rows.column(column)
    if values.null_count:
        raise damaged_export(export.path, f"{table}.{column} is null in {counted(values.null_count, 'row')}")
    return numbers(values)


def filled(rows: pa.Table, column: str, default: int) -> NDArray[np.int64]:
    """A column as int64 with a default in place of nulls, and of the column where it does not exist."""
    if column not in rows.column_names:
        return np.full(rows.num_rows, default, np.int64)
    return numbers(rows.column(column), default)
