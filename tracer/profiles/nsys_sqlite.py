"""
Reads the SQLite export of Nsight Systems (``nsys export --type sqlite``), without writing to it or beside it.

connectorx hands the rows over as Arrow columns, twice as fast as Python's ``sqlite3`` steps them. Where it is not
installed, or trips over a row, ``sqlite3`` reads the table: it is the judge of what is in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pyarrow as pa

from tracer.given_files import MOST_ROWS, limited
from tracer.profiles.nsys_export import TEXT_COLUMNS, column_schema, damaged_export
from tracer.profiles.nsys_tables import read_export
from tracer.profiles.profile import Profile
from tracer.profiles.sqlite_file import connect, immutable_uri, reading, sqlite_columns

_STEP = 100_000
"""Rows at a time that ``sqlite3`` gives: as Python objects they are large."""


def read_nsys_sqlite(path: Path) -> Profile:
    """
    Read an Nsight Systems SQLite export of any schema 3.x, and older ones as far as their columns are named alike.

    Raises:
        ProfileError: if there is no such file, it is no such export, it is damaged or cut off, or of a newer schema.
    """
    return read_export(SqliteExport(path, sqlite_columns(path)))


@dataclass(frozen=True, slots=True)
class SqliteExport:
    """An export in one SQLite file; ``columns`` gives each column's declared type."""

    path: Path
    columns: dict[str, dict[str, str]] = field(repr=False)

    def fetch(self, table: str, columns: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
        """As ``Export.fetch`` says."""
        quoted = ", ".join(f'"{name}"' for name in columns)
        query = f'SELECT {quoted} FROM "{table}"'  # noqa: S608 -- names of ours
        if event_types:
            query += f" WHERE eventType IN ({', '.join(str(int(number)) for number in event_types)})"
        limit = limited(MOST_ROWS)
        if limit is not None:
            query += f" LIMIT {limit + 1}"
        schema = column_schema(columns)
        connectorx = _connectorx()
        # It panics on a declaration that is no UTF-8, and takes other types as it sees fit.
        declared = {self.columns[table][name].upper() for name in columns}
        if connectorx is not None and declared <= {"INTEGER", "INT", "TEXT"}:
            try:
                # The whole URI is escaped once more: connectorx takes it for a path and hands it to SQLite as it is.
                rows: pa.Table = connectorx.read_sql(
                    f"sqlite://{quote(immutable_uri(self.path))}", query, return_type="arrow"
                )
                return rows.cast(schema)
            except (RuntimeError, pa.ArrowException):
                # A type of a row that differs from its column's, or a damaged page: sqlite3 tells which.
                pass
        with reading(self.path, table), closing(connect(self.path)) as database:
            return _stepped(database.execute(query), schema, self.path, table)


def _stepped(cursor: sqlite3.Cursor, schema: pa.Schema, path: Path, table: str) -> pa.Table:
    batches = []
    while rows := cursor.fetchmany(_STEP):
        arrays = []
        for name, values in zip(schema.names, zip(*rows, strict=True), strict=True):
            try:
                # Inferred and then cast: given the type, a fraction would be cut to a whole number in silence.
                arrays.append(pa.array(values).cast(schema.field(name).type))
            except (pa.ArrowException, TypeError, OverflowError):
                kind = "text" if name in TEXT_COLUMNS else "a whole number"
                raise damaged_export(path, f"{table}.{name} holds something that is not {kind}") from None
        batches.append(pa.record_batch(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _connectorx() -> ModuleType | None:
    try:
        import connectorx
    except ImportError:
        return None
    module: ModuleType = connectorx
    return module
