"""
Reads the SQLite export of Nsight Systems (``nsys export --type sqlite``), without writing to it or beside it.

connectorx hands the rows over as Arrow columns, twice as fast as Python's ``sqlite3`` steps them. Where it is not
installed, or trips over a row, ``sqlite3`` reads the table: it is the judge of what is in the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pyarrow as pa

from tracer.errors import ProfileError
from tracer.profiles.nsys_export import TEXT_COLUMNS, damaged_export, not_nsys_export
from tracer.profiles.nsys_tables import read_export
from tracer.profiles.profile import Profile

SQLITE_MAGIC = b"SQLite format 3\0"
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
        query = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}"  # noqa: S608 -- names of ours
        if event_types:
            query += f" WHERE eventType IN ({', '.join(str(int(number)) for number in event_types)})"
        schema = pa.schema([(name, pa.string() if name in TEXT_COLUMNS else pa.int64()) for name in columns])
        connectorx = _connectorx()
        # It panics on a declaration that is no UTF-8, and takes other types as it sees fit.
        declared = {self.columns[table][name].upper() for name in columns}
        if connectorx is not None and declared <= {"INTEGER", "INT", "TEXT"}:
            try:
                # The whole URI is escaped once more: connectorx takes it for a path and hands it to SQLite as it is.
                rows: pa.Table = connectorx.read_sql(f"sqlite://{quote(_uri(self.path))}", query, return_type="arrow")
                return rows.cast(schema)
            except (RuntimeError, pa.ArrowException):
                # A type of a row that differs from its column's, or a damaged page: sqlite3 tells which.
                pass
        with _reading(self.path, table), closing(_connect(self.path)) as database:
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


def _check_file(path: Path) -> None:
    """Refuse what is no whole SQLite file before anything waits for it."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ProfileError(path, f"cannot be read ({error.strerror or error})", "give an export of nsys") from None
    if not header:
        raise damaged_export(path, "the file is empty")
    if not header.startswith(SQLITE_MAGIC) or len(header) < 100:
        raise not_nsys_export(path, "this is no SQLite file")
    for suffix in ("-journal", "-wal"):
        if os.path.isfile(f"{path}{suffix}") and os.path.getsize(f"{path}{suffix}"):  # noqa: PTH113, PTH202 -- a suffix
            raise damaged_export(path, f"a {suffix} file beside it shows that its export has not ended")
    # Bytes 16 and 28 of the file's header (sqlite.org/fileformat2.html), the latter if 24 and 92 agree.
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    pages = int.from_bytes(header[28:32], "big")
    if header[24:28] == header[92:96] and size < pages * page_size:
        raise damaged_export(path, f"the file is cut off: {size} of {pages * page_size} bytes are there")


def sqlite_columns(path: Path) -> dict[str, dict[str, str]]:
    """
    Give the columns of each table of a SQLite file, and the type with which each is declared.

    Raises:
        ProfileError: if it is no SQLite file, or a damaged one.
    """
    _check_file(path)
    with _reading(path, "list of tables"), closing(_connect(path)) as database:
        tables = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        query = "SELECT name, type FROM pragma_table_info(?)"
        return {table: dict(database.execute(query, (table,))) for table in tables if isinstance(table, str)}


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # SQLite's own message may quote damaged bytes, which Python then cannot decode.
        raise damaged_export(path, f"its {what} cannot be read ({error})") from None


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(_uri(path), uri=True)
    # A kernel's name is bytes to nsys: what is no UTF-8 is shown, not refused.
    database.text_factory = _decoded
    return database


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _uri(path: Path) -> str:
    """Immutable: no lock is taken, and no journal looked for or made."""
    return f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1"  # noqa: PTH100 -- bytes that are no text stay


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _connectorx() -> ModuleType | None:
    try:
        import connectorx
    except ImportError:
        return None
    module: ModuleType = connectorx
    return module
