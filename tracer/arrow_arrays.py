"""
Arrow columns as numpy arrays and back, by their buffers.

``pyarrow.array`` and ``to_numpy`` import pandas to ask whether what they were given is of it. That takes longer than
the rest of what a command over a profile imports, and no such command needs pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Column: TypeAlias = Any
"""``pyarrow.Array`` or ``ChunkedArray``."""

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
