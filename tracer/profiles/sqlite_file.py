"""A profile in one SQLite file: whether it is whole, its tables, and a connection that only reads."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from tracer.given_files import LIMIT_BYTES, LONGEST_NAME, limited, open_file
from tracer.profiles.nsys_export import damaged_export, not_nsys_export, unreadable_export

SQLITE_MAGIC = b"SQLite format 3\0"


def _check_file(path: Path) -> None:
    """Refuse what is no whole SQLite file before anything waits for it."""
    try:
        with open_file(path) as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable_export(path, error) from None
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
    with reading(path, "list of tables"), closing(connect(path)) as database:
        found = list(database.execute("SELECT name, type, rootpage FROM sqlite_master"))
        views = [name for name, kind, page in found if kind == "view" or (kind == "table" and not page)]
        if views:
            # What it gives is computed, and need not end.
            raise damaged_export(path, f"its {views[0]} is no stored table, and no profiler writes another")
        tables = [name for name, kind, _ in found if kind == "table"]
        query = "SELECT name, type FROM pragma_table_info(?)"
        return {table: dict(database.execute(query, (table,))) for table in tables if isinstance(table, str)}


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Tell in a ``ProfileError`` what of the file cannot be read."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise damaged_export(path, f"its {what} cannot be read ({error})") from None
        raise damaged_export(path, f"its {what} takes more steps than the file has room for") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # SQLite's own message may quote damaged bytes, which Python then cannot decode.
        raise damaged_export(path, f"its {what} cannot be read ({error})") from None


def connect(path: Path) -> sqlite3.Connection:
    """Open a file to be read; nothing is written to it or beside it."""
    database = sqlite3.connect(immutable_uri(path), uri=True)
    # A kernel's name is bytes to a profiler: what is no UTF-8 is shown, not refused.
    database.text_factory = lambda text: text[:LONGEST_NAME].decode("utf-8", "replace")
    steps = _steps(path)
    if steps is not None:
        # Told every 100,000 steps; what it returns interrupts the query.
        left = iter(range(steps // 100_000))
        database.set_progress_handler(lambda: next(left, None) is None, 100_000)
    return database


def _steps(path: Path) -> int | None:
    """Of SQLite's machine that a connection may take: a row takes some three for each of its columns."""
    size = limited(LIMIT_BYTES)
    return None if size is None else 20_000_000 + 20 * os.path.getsize(path)  # noqa: PTH202


def immutable_uri(path: Path) -> str:
    """Immutable: no lock is taken, and no journal looked for or made."""
    return f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1"  # noqa: PTH100 -- bytes that are no text stay
