"""
What removing a part of an inference would give, by replaying the inference's graph without it.

The graph has the host's path (in order), launch edges, stream order, events and the edges of synchronisation; see
``replay_path`` for what is taken for serial and ``replay_graph`` for what holds a work back. Removing makes durations
zero and changes no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tracer.breakdown.delays import Delays, End, measured_delays, with_syncs
from tracer.breakdown.launch_order import LaunchOrder, launch_order
from tracer.breakdown.removals import Removal, Removals
from tracer.breakdown.replay_graph import GraphShape, ReplayGraph, replay_graph
from tracer.breakdown.replay_pass import HostTimes, ReplayPass
from tracer.breakdown.replay_path import HostPath, host_path
from tracer.breakdown.replay_shape import graph_shape
from tracer.captures.cuda_calls import SYNCHRONISE
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints

AT_ONCE = 64
"""Replays that one pass over the nodes makes: each node costs the same for one as for many."""


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
        self.shape: GraphShape = graph_shape(work, self.path, self.order)
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
            one = self._pass(part, host, end)
            walls.append(one.passed[:, last] - one.passed[:, first] + one.shifts()[0].T)
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
        begin, end = (np.searchsorted(at, self._key(rows, cut), side="right") - 1 for cut in (first, last))
        waited = shift[end] - shift[begin]
        return passed[last] - passed[first], waited

    def graph(self, end: End = "middle") -> ReplayGraph:
        """The graphs of all inferences."""
        if end not in self._graphs:
            self._graphs[end] = replay_graph(self.work, self.shape, self.order, self.delays, end)
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

    def _pass(self, removals: Sequence[Removal | None], host: HostTimes, end: End) -> ReplayPass:
        passed = self._passed(removals, host, end)
        return ReplayPass(self.work, self.path, self.delays, self.graph(end), passed, removals, host, end)

    def _shift_course(self, host: HostTimes) -> tuple[Ints, Ints]:
        """Keys of inference and cut, ascending, and the shift from there on; each inference begins with none."""
        _, course = self._pass([None], host, "middle").shifts()
        cuts, barriers, count = self.path.pieces.timeline.cuts, self.shape.barriers, len(self.work.inferences)
        cut = np.searchsorted(cuts, self.path.barriers.at_ns[barriers.row])
        at = self._key(np.r_[np.arange(count), barriers.inference], np.r_[self._edges()[0], cut])
        shift = np.r_[np.zeros(count, np.int64), course[:, 0]]
        order = np.argsort(at, kind="stable")
        return at[order], shift[order]

    def _key(self, inference: Ints, cut: Ints) -> Ints:
        """Barriers lie by inference, then by cut: one number finds the last before an edge."""
        return inference * len(self.path.pieces.timeline.cuts) + cut


def _syncs(path: HostPath) -> tuple[Ints, Ints]:
    """How long synchronising calls took that need not wait, and others after what they waited for."""
    layers = path.pieces.layers
    syncs, after = layers.kind == SYNCHRONISE, layers.end_ns - layers.until_ns
    idle = layers.until_ns == layers.start_ns
    return after[syncs & idle], after[syncs & ~idle]


def _chunks(removals: Sequence[Removal | None]) -> Iterator[Sequence[Removal | None]]:
    for first in range(0, len(removals), AT_ONCE):
        yield removals[first : first + AT_ONCE]
