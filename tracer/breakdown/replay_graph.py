"""The graph of each inference: GPU works and barriers in path order, with the edges that hold them back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracer.breakdown.delays import Delays, End
from tracer.breakdown.launch_order import LaunchOrder
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints

NONE = -1
"""In the place of a work node: there is none."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """
    Nodes of one kind.

    They go by steps: the first of each inference, then the second of each, and so on, so that a replay takes a
    step of all inferences at once. Barriers and works share the steps of an inference.

    Args:
        row: of the GPU work; of a barrier its place among ``Barriers``.
        inference: row of its inference; ascending within a step.
        step: its place on the path of its inference; of work that the inference did not launch, 0.
    """

    row: Ints
    inference: Ints
    step: Ints

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Edges:
    """From works to what waits for them: ``to`` comes no earlier than the end of ``before`` plus ``lag``."""

    to: Ints
    before: Ints
    lag: Ints

    def __len__(self) -> int:
        return len(self.to)


class Rounds:
    """Edges by the step of what waits, in rounds of which each has no more than one edge of a node."""

    def __init__(self, edges: Edges, nodes: Nodes) -> None:
        by_node = np.argsort(edges.to, kind="stable")
        to = edges.to[by_node]
        turn, step = np.arange(len(to)) - np.searchsorted(to, to), nodes.step[to]
        order = np.lexsort((to, turn, step))
        self.to, self.before = to[order], edges.before[by_node][order]
        self.lag = edges.lag[by_node][order][:, None]
        turn, step = turn[order], step[order]
        new = np.flatnonzero(np.r_[True, (np.diff(turn) != 0) | (np.diff(step) != 0)]) if len(to) else to
        self.of_step: dict[int, list[tuple[int, int]]] = {}
        for number, bounds in zip(step[new].tolist(), pairwise([*new.tolist(), len(to)]), strict=True):
            self.of_step.setdefault(number, []).append(bounds)

    def of(self, step: int) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Of a step, round by round: what waits, for what, and the lag as a column."""
        for first, last in self.of_step.get(step, ()):
            yield self.to[first:last], self.before[first:last], self.lag[first:last]


@dataclass(frozen=True, slots=True)
class GraphShape:
    """
    What no delay changes of the graphs of all inferences.

    Works are numbered through: first those that their inference launched, then the ``foreign`` ones.

    Args:
        barriers, works: as the host passes them.
        foreign: work that the inference did not launch: its times are given.
        lane: of each of ``works``, the work before it in its stream, or ``NONE``.
        late: of each of ``works``, what it may have waited for where the capture tells no events, or ``NONE``.
        awaited: works of other streams that events make a work follow; lags are those measured.
        waits: what barriers wait for.
        steps: in turn: the number, whether it is of barriers, and the first and the last of its nodes.
    """

    barriers: Nodes
    works: Nodes
    foreign: Nodes
    lane: Ints
    late: Ints
    awaited: Edges
    waits: Rounds
    steps: list[tuple[int, bool, int, int]]


@dataclass(frozen=True, slots=True)
class ReplayGraph:
    """
    The graphs of all inferences.

    A work starts at the latest of: its launch on the path plus ``latency``; the end of the work before it in its
    stream plus ``lane_lag``; the end of each in ``others`` plus a lag, works of other streams that it follows. A
    barrier holds the path until the latest end in ``waits``, plus its lag. Edges that did not decide when a work
    started carry the capture's delay, those that did carry their own: a replay with nothing removed gives the
    measured times.
    """

    shape: GraphShape
    latency: Ints
    lane_lag: Ints
    others: Rounds


def replay_graph(
    work: InferenceWork, shape: GraphShape, order: LaunchOrder, delays: Delays, end: End = "middle"
) -> ReplayGraph:
    """The graphs with the delays at their middle or at one end of what they may be."""
    gpu, rows = work.gpu, shape.works.row
    ended = gpu.end_ns[np.r_[rows, shape.foreign.row]]
    start, launched = gpu.start_ns[rows], work.launched_ns[rows]
    latency = np.minimum(delays.latency_ns(gpu.kernel, end)[rows], start - launched)
    ready = launched + latency
    gap, graph_gap, event = (int(getattr(one, end)) for one in (delays.gap, delays.graph_gap, delays.event))
    behind = shape.lane != NONE
    before = np.where(behind, ended[shape.lane], 0)
    lane_lag = np.where(behind, np.minimum(np.where(order.in_graph[rows], graph_gap, gap), start - before), 0)
    by_lane = behind & (before + lane_lag >= ready)
    ready = np.where(by_lane, before + lane_lag, ready)
    lag = np.minimum(event, shape.awaited.lag)
    at = ended[shape.awaited.before] + lag
    latest = ready.copy()
    np.maximum.at(latest, shape.awaited.to, at)
    by_other = latest > ready
    deciding = np.flatnonzero(by_other[shape.awaited.to] & (at == latest[shape.awaited.to]))
    _, first = np.unique(shape.awaited.to[deciding], return_index=True)
    lag[deciding[first]] = shape.awaited.lag[deciding[first]]
    late = np.flatnonzero((shape.late != NONE) & (ended[shape.late] > latest))
    by_other[late] = True
    others = Edges(
        np.r_[shape.awaited.to, late],
        np.r_[shape.awaited.before, shape.late[late]],
        np.r_[lag, start[late] - ended[shape.late[late]]],
    )
    by_launch = ~by_lane & ~by_other
    latency[by_launch] = (start - launched)[by_launch]
    by_lane &= ~by_other
    lane_lag[by_lane] = (start - before)[by_lane]
    return ReplayGraph(shape, latency, lane_lag, Rounds(others, shape.works))
