"""What no delay changes of the graphs of all inferences: their nodes in path order, and what may hold them back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tracer.breakdown.launch_order import LaunchOrder
from tracer.breakdown.replay_graph import NONE, Edges, GraphShape, Nodes, Rounds
from tracer.breakdown.replay_path import Barriers, HostPath
from tracer.breakdown.sync_edges import ANY_STREAM
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask

BARRIER, WORK, FOREIGN = range(3)


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

    def add_work(self, row: int, node: int) -> None:
        """What an own work may wait for: the one before it in its stream, and those of other streams."""
        one = self.builder
        lane = self.lanes.get(one.lane[row])
        late = NONE
        for awaited in one.awaited.get(row, ()):
            if awaited in self.by_row:
                one.edges.append((node, self.by_row[awaited], one.start[row] - one.end[awaited]))
        if not one.told:
            place = bisect_right(self.ends, (one.start[row], node))
            late = self.ends[place - 1][1] if place else NONE
        one.before.append((lane.node[-1] if lane else NONE, late))
        self.seen(row, node)

    def seen(self, row: int, node: int) -> None:
        """A work has its node: those after it may wait for it."""
        one = self.builder
        self.lanes.setdefault(one.lane[row], _Lane()).add(one.launched[row], one.end[row], node)
        if not one.told:
            insort(self.ends, (one.end[row], node))
        self.by_row[row] = node
        self.by_call.setdefault(one.call[row], []).append(node)

    def add_barrier(self, place: int, barrier: int) -> None:
        """What a barrier waits for: per stream, the work that ended last of those that count."""
        one, barriers = self.builder, self.builder.barriers
        if barriers.work[place] >= 0:
            nodes = [self.by_row[barriers.work[place]]]
        elif barriers.call[place] >= 0:
            nodes = self.by_call[barriers.call[place]]
        else:
            which, before, end = barriers.stream[place], barriers.start[place], barriers.end[place]
            lanes = [lane for key, lane in self.lanes.items() if which in (ANY_STREAM, one.stream[key])]
            found = [(lane, lane.last_before(before, end)) for lane in lanes]
            nodes = [lane.node[last] for lane, last in found if last is not None]
            # What its stream was made to wait for, it waits for too.
            behind = (row for at, row in one.waits.get(which, ()) if at < before and one.end[row] <= end)
            nodes += [self.by_row[row] for row in behind if row in self.by_row]
        at = barriers.at[place]
        one.waiting += [(barrier, node, min(0, at - one.end[one.row[node]])) for node in nodes]


class _BarrierLists:
    """Columns of the barriers as lists, which a loop reads faster."""

    def __init__(self, barriers: Barriers) -> None:
        self.at: list[int] = barriers.at_ns.tolist()
        self.start: list[int] = barriers.start_ns.tolist()
        self.end: list[int] = barriers.end_ns.tolist()
        self.call: list[int] = barriers.call.tolist()
        self.work: list[int] = barriers.work.tolist()
        self.stream: list[int] = barriers.stream.tolist()


class _Builder:
    """Columns as lists, and the edges that grow; nodes are numbered in path order, works apart from barriers."""

    def __init__(self, work: InferenceWork, barriers: Barriers, order: LaunchOrder, rows: Ints) -> None:
        self.start: list[int] = work.gpu.start_ns.tolist()
        self.end: list[int] = work.gpu.end_ns.tolist()
        self.call: list[int] = work.gpu.call.tolist()
        self.lane: list[int] = work.lane.tolist()
        self.stream: dict[int, int] = dict(zip(self.lane, work.gpu.stream.tolist(), strict=True))
        self.launched: list[int] = work.launched_ns.tolist()
        self.row: list[int] = rows.tolist()
        self.barriers = _BarrierLists(barriers)
        self.told = order.told
        self.awaited: dict[int, list[int]] = {}
        for row, other in order.awaited.T.tolist():
            self.awaited.setdefault(row, []).append(other)
        self.waits: dict[int, list[tuple[int, int]]] = {}
        for at, stream, row in order.waits.T.tolist():
            self.waits.setdefault(stream, []).append((at, row))
        self.before: list[tuple[int, int]] = []
        self.edges: list[tuple[int, int, int]] = []
        self.waiting: list[tuple[int, int, int]] = []

    def fill(self, inference: Ints, kind: Ints, place: Ints, node: Ints) -> None:
        """Go through nodes in path order, inference by inference."""
        last, one = NONE, _Inference(self)
        columns = (inference.tolist(), kind.tolist(), place.tolist(), node.tolist())
        for row, which, where, number in zip(*columns, strict=True):
            if row != last:
                last, one = row, _Inference(self)
            if which == BARRIER:
                one.add_barrier(where, number)
            elif which == WORK:
                one.add_work(where, number)
            else:
                one.seen(where, number)


def graph_shape(work: InferenceWork, path: HostPath, order: LaunchOrder) -> GraphShape:
    """The nodes of all inferences and what may hold them back."""
    inference, kind, place = _path_order(work, path.barriers)
    gpu = kind != BARRIER
    # Until they are numbered by steps: barriers by themselves, works together with foreign ones.
    node = np.where(gpu, np.cumsum(gpu), np.cumsum(~gpu)) - 1
    builder = _Builder(work, path.barriers, order, place[gpu])
    builder.fill(inference, kind, place, node)
    step = _steps(inference, kind != FOREIGN)
    by_step = [np.flatnonzero(kind == one) for one in (BARRIER, WORK, FOREIGN)]
    by_step = [mine[np.lexsort((inference[mine], step[mine]))] for mine in by_step]
    barriers, works, foreign = (Nodes(place[mine], inference[mine], step[mine]) for mine in by_step)
    barrier = np.argsort(node[by_step[0]])
    number = np.r_[np.argsort(node[np.r_[by_step[1], by_step[2]]]), NONE]  # what is none stays none
    before = np.empty((len(works), 2), np.int64)
    before[number[:-1][kind[gpu] == WORK]] = number[np.array(builder.before, np.int64).reshape(-1, 2)]
    to, awaited, lag = np.array(builder.edges, np.int64).reshape(-1, 3).T
    waiting, until, least = np.array(builder.waiting, np.int64).reshape(-1, 3).T
    return GraphShape(
        barriers=barriers,
        works=works,
        foreign=foreign,
        lane=before[:, 0],
        late=before[:, 1],
        awaited=Edges(number[to], number[awaited], lag),
        waits=Rounds(Edges(barrier[waiting], number[until], least), barriers),
        steps=_turns(works, barriers),
    )


def _turns(works: Nodes, barriers: Nodes) -> list[tuple[int, bool, int, int]]:
    found = []
    for barrier, nodes in ((False, works), (True, barriers)):
        numbers, first = np.unique(nodes.step, return_index=True)
        bounds = pairwise([*first.tolist(), len(nodes)])
        found += [(step, barrier, *both) for step, both in zip(numbers.tolist(), bounds, strict=True)]
    return sorted(found)


def _steps(inference: Ints, passed: Mask) -> Ints:
    """Of each node, how many its inference passes before; 0 of one that it does not pass."""
    found: Ints = np.where(passed, np.cumsum(passed) - 1 - np.searchsorted(inference[passed], inference), 0)
    return found


def _path_order(work: InferenceWork, barriers: Barriers) -> tuple[Ints, Ints, Ints]:
    """Barriers and works in path order: inference, kind and place of each; a barrier ends before a call begins."""
    mine = np.flatnonzero(work.gpu_inference >= 0)
    there, foreign = _foreign(work)
    works = np.r_[mine, foreign]
    inference = np.r_[barriers.inference, work.gpu_inference[mine], there]
    kind = np.repeat((BARRIER, WORK, FOREIGN), (len(barriers.at_ns), len(mine), len(foreign)))
    place = np.r_[np.arange(len(barriers.at_ns)), works]
    at = np.r_[barriers.at_ns, work.launched_ns[works]]
    then = np.r_[barriers.at_ns, work.gpu.start_ns[works]]
    order = np.lexsort((then, kind, at, inference))
    return inference[order], kind[order], place[order]


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
