"""Tables of a profile's GPU work: by kernel, of copies, and by the CUDA call that launched it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import (
    NO_ROW,
    Codes,
    Flags,
    Integers,
    arrow,
    arrow_texts,
    dense_groups,
    encode,
    integers,
    present,
)
from tracer.errors import ProfileError
from tracer.kernels.grouped_figures import GroupedFigures, group_figures, known_sums, summed
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile, ProfileSummary

KERNEL_KINDS = ("kernel", "graph")
"""What computes; a CUDA graph traced as one block stands for its kernels."""

COPY_KINDS = ("memcpy", "memset")


def without_timeline(profile: ProfileSummary, wanted: str) -> ProfileError:
    """A summary was asked for what only a capture with a timeline can tell."""
    problem = f"a summary has totals and no timeline, it cannot give {wanted}"
    return ProfileError(profile.path, problem, profile.timeline_remedy)


def of_kinds(work: pa.Table, kinds: tuple[str, ...]) -> tuple[Codes, Integers]:
    """The ``kind`` column as codes, and the rows that are of one of ``kinds``."""
    kind = encode(work, "kind")
    wanted = np.isin(kind.codes, [kind.code_of(one) for one in kinds])
    return kind, np.flatnonzero(wanted)


def durations(work: pa.Table) -> Integers:
    """Of each row, in nanoseconds."""
    return integers(work, "end_ns") - integers(work, "start_ns")


def figure_columns(figures: GroupedFigures, whole: int) -> dict[str, pa.Array]:
    """The columns that every table has; ``share`` is of ``whole`` nanoseconds."""
    columns = {
        "count": figures.count,
        "total_ns": figures.total_ns,
        "mean_ns": figures.mean_ns,
        "median_ns": figures.median_ns,
        "min_ns": figures.min_ns,
        "max_ns": figures.max_ns,
        "share": figures.total_ns / whole if whole else np.zeros(len(figures.total_ns)),
    }
    return {name: arrow(values) for name, values in columns.items()}


def kernels_by_name(profile: Profile | ProfileSummary) -> pa.Table:
    """
    Kernels by their whole name, the longest total first: the rows of ``nsys stats --report gpukernsum``.

    nsys 2022.4 further divides a kernel by the shape of its launch, which later releases do not.

    Returns:
        ``name``, ``kind``, ``count``, ``total_ns``, ``mean_ns``, ``median_ns``, ``min_ns``, ``max_ns``, ``share`` (of
        all kernels' time). Of a summary the median, least and most are null, and the share is of all GPU work, as
        printed.
    """
    if isinstance(profile, ProfileSummary):
        return _summary_table(profile, KERNEL_KINDS)
    return _work_table(profile.gpu_work, KERNEL_KINDS)


def copies_by_name(profile: Profile | ProfileSummary) -> pa.Table:
    """
    Memcpys and memsets by direction: the columns of ``kernels_by_name``, then ``bytes`` and ``bytes_per_s``.

    ``share`` is of the time of all copies and sets; of a summary, of all GPU work, as printed. Bytes are null where
    no row of the direction tells them.
    """
    if isinstance(profile, ProfileSummary):
        return _summary_table(profile, COPY_KINDS)
    table = _work_table(profile.gpu_work, COPY_KINDS, with_bytes=True)
    total, size = integers(table, "total_ns"), integers(table, "bytes")
    unknown = (total == 0) | ~present(table, "bytes")
    return table.append_column("bytes_per_s", arrow(size * 1e9 / np.maximum(total, 1), unknown))


def ops_by_name(profile: Profile) -> pa.Table:
    """Operations that ran on the CPU by name, with the columns of ``kernels_by_name``; ``kind`` is ``op``."""
    return _work_table(profile.host_ops, ("op",))


def _work_table(work: pa.Table, kinds: tuple[str, ...], *, with_bytes: bool = False) -> pa.Table:
    kind, rows = of_kinds(work, kinds)
    name = encode(work, "name")
    distinct, groups = dense_groups(kind.codes[rows] * max(len(name.values), 1) + name.codes[rows])
    took = durations(work)[rows]
    figures = group_figures(groups, took, len(distinct))
    kind_of, name_of = np.divmod(distinct, max(len(name.values), 1))
    columns = {
        "name": name.values.take(arrow(name_of)),
        "kind": kind.values.take(arrow(kind_of)),
        **figure_columns(figures, int(took.sum())),
    }
    if with_bytes:
        columns["bytes"] = known_sums(work["bytes"], rows, groups, len(distinct))
    return pa.table(columns).sort_by([("total_ns", "descending"), ("name", "ascending")])


def calls_by_name(profile: Profile | ProfileSummary) -> pa.Table:
    """
    CUDA calls by name, the longest total first, with the GPU work that they launched.

    Returns:
        ``name``, ``kind`` (``api``), the figures of the calls' own time as in ``kernels_by_name`` (``share`` of all
        calls' time: calls within calls count twice), ``launched`` (pieces of GPU work), ``launched_ns`` (their time
        on the GPU) and ``median_delay_ns`` (from a call's start to the start of the work; null where it launched
        none).
    """
    if isinstance(profile, ProfileSummary):
        return _summary_table(profile, ("api",))
    calls = profile.api_calls
    name = encode(calls, "name")
    start = integers(calls, "start_ns")
    took = integers(calls, "end_ns") - start
    distinct, groups = dense_groups(name.codes)
    launch = launches(profile)
    work = np.flatnonzero(launch != NO_ROW)
    by = groups[launch[work]]
    launched = np.bincount(by, minlength=len(distinct))
    spent = summed(by, durations(profile.gpu_work)[work], len(distinct))
    delay = integers(profile.gpu_work, "start_ns")[work] - start[launch[work]]
    return pa.table(
        {
            "name": name.values.take(arrow(distinct)),
            "kind": arrow_texts(["api"] * len(distinct)),
            **figure_columns(group_figures(groups, took, len(distinct)), int(took.sum())),
            "launched": arrow(launched),
            "launched_ns": arrow(spent),
            "median_delay_ns": _medians(by, delay, launched > 0),
        }
    ).sort_by([("total_ns", "descending"), ("name", "ascending")])


def _medians(groups: Integers, values: Integers, there: Flags) -> pa.Array:
    distinct, dense = dense_groups(groups)
    medians = np.zeros(len(there))
    medians[distinct] = group_figures(dense, values, len(distinct)).median_ns
    return arrow(medians, ~there)


def _summary_table(summary: ProfileSummary, kinds: tuple[str, ...]) -> pa.Table:
    rows = [row for row in summary.rows if row.kind in kinds]
    rows.sort(key=lambda row: (-row.total_ns, row.name))
    unknown = pa.nulls(len(rows), pa.float64())
    share = np.array([np.nan if row.share is None else row.share for row in rows], np.float64)
    count, total = (np.array([getattr(row, name) for row in rows], np.int64) for name in ("count", "total_ns"))
    return pa.table(
        {
            "name": arrow_texts([row.name for row in rows]),
            "kind": arrow_texts([row.kind for row in rows]),
            "count": arrow(count),
            "total_ns": arrow(total),
            "mean_ns": arrow(total / np.maximum(count, 1), count == 0),
            "median_ns": unknown,
            "min_ns": unknown.cast(pa.int64()),
            "max_ns": unknown.cast(pa.int64()),
            "share": arrow(share, np.isnan(share)),
        }
    )
