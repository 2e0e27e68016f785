"""Plain columns into a table of a profile's schema, and the names that all readers give to copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

COPY_NAMES: Mapping[str, str] = {
    "HtoD": "[CUDA memcpy Host-to-Device]",
    "DtoH": "[CUDA memcpy Device-to-Host]",
    "DtoD": "[CUDA memcpy Device-to-Device]",
    "HtoH": "[CUDA memcpy Host-to-Host]",
    "PtoP": "[CUDA memcpy Peer-to-Peer]",
    "HtoA": "[CUDA memcpy Host-to-Array]",
    "AtoH": "[CUDA memcpy Array-to-Host]",
    "AtoA": "[CUDA memcpy Array-to-Array]",
    "AtoD": "[CUDA memcpy Array-to-Device]",
    "DtoA": "[CUDA memcpy Device-to-Array]",
}
"""The name of a copy in ``GPU_WORK`` by nvprof's short form of its direction."""

MEMSET_NAME = "[CUDA memset]"
LARGEST = 2**62
"""Beyond it a figure of a file is damage; half of int64, so that a start and a duration may be added."""


def copy_name(direction: str) -> str:
    """The name of a copy whose direction is ``HtoD`` and the like; one that we do not know keeps its own word."""
    return COPY_NAMES.get(direction, f"[CUDA memcpy {direction}]")


def make_table(schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """
    Build a table.

    Args:
        schema: one of ``PROFILE_TABLES``.
        columns: a sequence for each field, all of one length; None for null.
    """
    return pa.Table.from_arrays([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)


def rows_table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Build a table from rows whose cells are in the schema's order."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return make_table(schema, dict(zip(schema.names, columns, strict=True)))


def empty_table(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return rows_table(schema, ())
