"""What the Kernels page has beyond a run's report, from its kernel level; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd

from dashboard.frames import Frame
from tracer.arrow_arrays import NO_ROW, Codes, Integers, dense_groups, encode, integers
from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.attribution import owning_rows
from tracer.kernels.grouped_figures import group_figures
from tracer.kernels.kernel_tables import KERNEL_KINDS, durations
from tracer.kernels.self_time import self_times
from tracer.reports.kernel_labels import distinct_labels
from tracer.reports.level_tables import counted_rows

BETWEEN_STAGES = "between stages"
DELAY_BINS = 40

COUNTED = ("count", "per_inference", "total_ms", "us_per_inference", "mean_us")
STAGED = ("kernel", "whole_name", "stage", "count", "per_inference", "us_per_inference")
DELAYS = ("from_us", "to_us", "stage", "kernels", "below", "above")
OPERATIONS = (
    *("name", "timeline", "kind", "share", "cumulative", "self_us", "us_per_inference", "per_inference", "mean_us"),
    *("count", "total_ms", "whole_name"),
)

_TIMES = {
    "total_ms": ("total_ns", 1e6),
    "us_per_inference": ("ns_per_inference", 1e3),
    "mean_us": ("mean_ns", 1e3),
    "median_us": ("median_ns", 1e3),
}
"""Of a column, the report's key and how many nanoseconds are one of it."""


@dataclass(frozen=True)
class KernelDetail:
    """
    What the report has no room for.

    ``staged`` (``STAGED``) is of kernels, or where the host did the work of its operations' own time; ``delays`` are
    ``DELAYS``, ``operations`` as ``OPERATIONS`` but for the links. ``instances`` has a row a kernel or operation:
    ``whole_name``, ``launch_us`` (its median launch delay) and ``inference``, in which it took the median time.
    """

    staged: Frame
    delays: Frame
    operations: Frame
    instances: Frame


def timed_frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Frame:
    """``columns`` of rows whose times are nanoseconds under the report's keys."""
    found = [
        {**row, **{name: row[key] / unit for name, (key, unit) in _TIMES.items() if name in columns}} for row in rows
    ]
    return pd.DataFrame(found, columns=list(columns))


def kernel_detail(level: KernelLevel) -> KernelDetail:
    """By kernel and stage, the launch delays, and the host's operations, of the inferences that count."""
    rows = counted_rows(level, KERNEL_KINDS)
    stages = [*level.ranges.stages, BETWEEN_STAGES]
    stage = level.attribution.stage[rows]
    table = level.profile.gpu_work
    took = durations(table)[rows]
    names, delays = encode(table, "name"), level.attribution.launch_delay_ns[rows]
    operations, staged, instances = _operations(level, stages)
    if len(rows):
        staged = _staged(level, took, names, names.codes[rows], stage, stages)
        kernels = _median_instances(names, names.codes[rows], took, level.attribution.inference[rows], delays)
        instances = pd.concat([kernels, instances]) if len(instances) else kernels
    return KernelDetail(staged, _delays(delays, stage, stages), operations, instances)


def _median_instances(names: Codes, codes: Integers, took: Integers, inference: Integers, delays: Integers) -> Frame:
    """Of each name the median delay, and the inference of that one of its rows whose time is the median."""
    order = np.lexsort((took, codes))
    distinct, first, count = np.unique(codes[order], return_index=True, return_counts=True)
    rows = order[first + (count - 1) // 2]
    alike = zip(first.tolist(), (first + count).tolist(), strict=True)
    return pd.DataFrame(
        {
            "whole_name": [str(names.values[code].as_py()) for code in distinct.tolist()],
            "launch_us": [float(np.median(delays[order[at:end]])) / 1e3 for at, end in alike],
            "inference": inference[rows],
        }
    )


def _grouped(
    level: KernelLevel, took: Integers, names: Codes, codes: Integers, second: Integers, width: int
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """By name and a second code below ``width``: both, and the figures of what took so many nanoseconds."""
    distinct, groups = dense_groups(codes * width + second)
    figures = group_figures(groups, took, len(distinct))
    inferences = max(len(level.breakdown.wall_ns), 1)
    for at, key in enumerate(distinct.tolist()):
        yield (
            str(names.values[key // width].as_py()),
            key % width,
            {
                "count": int(figures.count[at]),
                "per_inference": float(figures.count[at] / inferences),
                "total_ns": int(figures.total_ns[at]),
                "ns_per_inference": float(figures.total_ns[at] / inferences),
                "mean_ns": float(figures.mean_ns[at]),
            },
        )


def _staged(
    level: KernelLevel, took: Integers, names: Codes, codes: Integers, stage: Integers, stages: Sequence[str]
) -> Frame:
    of_stage = np.where(stage == NO_ROW, len(stages) - 1, stage)
    found = list(_grouped(level, took, names, codes, of_stage, len(stages)))
    # In the order of the report, so that a number behind a label is the same.
    totals: dict[str, int] = {}
    for name, _, one in found:
        totals[name] = totals.get(name, 0) + one["total_ns"]
    labels = distinct_labels(sorted(totals, key=lambda name: (-totals[name], name)))
    frame = timed_frame(
        ({**one, "kernel": labels[name], "whole_name": name, "stage": stages[at]} for name, at, one in found),
        STAGED,
    )
    return frame.sort_values(["us_per_inference", "whole_name"], ascending=[False, True], ignore_index=True)


def _delays(delays: Integers, stage: Integers, stages: Sequence[str]) -> Frame:
    """
    From the start of the launching call to the start of the kernel: counts in bins of one ratio.

    Those of several stages in one bin are stacked from ``below`` to ``above``.
    """
    if not len(delays):
        return pd.DataFrame(columns=list(DELAYS))
    # A kernel may start before its call by the profiler's rounding: it counts with the shortest.
    known = np.maximum(delays, 1)
    low, high = int(known.min()), int(known.max()) + 1
    if high < 2 * low:
        low, high = low * 2 // 3, high * 3 // 2
    edges = np.unique(np.rint(np.geomspace(max(low, 1), high, DELAY_BINS + 1)).astype(np.int64))
    place = np.clip(np.searchsorted(edges, known, side="right") - 1, 0, max(len(edges) - 2, 0))
    found, below = [], np.zeros(len(edges) - 1, np.int64)
    for number, name in enumerate(stages):
        here = stage == (number if number < len(stages) - 1 else NO_ROW)
        counts = np.bincount(place[here], minlength=len(edges) - 1)
        for at in np.flatnonzero(counts).tolist():
            bounds = {"from_us": edges[at] / 1e3, "to_us": edges[at + 1] / 1e3, "stage": name}
            stacked = {"below": int(below[at]), "above": int(below[at] + counts[at])}
            found.append({**bounds, "kernels": int(counts[at]), **stacked})
        below = below + counts
    return pd.DataFrame(found, columns=list(DELAYS))


def _operations(level: KernelLevel, stages: Sequence[str]) -> tuple[Frame, Frame, Frame]:
    """The host's operations: by name, their own time by name and stage, and their median instances."""
    table = level.profile.host_ops
    start, end = integers(table, "start_ns"), integers(table, "end_ns")
    place, row = owning_rows(start, level.ranges, level.ranges.rows)
    ours = level.ranges.of_processes(table)
    these = np.flatnonzero(ours & (place != NO_ROW) & np.r_[level.keep, False][place])
    names, kinds = encode(table, "name"), encode(table, "kind")
    codes, took = names.codes[these], (end - start)[these]
    own = self_times(integers(table, "thread")[these], start[these], end[these])
    stage = np.append(level.ranges.rows.stage, NO_ROW)[row][these]
    staged = _staged(level, own, names, codes, stage, stages)
    selves = staged.groupby("whole_name")["us_per_inference"].sum().to_dict()
    labels = dict(zip(staged["whole_name"], staged["kernel"], strict=True))
    whole = max(sum(selves.values()), 1e-9)
    kind_of = {int(code): int(kind) for code, kind in zip(codes, kinds.codes[these], strict=True)}
    found = _grouped(level, took, names, codes, np.zeros(len(codes), np.int64), 1)
    of_name = {str(names.values[code].as_py()): str(kinds.values[kind].as_py()) for code, kind in kind_of.items()}
    rows = sorted(((name, one) for name, _, one in found), key=lambda each: (-selves[each[0]], each[0]))
    sums = accumulate(100 * selves[name] / whole for name, _ in rows)
    frame = timed_frame(
        (
            {
                **one,
                "name": labels[name],
                "whole_name": name,
                "kind": of_name[name],
                "self_us": selves[name],
                "share": 100 * selves[name] / whole,
                "cumulative": sum_,
            }
            for (name, one), sum_ in zip(rows, sums, strict=True)
        ),
        OPERATIONS,
    )
    number = np.append(level.ranges.numbers, NO_ROW)[place][these]
    return frame, staged, _median_instances(names, codes, took, number, np.zeros(len(codes), np.int64))
