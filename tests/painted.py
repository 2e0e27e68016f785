"""GPU busy time the slow way: every nanosecond of a unit is a place in an array, painted by each work in turn."""

from __future__ import annotations

import numpy as np

from tracer.profiles.profile import Profile


def painted_busy_ns(profile: Profile, units: list[tuple[int, int, int]], works: set[int] | None = None) -> list[int]:
    """
    Of each unit, (process, start, end): nanoseconds in which the GPU ran a work of its process.

    ``works`` are the rows of ``gpu_work`` that count; None for all.
    """
    rows = [
        (row["process"], row["start_ns"], row["end_ns"])
        for place, row in enumerate(profile.gpu_work.select(["process", "start_ns", "end_ns"]).to_pylist())
        if works is None or place in works
    ]
    found = []
    for process, start, end in units:
        busy = np.zeros(end - start, np.bool_)
        for owner, begin, finish in rows:
            if owner == process and finish > start and begin < end:
                busy[max(begin - start, 0) : finish - start] = True
        found.append(int(busy.sum()))
    return found
