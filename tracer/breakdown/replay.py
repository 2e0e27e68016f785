"""
What removing a part of an inference would give, by replaying the inference's graph without it.

The graph has the host's path (in order), launch edges, stream order, events and the edges of synchronisation; see
``replay_path`` for what is taken for serial and ``replay_graph`` for what holds a work back. Removing makes durations
zero and changes no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracer.breakdown.delays import Delays, End, measured_delays, with_syncs
from tracer.breakdown.launch_order import LaunchOrder, launch_order
from tracer.breakdown.removals import Removal, Removals
from tracer.breakdown.replay_graph import BARRIER, WORK, ReplayGraph, replay_graph
from tracer.breakdown.replay_path import HostPath, host_path
from tracer.captures.cuda_calls import SYNCHRONISE
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints

AT_ONCE = 64
"""Replays that one pass over the nodes makes: each node costs the same for one as for many."""


@dataclass(frozen=True, slots=True)
class HostTimes:
    """
    What the host's side takes in a replay.

    Args:
        fixed_ns: of each piece of the path.
        earlier_ns: of each GPU work, by how much less it starts after the begin of its launch.
    """

    fixed_ns: Ints
    earlier_ns: Ints


class Replay:
    """
    The inferences of a capture, ready to be replayed.

    ``removals`` is what can be taken out, ``delays`` are those of launches and streams, by default
    as the capture shows them, and ``measured`` is what the
    host's side took, under the profiler.
    """

    def __init__(self, work: InferenceWork, delays: Delays | None = None) -> None:
        self.work = work
        self.path: HostPath = host_path(work)
        self.order: LaunchOrder = launch_order(work)
        shown = with_syncs(measured_delays(work, self.order), *_syncs(self.path))
        self.delays: Delays = shown if delays is None else delays
        self.removals: list[Removal] = Removals(work, self.path, self.order).all()
        self.measured = HostTimes(self.path.fixed_ns, np.zeros(len(work.gpu), np.int64))
        self._graphs: dict[End, ReplayGraph] = {}

    @property
    def wall_ns(self) -> Ints:
        """Measured, under the profiler, shape (n,)."""
        return self.work.inferences.end_ns - self.work.inferences.start_ns

    def gains_ns(self, host: HostTimes | None = None, end: End = "middle") -> Ints:
        """What each removal saves of each inference, shape (k, n): never negative, never above the wall time."""
        found = self.walls_ns([None, *self.removals], host, end)
        gains: Ints = np.maximum(found[0] - found[1:], 0)
        return gains

    def walls_ns(
        self, removals: Sequence[Removal | None], host: HostTimes | None = None, end: End = "middle"
    ) -> Ints:
        """
        Wall time of each inference, replayed once for each of ``removals``.

        Args:
            removals: what to take out; None takes nothing, which gives the measured times to the nanosecond.
            host: what the host's side takes; None is as measured.
            end: which value of the delays to take where they decide.

        Returns:
            int64, shape (len(removals), n).
        """
        host, (first, last) = host or self.measured, self._edges()
        walls = []
        for part in _chunks(removals):
            passed = self._passed(part, host, end)
            walls.append(passed[:, last] - passed[:, first] + self._shifts(part, host, end)[0])
        found: Ints = np.concatenate(walls) if walls else np.zeros((0, len(self.wall_ns)), np.int64)
        return found

    def stages_ns(self, host: HostTimes) -> tuple[Ints, Ints]:
        """
        Of each stage range, replayed with nothing removed: its host's side, and how long it waits for the GPU.

        Returns:
            Two of int64, one a row of ``InferenceWork.stages``; together they are the stage's time.
        """
        stages, cuts = self.work.stages, self.path.pieces.timeline.cuts
        passed = self._passed([None], host, "middle")[0]
        first, last = np.searchsorted(cuts, stages.start_ns), np.searchsorted(cuts, stages.end_ns)
        at, shift = self._shift_course(host)
        rows = np.searchsorted(self.work.inferences.start_ns, stages.start_ns, side="right") - 1
        # Barriers lie by inference, then by cut: one key finds the last before an edge.
        size = len(cuts) + 1
        begin = np.searchsorted(at, rows * size + first, side="right") - 1
        end = np.searchsorted(at, rows * size + last, side="right") - 1
        waited = shift[end] - shift[begin]
        return passed[last] - passed[first], waited

    def graph(self, end: End = "middle") -> ReplayGraph:
        """The graphs of all inferences."""
        if end not in self._graphs:
            self._graphs[end] = replay_graph(self.work, self.path, self.order, self.delays, end)
        return self._graphs[end]

    def _edges(self) -> tuple[Ints, Ints]:
        cuts, inferences = self.path.pieces.timeline.cuts, self.work.inferences
        return np.searchsorted(cuts, inferences.start_ns), np.searchsorted(cuts, inferences.end_ns)

    def _passed(self, removals: Sequence[Removal | None], host: HostTimes, end: End) -> Ints:
        """The host's time up to each cut, shape (removals, cuts)."""
        call = int(getattr(self.delays.graph_call, end))
        rows = []
        for one in removals:
            fixed = host.fixed_ns if one is None else np.where(one.path, 0, host.fixed_ns)
            if one is not None:
                fixed = np.where(one.graph_calls, call, fixed)
            rows.append(np.r_[0, np.cumsum(fixed)])
        return np.stack(rows)

    def _shifts(self, removals: Sequence[Removal | None], host: HostTimes, end: End) -> tuple[Ints, list[Ints]]:
        """
        How long barriers hold up the path, in one pass over the nodes.

        Returns:
            Of each removal and inference, shape (removals, n); and after each barrier, in the order of the nodes.
        """
        graph = self.graph(end)
        nodes = _Nodes(self, graph, removals, host, end)
        ends: list[Ints] = [_NOTHING] * len(graph.kind)
        shifts, course = [], []
        for first, last in pairwise(graph.first):
            shift = np.zeros(len(removals), np.int64)
            for node in range(first, last):
                if graph.kind[node] == BARRIER:
                    # What need not wait does not wake up either: a call that finds all done returns at once.
                    held = shift - nodes.waking[node]
                    until = held
                    for before, lag in graph.waits[node]:
                        until = np.maximum(until, ends[before] + (lag - nodes.at[node]))
                    # And what now waits wakes up then, where it did not wait before.
                    held = np.where(until > shift, until + nodes.waking_too[node], until)
                    kept = nodes.kept.get(graph.row[node])
                    shift = held if kept is None else np.where(kept, held, shift)
                    course.append(shift)
                    continue
                # Work of another inference has its start, from this one's, in place of a latency.
                start = nodes.latency[node] + (nodes.at[node] + shift if graph.kind[node] == WORK else 0)
                before = graph.lane_node[node]
                if before >= 0:
                    start = np.maximum(start, ends[before] + nodes.lane_lag[node])
                for other, lag in graph.others[node]:
                    start = np.maximum(start, ends[other] + lag)
                ends[node] = start + nodes.duration[node]
            shifts.append(shift)
        return (np.stack(shifts, axis=1) if shifts else np.zeros((len(removals), 0), np.int64)), course

    def _shift_course(self, host: HostTimes) -> tuple[Ints, Ints]:
        """Keys of inference and cut, ascending, and the shift from there on; each inference begins with none."""
        graph = self.graph()
        _, course = self._shifts([None], host, "middle")
        size = len(self.path.pieces.timeline.cuts) + 1
        nodes = np.flatnonzero(np.array(graph.kind, np.int64) == BARRIER)
        row = np.repeat(np.arange(len(graph.first) - 1), np.diff(graph.first))[nodes]
        at = np.r_[np.arange(len(graph.first) - 1) * size - 1, row * size + np.array(graph.cut, np.int64)[nodes]]
        shift = np.r_[np.zeros(len(graph.first) - 1, np.int64), np.array(course, np.int64).reshape(-1)]
        order = np.argsort(at, kind="stable")
        return at[order], shift[order]


_NEVER_LATE = -(10**12)
"""Latency of work that is gone with its launch: it holds nothing up, but for what its stream had before it."""

_NOTHING = np.zeros(0, np.int64)


def _syncs(path: HostPath) -> tuple[Ints, Ints]:
    """How long synchronising calls took that need not wait, and others after what they waited for."""
    layers = path.pieces.layers
    syncs, after = layers.kind == SYNCHRONISE, layers.end_ns - layers.until_ns
    idle = layers.until_ns == layers.start_ns
    return after[syncs & idle], after[syncs & ~idle]


class _Nodes:
    """Times of each node of a graph, one column a replay; shape (nodes, replays)."""

    def __init__(
        self, replay: Replay, graph: ReplayGraph, removals: Sequence[Removal | None], host: HostTimes, end: End
    ) -> None:
        work, rows, kind = replay.work, np.array(graph.row, np.int64), np.array(graph.kind, np.int64)
        passed = replay._passed(removals, host, end)  # noqa: SLF001 -- of this module
        start = np.repeat(passed[:, replay._edges()[0]], np.diff(graph.first), axis=1)  # noqa: SLF001
        self.at = np.ascontiguousarray((passed[:, np.array(graph.cut, np.int64)] - start).T)
        latency, duration = np.array(graph.latency, np.int64), np.zeros(len(rows), np.int64)
        works, own = kind != BARRIER, kind == WORK
        duration[works] = (work.gpu.end_ns - work.gpu.start_ns)[rows[works]]
        earlier = host.earlier_ns[rows[own]]
        # A launch takes some time whatever the profiler adds to it.
        latency[own] = np.maximum(latency[own] - earlier, np.minimum(latency[own], replay.delays.kernel.low // 2))
        self.latency = np.repeat(latency[:, None], len(removals), axis=1)
        self.duration = np.repeat(duration[:, None], len(removals), axis=1)
        self.waking, self.waking_too = self._waking(replay, graph, passed, end)
        for column, one in enumerate(removals):
            if one is not None:
                self._remove(column, one, rows, own)
        self.lane_lag = self._lane_lags(replay, graph, removals, end)
        gone = np.stack([_no_barrier(replay) if one is None else one.barriers for one in removals], axis=1)
        self.kept = {place: ~gone[place] for place in np.flatnonzero(gone.any(axis=1)).tolist()}

    @staticmethod
    def _lane_lags(
        replay: Replay, graph: ReplayGraph, removals: Sequence[Removal | None], end: End
    ) -> list[Ints | int]:
        """Of each node, how long after the one before in its stream it starts: less in a graph, nothing if gone."""
        none, gap = np.zeros(len(replay.work.gpu), np.bool_), int(getattr(replay.delays.graph_gap, end))
        inside = np.stack([none if one is None else one.in_graph for one in removals], axis=1)
        gone = np.stack([none if one is None else one.works & one.launches for one in removals], axis=1)
        lags: list[Ints | int] = list(graph.lane_lag)
        changed = np.any(inside | gone, axis=1)
        for node, (kind, row) in enumerate(zip(graph.kind, graph.row, strict=True)):
            if kind == WORK and changed[row]:
                lag = graph.lane_lag[node]
                lags[node] = np.where(gone[row], min(lag, 0), np.where(inside[row], min(lag, gap), lag))
        return lags

    def _remove(self, column: int, one: Removal, rows: Ints, own: Ints) -> None:
        self.duration[own, column] = np.where(one.works[rows[own]], 0, self.duration[own, column])
        free = np.minimum(self.latency[own, column], 0)
        free = np.where(one.works[rows[own]], _NEVER_LATE, free)
        self.latency[own, column] = np.where(one.launches[rows[own]], free, self.latency[own, column])

    @staticmethod
    def _waking(
        replay: Replay, graph: ReplayGraph, passed: Ints, end: End
    ) -> tuple[dict[int, Ints], dict[int, Ints]]:
        """
        How long the calls of barriers wake up.

        Returns:
            Of each barrier that held the host, how much longer it takes after the wait than a call that need not wait
            takes in all, less than 0 where such a call takes longer; and of each that did not, how much longer it
            would take if it had to.
        """
        barriers, cuts = replay.path.barriers, replay.path.pieces.timeline.cuts
        first, last = np.searchsorted(cuts, barriers.at_ns), np.searchsorted(cuts, barriers.end_ns)
        after = passed[:, np.minimum(last, len(cuts) - 1)] - passed[:, first]
        idle, wake = (int(getattr(one, end)) for one in (replay.delays.sync_call, replay.delays.wake))
        # As it was measured, it took no longer than it did: what was short of a call that need not wait stays so.
        longer = np.where(barriers.binding, np.maximum(after - idle, -barriers.waited_ns), 0).T
        would = np.where(~barriers.binding & (after > 0), np.maximum(wake - after, 0), 0).T
        places = [(node, row) for node, row in enumerate(graph.row) if graph.kind[node] == BARRIER]
        return {node: longer[row] for node, row in places}, {node: would[row] for node, row in places}


def _no_barrier(replay: Replay) -> Ints:
    return np.zeros(len(replay.path.barriers.at_ns), np.bool_)


def _chunks(removals: Sequence[Removal | None]) -> Iterator[Sequence[Removal | None]]:
    for first in range(0, len(removals), AT_ONCE):
        yield removals[first : first + AT_ONCE]
