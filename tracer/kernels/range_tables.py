"""A table of a profile's GPU work by the NVTX ranges that launched it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Integers, arrow, arrow_flags, dense_groups, encode, integers
from tracer.kernels.grouped_figures import group_figures, known_sums, summed
from tracer.kernels.kernel_tables import COPY_KINDS, KERNEL_KINDS, durations, figure_columns, of_kinds
from tracer.kernels.range_index import EnclosingRanges, Points, enclosing_ranges
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class RangedWork:
    """
    GPU work by range.

    Args:
        rows: see ``work_by_range``.
        unlaunched: pieces of work whose launching call is not in the capture; they are in the rows without a range.
        ambiguous: pieces launched by a thread without a range while several others had one; there as well.
    """

    rows: pa.Table
    unlaunched: int
    ambiguous: int


@dataclass(frozen=True, slots=True)
class _Laid:
    """The chosen rows of ``gpu_work`` that were launched, and the ranges around the launch of each."""

    rows: Integers
    around: EnclosingRanges
    ranges: pa.Table
    unlaunched: Integers


def _lay(profile: Profile, kinds: tuple[str, ...], domain: str | None, *, thread_wise: bool) -> _Laid:
    ranges = profile.nvtx_ranges
    if domain is not None:
        domains = encode(ranges, "domain")
        ranges = ranges.filter(arrow_flags(domains.codes == domains.code_of(domain)))
    _, chosen = of_kinds(profile.gpu_work, kinds)
    launch = launches(profile)[chosen]
    rows, unlaunched = chosen[launch != NO_ROW], chosen[launch == NO_ROW]
    calls, launch = profile.api_calls, launch[launch != NO_ROW]
    points = Points(*(integers(calls, name)[launch] for name in ("process", "thread", "start_ns", "end_ns")))
    return _Laid(rows, enclosing_ranges(ranges, points, thread_wise=thread_wise), ranges, unlaunched)


def work_by_range(
    profile: Profile, *, thread_wise: bool = False, domain: str | None = None, copies: bool = False
) -> RangedWork:
    """
    Kernels by range and name, as ``nvtxkernsum`` of Nsight Systems.

    A kernel counts in every range that encloses its launch; ``innermost_count`` and ``innermost_total_ns`` are of the
    kernels of which the range was the innermost, so they add up over ranges where the others do not. The rule is that
    of ``enclosing_ranges``. Kernels in no range have rows of their own, last, where ``range`` is null.

    Args:
        profile: the capture.
        thread_wise: Nsight's own rule.
        domain: only ranges of this NVTX domain; None for all.
        copies: memcpys and memsets too, with their ``bytes``.

    Returns:
        Rows ``range``, ``name``, ``kind``, the figures of ``kernels_by_name`` (``share`` of the time of all work of
        the table), ``innermost_count``, ``innermost_total_ns``, ``instances`` (of the range, that launched this
        kernel), ``bytes`` (null of kernels), ``domain``, ``style``, ``process`` and ``thread`` (the range's own; null
        without a range). Ranges come by their total, the longest first, and in each its kernels likewise.
    """
    laid = _lay(profile, KERNEL_KINDS + (COPY_KINDS if copies else ()), domain, thread_wise=thread_wise)
    took = durations(profile.gpu_work)
    alone = laid.around.innermost == NO_ROW
    whole = int(took[laid.rows].sum() + took[laid.unlaunched].sum())
    ranged = _ranged_rows(profile, laid, took, whole)
    rest = _rest_rows(profile, np.concatenate([laid.rows[alone], laid.unlaunched]), took, whole, ranged.schema)
    return RangedWork(
        pa.concat_tables([ranged, rest]), len(laid.unlaunched), int((laid.around.ambiguous & alone).sum())
    )


def _ranged_rows(profile: Profile, laid: _Laid, took: Integers, whole: int) -> pa.Table:
    of_range, samples = _range_groups(laid.ranges)
    of_kernel, kernels = _kernel_groups(profile)
    # A group of ranges is of one thread: its pairs are summed up alone, columns that stay in the processor's cache.
    none = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    parts = []
    for point, row in laid.around.pairs or none:
        work = laid.rows[point]
        distinct, groups = dense_groups(of_range[row] * max(len(kernels), 1) + of_kernel[work])
        range_of, kernel_of = np.divmod(distinct, max(len(kernels), 1))
        inner = np.flatnonzero(laid.around.innermost[point] == row)
        figures = {
            **_work_columns(profile, kernels[kernel_of]),
            **figure_columns(group_figures(groups, took[work], len(distinct)), whole),
            "innermost_count": arrow(np.bincount(groups[inner], minlength=len(distinct))),
            "innermost_total_ns": arrow(summed(groups[inner], took[work[inner]], len(distinct))),
            "instances": arrow(_instances(row, groups, len(distinct))),
            "bytes": known_sums(profile.gpu_work["bytes"], work, groups, len(distinct)),
        }
        parts.append(pa.table({**figures, "group": arrow(range_of)}))
    found = pa.concat_tables(parts)
    range_of, total = integers(found, "group"), integers(found, "total_ns")
    sample = samples[range_of]
    columns = {
        "range": encode(laid.ranges, "name").at(sample),
        **{name: found[name] for name in found.column_names[:-1]},
        **{name: encode(laid.ranges, name).at(sample) for name in ("domain", "style")},
        **{name: arrow(integers(laid.ranges, name)[sample]) for name in ("process", "thread")},
    }
    range_total = summed(range_of, total, len(samples))
    return pa.table(columns).take(arrow(np.lexsort((-total, sample, -range_total[range_of]))))


def _rest_rows(profile: Profile, work: Integers, took: Integers, whole: int, schema: pa.Schema) -> pa.Table:
    """What lies in no range, by kernel."""
    of_kernel, kernels = _kernel_groups(profile)
    distinct, groups = dense_groups(of_kernel[work])
    figures = group_figures(groups, took[work], len(distinct))
    found = {
        **_work_columns(profile, kernels[distinct]),
        **figure_columns(figures, whole),
        "innermost_count": arrow(figures.count),
        "innermost_total_ns": arrow(figures.total_ns),
        "instances": arrow(np.zeros(len(distinct), dtype=np.int64)),
        "bytes": known_sums(profile.gpu_work["bytes"], work, groups, len(distinct)),
    }
    columns = [found.get(field.name, pa.nulls(len(distinct), field.type)) for field in schema]
    table = pa.table(dict(zip(schema.names, columns, strict=True)), schema)
    return table.sort_by([("total_ns", "descending"), ("name", "ascending")])


def _range_groups(ranges: pa.Table) -> tuple[Integers, Integers]:
    """Ranges of one name, domain, style, process and thread are a group: of each its group, of each group a row."""
    keys = np.zeros(len(ranges), dtype=np.int64)
    for name in ("name", "domain", "style", "process", "thread"):
        column = encode(ranges, name)
        keys = keys * (len(column.values) + 1) + column.codes + 1
    distinct, groups = dense_groups(keys)
    samples = np.zeros(len(distinct), dtype=np.int64)
    samples[groups[::-1]] = np.arange(len(ranges))[::-1]
    return groups, samples


def _kernel_groups(profile: Profile) -> tuple[Integers, Integers]:
    """Work of one kind and name is a group: the group of each row, and a row of each group."""
    kind, name = (encode(profile.gpu_work, column) for column in ("kind", "name"))
    distinct, groups = dense_groups(kind.codes * max(len(name.values), 1) + name.codes)
    samples = np.zeros(len(distinct), dtype=np.int64)
    samples[groups] = np.arange(len(groups))
    return groups, samples


def _work_columns(profile: Profile, rows: Integers) -> dict[str, pa.Array]:
    return {name: encode(profile.gpu_work, name).at(rows) for name in ("name", "kind")}


def _instances(row: Integers, groups: Integers, size: int) -> Integers:
    """How many different ranges are in each group."""
    packed = row * max(size, 1) + groups
    packed.sort()
    fresh = np.ones(len(packed), dtype=bool)
    fresh[1:] = packed[1:] != packed[:-1]
    return np.bincount(packed[fresh] % max(size, 1), minlength=size)
