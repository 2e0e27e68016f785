"""
Reads the SQLite export of Nsight Systems (``nsys export --type sqlite``), without writing to it or beside it.

Its pages are read by ``sqlite_pages``, some ten times as fast as Python's ``sqlite3`` steps rows. What is unusual in
them, damage above all, is left to ``sqlite3``: it is the judge of what is in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import arrow_flags, numbers
from tracer.errors import first_line
from tracer.figure_text import count_text
from tracer.given_files import MOST_ROWS, limited
from tracer.profiles.nsys_export import TEXT_COLUMNS, column_schema, damaged_export
from tracer.profiles.nsys_tables import read_export
from tracer.profiles.profile import Profile
from tracer.profiles.sqlite_file import connect, reading, sqlite_columns
from tracer.profiles.sqlite_pages import read_pages
from tracer.profiles.sqlite_tree import UnusualFileError

_STEP = 100_000
"""Rows at a time that ``sqlite3`` gives: as Python objects they are large."""
_REUSED_BYTES = (1 << 25) - (1 << 16)
"""The most that glibc lets memory grow to in pieces that it uses again (DEFAULT_MMAP_THRESHOLD_MAX, mallopt(3))."""
_SLOW_ROWS = 100_000
"""Of a table; fewer are read in a moment in any way."""


def read_nsys_sqlite(path: Path) -> Profile:
    """
    Read an Nsight Systems SQLite export of any schema 3.x, and older ones as far as their columns are named alike.

    Raises:
        ProfileError: if there is no such file, it is no such export, it is damaged or cut off, or of a newer schema.
    """
    # glibc gives what is freed in pieces up to the largest so far to the next that asks, and larger ones back to the
    # kernel, which clears them anew: a fifth of the page faults of reading a large capture.
    np.empty(_REUSED_BYTES, np.uint8)
    export = SqliteExport(path, sqlite_columns(path))
    profile = read_export(export)
    notes = [
        f"{count_text(rows)} rows of {table} were read through sqlite3, which is slow, because of {why}"
        for table, (why, rows) in export.stepped.items()
        if rows >= _SLOW_ROWS
    ]
    return replace(profile, notes=(*profile.notes, *notes))


@dataclass(frozen=True, slots=True)
class SqliteExport:
    """An export in one SQLite file; ``columns`` gives each column's declared type."""

    path: Path
    columns: dict[str, dict[str, str]] = field(repr=False)
    stepped: dict[str, tuple[str, int]] = field(default_factory=dict, repr=False)
    """Tables that ``sqlite3`` read so far: what is unusual in their pages, and how many rows it gave."""

    def fetch(self, table: str, columns: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
        """As ``Export.fetch`` says."""
        limit = limited(MOST_ROWS)
        schema = column_schema(columns)
        with reading(self.path, table), closing(connect(self.path)) as database:
            try:
                rows = read_pages(self.path, database, table, columns, limit)
                if event_types and limit is not None and rows.num_rows > limit:
                    raise UnusualFileError("its many rows")  # noqa: TRY301 -- of which few may be wanted
                return _of_types(rows, event_types).cast(schema)
            except (UnusualFileError, OSError) as error:
                why = first_line(error)
            except pa.ArrowException:
                why = "values of another type than its column's"
            # What is unusual may be damage: sqlite3 tells.
            rows = _stepped(database.execute(_query(table, columns, event_types, limit)), schema, self.path, table)
        self.stepped[table] = why, rows.num_rows
        return rows


def _of_types(rows: pa.Table, event_types: Sequence[int]) -> pa.Table:
    """Rows whose ``eventType`` is one of those; all where none is given."""
    if not event_types:
        return rows
    wanted = np.isin(numbers(rows["eventType"].cast(pa.int64()), -1), event_types)
    return rows if wanted.all() else rows.filter(arrow_flags(wanted))


def _query(table: str, columns: Sequence[str], event_types: Sequence[int], limit: int | None) -> str:
    quoted = ", ".join(f'"{name}"' for name in columns)
    query = f'SELECT {quoted} FROM "{table}"'  # noqa: S608 -- names of ours
    if event_types:
        query += f" WHERE eventType IN ({', '.join(str(int(number)) for number in event_types)})"
    return query if limit is None else f"{query} LIMIT {limit + 1}"


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
