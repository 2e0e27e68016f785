"""Columns of a profile's tables as numpy arrays: integers without nulls, texts and ids as codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.arrow_arrays import arrow, arrow_texts, flags, numbers, valid

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_ROW = -1
"""In a column of row numbers or codes: there is none."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as numbers into an array of its distinct values; ``NO_ROW`` where it is null."""

    codes: Integers
    values: pa.Array

    def code_of(self, value: str) -> int:
        """The code of a text; -2, which no row has, where it is not there."""
        found = np.flatnonzero(flags(pc.is_in(self.values, arrow_texts([value]).cast(self.values.type))))
        return int(found[0]) if len(found) else NO_ROW - 1

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
    distinct = dictionary.dictionary_encode()
    if len(distinct.dictionary) < len(dictionary):
        codes = np.where(codes < 0, NO_ROW, numbers(distinct.indices, NO_ROW)[codes])
    return Codes(codes, distinct.dictionary)
