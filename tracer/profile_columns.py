"""Columns of a profile's tables as numpy arrays: integers without nulls, texts and ids as codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_ROW = -1
"""In a column of row numbers or codes: there is none."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as numbers into a list of its distinct values; ``NO_ROW`` where it is null."""

    codes: Integers
    values: pa.Array

    def code_of(self, value: str) -> int:
        """The code of ``value``; ``NO_ROW`` is no match for any row, so -2 where no row has it."""
        found = pc.index(self.values, pa.scalar(value, self.values.type)).as_py()
        return found if found >= 0 else NO_ROW - 1


def integers(table: pa.Table, name: str, missing: int = 0) -> Integers:
    """An integer column as int64; nulls become ``missing``."""
    column = table[name]
    if column.null_count:
        column = pc.fill_null(column, missing)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def present(table: pa.Table, name: str) -> Flags:
    """Where a column is not null."""
    column = table[name]
    if not column.null_count:
        return np.ones(len(table), dtype=bool)
    return np.asarray(pc.is_valid(column).to_numpy(), dtype=bool)


def encode(table: pa.Table, name: str) -> Codes:
    """
    A column as codes, whatever its type.

    Chunks may bring dictionaries of their own, and a dictionary may hold a value twice: one value has one code here.
    """
    column = table[name]
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # pyarrow gives no single array where there is no chunk
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    distinct = whole.dictionary.dictionary_encode()
    codes = integers(pa.table({"codes": whole.indices}), "codes", NO_ROW)
    if len(distinct.dictionary) < len(whole.dictionary):
        codes = np.where(codes < 0, NO_ROW, np.asarray(distinct.indices)[codes])
    return Codes(codes, distinct.dictionary)
