"""Plain rows into a table of a profile's schema, and the names that all readers give to copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracer.errors import ProfileError
from tracer.given_files import too_many_rows

COPY_DIRECTIONS = ("?", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP")
"""nvprof's short forms of ``CUpti_ActivityMemcpyKind``, each at its number."""

_PLACES = {"H": "Host", "D": "Device", "A": "Array", "P": "Peer"}
MEMSET_NAME = "[CUDA memset]"
LARGEST = 2**62
"""Beyond it a figure of a file is damage; half of int64, so that a start and a duration may be added."""


def copy_label(direction: str) -> str:
    """``HtoD`` as ``Host-to-Device``; a direction that we do not know is its own label."""
    return f"{_PLACES[direction[0]]}-to-{_PLACES[direction[-1]]}" if direction in COPY_DIRECTIONS[1:] else direction


def copy_name(direction: str) -> str:
    """The name in ``GPU_WORK`` of a copy whose direction is ``HtoD`` and the like."""
    return f"[CUDA memcpy {copy_label(direction)}]"


def rows_table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Build a table from rows whose cells are in the schema's order; None, or left out at the end, is null."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    columns += [(None,) * len(rows)] * (len(schema) - len(columns))
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


class RowsBuilder:
    """
    A table of a profile from rows that come one by one, of a file larger than Python's objects may become.

    Rows go into Arrow's columns every ``EVERY`` of them.
    """

    EVERY = 1 << 16

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._rows: list[tuple[Any, ...]] = []
        self._tables: list[pa.Table] = []
        self.count = 0

    def append(self, row: tuple[Any, ...]) -> None:
        """
        Take a row whose cells are in the schema's order.

        Raises:
            ProfileError: if there are more than are read.
        """
        self._rows.append(row)
        self.count += 1
        if len(self._rows) == self.EVERY:
            if problem := too_many_rows(self.count):
                raise ProfileError(self._path, problem, "or record a shorter time")
            self._flush()

    def table(self) -> pa.Table:
        """All of them."""
        self._flush()
        return pa.concat_tables(self._tables)

    def _flush(self) -> None:
        if self._rows or not self._tables:
            self._tables.append(rows_table(self._schema, self._rows))
            self._rows = []
