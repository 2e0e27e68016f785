"""Units of a profile without NVTX ranges: between synchronisations, fixed windows of time, or the whole capture."""

from __future__ import annotations

import numpy as np

from tracer.arrow_arrays import Integers, encode, integers
from tracer.captures.cuda_calls import COPY, LAUNCH, SYNCHRONISE, call_kinds
from tracer.captures.row_bounds import StageRows
from tracer.captures.unit_ranges import shift_of_lanes
from tracer.captures.units import Lane, Units
from tracer.profiles.profile import Profile

FEWEST_UNITS = 3
"""Synchronised units below which the capture is cut into windows."""

FEWEST_LAUNCHED = 0.5
"""Share of a process's launches that its synchronised units must hold, else they say nothing of the program."""

WINDOWS = 20
"""Windows that a capture is cut into, about."""

WORKS_A_WINDOW = 10
"""GPU works of a window, in the mean, below which the whole capture is one unit."""


def synchronised_units(profile: Profile, name: str) -> Units | None:
    """
    From the end of one synchronising call to that of the next, of the thread of each process that makes the most.

    What launched nothing is part of the next unit. None where no process has ``FEWEST_UNITS`` that hold
    ``FEWEST_LAUNCHED``.
    """
    calls = profile.api_calls
    names = encode(calls, "name")
    kind = call_kinds(names.values.to_pylist())[names.codes] if len(calls) else np.empty(0, np.int8)
    process, thread, start, end = (integers(calls, one) for one in ("process", "thread", "start_ns", "end_ns"))
    found: list[tuple[int, int, Integers]] = []
    for one in np.unique(process).tolist():
        waits = np.flatnonzero((process == one) & (kind == SYNCHRONISE))
        if not len(waits):
            continue
        threads, counts = np.unique(thread[waits], return_counts=True)
        main = int(threads[np.argmax(counts)])
        edges = np.sort(end[waits[thread[waits] == main]])
        launched = np.sort(start[(process == one) & np.isin(kind, (LAUNCH, COPY))])
        before = np.searchsorted(launched, edges)
        if len(launched) and before[0]:
            # The first unit began with its first launch.
            edges, before = np.r_[launched[0], edges], np.r_[0, before]
        held = int(before[-1] - before[0])
        edges = edges[np.r_[True, np.diff(before) > 0]]
        if len(edges) > FEWEST_UNITS and held >= FEWEST_LAUNCHED * len(launched):
            found.append((one, main, edges))
    return _units(profile, found, name) if found else None


def window_units(profile: Profile, name: str) -> tuple[Units, int | None]:
    """
    Fixed windows of time, some ``WINDOWS`` of a round length, of each process that launched work; and that length.

    Where a window would have few works, one unit is the whole capture, and the length is None.
    """
    work, calls = profile.gpu_work, profile.api_calls
    tables = [calls, work] if len(calls) else [work, profile.host_ops]
    found: list[tuple[int, int, Integers]] = []
    low, high, length = _extent(profile)
    whole = len(work) < WINDOWS * WORKS_A_WINDOW
    edges = np.array([low, high]) if whole else np.append(np.arange(low, high, length), high)
    processes = np.unique(np.concatenate([integers(one, "process") for one in tables]))
    for one in processes.tolist():
        mine = integers(calls, "thread")[integers(calls, "process") == one]
        threads, counts = np.unique(mine, return_counts=True)
        found.append((one, int(threads[np.argmax(counts)]) if len(threads) else one, edges))
    return _units(profile, found, name), None if whole else length


def _extent(profile: Profile) -> tuple[int, int, int]:
    """Where the GPU's work and the calls lie, and a round length of which it holds ``WINDOWS`` or a few more."""
    tables = [one for one in (profile.gpu_work, profile.api_calls) if len(one)] or [profile.host_ops]
    low = min(int(integers(one, "start_ns").min()) for one in tables)
    high = max(int(integers(one, "end_ns").max()) for one in tables)
    step = max((high - low) // WINDOWS, 1)
    size = 10 ** (len(str(step)) - 1)
    return low, high, size * max(one for one in (1, 2, 5) if one * size <= step)


def _units(profile: Profile, found: list[tuple[int, int, Integers]], name: str) -> Units:
    """Units between the edges of each process, each with one stage, as they have none that is known."""
    apart = shift_of_lanes(profile)
    lanes = tuple(Lane(process, None, place * apart) for place, (process, _, _) in enumerate(found))
    start = np.concatenate([edges[:-1] + one.shift_ns for one, (_, _, edges) in zip(lanes, found, strict=True)])
    end = np.concatenate([edges[1:] + one.shift_ns for one, (_, _, edges) in zip(lanes, found, strict=True)])
    sizes = [len(edges) - 1 for _, _, edges in found]
    rows = StageRows(np.zeros(len(start), np.int64), start, end)
    threads = np.repeat(np.array([thread for _, thread, _ in found], np.int64), sizes)
    lane = np.repeat(np.arange(len(found)), sizes)
    return Units(np.arange(len(start)), threads, start, end, (name,), rows, lanes, lane)
