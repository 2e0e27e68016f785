"""
What removing a part of an inference would give, by replaying the inference's graph without it.

The graph has the host's path (in order), launch edges, stream order and the edges of synchronisation; see
``replay_path`` for what is taken for serial and ``replay_graph`` for what holds a work back. Removing makes durations
zero and changes no order: gains are never negative and never above the wall time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracer.breakdown.owners import (
    COPY_CALL,
    HOST,
    KERNEL,
    LAUNCHING,
    OP,
    OTHER_CALL,
    OWNERS,
    TRACER,
    WAKE,
    host_part,
)
from tracer.breakdown.replay_graph import BARRIER, WORK, ReplayGraph, replay_graph
from tracer.breakdown.replay_path import HostPath, host_path
from tracer.captures.cuda_calls import LAUNCH
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask


@dataclass(frozen=True, slots=True)
class Removal:
    """
    What is taken out.

    Args:
        name: a part as in ``Breakdown.parts``, a stage, or ``all launches``, ``one graph``, ``all copies``.
        group: ``kind``, ``stage`` or ``bound`` (no change to a program gives more).
        path: pieces of the host's path that take no time.
        works: GPU works that take no time.
        launches: GPU works that start as soon as they are launched, their stream is free and their turn has come.
    """

    name: str
    group: str
    path: Mask
    works: Mask
    launches: Mask


@dataclass(frozen=True, slots=True)
class Replay:
    """
    Gains of each removal in each inference.

    Args:
        number: of each inference, shape (n,).
        wall_ns: measured, shape (n,).
        removals: k of them; those that find nothing to remove are left out.
        gain_ns: int64, shape (k, n): measured minus replayed wall time; 0 to ``wall_ns``.
        removed_gpu_ns: int64, shape (k, n): time of the GPU work that each takes out, summed over works.
    """

    number: Ints
    wall_ns: Ints
    removals: tuple[Removal, ...]
    gain_ns: Ints
    removed_gpu_ns: Ints


def replay(work: InferenceWork) -> Replay:
    """Replay every inference once for each part that could be removed."""
    path = host_path(work)
    graph = replay_graph(work, path)
    wall = work.inferences.end_ns - work.inferences.start_ns
    chosen = tuple(one for one in removals(work, path) if one.path.any() or one.works.any() or one.launches.any())
    gains = [wall - replayed_ns(work, path, graph, one) for one in chosen]
    gpu = [_by_inference(work, one.works) for one in chosen]
    shape = (len(chosen), len(wall))
    return Replay(
        number=work.inferences.number,
        wall_ns=wall,
        removals=chosen,
        gain_ns=np.array(gains, np.int64).reshape(shape),
        removed_gpu_ns=np.array(gpu, np.int64).reshape(shape),
    )


def removals(work: InferenceWork, path: HostPath) -> list[Removal]:
    """Every kind, every stage, and the bounds."""
    owner, stage, gpu = path.owner, path.pieces.stage, work.gpu
    no_piece, no_work = np.zeros(len(owner), np.bool_), np.zeros(len(gpu), np.bool_)
    mine = work.gpu_inference >= 0
    found = [
        Removal(OWNERS[KERNEL], "kind", no_piece, mine & gpu.kernel, no_work),
        Removal("copy", "kind", no_piece, mine & ~gpu.kernel, no_work),
    ]
    timed = path.fixed_ns > 0
    found += [
        Removal(OWNERS[one], "kind", timed & (owner == one), no_work, no_work)
        for one in (LAUNCHING, COPY_CALL, WAKE, OTHER_CALL, OP)
    ]
    names = work.stage_names
    for part in dict.fromkeys(host_part(name) for name in names):
        places = [place for place, name in enumerate(names) if host_part(name) == part]
        found.append(Removal(part, "kind", timed & (owner == HOST) & np.isin(stage, places), no_work, no_work))
    found.append(Removal("tracer", "kind", timed & (owner == TRACER), no_work, no_work))
    launched_in = np.full(len(gpu), -1)
    staged = work.gpu_stage >= 0
    launched_in[staged] = work.stages.stage[work.gpu_stage[staged]]
    for place, name in enumerate(names):
        works = mine & (launched_in == place)
        found.append(Removal(name, "stage", timed & (stage == place), works, works))
    return found + _bounds(work, path, timed)


def _bounds(work: InferenceWork, path: HostPath, timed: Mask) -> list[Removal]:
    """All launches free; their host code between them too, as in one CUDA graph; all copies."""
    gpu, no_work = work.gpu, np.zeros(len(work.gpu), np.bool_)
    mine = (work.gpu_inference >= 0) & (gpu.call >= 0)
    launched = no_work.copy()
    launched[mine] = work.calls.kind[gpu.call[mine]] == LAUNCH
    calls = timed & (path.owner == LAUNCHING)
    between = timed & _between_launches(path) & np.isin(path.owner, (LAUNCHING, OTHER_CALL, OP, HOST, TRACER))
    copies = mine & ~gpu.kernel
    found = [Removal("all launches", "bound", calls, no_work, launched)] if launched.any() else []
    found += [Removal("one graph", "bound", calls | between, no_work, launched)] if launched.any() else []
    return [*found, Removal("all copies", "bound", timed & (path.owner == COPY_CALL), copies, copies)]


def _between_launches(path: HostPath) -> Mask:
    """Pieces between the first and the last launch call of a stage of an inference."""
    pieces, places = path.pieces, np.arange(len(path.owner))
    key = pieces.inference * (int(pieces.stage.max(initial=0)) + 1) + pieces.stage
    launch = np.flatnonzero((path.owner == LAUNCHING) & (pieces.inference >= 0))
    size = int(key.max(initial=0)) + 1
    first, last = np.full(size, len(places)), np.full(size, -1)
    np.minimum.at(first, key[launch], launch)
    np.maximum.at(last, key[launch], launch)
    inside = np.flatnonzero(pieces.inference >= 0)
    found = np.zeros(len(places), np.bool_)
    found[inside] = (places[inside] >= first[key[inside]]) & (places[inside] <= last[key[inside]])
    return found


def _by_inference(work: InferenceWork, works: Mask) -> Ints:
    rows = np.flatnonzero(works)
    length = work.gpu.end_ns[rows] - work.gpu.start_ns[rows]
    return np.bincount(work.gpu_inference[rows], length, minlength=len(work.inferences)).astype(np.int64)


def replayed_ns(work: InferenceWork, path: HostPath, graph: ReplayGraph, removal: Removal | None = None) -> Ints:
    """
    Wall time of each inference, replayed.

    Args:
        work: the capture.
        path: of ``work``.
        graph: of ``work`` and ``path``.
        removal: what to take out; nothing gives the measured times, to the nanosecond.

    Returns:
        int64, shape (n,).
    """
    fixed = path.fixed_ns if removal is None else np.where(removal.path, 0, path.fixed_ns)
    passed = np.r_[0, np.cumsum(fixed)]
    cuts = path.pieces.timeline.cuts
    start = passed[np.searchsorted(cuts, work.inferences.start_ns)]
    end = passed[np.searchsorted(cuts, work.inferences.end_ns)]
    nodes, rows = np.diff(graph.first), np.array(graph.row, np.int64)
    at = passed[np.array(graph.cut, np.int64)] - np.repeat(start, nodes)
    latency, duration = np.array(graph.latency, np.int64), np.zeros(len(rows), np.int64)
    works = rows >= 0
    duration[works] = (work.gpu.end_ns - work.gpu.start_ns)[rows[works]]
    if removal is not None:
        own = np.array(graph.kind, np.int64) == WORK
        duration[own] = np.where(removal.works[rows[own]], 0, duration[own])
        latency[own] = np.where(removal.launches[rows[own]], np.minimum(latency[own], 0), latency[own])
    shifts = _shifts(graph, at.tolist(), latency.tolist(), duration.tolist())
    replayed: Ints = end - start + np.array(shifts, np.int64)
    return replayed


def _shifts(graph: ReplayGraph, at: list[int], latency: list[int], duration: list[int]) -> list[int]:
    """How long the path of each inference is held up by its barriers: one pass over the nodes."""
    ends, shifts = [0] * len(at), []
    kinds, waits = graph.kind, graph.waits
    lanes, lane_lags = graph.lane_node, graph.lane_lag
    others, other_lags = graph.other_node, graph.other_lag
    for first, last in pairwise(graph.first):
        shift = 0
        for node in range(first, last):
            kind = kinds[node]
            if kind == BARRIER:
                for before, lag in waits[node]:
                    shift = max(shift, ends[before] + lag - at[node])
                continue
            # Work of another inference has its start, from this one's, in place of a latency.
            start = latency[node] + (at[node] + shift if kind == WORK else 0)
            if lanes[node] >= 0:
                start = max(start, ends[lanes[node]] + lane_lags[node])
            if others[node] >= 0:
                start = max(start, ends[others[node]] + other_lags[node])
            ends[node] = start + duration[node]
        shifts.append(shift)
    return shifts
