"""From the rows of a fleet to the rows of an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.fleet.engine import DuckDb
    from tracer.fleet.spark import Spark
    from tracer.fleet.tables import FleetTables

REFUSED = {
    "clickhouse": "its quantile is an approximation",
    "trino": "it has no exact quantile",
    "bigquery": "it has no exact quantile",
}
"""Engines that Ibis knows and that would give other figures, and why."""

Query = Literal["rates", "latency", "overhead", "kernels", "trust", "regressions", "outliers", "sql"]
Rows = list[dict[str, Any]]


def answer(
    rows: Sequence[Mapping[str, Any]],
    query: Query,
    *,
    text: str | None = None,
    base: Collection[str] | None = None,
    fail_over: float = 0.02,
    limit: int = 20,
    master: str | None = None,
) -> Rows:
    """
    Ask a fleet.

    Args:
        rows: as ``read_fleet`` gives them.
        query: what is asked.
        text: of ``sql``.
        base: of ``regressions`` the ids of the runs of a baseline; None for those before the newest.
        fail_over: of ``regressions`` the share from which a slowdown is failed.
        limit: of ``kernels`` how many.
        master: of a Spark cluster the URL; None for DuckDB, here.

    Raises:
        NotInstalledError: without the extra ``fleet``.
        UsageError: if the SQL is refused.
        ProcessError: if the cluster does not answer.
    """
    from tracer.fleet.engine import DuckDb
    from tracer.fleet.tables import fleet_tables

    if query == "sql":
        with DuckDb(fleet_tables(rows)) as duckdb:
            return duckdb.answer_sql(str(text))
    with _engine(fleet_tables(rows), master) as engine:
        return engine_answer(engine, query, base=base, fail_over=fail_over, limit=limit)


def engine_answer(
    engine: DuckDb | Spark, query: Query, *, base: Collection[str] | None, fail_over: float, limit: int
) -> Rows:
    """What an engine that has the tables answers to any query but ``sql``; the rest is as ``answer`` takes it."""
    # The queries need the package that the engine asked for.
    from tracer.fleet import queries
    from tracer.fleet.outliers import outliers
    from tracer.fleet.regressions import regressions, sides_of

    runs = engine.table("runs")
    if query in ("regressions", "outliers"):
        launches = engine.answer(queries.launches(runs))
        return outliers(launches) if query == "outliers" else regressions(sides_of(launches, base), fail_over)
    if query == "rates":
        return [_with_interval(row) for row in engine.answer(queries.rates(runs))]
    asked = {
        "latency": lambda: queries.latency(runs, _inferences(engine)),
        "overhead": lambda: queries.overhead(runs, engine.table("profiled")),
        "kernels": lambda: queries.kernels(runs, engine.table("gpu_work"), limit=limit),
        "trust": lambda: queries.trust(runs),
    }
    return engine.answer(asked[query]())


def checked_engine(name: str, query: str, master: str | None) -> None:
    """
    Refuse an engine that would give other figures, and words that do not fit it.

    Raises:
        UsageError: with the reason.
    """
    if name not in ("duckdb", "spark"):
        why = REFUSED.get(name, "nothing holds its figures against DuckDB's")
        raise UsageError(f"--engine {name}", why, "use duckdb, or spark with --master")
    if (name == "spark") != (master is not None):
        raise UsageError("--master", "it is the URL of a Spark cluster", "--engine spark --master spark://HOST:7077")
    if name == "spark" and query == "sql":
        raise UsageError("sql", "Spark cannot be kept from other files", "ask DuckDB, without --engine")


def _inferences(engine: DuckDb | Spark) -> Any:
    """What was kept when the runs were read, else the sums of their spans."""
    from tracer.fleet import queries

    kept = engine.kept_inferences()
    if kept is not None:
        return kept
    return queries.inferences(engine.table("runs"), engine.table("inference_windows"), engine.table("spans"))


def _engine(tables: FleetTables, master: str | None) -> DuckDb | Spark:
    from tracer.fleet.engine import DuckDb
    from tracer.fleet.spark import Spark

    return DuckDb(tables) if master is None else Spark(tables, master)


def _with_interval(row: dict[str, Any]) -> dict[str, Any]:
    """The geometric mean of the launches' rates and its 95 % interval, in place of their logarithms."""
    import math

    from tracer.statistics.intervals import COVERAGE, FEWEST
    from tracer.statistics.student import t_quantile

    mean, deviation, count = row.pop("mean_log"), row.pop("deviation_log"), row["launches"]
    row["mean_hz"] = math.exp(mean)
    half = t_quantile(COVERAGE, count - 1) * deviation / math.sqrt(count) if count >= FEWEST else None
    row["mean_low_hz"] = None if half is None else math.exp(mean - half)
    row["mean_high_hz"] = None if half is None else math.exp(mean + half)
    return row
