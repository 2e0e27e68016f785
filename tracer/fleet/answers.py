"""From the rows of a fleet to the rows of an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

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

    Raises:
        NotInstalledError: without the extra ``fleet``.
        UsageError: if the SQL is refused.
    """
    from tracer.fleet.engine import DuckDb
    from tracer.fleet.tables import fleet_tables

    with DuckDb(fleet_tables(rows)) as engine:
        if query == "sql":
            return engine.answer_sql(str(text))
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
            "latency": lambda: queries.latency(runs, engine.table("inference_windows"), engine.table("spans")),
            "overhead": lambda: queries.overhead(runs, engine.table("profiled")),
            "kernels": lambda: queries.kernels(runs, engine.table("gpu_work"), limit=limit),
            "trust": lambda: queries.trust(runs),
        }
        return engine.answer(asked[query]())


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
