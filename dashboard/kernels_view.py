"""Tables of the Kernels page, from a run's report and its kernel level; pure."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import accumulate
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.frames import Frame
from dashboard.kernel_detail import COUNTED, OPERATIONS, KernelDetail, timed_frame
from dashboard.url_state import UrlState, link
from tracer.captures.cuda_calls import classify_call
from tracer.report_types.gpu import KernelFigures
from tracer.reports.kernel_labels import distinct_labels, last_segment

KERNELS_CHARTED = 15
REST = "all others"

KERNELS = (
    *("name", "timeline", "share", "cumulative", "us_per_inference", "against_us", "per_inference", "launch_us"),
    *("median_us", "mean_us", "count", "total_ms", "whole_name"),
)
COPIES = ("name", "count", "per_inference", "bytes", "bytes_per_inference", "total_ms", "mean_us", "gb_per_s")
CALLS = ("name", "kind", *COUNTED)


def kernel_frame(
    report: KernelFigures, detail: KernelDetail | None = None, beside: KernelFigures | None = None, run: str = ""
) -> Frame:
    """
    ``KERNELS``, the longest total first, as the report has them; no two names are the same.

    ``launch_us`` and ``timeline``, a link into the ``run``, come from ``detail``; ``against_us`` is the difference of
    an inference's time to that of ``beside``, a kernel that only one of the two runs counting whole.
    """
    labels = distinct_labels([row["name"] for row in report["kernels"]])
    others = {row["name"]: row["ns_per_inference"] for row in beside["kernels"]} if beside else {}
    instances = _instances(detail)
    sums = accumulate(100 * row["share"] for row in report["kernels"])
    rows = (
        {
            **row,
            "name": labels[row["name"]],
            "whole_name": row["name"],
            "share": 100 * row["share"],
            "cumulative": sum_,
            "launch_us": instances.get(row["name"], (None, None))[0],
            "against_us": (row["ns_per_inference"] - others.get(row["name"], 0.0)) / 1e3 if beside else None,
            "timeline": _timeline(run, row["name"], instances),
        }
        for row, sum_ in zip(report["kernels"], sums, strict=True)
    )
    frame = timed_frame(rows, KERNELS)
    return frame if beside else frame.drop(columns="against_us")


def operation_frame(detail: KernelDetail, run: str, beside: KernelDetail | None = None) -> Frame:
    """``OPERATIONS``, the longest own time first, and ``against_us``: own time against that in ``beside``."""
    instances = _instances(detail)
    links = [_timeline(run, name, instances) for name in detail.operations["whole_name"]]
    frame = detail.operations.assign(timeline=links)[list(OPERATIONS)]
    if beside is None or not len(beside.operations):
        return frame
    others = dict(zip(beside.operations["whole_name"], beside.operations["self_us"], strict=True))
    pairs = zip(frame["whole_name"], frame["self_us"], strict=True)
    frame.insert(5, "against_us", [own - others.get(name, 0.0) for name, own in pairs])
    return frame


def _instances(detail: KernelDetail | None) -> dict[str, tuple[float, int]]:
    if detail is None:
        return {}
    return {name: (launch_us, number) for name, launch_us, number in detail.instances.itertuples(index=False)}


def _timeline(run: str, name: str, instances: Mapping[str, tuple[float, int]]) -> str | None:
    """The address of the inference in which it took the median time, with its name searched for."""
    if name not in instances:
        return None
    page = link("timeline", UrlState(run=run, inference=instances[name][1]))
    return f"{page}&{urlencode({'find': last_segment(name)})}"


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
    return timed_frame(rows, COPIES)


def call_frame(report: KernelFigures) -> Frame:
    """``CALLS``: calls of the CUDA runtime and driver that began in the inferences."""
    return timed_frame(({**row, "kind": classify_call(row["name"])} for row in report["api"]), CALLS)


def searched(frame: Frame, text: str) -> Frame:
    """The rows whose name, short or whole, holds ``text``, in any case; it is no pattern."""
    wanted = text.strip().casefold()
    columns = [name for name in ("name", "kernel", "whole_name") if name in frame]
    kept = [any(wanted in value.casefold() for value in row) for row in frame[columns].itertuples(index=False)]
    return frame[np.array(kept, bool)].reset_index(drop=True)


def charted(staged: Frame) -> Frame:
    """``STAGED`` of the ``KERNELS_CHARTED`` longest kernels, the others as one."""
    totals = staged.groupby("whole_name", sort=False)["us_per_inference"].sum().sort_values(ascending=False)
    top = list(totals.index[:KERNELS_CHARTED])
    labels = dict(staged[staged["whole_name"].isin(top)][["whole_name", "kernel"]].itertuples(index=False))
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
