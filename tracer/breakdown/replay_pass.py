"""One pass over the graphs of all inferences at once, step by step: when works end, and how long barriers hold up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tracer.breakdown.delays import Delays, End
from tracer.breakdown.removals import Removal
from tracer.breakdown.replay_graph import ReplayGraph
from tracer.breakdown.replay_path import HostPath
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask

_GONE = -(10**12)
"""Latency of work that is gone with its launch: it holds nothing up, but for what its stream had before it."""

_NEVER = -(10**15)
"""When what there is not ended."""


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


class ReplayPass:
    """
    The times of the nodes of a graph in several replays, and the pass over them.

    Args:
        work, path, delays: what is replayed.
        graph: with the delays at ``end``.
        passed: the host's time up to each cut in each replay, shape (replays, cuts).
        removals: what each replay leaves out.
        host: what the host's side takes.
        end: which value of the delays is taken.
    """

    def __init__(
        self,
        work: InferenceWork,
        path: HostPath,
        delays: Delays,
        graph: ReplayGraph,
        passed: Ints,
        removals: Sequence[Removal | None],
        host: HostTimes,
        end: End,
    ) -> None:
        self.graph, self.passed, self.count = graph, passed, len(work.inferences)
        cuts = path.pieces.timeline.cuts
        self.begin = passed[:, np.searchsorted(cuts, work.inferences.start_ns)]
        self._works(work, cuts, removals, host, delays)
        self._lane_lags(removals, int(getattr(delays.graph_gap, end)))
        self._barriers(path, removals, delays, end)

    def shifts(self) -> tuple[Ints, Ints]:
        """
        How long barriers hold up the path.

        Returns:
            Of each inference and replay, shape (n, replays); and after each barrier, shape (barriers, replays).
        """
        shape, replays = self.graph.shape, len(self.passed)
        works, foreign = len(shape.works), len(shape.foreign)
        ends = np.empty((works + foreign + 1, replays), np.int64)
        ends[works:-1] = self.foreign_end[:, None]
        ends[-1] = _NEVER  # where NONE points
        shift, course = np.zeros((self.count, replays), np.int64), np.empty((len(shape.barriers), replays), np.int64)
        for step, barrier, first, last in shape.steps:
            some = slice(first, last)
            if barrier:
                rows = shape.barriers.inference[some]
                course[some] = shift[rows] = self._held(some, shift[rows], ends, shape.waits.of(step))
                continue
            start = self.ready[some] + shift[shape.works.inference[some]]
            np.maximum(start, ends[shape.lane[some]] + self.lane_lag[some], out=start)
            for to, before, lag in self.graph.others.of(step):
                start[to - first] = np.maximum(start[to - first], ends[before] + lag)
            np.add(start, self.duration[some], out=ends[some])
        return shift, course

    def _held(self, some: slice, shift: Ints, ends: Ints, waits: Iterator[tuple[Ints, Ints, Ints]]) -> Ints:
        # What need not wait does not wake up either: a call that finds all done returns at once.
        until = shift - self.waking[some]
        at = self.at[some]
        for to, before, lag in waits:
            mine = to - some.start
            until[mine] = np.maximum(until[mine], ends[before] + lag - at[mine])
        # And what now waits wakes up then, where it did not wait before.
        held = np.where(until > shift, until + self.waking_too[some], until)
        kept: Ints = np.where(self.gone[some], shift, held)
        return kept

    def _works(
        self, work: InferenceWork, cuts: Ints, removals: Sequence[Removal | None], host: HostTimes, delays: Delays
    ) -> None:
        """Ready by the launch alone, and how long each runs; shape (works, replays)."""
        shape, took = self.graph.shape, work.gpu.end_ns - work.gpu.start_ns
        rows, foreign = shape.works.row, shape.foreign
        cut = np.searchsorted(cuts, work.launched_ns[rows])
        # A launch takes some time whatever the profiler adds to it.
        latency, least = self.graph.latency, np.minimum(self.graph.latency, delays.kernel.low // 2)
        latency = np.maximum(latency - host.earlier_ns[rows], least)
        self.ready = np.ascontiguousarray((self.passed[:, cut] - self.begin[:, shape.works.inference]).T)
        self.duration = np.repeat(took[rows][:, None], len(removals), axis=1)
        for column, one in enumerate(removals):
            if one is None:
                self.ready[:, column] += latency
                continue
            works = one.works[rows]
            free = np.where(works, _GONE, np.minimum(latency, 0))
            self.ready[:, column] += np.where(one.launches[rows], free, latency)
            self.duration[works, column] = 0
        self.foreign_end = work.gpu.end_ns[foreign.row] - work.inferences.start_ns[foreign.inference]

    def _lane_lags(self, removals: Sequence[Removal | None], gap: int) -> None:
        """How long after the one before in its stream each work starts: less in a graph, nothing if gone."""
        rows, lag = self.graph.shape.works.row, self.graph.lane_lag
        self.lane_lag = np.repeat(lag[:, None], len(removals), axis=1)
        for column, one in enumerate(removals):
            if one is not None:
                gone, inside = (one.works & one.launches)[rows], one.in_graph[rows]
                least = np.where(inside, np.minimum(lag, gap), lag)
                self.lane_lag[:, column] = np.where(gone, np.minimum(lag, 0), least)

    def _barriers(self, path: HostPath, removals: Sequence[Removal | None], delays: Delays, end: End) -> None:
        """
        When barriers are reached, and how long their calls wake up.

        Of each that held the host, how much longer it takes after the wait than a call that need not wait takes in
        all, less than 0 where such a call takes longer; and of each that did not, how much longer it would take if it
        had to.
        """
        barriers, cuts, nodes = path.barriers, path.pieces.timeline.cuts, self.graph.shape.barriers
        rows = nodes.row
        first = np.searchsorted(cuts, barriers.at_ns[rows])
        last = np.minimum(np.searchsorted(cuts, barriers.end_ns[rows]), len(cuts) - 1)
        reached = self.passed[:, first]
        self.at = np.ascontiguousarray((reached - self.begin[:, nodes.inference]).T)
        after = np.ascontiguousarray((self.passed[:, last] - reached).T)
        idle, wake = (int(getattr(one, end)) for one in (delays.sync_call, delays.wake))
        binding = barriers.binding[rows][:, None]
        # As it was measured, it took no longer than it did: what was short of a call that need not wait stays so.
        self.waking = np.where(binding, np.maximum(after - idle, -barriers.waited_ns[rows][:, None]), 0)
        self.waking_too = np.where(~binding & (after > 0), np.maximum(wake - after, 0), 0)
        self.gone: Mask = np.zeros(after.shape, np.bool_)
        for column, one in enumerate(removals):
            if one is not None:
                self.gone[:, column] = one.barriers[rows]
