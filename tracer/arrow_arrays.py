"""
Arrow columns as numpy arrays and back, by their buffers; texts and ids as codes, codes as groups.

``pyarrow.array`` and ``to_numpy`` import pandas to ask whether what they were given is of it. That takes longer than
the rest of what a command over a profile imports, and no such command needs pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Column: TypeAlias = Any
"""``pyarrow.Array`` or ``ChunkedArray``."""

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_ROW = -1
"""In a column of row numbers or codes: there is none."""

TABLE = 1 << 24
"""Keys up to this one are counted in a table of that length; beyond, they are sorted."""

FEW = 256
"""A dictionary of so many values is looked through without importing ``pyarrow.compute``, a fifth of a second."""

_NUMPY = {
    pa.int64(): np.int64,
    pa.int32(): np.int32,
    pa.int16(): np.int16,
    pa.int8(): np.int8,
    pa.float64(): np.float64,
}
_ARROW = {np.dtype(kind): arrow for arrow, kind in _NUMPY.items()}


def numbers(column: Column, missing: int = 0) -> NDArray[np.int64]:
    """An integer column as int64; nulls become ``missing``. Where nothing changes nothing is copied: do not write."""
    parts = [_numbers(part, missing) for part in _chunks(column)]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def valid(column: Column) -> NDArray[np.bool_]:
    """Where a column is not null."""
    parts = [_valid(part) for part in _chunks(column)]
    return np.concatenate(parts) if parts else np.empty(0, np.bool_)


def flags(column: Column) -> NDArray[np.bool_]:
    """A column of booleans; null is false."""
    parts = [_bits(part.buffers()[1], part) & _valid(part) for part in _chunks(column)]
    return np.concatenate(parts) if parts else np.empty(0, np.bool_)


def arrow(values: NDArray[np.generic], null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Integers of 8 to 64 bits, or float64, as an Arrow array, null where ``null`` says so."""
    values = np.ascontiguousarray(values)
    bitmap = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(_ARROW[values.dtype], len(values), [bitmap, pa.py_buffer(values)])


def arrow_flags(flags: NDArray[np.bool_]) -> pa.Array:
    """Flags as an Arrow array of booleans."""
    bits = pa.py_buffer(np.packbits(flags, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, bits])


def arrow_texts(texts: Sequence[str]) -> pa.Array:
    """Texts as an Arrow array of strings."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(one) for one in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as numbers into an array of its distinct values; ``NO_ROW`` where it is null."""

    codes: Integers
    values: pa.Array

    def code_of(self, value: str) -> int:
        """The code of a text; -2, which no row has, where it is not there."""
        texts = self.values.to_pylist()
        return texts.index(value) if value in texts else NO_ROW - 1

    def at(self, rows: Integers) -> pa.Array:
        """The values themselves at ``rows``; texts come as plain strings."""
        codes = self.codes[rows]
        return self.values.take(arrow(codes, codes == NO_ROW))


def integers(table: pa.Table, name: str, missing: int = 0) -> Integers:
    """An integer column as int64; nulls become ``missing``."""
    return numbers(table[name], missing)


def present(table: pa.Table, name: str) -> Flags:
    """Where a column is not null."""
    return valid(table[name])


def encode(table: pa.Table, name: str) -> Codes:
    """
    A column as codes, whatever its type.

    Chunks may bring dictionaries of their own, and a dictionary may hold a value twice: one value has one code here.
    """
    column = table[name]
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return Codes(np.empty(0, np.int64), pa.nulls(0, column.type.value_type))
    codes = np.concatenate([numbers(chunk.indices, NO_ROW) for chunk in chunks])
    dictionary = chunks[0].dictionary
    if len(dictionary) <= FEW and len({*dictionary.to_pylist(), None}) == len(dictionary) + 1:
        return Codes(codes, dictionary)
    distinct = dictionary.dictionary_encode()
    if len(distinct.dictionary) < len(dictionary):
        codes = np.where(codes < 0, NO_ROW, numbers(distinct.indices, NO_ROW)[codes])
    return Codes(codes, distinct.dictionary)


def dense_groups(keys: Integers) -> tuple[Integers, Integers]:
    """
    Number the distinct values of ``keys``: in one pass where they are small and none is negative.

    Returns:
        The distinct keys in rising order, and for each key its place among them.
    """
    low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, TABLE)
    if low == high:
        return keys[:1], np.zeros(len(keys), np.int64)
    if low < 0 or high >= TABLE:
        distinct, places = np.unique(keys, return_inverse=True)
        return distinct, places.astype(np.int64)
    table = np.bincount(keys)
    distinct = np.flatnonzero(table)
    table[distinct] = np.arange(len(distinct))
    return distinct, table[keys]


def small(keys: Integers) -> NDArray[Any]:
    """Keys of 0 or more to be sorted stably: as 16-bit ones where none is larger, which NumPy sorts by radix."""
    return keys.astype(np.uint16) if int(keys.max(initial=0)) < 1 << 16 else keys


def _chunks(column: Column) -> list[pa.Array]:
    return list(column.chunks) if isinstance(column, pa.ChunkedArray) else [column]


def _numbers(part: pa.Array, missing: int) -> NDArray[np.int64]:
    if not len(part):
        return np.empty(0, np.int64)
    raw = np.frombuffer(part.buffers()[1], _NUMPY[part.type], len(part) + part.offset)[part.offset :]
    values = raw.astype(np.int64, copy=False)
    return np.where(_valid(part), values, missing) if part.null_count else values


def _valid(part: pa.Array) -> NDArray[np.bool_]:
    if not part.null_count:
        return np.ones(len(part), np.bool_)
    if pa.types.is_null(part.type):
        return np.zeros(len(part), np.bool_)
    return _bits(part.buffers()[0], part)


def _bits(buffer: pa.Buffer, part: pa.Array) -> NDArray[np.bool_]:
    if not len(part):
        return np.empty(0, np.bool_)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return bits[part.offset : part.offset + len(part)].astype(np.bool_)
