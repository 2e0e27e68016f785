"""
The questions as Ibis expressions: any engine that has them gives the same figures.

``runs`` has the columns of ``tables.RUNS``, the others those of ``tables.INFERENCE_WINDOWS``, ``tables.PROFILED`` and
of the tables of a run. Quantiles are exact, by linear interpolation. Times are nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from tracer.fleet.tables import CONFIGURATION
from tracer.stages import INFERENCE, INFERENCE_STAGES

Table = Any
"""``ibis.Table``; its package is an extra."""


def rates(runs: Table) -> Table:
    """
    The official rate by configuration, of launches: their median, range, and mean and deviation of its logarithm.

    A launch without a performance window has no rate and is not counted.
    """
    known = runs.filter(runs.rate_hz.notnull())
    return _ordered(
        known.group_by(CONFIGURATION).agg(
            launches=known.count(),
            boards=known.host.nunique(),
            newest=known.created.max(),
            rate_hz=known.rate_hz.quantile(0.5),
            low_hz=known.rate_hz.min(),
            high_hz=known.rate_hz.max(),
            mean_log=known.rate_hz.ln().mean(),
            deviation_log=known.rate_hz.ln().std(how="sample"),
        )
    )


def inferences(runs: Table, inference_windows: Table, spans: Table) -> Table:
    """
    The wall time of each timed inference of the performance windows: ``run_id``, ``wall_ns``.

    Stages of an inference share edges, so their sum is its wall time.
    """
    timed = spans.filter(
        ~spans.warmup & spans.inference.notnull() & spans.stage.cast("string").isin((INFERENCE, *INFERENCE_STAGES))
    )
    # The windows have their runs before the spans are met: an engine then keeps the few and lets the many pass.
    windows = inference_windows.join(runs.select("run", "run_id"), "run")
    used = timed.join(windows, ("run_id", "window"))
    summed = used.group_by("run", "inference").agg(wall_ns=used.duration_ns.sum().cast("int64"))
    return summed.join(runs.select("run", "run_id"), "run").select("run_id", "wall_ns")


def latency(runs: Table, each: Table) -> Table:
    """Percentiles by configuration of every timed inference: ``each`` has columns as ``inferences``."""
    # By its number: to hash seven texts of each inference takes longer than its percentiles.
    numbered = runs.mutate(configuration=ibis.dense_rank().over(order_by=CONFIGURATION))
    used = each.join(numbered.select("run_id", "configuration"), "run_id")
    # As one list an engine gathers the times once.
    found = used.group_by("configuration").agg(
        inferences=used.count(), quantiles=used.wall_ns.quantile([0.5, 0.9, 0.99])
    )
    named = numbered.group_by("configuration", *CONFIGURATION).agg(launches=(numbered.inferences > 0).sum())
    joined = named.join(found, "configuration")
    each_quantile = {f"{name}_ns": joined.quantiles[at] for at, name in enumerate(("median", "p90", "p99"))}
    told = joined.mutate(**each_quantile, launches=joined.launches.cast("int64"))
    return _ordered(told.select(*CONFIGURATION, "launches", "inferences", *each_quantile))


def overhead(runs: Table, profiled: Table) -> Table:
    """GPU busy, overhead and its kinds of an inference, by configuration: the mean over launches with a capture."""
    parts = profiled.join(runs.select("run", *CONFIGURATION), "run")
    return _ordered(
        parts.group_by(*CONFIGURATION, "part").agg(
            launches=parts.count(),
            mean_ns=parts.mean_ns.mean(),
            low_ns=parts.mean_ns.min(),
            high_ns=parts.mean_ns.max(),
        ),
        ibis.desc("mean_ns"),
    )


def kernels(runs: Table, gpu_work: Table, *, limit: int) -> Table:
    """The kernels that took the most time in all captures, by configuration and whole name."""
    found = gpu_work.filter(gpu_work.kind.cast("string") == "kernel").mutate(
        kernel=gpu_work.name.cast("string"), ns=gpu_work.end_ns - gpu_work.start_ns
    )
    work = found.select("run_id", "kernel", "ns").join(runs.select("run_id", *CONFIGURATION), "run_id")
    grouped = work.group_by(*CONFIGURATION, "kernel").agg(
        launches=work.run_id.nunique(),
        count=work.count(),
        total_ns=work.ns.sum().cast("int64"),
        mean_ns=work.ns.mean(),
        median_ns=work.ns.quantile(0.5),
        p99_ns=work.ns.quantile(0.99),
    )
    return grouped.order_by(ibis.desc("total_ns"), "kernel", *CONFIGURATION).limit(limit)


def trust(runs: Table) -> Table:
    """How many launches of each configuration are rule-valid and trusted, and the worst state of their checks."""
    return _ordered(
        runs.group_by(CONFIGURATION).agg(
            launches=runs.count(),
            rule_valid=runs.rule_valid.fill_null(False).sum().cast("int64"),  # noqa: FBT003
            trusted=runs.trusted.sum().cast("int64"),
            **{state: (runs.trust == state).sum().cast("int64") for state in ("bad", "doubtful", "unknown")},
        )
    )


def launches(runs: Table) -> Table:
    """A row a launch with a median, oldest first within its configuration: what the judgements are made of."""
    known = runs.filter(runs.median_ns.notnull())
    columns = (*CONFIGURATION, "name", "folder", "run_id", "created", "host", "launch_set", "median_ns", "rate_hz")
    return known.select(*columns).order_by(*CONFIGURATION, "created", "folder")


def _ordered(table: Table, *more: Any) -> Table:
    keys: Sequence[Any] = (*CONFIGURATION, *more)
    return table.order_by(*keys)
