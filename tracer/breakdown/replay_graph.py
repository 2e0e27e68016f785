"""The graph of each inference: GPU works and barriers in path order, with the edges that hold them back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

import numpy as np

from tracer.breakdown.replay_path import Barriers, HostPath
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints

BARRIER, WORK, FOREIGN = range(3)


@dataclass(slots=True)
class ReplayGraph:
    """
    Nodes of all inferences, each inference's after one another, in the order in which the host passes them.

    A work starts at the latest of: its launch on the path plus ``latency``; the end of the work before it in its
    stream plus ``lane_lag``; the end of the work of another stream that it was seen to wait for plus ``other_lag``. A
    barrier holds the path until the latest end in ``waits``, plus its lag. Edges that did not decide when a work
    started carry the shortest delay measured in the capture, those that did carry their own: a replay with nothing
    removed gives the measured times.

    Args:
        kind: ``BARRIER``, ``WORK``, or ``FOREIGN`` for work that this inference did not launch: its times are given.
        cut: place of the node on the path, among the cuts of its timeline.
        row: of the GPU work, -1 of a barrier.
        first: of each inference, its first node; one more for the end.
    """

    kind: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    latency: list[int] = field(default_factory=list)
    lane_node: list[int] = field(default_factory=list)
    lane_lag: list[int] = field(default_factory=list)
    other_node: list[int] = field(default_factory=list)
    other_lag: list[int] = field(default_factory=list)
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
        self.other_node.append(-1)
        self.other_lag.append(0)
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
        node = graph.add(WORK, one.cut[row], row, min(one.shortest[row], start - launched))
        ready = launched + graph.latency[node]
        lane = self.lanes.get(one.lane[row])
        if lane:
            before = lane.end[-1]
            graph.lane_node[node], graph.lane_lag[node] = lane.node[-1], min(one.shortest_gap, start - before)
            ready = max(ready, before + graph.lane_lag[node])
        place = bisect_right(self.ends, (start, len(graph.kind)))
        other = self.ends[place - 1] if place else None
        if other and other[0] > ready:
            graph.other_node[node], graph.other_lag[node] = other[1], start - other[0]
        elif lane and lane.end[-1] + graph.lane_lag[node] == ready:
            graph.lane_lag[node] = start - lane.end[-1]
        else:
            graph.latency[node] = start - launched
        self.seen(row, node)

    def add_barrier(self, place: int) -> None:
        """Add a barrier and what it waits for: per stream, the work that ended last of those that count."""
        one, graph = self.builder, self.builder.graph
        at = one.barrier_at[place]
        waits = graph.waits[graph.add(BARRIER, one.barrier_cut[place], -1)]
        if one.barrier_work[place] >= 0:
            nodes = [self.by_row[one.barrier_work[place]]]
        elif one.barrier_call[place] >= 0:
            nodes = self.by_call[one.barrier_call[place]]
        else:
            found = [
                (lane, lane.last_before(one.barrier_start[place], one.barrier_end[place]))
                for lane in self.lanes.values()
            ]
            nodes = [lane.node[last] for lane, last in found if last is not None]
        waits += [(node, min(0, at - one.end[graph.row[node]])) for node in nodes]


class _Builder:
    """Columns as lists, which a loop reads faster, and the graph that grows."""

    def __init__(self, work: InferenceWork, path: HostPath) -> None:
        cuts, barriers = path.pieces.timeline.cuts, path.barriers
        self.graph = ReplayGraph()
        self.start: list[int] = work.gpu.start_ns.tolist()
        self.end: list[int] = work.gpu.end_ns.tolist()
        self.call: list[int] = work.gpu.call.tolist()
        self.lane: list[int] = work.lane.tolist()
        self.launched: list[int] = work.launched_ns.tolist()
        self.cut: list[int] = np.searchsorted(cuts, work.launched_ns).tolist()
        self.shortest: list[int] = work.launch_latency_ns.tolist()
        self.shortest_gap = _shortest_gap(work)
        self.barrier_at: list[int] = barriers.at_ns.tolist()
        self.barrier_cut: list[int] = np.searchsorted(cuts, barriers.at_ns).tolist()
        self.barrier_start: list[int] = barriers.start_ns.tolist()
        self.barrier_end: list[int] = barriers.end_ns.tolist()
        self.barrier_call: list[int] = barriers.call.tolist()
        self.barrier_work: list[int] = barriers.work.tolist()


def replay_graph(work: InferenceWork, path: HostPath) -> ReplayGraph:
    """Build the graphs of all inferences."""
    builder = _Builder(work, path)
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


def _shortest_gap(work: InferenceWork) -> int:
    """The shortest measured time between two works of a stream of which the second was ready; 0 if none was."""
    order = np.lexsort((work.gpu.start_ns, work.launched_ns, work.lane))
    if len(order) < 2:
        return 0
    ready = (work.launched_ns + work.launch_latency_ns)[order][1:]
    before: Ints = work.gpu.end_ns[order][:-1]
    queued = (np.diff(work.lane[order]) == 0) & (ready <= before)
    gaps = (work.gpu.start_ns[order][1:] - before)[queued]
    return int(np.maximum(gaps, 0).min()) if len(gaps) else 0
