"""What can be taken out of an inference: its parts, its stages, and the changes that a program can make."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracer.breakdown.launch_order import LaunchOrder
from tracer.breakdown.owners import (
    CONTEXT_CALL,
    COPY_CALL,
    HOST,
    KERNEL,
    LAUNCHING,
    OP,
    ORDERING,
    OTHER_CALL,
    OWNERS,
    PREPARING,
    TRACER,
    WAKE,
    host_part,
)
from tracer.breakdown.path_calls import before_launches, hand_offs
from tracer.breakdown.replay_path import HostPath
from tracer.captures.cuda_calls import LAUNCH
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask
from tracer.report_types.gpu import Group

TINY_NS = 5_000
"""A kernel shorter than this takes less than its launch."""

_SMALL_CALLS = (ORDERING, PREPARING, CONTEXT_CALL, OTHER_CALL)
"""Calls that neither launch, nor copy, nor wait."""


@dataclass(frozen=True, slots=True)
class Removal:
    """
    What is taken out.

    Args:
        name: a part as in ``Breakdown.parts``, a stage, or a change: ``one graph``, ``all launches``, ``all copies``.
        group: of the gain.
        path: pieces of the host's path that take no time.
        works: GPU works that take no time.
        launches: GPU works that start as soon as they are launched, their stream is free and their turn has come.
        barriers: places in ``HostPath.barriers`` at which nothing waits any more.
        graph_calls: pieces of the path in whose place stands the call that launches a CUDA graph.
        in_graph: GPU works that follow the one before them at the gap of a graph.
    """

    name: str
    group: Group
    path: Mask
    works: Mask
    launches: Mask
    barriers: Mask
    graph_calls: Mask
    in_graph: Mask

    @property
    def finds_something(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self.path.any() or self.works.any() or self.launches.any())


class Removals:
    """Makes the removals of a capture."""

    def __init__(self, work: InferenceWork, path: HostPath, order: LaunchOrder) -> None:
        self.work, self.path, self.order = work, path, order
        self.timed = path.fixed_ns > 0
        self.mine = work.gpu_inference >= 0

    def all(self) -> list[Removal]:
        """Those that find something to take out."""
        found = [*self.kinds(), *self.stages(), *self.changes()]
        return [one for one in found if one.finds_something]

    def kinds(self) -> list[Removal]:
        """Kernels, copies, each kind of call, and the host code of each part."""
        owner, stage, kernel = self.path.owner, self.path.pieces.stage, self.work.gpu.kernel
        found = [
            self._one(OWNERS[KERNEL], "kind", works=self.mine & kernel),
            self._one("copy", "kind", works=self.mine & ~kernel),
        ]
        calls = (LAUNCHING, COPY_CALL, WAKE, *_SMALL_CALLS, OP)
        found += [self._one(OWNERS[one], "kind", path=self.timed & (owner == one)) for one in calls]
        names = self.work.stage_names
        for part in dict.fromkeys(host_part(name) for name in names):
            places = [place for place, name in enumerate(names) if host_part(name) == part]
            path = self.timed & (owner == HOST) & np.isin(stage, places)
            found.append(self._one(part, "kind", path=path))
        return [*found, self._one("tracer", "kind", path=self.timed & (owner == TRACER))]

    def stages(self) -> list[Removal]:
        """Each stage with what it launches and waits for."""
        stage, gpu_stage = self.path.pieces.stage, np.full(len(self.work.gpu), -1)
        staged = self.work.gpu_stage >= 0
        gpu_stage[staged] = self.work.stages.stage[self.work.gpu_stage[staged]]
        waiting = self._stage_of_barriers()
        found = []
        for place, name in enumerate(self.work.stage_names):
            works = self.mine & (gpu_stage == place)
            path, barriers = self.timed & (stage == place), waiting == place
            found.append(self._one(name, "stage", path=path, works=works, launches=works, barriers=barriers))
        return found

    def changes(self) -> list[Removal]:
        """One CUDA graph in the place of the launches of a stage; and the bounds: free launches, no copies."""
        launched = self._launched()
        found = []
        if launched.any():
            path = self.timed & (self.path.owner == LAUNCHING)
            graph = self.one_graph(launched)
            found += [graph, *self.without_framework(graph), *self._without_hand_offs(graph), self.fused(launched)]
            found.append(self._one("all launches", "bound", path=path, launches=launched))
        copies = self.mine & ~self.work.gpu.kernel
        path = self.timed & (self.path.owner == COPY_CALL) & ~self._after_copies()
        return [*found, self._one("all copies", "bound", path=path, works=copies, launches=copies)]

    def one_graph(self, launched: Mask) -> Removal:
        """What lies from the first to the last launch of a stage goes, and a graph's call stands for it."""
        between, first = self._between_launches()
        owners = (LAUNCHING, *_SMALL_CALLS, OP, HOST, TRACER, WAKE)
        path = self.timed & between & np.isin(self.path.owner, owners)
        barriers, cuts = self.path.barriers, self.path.pieces.timeline.cuts
        # A synchronisation between two launches cannot stand in a graph; one that follows the last launch stays.
        inside = between[np.minimum(np.searchsorted(cuts, barriers.at_ns), max(len(between) - 1, 0))]
        inside &= (barriers.call < 0) & (barriers.work < 0)
        later = launched & ~self._first_works(launched)
        more = {"launches": later, "barriers": inside, "graph_calls": first, "in_graph": later}
        return self._one("one graph", "change", path=path, **more)

    def _without_hand_offs(self, graph: Removal) -> list[Removal]:
        """No thread of the program hands over to another; and one graph besides."""
        path = self.timed & hand_offs(self.work, self.path)
        if not path.any():
            return []
        both = replace(graph, name="hand-offs and one graph", group="bound", path=graph.path | path)
        return [self._one("hand-offs", "bound", path=path), both]

    def fused(self, launched: Mask) -> Removal:
        """Kernels below ``TINY_NS`` become part of the kernel launched before them, whatever they compute."""
        gpu = self.work.gpu
        tiny = launched & gpu.kernel & ~self._first_works(launched) & (gpu.end_ns - gpu.start_ns < TINY_NS)
        owners = (LAUNCHING, *_SMALL_CALLS, OP, HOST, TRACER)
        path = before_launches(self.work, self.path, tiny) & np.isin(self.path.owner, owners)
        return self._one("tiny kernels fused", "bound", path=self.timed & path, launches=tiny, in_graph=tiny)

    def without_framework(self, graph: Removal) -> list[Removal]:
        """One graph, and the framework around it gone too: what a runtime that replays graphs gives at most."""
        names = self.work.stage_names
        places = [place for place, name in enumerate(names) if host_part(name) == "framework"]
        if not places:
            return []
        around = np.isin(self.path.pieces.stage, places) & np.isin(self.path.owner, (HOST, *_SMALL_CALLS, OP))
        path = graph.path | (self.timed & around)
        return [replace(graph, name="one graph, no framework", group="bound", path=path)]

    def _one(
        self,
        name: str,
        group: Group,
        path: Mask | None = None,
        works: Mask | None = None,
        launches: Mask | None = None,
        barriers: Mask | None = None,
        graph_calls: Mask | None = None,
        in_graph: Mask | None = None,
    ) -> Removal:
        pieces, rows = np.zeros(len(self.path.owner), np.bool_), np.zeros(len(self.work.gpu), np.bool_)
        waits = np.zeros(len(self.path.barriers.at_ns), np.bool_)
        return Removal(
            name,
            group,
            pieces if path is None else path,
            rows if works is None else works,
            rows if launches is None else launches,
            waits if barriers is None else barriers,
            pieces if graph_calls is None else graph_calls,
            rows if in_graph is None else in_graph,
        )

    def _launched(self) -> Mask:
        """Works that a launch gave, not a call for a copy."""
        gpu, found = self.work.gpu, np.zeros(len(self.work.gpu), np.bool_)
        known = self.mine & (gpu.call >= 0)
        found[known] = self.work.calls.kind[gpu.call[known]] == LAUNCH
        return found

    def _first_works(self, launched: Mask) -> Mask:
        """Of the launched works of each stage of an inference, the first."""
        rows = np.flatnonzero(launched)
        rows = rows[np.lexsort((self.work.gpu.start_ns[rows], self.work.launched_ns[rows]))]
        key = self.work.gpu_inference[rows] * (len(self.work.stages.stage) + 1) + self.work.gpu_stage[rows] + 1
        _, first = np.unique(key, return_index=True)
        found = np.zeros(len(launched), np.bool_)
        found[rows[first]] = True
        return found

    def _between_launches(self) -> tuple[Mask, Mask]:
        """Pieces from the first to the last launch call of a stage of an inference, and the first piece of each."""
        pieces, places = self.path.pieces, np.arange(len(self.path.owner))
        key = pieces.inference * (int(pieces.stage.max(initial=0)) + 1) + pieces.stage
        launch = np.flatnonzero((self.path.owner == LAUNCHING) & (pieces.inference >= 0))
        size = int(key.max(initial=0)) + 1
        # One launch alone is as good as a graph.
        layers, cuts = pieces.layers, pieces.timeline.cuts
        called = layers.start_ns[(layers.kind == LAUNCH) & (layers.start_ns < layers.end_ns)]
        at = np.searchsorted(cuts, called)
        launch = launch[np.bincount(key[at[at < len(places)]], minlength=size)[key[launch]] > 1]
        first, last = np.full(size, len(places)), np.full(size, -1)
        np.minimum.at(first, key[launch], launch)
        np.maximum.at(last, key[launch], launch)
        inside = np.flatnonzero(pieces.inference >= 0)
        found, heads = np.zeros(len(places), np.bool_), np.zeros(len(places), np.bool_)
        found[inside] = (places[inside] >= first[key[inside]]) & (places[inside] <= last[key[inside]])
        heads[first[first < len(places)]] = True
        return found, heads

    def _stage_of_barriers(self) -> Ints:
        barriers, cuts = self.path.barriers, self.path.pieces.timeline.cuts
        # A barrier ends a piece: the one before its cut is of its stage.
        place = np.maximum(np.searchsorted(cuts, barriers.at_ns) - 1, 0)
        stage: Ints = self.path.pieces.stage[place]
        return stage

    def _after_copies(self) -> Mask:
        """Pieces in which a call returns after its own copy: without it the host still waits for the stream."""
        barriers, cuts = self.path.barriers, self.path.pieces.timeline.cuts
        mine = barriers.call >= 0
        first, last = np.searchsorted(cuts, barriers.at_ns[mine]), np.searchsorted(cuts, barriers.end_ns[mine])
        edges = np.bincount(first, minlength=len(cuts)) - np.bincount(
            np.minimum(last, len(cuts) - 1), minlength=len(cuts)
        )
        found: Mask = np.cumsum(edges)[:-1] > 0
        return found
