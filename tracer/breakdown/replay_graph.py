"""The graph of each inference: GPU works and barriers in path order, with the edges that hold them back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

import numpy as np

from tracer.breakdown.delays import Delays, End
from tracer.breakdown.launch_order import LaunchOrder
from tracer.breakdown.replay_path import Barriers, HostPath
from tracer.breakdown.sync_edges import ANY_STREAM
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints

BARRIER, WORK, FOREIGN = range(3)


@dataclass(slots=True)
class ReplayGraph:
    """
    Nodes of all inferences, each inference's after one another, in the order in which the host passes them.

    A work starts at the latest of: its launch on the path plus ``latency``; the end of the work before it in its
    stream plus ``lane_lag``; the end of each in ``others`` plus a lag, works of other streams that it follows. A
    barrier holds the path until the latest end in ``waits``, plus its lag. Edges that did not decide when a work
    started carry the capture's delay, those that did carry their own: a replay with nothing removed gives the
    measured times.

    Args:
        kind: ``BARRIER``, ``WORK``, or ``FOREIGN`` for work that this inference did not launch: its times are given.
        cut: place of the node on the path, among the cuts of its timeline.
        row: of the GPU work; of a barrier its place among ``Barriers``.
        first: of each inference, its first node; one more for the end.
    """

    kind: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    latency: list[int] = field(default_factory=list)
    lane_node: list[int] = field(default_factory=list)
    lane_lag: list[int] = field(default_factory=list)
    others: list[list[tuple[int, int]]] = field(default_factory=list)
    waits: list[list[tuple[int, int]]] = field(default_factory=list)
    first: list[int] = field(default_factory=lambda: [0])

    def add(self, kind: int, cut: int, row: int, latency: int = 0) -> int:
        """Add a node without edges; its place."""
        self.kind.append(kind)
        self.cut.append(cut)
        self.row.append(row)
        self.latency.append(latency)
        self.lane_node.append(-1)
        self.lane_lag.append(0)
        self.others.append([])
        self.waits.append([])
        return len(self.kind) - 1


@dataclass(slots=True)
class _Lane:
    """Works of one stream so far, in the order in which they were launched."""

    launched: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    longest: list[int] = field(default_factory=list)
    """Of the works up to each, the place of the one that ended last."""

    def add(self, launched: int, end: int, node: int) -> None:
        place = len(self.end)
        before = self.longest[-1] if place else place
        self.launched.append(launched)
        self.end.append(end)
        self.node.append(node)
        self.longest.append(place if end >= self.end[before] else before)

    def last_before(self, launched: int, end: int) -> int | None:
        """The place of the work that ended last, of those launched before a time and ended by another."""
        count = bisect_left(self.launched, launched)
        if not count:
            return None
        if self.end[self.longest[count - 1]] <= end:
            return self.longest[count - 1]
        fit = [place for place in range(count) if self.end[place] <= end]
        return max(fit, key=self.end.__getitem__, default=None)


class _Inference:
    """What is known while the nodes of one inference are added in path order."""

    def __init__(self, builder: _Builder) -> None:
        self.builder = builder
        self.lanes: dict[int, _Lane] = {}
        self.ends: list[tuple[int, int]] = []
        self.by_row: dict[int, int] = {}
        self.by_call: dict[int, list[int]] = {}

    def seen(self, row: int, node: int) -> None:
        """A work has its node: those after it may wait for it."""
        one = self.builder
        self.lanes.setdefault(one.lane[row], _Lane()).add(one.launched[row], one.end[row], node)
        insort(self.ends, (one.end[row], node))
        self.by_row[row] = node
        self.by_call.setdefault(one.call[row], []).append(node)

    def add_work(self, row: int) -> None:
        """Add a work with its edges: the latest of them decided its start and carries its delay."""
        one, graph = self.builder, self.builder.graph
        start, launched = one.start[row], one.launched[row]
        latency = min(one.latency[row], start - launched)
        node = graph.add(WORK, one.cut[row], row, latency)
        ready, decided = launched + latency, "launch"
        lane = self.lanes.get(one.lane[row])
        if lane:
            gap = min(one.graph_gap if one.in_graph[row] else one.gap, start - lane.end[-1])
            graph.lane_node[node], graph.lane_lag[node] = lane.node[-1], gap
            if lane.end[-1] + gap >= ready:
                ready, decided = lane.end[-1] + gap, "lane"
        others = graph.others[node]
        for awaited in one.awaited.get(row, ()):
            if awaited in self.by_row:
                lag = min(one.event, start - one.end[awaited])
                others.append((self.by_row[awaited], lag))
                if one.end[awaited] + lag > ready:
                    ready, decided = one.end[awaited] + lag, "other"
        if not one.told:
            place = bisect_right(self.ends, (start, len(graph.kind)))
            if place and self.ends[place - 1][0] > ready:
                others.append((self.ends[place - 1][1], start - self.ends[place - 1][0]))
                ready, decided = start, "other"
        if decided == "launch":
            graph.latency[node] = start - launched
        elif decided == "lane" and lane:
            graph.lane_lag[node] = start - lane.end[-1]
        else:
            last = max(range(len(others)), key=lambda at: self.end_of(others[at][0]) + others[at][1])
            others[last] = (others[last][0], start - self.end_of(others[last][0]))
        self.seen(row, node)

    def end_of(self, node: int) -> int:
        """When the work of a node ended."""
        return self.builder.end[self.builder.graph.row[node]]

    def add_barrier(self, place: int) -> None:
        """Add a barrier and what it waits for: per stream, the work that ended last of those that count."""
        one, graph = self.builder, self.builder.graph
        at = one.barrier_at[place]
        waits = graph.waits[graph.add(BARRIER, one.barrier_cut[place], place)]
        if one.barrier_work[place] >= 0:
            nodes = [self.by_row[one.barrier_work[place]]]
        elif one.barrier_call[place] >= 0:
            nodes = self.by_call[one.barrier_call[place]]
        else:
            which, before, end = one.barrier_stream[place], one.barrier_start[place], one.barrier_end[place]
            lanes = [lane for key, lane in self.lanes.items() if which in (ANY_STREAM, one.stream[key])]
            found = [(lane, lane.last_before(before, end)) for lane in lanes]
            nodes = [lane.node[last] for lane, last in found if last is not None]
            # What its stream was made to wait for, it waits for too.
            behind = (row for at, row in one.waits.get(which, ()) if at < before and one.end[row] <= end)
            nodes += [self.by_row[row] for row in behind if row in self.by_row]
        waits += [(node, min(0, at - one.end[graph.row[node]])) for node in nodes]


class _Builder:
    """Columns as lists, which a loop reads faster, and the graph that grows."""

    def __init__(self, work: InferenceWork, path: HostPath, order: LaunchOrder, delays: Delays, end: End) -> None:
        cuts, barriers = path.pieces.timeline.cuts, path.barriers
        self.graph = ReplayGraph()
        self.start: list[int] = work.gpu.start_ns.tolist()
        self.end: list[int] = work.gpu.end_ns.tolist()
        self.call: list[int] = work.gpu.call.tolist()
        self.lane: list[int] = work.lane.tolist()
        self.stream: dict[int, int] = dict(zip(self.lane, work.gpu.stream.tolist(), strict=True))
        self.launched: list[int] = work.launched_ns.tolist()
        self.cut: list[int] = np.searchsorted(cuts, work.launched_ns).tolist()
        self.in_graph: list[bool] = order.in_graph.tolist()
        self.told = order.told
        self.awaited: dict[int, list[int]] = {}
        for row, other in order.awaited.T.tolist():
            self.awaited.setdefault(row, []).append(other)
        self.waits: dict[int, list[tuple[int, int]]] = {}
        for at, stream, row in order.waits.T.tolist():
            self.waits.setdefault(stream, []).append((at, row))
        self.latency: list[int] = delays.latency_ns(work.gpu.kernel, end).tolist()
        self.gap, self.graph_gap = int(getattr(delays.gap, end)), int(getattr(delays.graph_gap, end))
        self.event = int(getattr(delays.event, end))
        self.barrier_at: list[int] = barriers.at_ns.tolist()
        self.barrier_cut: list[int] = np.searchsorted(cuts, barriers.at_ns).tolist()
        self.barrier_start: list[int] = barriers.start_ns.tolist()
        self.barrier_end: list[int] = barriers.end_ns.tolist()
        self.barrier_call: list[int] = barriers.call.tolist()
        self.barrier_work: list[int] = barriers.work.tolist()
        self.barrier_stream: list[int] = barriers.stream.tolist()


def replay_graph(
    work: InferenceWork, path: HostPath, order: LaunchOrder, delays: Delays, end: End = "middle"
) -> ReplayGraph:
    """Build the graphs of all inferences, with the delays at their middle or at one end of what they may be."""
    builder = _Builder(work, path, order, delays, end)
    graph = builder.graph
    ordered = _path_order(work, path.barriers)
    for row, start in enumerate(work.inferences.start_ns.tolist()):
        inference = _Inference(builder)
        for kind, place in ordered.get(row, []):
            if kind == BARRIER:
                inference.add_barrier(place)
            elif kind == WORK:
                inference.add_work(place)
            else:
                inference.seen(place, graph.add(FOREIGN, 0, place, builder.start[place] - start))
        graph.first.append(len(graph.kind))
    return graph


def _path_order(work: InferenceWork, barriers: Barriers) -> dict[int, list[tuple[int, int]]]:
    """Of each inference, barriers and works as (kind, place) in path order: a barrier ends before a call begins."""
    mine = np.flatnonzero(work.gpu_inference >= 0)
    there, foreign = _foreign(work)
    works = np.r_[mine, foreign]
    inference = np.r_[barriers.inference, work.gpu_inference[mine], there]
    kind = np.repeat((BARRIER, WORK, FOREIGN), (len(barriers.at_ns), len(mine), len(foreign)))
    place = np.r_[np.arange(len(barriers.at_ns)), works]
    at = np.r_[barriers.at_ns, work.launched_ns[works]]
    then = np.r_[barriers.at_ns, work.gpu.start_ns[works]]
    order = np.lexsort((then, kind, at, inference))
    found: dict[int, list[tuple[int, int]]] = {}
    for row, one, which in zip(inference[order].tolist(), kind[order].tolist(), place[order].tolist(), strict=True):
        found.setdefault(row, []).append((one, which))
    return found


def _foreign(work: InferenceWork) -> tuple[Ints, Ints]:
    """Pairs of an inference and a work that it did not launch, launched before its end and ended after its begin."""
    inferences, gpu = work.inferences, work.gpu
    first = np.searchsorted(inferences.end_ns, work.launched_ns, side="right")
    last = np.searchsorted(inferences.start_ns, gpu.end_ns, side="left") - 1
    count = np.maximum(last - first + 1, 0)
    works = np.repeat(np.arange(len(gpu)), count)
    rows = np.repeat(first - np.r_[0, np.cumsum(count)[:-1]][: len(count)], count) + np.arange(len(works))
    other = work.gpu_inference[works] != rows
    return rows[other], works[other]
