"""
Packets of a Perfetto trace as bytes: a few by hand, millions of slices by columns.

Numbers of fields and values are those of ``TracePacket``, ``TrackDescriptor``, ``TrackEvent``, ``DebugAnnotation``
and ``InternedData`` in https://github.com/google/perfetto, ``protos/perfetto/trace``; the encoding is
https://protobuf.dev/programming-guides/encoding. A varint may be longer than it has to be, so the records of a column
have one width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrow_arrays import Integers

Bytes = NDArray[np.uint8]

VARINT, FIXED64, LENGTH = 0, 1, 2
"""Wire types."""

LENGTH_BYTES = 4
"""Of a message's length, padded as Perfetto itself does it: 256 MB at most."""


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte."""
    taken = bytearray()
    while value >= 0x80:
        taken.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*taken, value))


def tag(number: int, wire: int) -> bytes:
    """What stands before a field."""
    return varint(number << 3 | wire)


def integer_field(number: int, value: int) -> bytes:
    """An integer, an enumeration's value or a flag."""
    return tag(number, VARINT) + varint(value)


def bytes_field(number: int, value: bytes | str) -> bytes:
    """A text or a message; a lone surrogate becomes ``?``."""
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return tag(number, LENGTH) + varint(len(data)) + data


def padded_varints(values: Integers, width: int) -> Bytes:
    """Non-negative integers, shape (n,), as varints of one width: uint8, shape (n, width)."""
    left = values.astype(np.uint64)
    taken = np.empty((len(values), width), np.uint8)
    for place in range(width):
        taken[:, place] = (left & np.uint64(0x7F)) | np.uint64(0x80 if place < width - 1 else 0)
        left >>= np.uint64(7)
    return taken


def varint_width(values: Integers) -> int:
    """Bytes of the longest of non-negative integers."""
    return len(varint(int(values.max(initial=0))))


def with_prefix(prefix: bytes, column: Bytes) -> Bytes:
    """The same bytes before each row of a column."""
    rows = np.empty((len(column), len(prefix) + column.shape[1]), np.uint8)
    rows[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    rows[:, len(prefix) :] = column
    return rows


def integer_column(number: int, values: Integers) -> Bytes:
    """A field of non-negative integers, one a record."""
    return with_prefix(tag(number, VARINT), padded_varints(values, varint_width(values)))


def fixed64_column(number: int, values: Integers) -> Bytes:
    """A field of ``fixed64``, one a record."""
    column = values.astype("<u8").view(np.uint8).reshape(len(values), 8)
    return with_prefix(tag(number, FIXED64), column)


@dataclass(frozen=True, slots=True)
class Part:
    """The next bytes of some records: ``rows`` of them, ``data`` uint8 of shape (rows, width) or (1, width)."""

    rows: Integers | slice
    data: Bytes


def constant(rows: Integers | slice, data: bytes) -> Part:
    """The same bytes for each of ``rows``."""
    return Part(rows, np.frombuffer(data, np.uint8)[np.newaxis])


def joined(parts: list[Part], count: int) -> Bytes:
    """
    Records of different lengths, one after another.

    Args:
        parts: in the order in which they stand within a record.
        count: of records.
    """
    length = _lengths(parts, count)
    first = np.zeros(count + 1, np.int64)
    np.cumsum(length, out=first[1:])
    flat = np.empty(int(first[-1]), np.uint8)
    cursor = first[:-1].copy()
    for part in parts:
        at, width = cursor[part.rows], part.data.shape[1]
        if len(at):
            # A view of the bytes from each place on: a row is copied at once.
            record = np.dtype((np.void, width))
            places = np.ndarray(len(flat) - width + 1, record, flat, strides=(1,))
            places[at] = np.ascontiguousarray(part.data).view(record)[:, 0]
        cursor[part.rows] += width
    return flat


def enclosed(prefix: bytes, parts: list[Part], count: int) -> list[Part]:
    """The parts of records as those of a message field: ``prefix`` is its tag, its length is put before them."""
    lengths = padded_varints(_lengths(parts, count), LENGTH_BYTES)
    return [Part(slice(None), with_prefix(prefix, lengths)), *parts]


def _lengths(parts: list[Part], count: int) -> Integers:
    length = np.zeros(count, np.int64)
    for part in parts:
        length[part.rows] += part.data.shape[1]
    return length
