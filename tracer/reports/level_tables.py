"""Tables of a run's kernel level: kernels, copies and calls of the inferences that count."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Integers, dense_groups, encode, integers
from tracer.breakdown.kernel_level import KernelLevel
from tracer.kernels.grouped_figures import GroupedFigures, group_figures
from tracer.kernels.kernel_names import short_name
from tracer.kernels.kernel_tables import COPY_KINDS, KERNEL_KINDS, durations, of_kinds
from tracer.report_types.gpu import CallFigures, StageWork, WorkFigures
from tracer.stages import INFERENCE


def counted_rows(level: KernelLevel, kinds: tuple[str, ...]) -> Integers:
    """Rows of GPU work that counted inferences launched, of these kinds."""
    _, rows = of_kinds(level.profile.gpu_work, kinds)
    # No row is the last one, which is of no inference.
    counted: Integers = rows[np.append(level.keep, False)[level.attribution.place[rows]]]
    return counted


def work_table(level: KernelLevel, kinds: tuple[str, ...]) -> list[WorkFigures]:
    """By whole name: what counted inferences launched, the longest total first."""
    table = level.profile.gpu_work
    rows = counted_rows(level, kinds)
    calls, figures, groups = _by_name(level, table, rows)
    size = np.bincount(groups, integers(table, "bytes")[rows], minlength=len(calls))
    total = max(int(figures.total_ns.sum()), 1)
    found: list[WorkFigures] = [
        {
            "name": one["name"],
            "short_name": short_name(one["name"]),
            **one,
            "median_ns": float(figures.median_ns[place]),
            "share": one["total_ns"] / total,
            "bytes": int(size[place]),
        }
        for place, one in enumerate(calls)
    ]
    return sorted(found, key=lambda one: (-one["total_ns"], one["name"]))


def by_stage(level: KernelLevel) -> list[StageWork]:
    """GPU work by the stage that launched it: pieces and time, an inference in the mean."""
    table = level.profile.gpu_work
    rows = counted_rows(level, KERNEL_KINDS + COPY_KINDS)
    took = durations(table)[rows]
    stage = level.attribution.stage[rows]
    count = max(len(level.breakdown.wall_ns), 1)
    names = [*level.ranges.stages, None] if level.ranges.stages else [INFERENCE]
    found: list[StageWork] = []
    for place, name in enumerate(names):
        here = stage == (NO_ROW if name in (None, INFERENCE) else place)
        if here.any():
            works, ns = float(here.sum() / count), float(took[here].sum() / count)
            found.append({"stage": name, "works_per_inference": works, "ns_per_inference": ns})
    return found


def api_table(level: KernelLevel) -> list[CallFigures]:
    """CUDA calls that began in counted inferences, by name, the longest total first."""
    table = level.profile.api_calls
    rows = np.flatnonzero(np.append(level.keep, False)[level.attribution.call_place])
    return sorted(_by_name(level, table, rows)[0], key=lambda one: (-one["total_ns"], one["name"]))


def _by_name(
    level: KernelLevel, table: pa.Table, rows: Integers
) -> tuple[list[CallFigures], GroupedFigures, Integers]:
    """Rows of a table by their name: a row a name, its figures, and the place of the name that each row has."""
    took = durations(table)[rows]
    names = encode(table, "name")
    distinct, groups = dense_groups(names.codes[rows])
    figures = group_figures(groups, took, len(distinct))
    count = max(len(level.breakdown.wall_ns), 1)
    found: list[CallFigures] = [
        {
            "name": str(names.values[code].as_py()),
            "count": int(figures.count[at]),
            "per_inference": float(figures.count[at] / count),
            "total_ns": int(figures.total_ns[at]),
            "ns_per_inference": float(figures.total_ns[at] / count),
            "mean_ns": float(figures.mean_ns[at]),
        }
        for at, code in enumerate(distinct.tolist())
    ]
    return found, figures, groups
