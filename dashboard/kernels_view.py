"""Tables of the Kernels page, from a run's report and its kernel level; pure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.cuda_calls import classify_call
from tracer.captures.row_bounds import covering_rows
from tracer.kernels.grouped_figures import group_figures
from tracer.kernels.kernel_names import short_name
from tracer.profiles.arrow_arrays import NO_ROW, dense_groups, encode, integers
from tracer.report_types.gpu import KernelFigures
from tracer.reports.level_tables import counted_rows

Frame = Any
"""A pandas DataFrame."""

BETWEEN_STAGES = "between stages"
DELAY_BINS = 40
KERNELS_CHARTED = 15
REST = "all other kernels"

KERNELS = (
    "name",
    "whole_name",
    "count",
    "per_inference",
    "total_ms",
    "us_per_inference",
    "mean_us",
    "median_us",
    "share",
)
COPIES = ("name", "count", "per_inference", "bytes", "bytes_per_inference", "total_ms", "mean_us", "gb_per_s")
CALLS = ("name", "kind", "count", "per_inference", "total_ms", "us_per_inference", "mean_us")
STAGED = ("kernel", "whole_name", "stage", "count", "per_inference", "us_per_inference")
OPERATIONS = ("name", "kind", "count", "per_inference", "total_ms", "us_per_inference", "mean_us")
DELAYS = ("from_us", "to_us", "stage", "kernels", "below", "above")


@dataclass(frozen=True)
class KernelDetail:
    """What the report has no room for: ``STAGED``, ``DELAYS`` and ``OPERATIONS``, and each kernel's launch delay."""

    staged: Frame
    delays: Frame
    operations: Frame


def kernel_frame(report: KernelFigures) -> Frame:
    """``KERNELS``, the longest total first, as the report has them."""
    rows = [
        {
            "name": one["short_name"],
            "whole_name": one["name"],
            "count": one["count"],
            "per_inference": one["per_inference"],
            "total_ms": one["total_ns"] / 1e6,
            "us_per_inference": one["ns_per_inference"] / 1e3,
            "mean_us": one["mean_ns"] / 1e3,
            "median_us": one["median_ns"] / 1e3,
            "share": 100 * one["share"],
        }
        for one in report["kernels"]
    ]
    return pd.DataFrame(rows, columns=list(KERNELS))


def copy_frame(report: KernelFigures) -> Frame:
    """``COPIES``: memcpys and memsets by direction; the rate is bytes by the time that they took."""
    inferences = max(report["gpu"]["inferences"] if report["gpu"] else 0, 1)
    rows = [
        {
            "name": one["name"],
            "count": one["count"],
            "per_inference": one["per_inference"],
            "bytes": one["bytes"],
            "bytes_per_inference": one["bytes"] / inferences,
            "total_ms": one["total_ns"] / 1e6,
            "mean_us": one["mean_ns"] / 1e3,
            "gb_per_s": one["bytes"] / one["total_ns"] if one["total_ns"] else None,
        }
        for one in report["copies"]
    ]
    return pd.DataFrame(rows, columns=list(COPIES))


def call_frame(report: KernelFigures) -> Frame:
    """``CALLS``: calls of the CUDA runtime and driver that began in the inferences."""
    rows = [
        {
            "name": one["name"],
            "kind": classify_call(one["name"]),
            "count": one["count"],
            "per_inference": one["per_inference"],
            "total_ms": one["total_ns"] / 1e6,
            "us_per_inference": one["ns_per_inference"] / 1e3,
            "mean_us": one["mean_ns"] / 1e3,
        }
        for one in report["api"]
    ]
    return pd.DataFrame(rows, columns=list(CALLS))


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


def _staged(level: KernelLevel, rows: Any, stage: Any, stages: Sequence[str]) -> Frame:
    table = level.profile.gpu_work
    took = (integers(table, "end_ns") - integers(table, "start_ns"))[rows]
    names = encode(table, "name")
    distinct, groups = dense_groups(
        names.codes[rows] * len(stages) + np.where(stage == NO_ROW, len(stages) - 1, stage)
    )
    figures = group_figures(groups, took, len(distinct))
    inferences = max(len(level.breakdown.wall_ns), 1)
    found = []
    for place, key in enumerate(distinct.tolist()):
        name = str(names.values[key // len(stages)].as_py())
        found.append(
            {
                "kernel": short_name(name),
                "whole_name": name,
                "stage": stages[key % len(stages)],
                "count": int(figures.count[place]),
                "per_inference": float(figures.count[place] / inferences),
                "us_per_inference": float(figures.total_ns[place] / inferences / 1e3),
            }
        )
    frame = pd.DataFrame(found, columns=list(STAGED))
    return frame.sort_values(["us_per_inference", "whole_name"], ascending=[False, True], ignore_index=True)


def _delays(delays: Any, stage: Any, stages: Sequence[str]) -> Frame:
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
    ours = integers(table, "process") == level.ranges.process
    rows = np.flatnonzero(ours & (place != NO_ROW) & np.r_[level.keep, False][place])
    names, kinds = encode(table, "name"), encode(table, "kind")
    width = max(len(kinds.values), 1)
    distinct, groups = dense_groups(names.codes[rows] * width + kinds.codes[rows])
    figures = group_figures(groups, (integers(table, "end_ns") - start)[rows], len(distinct))
    inferences = max(len(level.breakdown.wall_ns), 1)
    found = [
        {
            "name": str(names.values[key // width].as_py()),
            "kind": str(kinds.values[key % width].as_py()),
            "count": int(figures.count[at]),
            "per_inference": float(figures.count[at] / inferences),
            "total_ms": float(figures.total_ns[at] / 1e6),
            "us_per_inference": float(figures.total_ns[at] / inferences / 1e3),
            "mean_us": float(figures.mean_ns[at] / 1e3),
        }
        for at, key in enumerate(distinct.tolist())
    ]
    frame = pd.DataFrame(found, columns=list(OPERATIONS))
    return frame.sort_values(["total_ms", "name"], ascending=[False, True], ignore_index=True)


def searched(frame: Frame, text: str) -> Frame:
    """The rows whose name, short or whole, holds ``text``, in any case; it is no pattern."""
    wanted = text.strip().casefold()
    if not wanted or not len(frame):
        return frame
    columns = [name for name in ("name", "kernel", "whole_name") if name in frame]
    kept = np.zeros(len(frame), bool)
    for name in columns:
        kept |= np.array([wanted in value.casefold() for value in frame[name]], bool)
    return frame[kept].reset_index(drop=True)


def charted(staged: Frame) -> Frame:
    """``STAGED`` of the ``KERNELS_CHARTED`` longest kernels, the others as one; a short name of two is numbered."""
    totals = staged.groupby("whole_name", sort=False)["us_per_inference"].sum().sort_values(ascending=False)
    top = list(totals.index[:KERNELS_CHARTED])
    labels: dict[str, str] = {}
    used: dict[str, int] = {}
    for name in top:
        short = short_name(name)
        used[short] = used.get(short, 0) + 1
        labels[name] = short if used[short] == 1 else f"{short} ({used[short]})"
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
