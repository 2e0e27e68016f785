"""Tables read from the pages of a SQLite file: as ``sqlite3`` reads them, or left to it."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.profiles.sqlite_file import connect
from tracer.profiles.sqlite_pages import read_pages
from tracer.profiles.sqlite_tree import UnusualFileError

COLUMNS = ("a", "t", "b")
PLAIN = "CREATE TABLE x (a INTEGER, skipped, t TEXT, b INT, last)"


def make(path: Path, rows: list[tuple], create: str = PLAIN, before: tuple[str, ...] = ()) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in before:
            database.execute(statement)
        database.execute("BEGIN")
        database.execute(create)
        database.executemany(f"INSERT INTO x VALUES ({', '.join('?' * len(rows[0]))})", rows)
        database.execute("COMMIT")
    return path


def by_pages(path: Path, table: str = "x", columns: tuple[str, ...] = COLUMNS) -> list[tuple]:
    with closing(connect(path)) as database:
        taken = read_pages(path, database, table, columns, None)
    return list(zip(*(taken[name].to_pylist() for name in columns), strict=True))


def by_sqlite(path: Path, table: str = "x", columns: tuple[str, ...] = COLUMNS) -> list[tuple]:
    with closing(connect(path)) as database:
        return database.execute(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED").fetchall()


numbers = (
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200) | st.sampled_from([0, 1, 2**47, -(2**23)])
)
texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)
anything = (
    st.none() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.binary(max_size=30) | st.text("é ", max_size=9)
)


@given(
    rows=st.lists(st.tuples(numbers, anything, texts, numbers, anything), min_size=1, max_size=40),
    size=st.sampled_from([1024, 4096, 65536]),
    copies=st.sampled_from([1, 20]),
)
@settings(max_examples=20, deadline=None)
def test_whole_numbers_and_texts_are_read_as_sqlite_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], size: int, copies: int
) -> None:
    path = make(tmp_path_factory.mktemp("x") / "x.sqlite", rows * copies, before=(f"PRAGMA page_size = {size}",))
    assert by_pages(path) == by_sqlite(path)


def test_a_tree_of_several_levels_with_deleted_and_moved_rows_is_read_in_the_order_of_its_rows(
    tmp_path: Path,
) -> None:
    rows = [(number, None, f"text {number % 7}", -number, b"") for number in range(20_000)]
    path = make(tmp_path / "x.sqlite", rows, before=("PRAGMA page_size = 512",))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM x WHERE a % 3 = 1")
        database.execute("INSERT INTO x SELECT * FROM x WHERE a < 999")
    assert by_pages(path) == by_sqlite(path)
    assert len(by_pages(path)) > 10_000


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(1, 2, "3", 4, 5)])
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM x")
    assert by_pages(path) == []


def test_a_key_that_is_the_rowid_is_read_as_a_column(tmp_path: Path) -> None:
    rows = [(3, "three"), (2**40, "many"), (200, None)]
    path = make(tmp_path / "x.sqlite", rows, "CREATE TABLE x (a INTEGER PRIMARY KEY, t TEXT)")
    assert by_pages(path, columns=("a", "t")) == sorted(rows)


ROW = (1, 2, "3", 4, 5)
UNUSUAL = {
    "a WAL": ([ROW], PLAIN, ("PRAGMA journal_mode = WAL",)),
    "UTF-16": ([ROW], PLAIN, ("PRAGMA encoding = 'UTF-16'",)),
    "a real": ([ROW, (1, 2, "3", 4.5, 5)], PLAIN, ()),
    "only reals": ([(1.5, 2, "3", 4, 5)], PLAIN, ()),
    "a blob": ([(1, 2, b"3", 4, 5)], PLAIN, ()),
    "a text among whole numbers": ([ROW, ("one", 2, "3", 4, 5)], PLAIN, ()),
    "a long row": ([(1, "long" * 2_000, "3", 4, 5)], PLAIN, ()),
    "no rowid": ([ROW], "CREATE TABLE x (a INTEGER, c, t TEXT, b INT PRIMARY KEY, d) WITHOUT ROWID", ()),
    "a key in falling order": ([ROW], "CREATE TABLE x (a INTEGER PRIMARY KEY DESC, c, t TEXT, b INT, d)", ()),
    "a negative key": ([(-1, 2, "3", 4, 5)], "CREATE TABLE x (a INTEGER PRIMARY KEY, c, t TEXT, b INT, d)", ()),
    "another type": ([ROW], "CREATE TABLE x (a REAL, c, t TEXT, b INT, d)", ()),
    "a computed column": ([ROW], "CREATE TABLE x (z AS (1), a INTEGER, c, t TEXT, b INT, d)", ()),
    "many columns": (
        [(0,) * 110 + ROW],
        f"CREATE TABLE x ({', '.join(f'c{n}' for n in range(110))}, a INT, c, t, b, d)",
        (),
    ),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_is_left_to_sqlite(tmp_path: Path, what: str) -> None:
    path = make(tmp_path / "x.sqlite", *UNUSUAL[what])
    with pytest.raises(UnusualFileError):
        by_pages(path)


def test_reserved_bytes_and_a_column_added_later_are_left_to_sqlite(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [ROW] * 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("ALTER TABLE x ADD COLUMN later INTEGER DEFAULT 7")
    with pytest.raises(UnusualFileError):
        by_pages(path, columns=("a", "later"))
    content = bytearray(path.read_bytes())
    content[20] = 8
    path.write_bytes(content)
    with pytest.raises(UnusualFileError):
        by_pages(path)


def test_bytes_that_are_no_utf8_are_left_to_sqlite_which_shows_them(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(1, None, "as utf-8: é", 2, None)])
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    with pytest.raises(UnusualFileError):
        by_pages(path)


def check_damaged(path: Path, content: bytes, seed: int) -> bool:
    """Whether a file with some bytes changed was read; what was read is what ``sqlite3`` reads."""
    dice = random.Random(seed)
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8))):
        # Headers of pages and of rows are where damage misleads: beyond the first page, which holds the schema.
        place = dice.randrange(len(content)) if dice.random() < 0.5 else dice.randrange(1, len(content) // 512) * 512
        changed[min(place + dice.randrange(16), len(changed) - 1)] = dice.choice(
            (0, 1, 5, 13, 0x7F, 0x80, 0xFF, dice.randrange(256))
        )
    path.write_bytes(changed)
    try:
        with closing(connect(path)) as database:
            database.execute("SELECT name FROM sqlite_master").fetchall()
        taken = by_pages(path)
    except (UnusualFileError, sqlite3.Error, UnicodeDecodeError):
        return False
    assert taken == by_sqlite(path), seed
    return True


def damaged(tmp_path: Path, seeds: range) -> None:
    rows = [
        (number * 977, number % 3, f"text {number % 7}", None if number % 5 else -number, 0.5)
        for number in range(900)
    ]
    content = make(tmp_path / "whole.sqlite", rows, before=("PRAGMA page_size = 512",)).read_bytes()
    read = sum(check_damaged(tmp_path / "x.sqlite", content, seed) for seed in seeds)
    assert 0 < read < len(seeds)


def test_a_damaged_file_is_read_as_sqlite_reads_it_or_left_to_it(tmp_path: Path) -> None:
    damaged(tmp_path, range(60))


@pytest.mark.slow
def test_many_damaged_files_are_read_as_sqlite_reads_them_or_left_to_it(tmp_path: Path) -> None:
    damaged(tmp_path, range(1_000, 2_500))


def test_pages_that_lead_back_to_themselves_are_left_to_sqlite(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(1, 2, "3", 4, 5)] * 5_000, before=("PRAGMA page_size = 512",))
    with closing(connect(path)) as database:
        root = database.execute("SELECT rootpage FROM sqlite_master").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(root - 1) * 512 + 8 : (root - 1) * 512 + 12] = root.to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(UnusualFileError):
        by_pages(path)


def test_no_more_rows_are_read_than_somebody_asked_for_and_a_batch(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(number, None, None, None, "x" * 200) for number in range(60_000)])
    with closing(connect(path)) as database:
        assert 10 < len(read_pages(path, database, "x", ("a",), 10)) < 10_000


@pytest.mark.slow
def test_every_stored_table_of_real_captures_is_read_as_sqlite_reads_it(shared_data: Path) -> None:
    captures = sorted(shared_data.rglob("*.sqlite"))
    by_page = []
    for path in captures:
        with closing(connect(path)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                columns = tuple(
                    name for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,))
                )
                try:
                    taken: pa.Table = read_pages(path, database, table, columns, None)
                except UnusualFileError:
                    continue
                by_page.append(table)
                quoted = ", ".join(f'"{name}"' for name in columns)
                expected = database.execute(f'SELECT {quoted} FROM "{table}" NOT INDEXED').fetchall()
                assert list(zip(*(taken[name].to_pylist() for name in columns), strict=True)) == expected, (
                    path,
                    table,
                )
    assert len(captures) >= 5
    assert {"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_RUNTIME", "StringIds"} <= set(by_page)
