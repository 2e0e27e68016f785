"""Tables of the Kernels page, from a run's report and its kernel level; pure."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.frames import Frame
from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.cuda_calls import classify_call
from tracer.captures.row_bounds import covering_rows
from tracer.kernels.grouped_figures import group_figures
from tracer.kernels.kernel_names import short_name
from tracer.profiles.arrow_arrays import NO_ROW, Codes, Integers, dense_groups, encode, integers
from tracer.report_types.gpu import KernelFigures
from tracer.reports.level_tables import counted_rows

BETWEEN_STAGES = "between stages"
DELAY_BINS = 40
KERNELS_CHARTED = 15
REST = "all other kernels"

COUNTED = ("count", "per_inference", "total_ms", "us_per_inference", "mean_us")
KERNELS = ("name", "whole_name", *COUNTED, "median_us", "share")
COPIES = ("name", "count", "per_inference", "bytes", "bytes_per_inference", "total_ms", "mean_us", "gb_per_s")
CALLS = OPERATIONS = ("name", "kind", *COUNTED)
STAGED = ("kernel", "whole_name", "stage", "count", "per_inference", "us_per_inference")
DELAYS = ("from_us", "to_us", "stage", "kernels", "below", "above")
_TIMES = {
    "total_ms": ("total_ns", 1e6),
    "us_per_inference": ("ns_per_inference", 1e3),
    "mean_us": ("mean_ns", 1e3),
    "median_us": ("median_ns", 1e3),
}
"""Of a column, the report's key and how many nanoseconds are one of it."""


@dataclass(frozen=True)
class KernelDetail:
    """What the report has no room for: ``STAGED``, ``DELAYS`` and ``OPERATIONS``, and each kernel's launch delay."""

    staged: Frame
    delays: Frame
    operations: Frame


def _frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Frame:
    found = [
        {**row, **{name: row[key] / unit for name, (key, unit) in _TIMES.items() if name in columns}} for row in rows
    ]
    return pd.DataFrame(found, columns=list(columns))


def kernel_frame(report: KernelFigures) -> Frame:
    """``KERNELS``, the longest total first, as the report has them."""
    rows = (
        {**row, "name": row["short_name"], "whole_name": row["name"], "share": 100 * row["share"]}
        for row in report["kernels"]
    )
    return _frame(rows, KERNELS)


def copy_frame(report: KernelFigures) -> Frame:
    """``COPIES``: memcpys and memsets by direction; the rate is bytes by the time that they took."""
    inferences = max(report["gpu"]["inferences"] if report["gpu"] else 0, 1)
    rows = (
        {
            **row,
            "bytes_per_inference": row["bytes"] / inferences,
            "gb_per_s": row["bytes"] / row["total_ns"] if row["total_ns"] else None,
        }
        for row in report["copies"]
    )
    return _frame(rows, COPIES)


def call_frame(report: KernelFigures) -> Frame:
    """``CALLS``: calls of the CUDA runtime and driver that began in the inferences."""
    return _frame(({**row, "kind": classify_call(row["name"])} for row in report["api"]), CALLS)


def kernel_detail(level: KernelLevel) -> KernelDetail:
    """By kernel and stage, the launch delays, and the host's operations, of the inferences that count."""
    rows = counted_rows(level, ("kernel", "graph"))
    stages = [*level.ranges.stages, BETWEEN_STAGES]
    stage = level.attribution.stage[rows]
    return KernelDetail(
        _staged(level, rows, stage, stages),
        _delays(level.attribution.launch_delay_ns[rows], stage, stages),
        _operations(level),
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


def _staged(level: KernelLevel, rows: Integers, stage: Integers, stages: Sequence[str]) -> Frame:
    table = level.profile.gpu_work
    took = (integers(table, "end_ns") - integers(table, "start_ns"))[rows]
    names = encode(table, "name")
    of_stage = np.where(stage == NO_ROW, len(stages) - 1, stage)
    found = _grouped(level, took, names, names.codes[rows], of_stage, len(stages))
    frame = _frame(
        ({**one, "kernel": short_name(name), "whole_name": name, "stage": stages[at]} for name, at, one in found),
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


def _operations(level: KernelLevel) -> Frame:
    table = level.profile.host_ops
    start = integers(table, "start_ns")
    place = covering_rows(start, level.ranges.start_ns, level.ranges.end_ns)
    ours = level.ranges.of_processes(table)
    these = np.flatnonzero(ours & (place != NO_ROW) & np.r_[level.keep, False][place])
    names, kinds = encode(table, "name"), encode(table, "kind")
    took = (integers(table, "end_ns") - start)[these]
    found = _grouped(level, took, names, names.codes[these], kinds.codes[these], max(len(kinds.values), 1))
    frame = _frame(
        ({**one, "name": name, "kind": str(kinds.values[at].as_py())} for name, at, one in found), OPERATIONS
    )
    return frame.sort_values(["total_ms", "name"], ascending=[False, True], ignore_index=True)


def searched(frame: Frame, text: str) -> Frame:
    """The rows whose name, short or whole, holds ``text``, in any case; it is no pattern."""
    wanted = text.strip().casefold()
    columns = [name for name in ("name", "kernel", "whole_name") if name in frame]
    kept = [any(wanted in value.casefold() for value in row) for row in frame[columns].itertuples(index=False)]
    return frame[np.array(kept, bool)].reset_index(drop=True)


def charted(staged: Frame) -> Frame:
    """``STAGED`` of the ``KERNELS_CHARTED`` longest kernels, the others as one; a short name of two is numbered."""
    totals = staged.groupby("whole_name", sort=False)["us_per_inference"].sum().sort_values(ascending=False)
    top = list(totals.index[:KERNELS_CHARTED])
    labels: dict[str, str] = {}
    for name, short in zip(top, map(short_name, top), strict=True):
        alike = sum(short_name(other) == short for other in labels)
        labels[name] = f"{short} ({alike + 1})" if alike else short
    frame = staged.assign(kernel=[labels.get(name, REST) for name in staged["whole_name"]])
    frame.loc[frame["kernel"] == REST, "whole_name"] = REST
    summed = frame.groupby(["kernel", "whole_name", "stage"], sort=False, as_index=False)
    return summed[["count", "per_inference", "us_per_inference"]].sum()


def csv_bytes(frame: Frame) -> bytes:
    """As UTF-8 text; a name that a spreadsheet would take for a formula begins with an apostrophe."""
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [f"'{value}" if str(value)[:1] in "=+-@\t\r" else value for value in safe[name]]
    return bytes(safe.to_csv(index=False).encode("utf-8", "replace"))


def parquet_bytes(frame: Frame) -> bytes:
    """As one Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()
