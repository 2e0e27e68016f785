"""``nvtxgpuproj`` of Nsight Systems by our rule of enclosing ranges: a second sight of the rule, for tests alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, arrow, dense_groups, integers
from tracer.kernels.range_index import Points, enclosing_ranges
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile

PROJECTED = pa.schema([(name, pa.int64()) for name in ("range_row", "count", "start_ns", "end_ns")])


def project_ranges(profile: Profile, *, thread_wise: bool = False) -> pa.Table:
    """
    Project every range onto the GPU: the stretch from the first start to the last end of the kernels, copies and sets
    that were launched within it. Ranges that launched nothing have no row.

    Returns:
        ``range_row`` in ``nvtx_ranges``, in rising order, how many pieces of work, first start, last end.
    """
    launch = launches(profile)
    launched = np.flatnonzero(launch != NO_ROW)
    of_calls = (integers(profile.api_calls, name) for name in ("process", "thread", "start_ns", "end_ns"))
    points = Points(*(column[launch[launched]] for column in of_calls))
    around = enclosing_ranges(profile.nvtx_ranges, points, thread_wise=thread_wise)
    none = (np.empty(0, np.int64), np.empty(0, np.int64))
    point, range_row = (np.concatenate(column) for column in zip(none, *around.pairs, strict=True))
    work = launched[point]
    distinct, groups = dense_groups(range_row)
    order = np.argsort(groups, kind="stable")
    count = np.bincount(groups, minlength=len(distinct))
    begins = np.cumsum(count) - count
    start, end = (integers(profile.gpu_work, name)[work[order]] for name in ("start_ns", "end_ns"))
    first = np.minimum.reduceat(start, begins) if len(distinct) else start
    last = np.maximum.reduceat(end, begins) if len(distinct) else end
    return pa.table([arrow(column) for column in (distinct, count, first, last)], PROJECTED)
