"""
Columns of a SQLite table straight from the pages of its b-tree, thousands of rows at a time.

``sqlite3`` makes a Python object of each value, which takes several times as long as reading the rows. What is read
here is the plain case alone, as profilers write it: https://sqlite.org/fileformat2.html, rows within one page, whole
numbers and UTF-8 texts. Anything else, damage above all, raises ``UnusualFileError``: ``sqlite3`` reads the table and
says what is wrong with it.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.given_files import open_file
from tracer.profiles.arrow_arrays import Integers, arrow

Bytes = NDArray[np.uint8]

_BATCH_BYTES = 1 << 20
"""Of leaves decoded at once: their columns stay in the processor's cache."""
_INTERIOR, _LEAF = 5, 13
"""First byte of a page of a table that has a rowid."""
_DEEPEST = 20
"""Levels of a tree, as SQLite limits them."""
_SIZES = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0], np.int64)
"""Bytes of a value by its serial type; from 12 on half of what is beyond: blobs even, texts odd."""
_SHIFTS = np.array([0, 56, 48, 40, 32, 16, 0, 0, 0, 0, 0, 0], np.int64)
"""Bits of eight bytes, read from a value's first, that are not the value's."""
_NULL, _REAL, _ZERO, _ONE = 0, 7, 8, 9
_TEXT = 13
_DECLARED = frozenset({"INTEGER", "INT", "TEXT"})
"""Types of columns whose stored values SQLite gives as they are."""


class UnusualFileError(Exception):
    """Why ``sqlite3`` has to read the table."""


def _give_way(why: str) -> NoReturn:
    raise UnusualFileError(why)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a table's tree begins, the places of the wanted columns in its rows, and that of its rowid."""

    root: int
    places: tuple[int, ...]
    rowid: int | None


def read_pages(
    path: Path, database: sqlite3.Connection, table: str, columns: Sequence[str], most_rows: int | None
) -> pa.Table:
    """
    Columns of a table in the order of its rowids: int64 or string as their values are, with nulls.

    At most a few more than ``most_rows`` rows; None for all. ``database`` is the same file, for its schema.

    Raises:
        UnusualFileError: if the file or a row is not of the plain case.
        OSError: if the file cannot be read.
    """
    layout = _layout(database, table, columns)
    parts: list[list[pa.Array]] = []
    rows = 0
    with open_file(path) as file:
        pages = _Pages.of(file.fileno())
        for leaves in pages.batches(_leaves(pages, layout.root)):
            read = _Rows(leaves, pages.size).columns(layout)
            parts.append(read)
            rows += len(read[0])
            if most_rows is not None and rows > most_rows:
                break
    arrays = (
        [_one_type(chunks) for chunks in zip(*parts, strict=True)]
        if parts
        else [pa.chunked_array([], pa.null())] * len(columns)
    )
    return pa.table(dict(zip(columns, arrays, strict=True)))


def _layout(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> _Layout:
    query = "SELECT rootpage, sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    found = database.execute(query, (table,)).fetchall()
    if len(found) != 1 or not isinstance(found[0][0], int) or found[0][0] < 2:
        _give_way("no table of its own tree")
    query = "SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo(?)"
    facts = list(database.execute(query, (table,)))
    if any(hidden for *_, hidden in facts):
        _give_way("columns that are computed")
    places = {name: place for place, (name, *_) in enumerate(facts)}
    if any(facts[places[name]][1] not in _DECLARED for name in columns):
        _give_way("columns of other types")
    # A primary key that is a whole number is the rowid, and null in the row; not if its order is DESC.
    keys = [place for place, (_, _, key, _) in enumerate(facts) if key]
    rowid = keys[0] if len(keys) == 1 and facts[keys[0]][1] == "INTEGER" else None
    if rowid is not None and re.search(r"\bDESC\b", found[0][1], re.IGNORECASE):
        _give_way("an order of its keys")
    return _Layout(found[0][0], tuple(places[name] for name in columns), rowid)


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages of an open file: their size in bytes and their number."""

    descriptor: int
    size: int
    count: int

    @classmethod
    def of(cls, descriptor: int) -> _Pages:
        header = os.pread(descriptor, 100, 0)
        size = int.from_bytes(header[16:18], "big")
        size = 65536 if size == 1 else size
        plain = len(header) == 100 and 512 <= size <= 65536 and size & (size - 1) == 0
        # Written and read without a WAL, no reserved bytes at a page's end, UTF-8, a number of pages that holds.
        if not plain or header[18:21] != b"\1\1\0" or header[56:60] != b"\0\0\0\1" or header[24:28] != header[92:96]:
            _give_way("its header")
        count = int.from_bytes(header[28:32], "big")
        if os.fstat(descriptor).st_size != count * size:
            _give_way("its length")
        return cls(descriptor, size, count)

    def read(self, numbers: Integers) -> Bytes:
        """Pages by number, from 1, in a row of bytes; neighbours in one go."""
        if len(numbers) and (int(numbers.min()) < 2 or int(numbers.max()) > self.count):
            _give_way("a page that is not there")
        taken = np.zeros(len(numbers) * self.size + 8, np.uint8)
        view = taken.data
        cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
        for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(numbers)], strict=True):
            part = view[first * self.size : last * self.size]
            if os.preadv(self.descriptor, [part], (int(numbers[first]) - 1) * self.size) != len(part):
                _give_way("its length")
        return taken

    def batches(self, numbers: Integers) -> Iterator[Bytes]:
        step = max(_BATCH_BYTES // self.size, 1)
        for first in range(0, len(numbers), step):
            yield self.read(numbers[first : first + step])


def _leaves(pages: _Pages, root: int) -> Integers:
    """Numbers of the leaves of a tree, in the order of their rows."""
    level = np.array([root], np.int64)
    for _ in range(_DEEPEST):
        kinds = set()
        children: list[Integers] = []
        for data in pages.batches(level):
            whole = data[:-8].reshape(-1, pages.size)
            kinds |= set(whole[:, 0].tolist())
            if kinds == {_LEAF}:
                # All of a level are leaves or none is: told by the first ones, checked when they are decoded.
                return level
            if kinds != {_INTERIOR}:
                _give_way("a page of another kind")
            children += [_children(page) for page in whole]
        level = np.concatenate(children)
        if len(level) > pages.count or len(np.unique(level)) != len(level):
            _give_way("pages that are children twice")
    _give_way("its depth")


def _children(page: Bytes) -> Integers:
    """Of an interior page, in order; the last stands in its header."""
    words: Integers = page.astype(np.int64)
    cells = int(words[3] << 8 | words[4])
    if not 1 <= cells <= (len(page) - 12) // 2:
        _give_way("the number of its cells")
    pointers = words[12 : 12 + 2 * cells : 2] << 8 | words[13 : 13 + 2 * cells : 2]
    if int(pointers.min()) < 12 + 2 * cells or int(pointers.max()) > len(page) - 5:
        _give_way("the place of a cell")
    at = np.append(pointers, 8)
    first, second, third, fourth = (words[at + place] for place in range(4))
    numbers: Integers = first << 24 | second << 16 | third << 8 | fourth
    return numbers


class _Rows:
    """The rows of some leaves: where the header of each begins, where its values, and where both end."""

    def __init__(self, data: Bytes, size: int) -> None:
        self._data = data
        # Eight bytes from any place on, as a whole number; the eight beyond the last page are there for it.
        self._words = np.ndarray(len(data) - 7, ">i8", data, strides=(1,))
        whole = data[:-8].reshape(-1, size)
        cells = whole[:, 3].astype(np.int64) << 8 | whole[:, 4]
        if (
            (whole[:, 0] != _LEAF).any()
            or int(cells.max()) > (size - 8) // 2
            or (int(cells.min()) < 1 and len(whole) > 1)
        ):
            _give_way("a leaf of another kind")
        page = np.repeat(np.arange(len(whole)), cells)
        slot = page * size + 8 + 2 * (np.arange(len(page)) - np.repeat(np.cumsum(cells) - cells, cells))
        pointer = self._data[slot].astype(np.int64) << 8 | self._data[slot + 1]
        if ((pointer < 8 + 2 * cells[page]) | (pointer > size - 4)).any():
            _give_way("the place of a cell")
        payload, at = self._varints(page * size + pointer)
        self._rowid, at = self._varints(at)
        self._end = at + payload
        # More than this of a row would lie in pages of its own.
        if (payload > size - 35).any() or (self._end > (page + 1) * size).any():
            _give_way("rows longer than a page")
        if int(payload.sum()) > len(data):
            _give_way("rows over one another")
        header, self._types = self._varints(at)
        self._values = at + header
        if (self._values > self._end).any() or (self._types > self._values).any():
            _give_way("the header of a row")

    def __len__(self) -> int:
        return len(self._end)

    def columns(self, layout: _Layout) -> list[pa.Array]:
        """Those of the rows that are wanted."""
        found: dict[int, pa.Array] = {}
        at, values = self._types, self._values
        for place in range(max(layout.places) + 1):
            kind, at = self._varints(at)
            if (at > self._values).any():
                _give_way("rows with fewer columns")
            first = values
            values = first + np.where(kind < 12, _SIZES[np.minimum(kind, 11)], (kind - 12) >> 1)
            if (values > self._end).any() or ((at == self._values) & (values != self._end)).any():
                _give_way("the length of a row")
            if place in layout.places:
                found[place] = self._decoded(kind, first, values)
            if place == layout.rowid:
                if kind.any():
                    _give_way("a key in its rows")
                found[place] = arrow(self._rowid)
        return [found[place] for place in layout.places]

    def _decoded(self, kind: Integers, first: Integers, last: Integers) -> pa.Array:
        most = int(kind.max(initial=0))
        null = kind == _NULL
        if most >= _TEXT:
            if not (null | ((kind >= _TEXT) & (kind & 1 == 1))).all():
                _give_way("values of several types")
            return self._texts(first, last, null)
        if most > _ONE or (kind == _REAL).any():
            _give_way("values that are neither whole numbers nor texts")
        if not len(kind) or null.all():
            return pa.nulls(len(kind))
        values = self._words[np.minimum(first, len(self._words) - 1)].astype(np.int64) >> _SHIFTS[kind]
        if most >= _ZERO:
            values = np.where(kind >= _ZERO, kind - _ZERO, values)
        return arrow(values, null if null.any() else None)

    def _texts(self, first: Integers, last: Integers, null: NDArray[np.bool_]) -> pa.Array:
        ends = np.cumsum(last - first)
        offsets = np.append(0, ends).astype(np.int32)
        source = np.repeat(first - offsets[:-1], last - first) + np.arange(int(ends[-1]))
        bits = np.packbits(~null, bitorder="little")
        buffers = [pa.py_buffer(bits), pa.py_buffer(offsets), pa.py_buffer(self._data[source])]
        texts = pa.Array.from_buffers(pa.string(), len(first), buffers)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            _give_way("texts that are no UTF-8")
        return texts

    def _varints(self, at: Integers) -> tuple[Integers, Integers]:
        """The unsigned numbers at some places, up to eight bytes long, and the places behind them."""
        byte = self._data[at]
        value, more = byte.astype(np.int64), byte >= 0x80
        if not more.any():
            return value, at + 1
        at = at + 1
        rows = np.flatnonzero(more)
        value[rows] &= 0x7F
        for _ in range(7):
            byte = self._data[np.minimum(at[rows], len(self._data) - 1)]
            value[rows] = value[rows] << 7 | byte & 0x7F
            at[rows] += 1
            rows = rows[byte >= 0x80]
            if not len(rows):
                return value, at
        _give_way("numbers longer than eight bytes")


def _one_type(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Chunks without a value take the type of the others."""
    types = {chunk.type for chunk in chunks} - {pa.null()}
    if len(types) > 1:
        _give_way("values of several types")
    kind = types.pop() if types else pa.null()
    return pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
