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

from tracer.profiles import sqlite_tree
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
FILLED = {count: ", ".join(f"c{n}" for n in range(count)) for count in (96, 97)}
KEPT = "a INTEGER PRIMARY KEY, c, t TEXT, b INT, d"
UNUSUAL = {
    "its header": ([ROW], PLAIN, ("PRAGMA journal_mode = WAL",)),
    "its header ": ([ROW], PLAIN, ("PRAGMA encoding = 'UTF-16'",)),
    "values that are neither whole numbers nor texts": ([ROW, (1, 2, "3", 4.5, 5)], PLAIN, ()),
    "values that are neither whole numbers nor texts ": ([(1.5, 2, "3", 4, 5)], PLAIN, ()),
    "values that are neither whole numbers nor texts  ": ([(1, 2, b"", 4, 5)], PLAIN, ()),
    "values of several types": ([(1, 2, b"3", 4, 5)], PLAIN, ()),
    "values of several types ": ([ROW, ("one", 2, "3", 4, 5)], PLAIN, ()),
    "rows longer than a page": ([(1, "long" * 2_000, "3", 4, 5)], PLAIN, ()),
    "a page of another kind": ([ROW], f"CREATE TABLE x ({KEPT}) WITHOUT ROWID", ()),
    "an order of its keys": ([ROW], "CREATE TABLE x (a INTEGER PRIMARY KEY DESC, c, t TEXT, b INT, d)", ()),
    "numbers longer than eight bytes": ([(-1, 2, "3", 4, 5)], f"CREATE TABLE x ({KEPT})", ()),
    "columns of other types": ([ROW], "CREATE TABLE x (a REAL, c, t TEXT, b INT, d)", ()),
    "columns that are computed": ([ROW], "CREATE TABLE x (z AS (1), a INTEGER, c, t TEXT, b INT, d)", ()),
    "its many columns": ([(0,) * 97 + ROW], f"CREATE TABLE x ({FILLED[97]}, a INT, c, t TEXT, b INT, d)", ()),
}
"""By the reason that a user is told; blanks at the end tell apart what has one."""


@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_is_left_to_sqlite(tmp_path: Path, what: str) -> None:
    path = make(tmp_path / "x.sqlite", *UNUSUAL[what])
    with pytest.raises(UnusualFileError, match=f"^{what.rstrip()}$"):
        by_pages(path)


def test_as_many_columns_as_are_read_are_read(tmp_path: Path) -> None:
    """The last of a hundred is."""
    create = f"CREATE TABLE x ({FILLED[96]}, a INT, c, t TEXT, b INT, d)"
    assert by_pages(make(tmp_path / "x.sqlite", [(0,) * 96 + ROW], create)) == [(1, "3", 4)]


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


def test_types_that_sqlite_keeps_for_itself_take_no_room(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(5, None, "3", 4, None)])
    content = path.read_bytes()
    head = bytes([6, 1, 0, 13 + 2, 1, 0, 5])
    assert content.count(head) == 1
    for kind in (10, 11):
        path.write_bytes(content.replace(head, head[:2] + bytes([kind]) + head[3:]))
        assert by_pages(path) == by_sqlite(path) == [(5, "3", 4)]


def test_a_column_whose_type_changes_from_one_batch_to_the_next_is_left_to_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tree, "_BATCH_BYTES", 512)
    rows = [(one, "a row a page".ljust(400), None, 4, 5) for one in (1, None, 2, "three")]
    before = ("PRAGMA page_size = 512",)
    assert by_pages(make(tmp_path / "x.sqlite", rows[:3], before=before)) == [(one, None, 4) for one in (1, None, 2)]
    with pytest.raises(UnusualFileError, match=r"^values of several types$"):
        by_pages(make(tmp_path / "y.sqlite", rows, before=before))


def test_a_file_that_is_longer_than_its_pages_is_left_to_sqlite(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [ROW])
    path.write_bytes(path.read_bytes() + bytes(512))
    with pytest.raises(UnusualFileError, match=r"^its length$"):
        by_pages(path)


def test_a_row_that_begins_among_the_places_of_rows_or_at_the_end_of_its_page_is_left_to_sqlite(
    tmp_path: Path,
) -> None:
    path = make(tmp_path / "x.sqlite", [ROW] * 3, before=("PRAGMA page_size = 512",))
    content = path.read_bytes()
    # Of the second page: its header takes eight bytes, each place two.
    for place in (8 + 2 * 3 - 1, 512 - 3):
        path.write_bytes(content[:520] + place.to_bytes(2, "big") + content[522:])
        with pytest.raises(UnusualFileError, match=r"^the place of a cell$"):
            by_pages(path)


def test_a_row_fills_its_page_and_one_that_ends_behind_it_is_left_to_sqlite(tmp_path: Path) -> None:
    """A row with its header takes at most 35 bytes less than a page; seven bytes are the header here."""
    before = ("PRAGMA page_size = 512",)
    fitting, longer = ((None, "x" * length, None, None, None) for length in (512 - 35 - 7, 512 - 34 - 7))
    path = make(tmp_path / "x.sqlite", [fitting], before=before)
    assert by_pages(path) == [(None, None, None)]
    with pytest.raises(UnusualFileError, match=r"^rows longer than a page$"):
        by_pages(make(tmp_path / "y.sqlite", [longer], before=before))
    path = make(tmp_path / "z.sqlite", [ROW, ROW], before=before)
    content = bytearray(path.read_bytes())
    # The first row lies at the end of the second page, its length before all else.
    content[512 + int.from_bytes(content[520:522], "big")] += 1
    path.write_bytes(content)
    with pytest.raises(UnusualFileError, match=r"^rows longer than a page$"):
        by_pages(path)


def test_a_number_with_zeros_before_it_is_read_as_sqlite_reads_it(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", [(129, 2, "three", 4, 5)], f"CREATE TABLE x ({KEPT})")
    content = path.read_bytes()
    row = bytes([0x81, 0x01, 6, 0])
    assert content.count(row) == 1
    path.write_bytes(content.replace(row, bytes([0x80, 0x01, 6, 0])))
    assert by_pages(path) == by_sqlite(path) == [(1, "three", 4)]
    path.write_bytes(content.replace(row, row[:3] + bytes([9])))
    with pytest.raises(UnusualFileError, match=r"^a key in its rows$"):
        by_pages(path)


def test_an_interior_page_whose_places_cannot_be_is_left_to_sqlite(tmp_path: Path) -> None:
    rows = [(one, "a row a page".ljust(400), None, 4, 5) for one in range(4)]
    path = make(tmp_path / "x.sqlite", rows, before=("PRAGMA page_size = 512",))
    assert by_pages(path) == by_sqlite(path)
    content = path.read_bytes()
    # Of the second page, the root: a header of twelve bytes, three places, and cells of at least five.
    assert (content[512], content[512 + 4]) == (5, 3)
    for place in (12 + 2 * 3 - 1, 512 - 4):
        path.write_bytes(content[:524] + place.to_bytes(2, "big") + content[526:])
        with pytest.raises(UnusualFileError, match=r"^the place of a cell$"):
            by_pages(path)


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
