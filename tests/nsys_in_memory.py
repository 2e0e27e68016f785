"""An Nsight Systems export that is no file: its tables, as a reader of one part of them needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracer.profiles.nsys_export import column_schema


class InMemory:
    """An export from columns of tables, each a list of cells."""

    path = Path("x.sqlite")

    def __init__(self, **tables: Mapping[str, list[Any]]) -> None:
        self.tables = tables
        self.columns: Mapping[str, Collection[str]] = {name: list(table) for name, table in tables.items()}

    def fetch(self, table: str, columns: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
        assert not event_types
        return pa.table({name: self.tables[table][name] for name in columns}, column_schema(columns))
