"""The engine that runs the queries on this machine: DuckDB, through Ibis."""

from __future__ import annotations

import glob
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tracer.errors import UsageError, first_line, not_installed
from tracer.fleet.tables import FleetTables
from tracer.profiles.profile import GPU_WORK
from tracer.runs.schema import SPANS, WINDOWS

MEMORY = "2GB"
"""What DuckDB may take before it writes to the disk."""

_ABSENT = {"spans": SPANS, "windows": WINDOWS, "gpu_work": pa.schema([("run_id", pa.string()), *GPU_WORK])}
"""Of a table that no run has, the columns: a query over nothing gives nothing."""


class DuckDb:
    """The tables of a fleet in DuckDB: ``runs``, ``inference_windows``, ``profiled``, ``spans`` and the others."""

    def __init__(self, tables: FleetTables) -> None:
        try:
            import ibis
            import ibis.backends.duckdb
        except ImportError:
            raise not_installed("ibis-framework[duckdb]", "kws-trace[fleet]") from None
        self._spill = tempfile.mkdtemp(prefix="kws-trace-fleet-")
        self._connection: Any = ibis.duckdb.connect(
            memory_limit=MEMORY, preserve_insertion_order=False, temp_directory=self._spill
        )
        for name, table in (
            ("runs", tables.runs),
            ("inference_windows", tables.inference_windows),
            ("profiled", tables.profiled),
        ):
            self._keep(name, table)
        self._tables = tables
        self._unopened = dict(tables.files)

    def __enter__(self) -> DuckDb:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.disconnect()
        shutil.rmtree(self._spill, ignore_errors=True)

    def table(self, name: str) -> Any:
        """A table, to be named in a query of ``tracer.fleet.queries``; files are opened for who asks for theirs."""
        paths = self._unopened.pop(name, None)
        if paths:
            # Of schema version 1 some columns are absent: by name, they read as null.
            # A run may be called as a pattern of DuckDB's.
            literal = [glob.escape(path) for path in paths]
            self._connection.read_parquet(literal, table_name=name, union_by_name=True)
        elif paths is not None:
            self._keep(name, file_schema(name).empty_table())
        return self._connection.table(name)

    def kept_inferences(self) -> Any:
        """What ``queries.inferences`` gives, from the cache folder; None where it is not there of every run."""
        paths = self._tables.kept()
        return self._connection.read_parquet([glob.escape(path) for path in paths]) if paths else None

    def answer(self, query: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        rows: list[dict[str, Any]] = self._connection.to_pyarrow(query).to_pylist()
        return rows

    def answer_sql(self, text: str) -> list[dict[str, Any]]:
        """
        The rows of one SELECT over the tables, as values that JSON has; it can change nothing and read nothing else.

        Raises:
            UsageError: if it is something else, or DuckDB refuses it.
        """
        import duckdb

        for name in self._tables.files:
            self.table(name)
        every = [path for paths in self._tables.files.values() for path in paths]
        # It asks for the pattern, then for the file.
        self._only_read(list(dict.fromkeys([*every, *map(glob.escape, every)])))
        connection = self._connection.con
        try:
            statements = connection.extract_statements(text)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("sql", "it is not one SELECT", "the tables are to be read: give one SELECT")
            found: pa.Table = connection.sql(text).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError("sql", first_line(error), "the tables are in docs/commands/fleet.md") from None
        if len(set(found.column_names)) < found.num_columns:
            raise UsageError("sql", "two of its columns have one name", "name them apart: SELECT ... AS name")
        return [{name: _plain(value) for name, value in row.items()} for row in found.to_pylist()]

    def _keep(self, name: str, table: pa.Table) -> None:
        self._connection.con.register(f"_{name}", table)
        self._connection.raw_sql(f"CREATE TABLE {name} AS SELECT * FROM _{name}")  # noqa: S608 -- names are ours
        self._connection.con.unregister(f"_{name}")

    def _only_read(self, paths: Sequence[str]) -> None:
        """From now on no other file, no extension and no other setting, whatever a user's SQL asks for."""
        allowed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        for setting in (
            f"allowed_paths = [{allowed}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.raw_sql(f"SET {setting}")


def _plain(value: Any) -> Any:
    """A sum of integers is a decimal to DuckDB; what JSON has no form for is told as text."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def file_schema(name: str) -> pa.Schema:
    """The columns of a table that lies in files, without dictionaries, which are of how a table is packed."""
    fields: Mapping[str, Any] = {one.name: one.type for one in _ABSENT[name]}
    return pa.schema([(name, getattr(kind, "value_type", kind)) for name, kind in fields.items()])
