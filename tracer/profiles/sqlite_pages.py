"""
Columns of a SQLite table straight from the pages of its b-tree, thousands of rows at a time.

``sqlite3`` makes a Python object of each value, which takes several times as long as reading the rows. What is read
here is the plain case alone, as profilers write it: https://sqlite.org/fileformat2.html, rows within one page, whole
numbers and UTF-8 texts. Anything else, damage above all, raises ``UnusualFileError``: ``sqlite3`` reads the table and
says what is wrong with it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.arrow_arrays import Flags, Integers, arrow
from tracer.given_files import open_file
from tracer.profiles.sqlite_tree import (
    BEYOND,
    LEAF,
    MOST_COLUMNS,
    Bytes,
    Pages,
    UnusualFileError,
    leaves_of,
)

Unsigned = NDArray[Any]
"""Whole numbers, of eight bits where none is larger."""

_SIZES = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0], np.int64)
"""Bytes of a value by its serial type; from 12 on half of what is beyond: blobs even, texts odd."""
_SHIFTS = np.array([0, 56, 48, 40, 32, 16, 0, 0, 0, 0], np.int64)
"""Bits of eight bytes, read from a value's first, that are not the value's."""
_NULL, _REAL, _ZERO, _ONE = 0, 7, 8, 9
_BLOB = 12
_DECLARED = frozenset({"INTEGER", "INT", "TEXT"})
"""Types of columns whose stored values SQLite gives as they are."""


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
    found: list[_Column] = []
    with open_file(path) as file:
        pages = Pages.of(file.fileno())
        leaves = leaves_of(pages, layout.root)
        read = 0
        for batch in pages.batches(leaves):
            rows = _Rows(batch, pages.size)
            read += len(rows.whole)
            parts = rows.columns(layout)
            # As many rows a page as so far, and some more.
            more = len(rows) + 9 * len(rows) * (len(leaves) - read) // (8 * len(rows.whole))
            found = found or [_Column() for _ in columns]
            for column, part in zip(found, parts, strict=True):
                column.append(part, more)
            if most_rows is not None and len(found[0]) > most_rows:
                break
    arrays = [one.chunked() for one in found] or [pa.chunked_array([], pa.null())] * len(columns)
    return pa.table(dict(zip(columns, arrays, strict=True)))


def _layout(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> _Layout:
    query = "SELECT rootpage, sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    found = database.execute(query, (table,)).fetchall()
    if len(found) != 1 or not isinstance(found[0][0], int) or found[0][0] < 2:
        raise UnusualFileError("no table of its own tree")
    query = "SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo(?)"
    facts = list(database.execute(query, (table,)))
    if any(hidden for *_, hidden in facts):
        raise UnusualFileError("columns that are computed")
    places = {name: place for place, (name, *_) in enumerate(facts)}
    if not set(columns) <= set(places) or any(facts[places[name]][1] not in _DECLARED for name in columns):
        raise UnusualFileError("columns of other types")
    if max(places[name] for name in columns) >= MOST_COLUMNS:
        raise UnusualFileError("its many columns")
    # A primary key that is a whole number is the rowid, and null in the row; not if its order is DESC.
    keys = [place for place, (_, _, key, _) in enumerate(facts) if key]
    rowid = keys[0] if len(keys) == 1 and facts[keys[0]][1] == "INTEGER" else None
    if rowid is not None and re.search(r"\bDESC\b", found[0][1], re.IGNORECASE):
        raise UnusualFileError("an order of its keys")
    return _Layout(found[0][0], tuple(places[name] for name in columns), rowid)


class _Rows:
    """The rows of some leaves: where the header of each begins, where its values, and where both end."""

    def __init__(self, data: Bytes, size: int) -> None:
        self._data = data
        # Eight bytes from any place on, as a whole number.
        self._words = np.ndarray(len(data) - 7, ">i8", data, strides=(1,))
        self.whole = whole = data[:-BEYOND].reshape(-1, size)
        cells = whole[:, 3].astype(np.int64) << 8 | whole[:, 4]
        if (
            (whole[:, 0] != LEAF).any()
            or int(cells.max()) > (size - 8) // 2
            or (int(cells.min()) < 1 and len(whole) > 1)
        ):
            raise UnusualFileError("a leaf of another kind")
        page = np.repeat(np.arange(len(whole)), cells)
        slot = page * size + 8 + 2 * (np.arange(len(page)) - np.repeat(np.cumsum(cells) - cells, cells))
        pointer = self._data[slot].astype(np.int64) << 8 | self._data[slot + 1]
        if ((pointer < 8 + 2 * cells[page]) | (pointer > size - 4)).any():
            raise UnusualFileError("the place of a cell")
        payload, at = self._varints(page * size + pointer)
        self._rowid, at = self._varints(at)
        self._end = at + payload
        # More than this of a row would lie in pages of its own.
        if (payload > size - 35).any() or (self._end > (page + 1) * size).any():
            raise UnusualFileError("rows longer than a page")
        if int(payload.sum()) > len(data):
            raise UnusualFileError("rows over one another")
        header, self._types = self._varints(at)
        self._values = at + header
        if (self._values > self._end).any() or (self._types > self._values).any():
            raise UnusualFileError("the header of a row")

    def __len__(self) -> int:
        return len(self._end)

    def columns(self, layout: _Layout) -> list[pa.Array | Integers]:
        """Those of the rows that are wanted; an array of NumPy's where there is no null."""
        if not len(self):
            return [pa.nulls(0)] * len(layout.places)
        found: dict[int, pa.Array | Integers] = {}
        at, values = self._types, self._values
        for place in range(max(layout.places) + 1):
            kind, at = self._varints(at)
            first, low, high = values, int(kind.min()), int(kind.max())
            if high >= _BLOB:
                values = first + np.where(kind < _BLOB, _SIZES[np.minimum(kind, _BLOB - 1)], (kind - _BLOB) >> 1)
            elif low < high:
                values = first + _SIZES[kind]
            elif _SIZES[low]:
                values = first + _SIZES[low]
            if place in layout.places:
                found[place] = self._decoded(kind, (low, high), first, values)
            if place == layout.rowid:
                if high:
                    raise UnusualFileError("a key in its rows")
                found[place] = self._rowid.astype(np.int64)
        self._check_ends(values)
        if (at > self._values).any() or ((at == self._values) & (values != self._end)).any():
            raise UnusualFileError("rows of another length")
        return [found[place] for place in layout.places]

    def _check_ends(self, values: Integers) -> None:
        if (values > self._end).any():
            raise UnusualFileError("rows of another length")

    def _decoded(
        self, kind: Unsigned, extremes: tuple[int, int], first: Integers, last: Integers
    ) -> pa.Array | Integers:
        low, high = extremes
        if high == _NULL:
            return pa.nulls(len(kind))
        null = kind == _NULL if low == _NULL else None
        if high > _BLOB:
            if (
                not (kind & 1 == 1 if null is None else null | (kind & 1 == 1)).all()
                or ((kind < _BLOB) & (kind > _NULL)).any()
            ):
                raise UnusualFileError("values of several types")
            self._check_ends(last)
            return self._texts(first, last, null)
        if high > _ONE or (low < high and (kind == _REAL).any()) or low == _REAL:
            raise UnusualFileError("values that are neither whole numbers nor texts")
        values = self._words[np.minimum(first, len(self._words) - 1)].astype(np.int64)
        values >>= _SHIFTS[low] if low == high else _SHIFTS[kind]
        if high >= _ZERO:
            values = np.where(kind >= _ZERO, kind == _ONE, values)
        return values if null is None else arrow(values, null)

    def _texts(self, first: Integers, last: Integers, null: Flags | None) -> pa.Array:
        ends = np.cumsum(last - first)
        offsets = np.append(0, ends).astype(np.int32)
        source = np.repeat(first - offsets[:-1], last - first) + np.arange(int(ends[-1]))
        there = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
        buffers = [there, pa.py_buffer(offsets), pa.py_buffer(self._data[source])]
        texts = pa.Array.from_buffers(pa.string(), len(first), buffers)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            raise UnusualFileError("texts that are no UTF-8") from None
        return texts

    def _varints(self, at: Integers) -> tuple[Unsigned, Integers]:
        """The unsigned numbers at some places, up to eight bytes long, and the places behind them."""
        byte = self._data[at]
        if int(byte.max(initial=0)) < 0x80:
            return byte, at + 1
        value, more, at = byte.astype(np.int64), byte >= 0x80, at + 1
        rows = np.flatnonzero(more)
        value[rows] &= 0x7F
        for _ in range(7):
            byte = self._data[at[rows]]
            value[rows] = value[rows] << 7 | byte & 0x7F
            at[rows] += 1
            rows = rows[byte >= 0x80]
            if not len(rows):
                return value, at
        raise UnusualFileError("numbers longer than eight bytes")


class _Column:
    """A column from its parts: whole numbers without nulls in few large pieces, which nobody need join."""

    def __init__(self) -> None:
        self._chunks: list[pa.Array] = []
        self._piece = np.empty(0, np.int64)
        self._used = self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, part: pa.Array | Integers, more: int) -> None:
        """``more`` is how many rows are expected from here on, those of the part among them."""
        self._rows += len(part)
        if not isinstance(part, np.ndarray):
            self._close()
            self._chunks.append(part)
            return
        if self._used + len(part) > len(self._piece):
            self._close()
            self._piece = np.empty(max(more, len(part)), np.int64)
        self._piece[self._used : self._used + len(part)] = part
        self._used += len(part)

    def chunked(self) -> pa.ChunkedArray:
        """All parts; those without a value take the type of the others."""
        self._close()
        types = {chunk.type for chunk in self._chunks} - {pa.null()}
        if len(types) > 1:
            raise UnusualFileError("values of several types")
        kind = types.pop() if types else pa.null()
        return pa.chunked_array([one if one.type == kind else one.cast(kind) for one in self._chunks], kind)

    def _close(self) -> None:
        if self._used:
            self._chunks.append(arrow(self._piece[: self._used]))
        self._piece, self._used = np.empty(0, np.int64), 0
