"""The engine for fleets that outgrow one machine: an existing Spark cluster, through Ibis."""

from __future__ import annotations

import re
from typing import Any

from tracer.errors import ProcessError, first_line, not_installed
from tracer.fleet.engine import file_schema
from tracer.fleet.tables import FleetTables


class Spark:
    """
    The tables of a fleet in Spark, as ``DuckDb`` has them; its workers read the files by the paths they have here.

    Raises:
        NotInstalledError: without the extra ``spark``.
        ProcessError: if the cluster does not answer.
    """

    def __init__(self, tables: FleetTables, master: str) -> None:
        try:
            import ibis
            import ibis.backends.pyspark
            from pyspark.sql import SparkSession
            from pyspark.sql.pandas.types import from_arrow_schema
        except ImportError:
            raise not_installed("pyspark", "kws-trace[fleet,spark]") from None
        builder = SparkSession.builder.master(master).appName("kws-trace fleet").config("spark.ui.enabled", "false")
        try:
            self._session = builder.getOrCreate()
            small = {"runs": tables.runs, "inference_windows": tables.inference_windows, "profiled": tables.profiled}
            for name, table in small.items():
                self._session.createDataFrame(table).createOrReplaceTempView(name)
            for name, paths in tables.files.items():
                schema = from_arrow_schema(file_schema(name))
                # A run may be called as a pattern of Hadoop's.
                literal = [re.sub(r"([\\{}\[\]*?])", r"\\\1", path) for path in paths]
                read = self._session.read.schema(schema).parquet(*literal) if paths else None
                frame = self._session.createDataFrame([], schema) if read is None else read
                frame.createOrReplaceTempView(name)
            self._connection: Any = ibis.pyspark.connect(self._session)
        except Exception as error:
            raise ProcessError(master, f"Spark does not answer ({first_line(error)})", "look at its master") from None

    def __enter__(self) -> Spark:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.stop()

    def table(self, name: str) -> Any:
        """A table, to be named in a query of ``tracer.fleet.queries``."""
        return self._connection.table(name)

    def kept_inferences(self) -> None:
        """Nothing: the workers need not see the cache folder of this machine, and sum the spans."""

    def answer(self, query: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        rows: list[dict[str, Any]] = self._connection.to_pyarrow(query).to_pylist()
        return rows
