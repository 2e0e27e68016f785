"""The owners of time, in the order in which they claim it, and a capture cut into pieces that have one each."""

from __future__ import annotations

import numpy as np

from tracer.breakdown.gpu_waits import waited_until
from tracer.breakdown.intervals import Partition, union_by_group
from tracer.captures.cuda_calls import CALL_KINDS, CONTEXT, COPY, LAUNCH, ORDER, OTHER, PREPARE, QUERY, SYNCHRONISE
from tracer.captures.inference_work import FRAMEWORK_STAGES, InferenceWork
from tracer.captures.row_bounds import Ints, Mask

OWNERS = (
    "kernel",
    "copy",
    "launch",
    "copy_call",
    "wait",
    "wake",
    "order",
    "prepare",
    "context",
    "other_call",
    "op",
    "host",
    "tracer",
)
"""
Owners in the order in which they claim a nanosecond; an owner is stored as its place here.

``kernel`` and ``copy`` (memcpy, memset): the device is working. The calls on the inference's path: ``launch``,
``copy_call``, a synchronising call while it waits for the GPU (``wait``: what it waits for is queued and does not run
yet) and after (``wake``), ``order`` (events and waits between streams, and a synchronising call that finds nothing to
wait for), ``prepare`` (what a launch needs), ``context``, ``other_call``. ``op``: computing on the host, without a
GPU. ``host``: a stage's own code. ``tracer``: between stages.
"""

KERNEL, COPIED, LAUNCHING, COPY_CALL, WAIT, WAKE, ORDERING, PREPARING, CONTEXT_CALL = range(9)
OTHER_CALL, OP, HOST, TRACER = range(9, 13)
_KINDS = {
    LAUNCHING: (LAUNCH,),
    COPY_CALL: (COPY,),
    ORDERING: (ORDER,),
    PREPARING: (PREPARE,),
    CONTEXT_CALL: (CONTEXT,),
    OTHER_CALL: (OTHER, QUERY),
}
_OWNS = {owner: np.isin(np.arange(len(CALL_KINDS)), kinds) for owner, kinds in _KINDS.items()}
"""By owner, of each kind of call whether it is that owner's."""


def host_part(stage: str) -> str:
    """What a stage's host code is called: ``framework`` for that of ``session_run``, else ``python <stage>``."""
    return "framework" if stage in FRAMEWORK_STAGES else f"python {stage}"


class PathLayers:
    """
    The rows of each owner that may claim time, clipped to where they may.

    Rows of calls are those on the path of an inference, up to its end; ``polled`` are the inferences in which another
    thread polls. ``until_ns`` is of ``waited_until``, where ``work`` is a part of a capture.
    """

    def __init__(self, work: InferenceWork, until_ns: Ints | None = None) -> None:
        calls, row = work.calls, work.call_inference
        until_ns = waited_until(work) if until_ns is None else until_ns
        own = np.zeros(len(calls), np.bool_)
        on_path = row >= 0
        own[on_path] = calls.thread[on_path] == work.inferences.thread[row[on_path]]
        polls = on_path & ~own & (calls.kind == QUERY)
        self.polled = np.unique(row[polls])
        on_path &= ~polls
        self.call = np.flatnonzero(on_path)
        self.own = own[self.call]
        self.thread = calls.thread[self.call]
        self.start_ns = calls.start_ns[self.call]
        self.end_ns = np.minimum(calls.end_ns[self.call], work.inferences.end_ns[row[self.call]])
        self.until_ns = np.minimum(until_ns[self.call], self.end_ns)
        self.kind = calls.kind[self.call]

    def of(self, owner: int) -> tuple[Ints, Ints, Ints]:
        """Thread, start and end of the rows that belong to one owner of ``launch`` to ``other_call``."""
        if owner in (WAIT, WAKE):
            kept = (self.kind == SYNCHRONISE) & (self.until_ns > self.start_ns)
            start = self.start_ns if owner == WAIT else self.until_ns
            end = self.until_ns if owner == WAIT else self.end_ns
            return self.thread[kept], start[kept], end[kept]
        kept = _OWNS[owner][self.kind]
        if owner == ORDERING:
            kept |= (self.kind == SYNCHRONISE) & (self.until_ns == self.start_ns)
        return self.thread[kept], self.start_ns[kept], self.end_ns[kept]


class Pieces:
    """
    The capture's time cut at every edge; each piece has an inference, a stage and one owner.

    Args:
        work: the capture.
        cuts: further times to cut at.
        until_ns: as in ``PathLayers``.
    """

    def __init__(self, work: InferenceWork, cuts: Ints | None = None, until_ns: Ints | None = None) -> None:
        self.work = work
        self.layers = PathLayers(work, until_ns)
        inferences, stages, gpu = work.inferences, work.stages, work.gpu
        low = int(inferences.start_ns[0]) if len(inferences) else 0
        high = int(inferences.end_ns[-1]) if len(inferences) else 0

        def clipped(start: Ints, end: Ints) -> tuple[Ints, Ints]:
            return np.clip(start, low, high), np.clip(end, low, high)

        self.gpu = clipped(gpu.start_ns, gpu.end_ns)
        self.ops = clipped(work.ops.start_ns, work.ops.end_ns)
        calls = [self.layers.start_ns, self.layers.until_ns, self.layers.end_ns]
        edges = [inferences.start_ns, inferences.end_ns, stages.start_ns, stages.end_ns, *calls, *self.gpu, *self.ops]
        edges += [] if cuts is None else [cuts]
        self.timeline = Partition(edges)
        self.inference = self.timeline.rows(inferences.start_ns, inferences.end_ns)
        row = self.timeline.rows(stages.start_ns, stages.end_ns)
        between = len(work.stage_names)
        self.stage = np.where(row >= 0, stages.stage[row] if len(stages.stage) else between, between)

    def owners(self, first: int) -> Ints:
        """The owner of each piece among those from ``first`` on; from ``launch`` on, the path without the GPU."""
        between = self.stage == len(self.work.stage_names)
        owner: Ints = np.where(between, np.int8(TRACER), np.int8(HOST))
        for place in range(OP, first - 1, -1):
            owner[self._threads(place) > 0] = place
        return owner

    def fill(self, owned: Ints, total: Ints) -> Ints:
        """
        Write ``Breakdown.owned_ns`` and ``Breakdown.total_ns`` of these inferences, inferences last: whole columns.

        Both are zeros before; what no owner has is not touched.

        Returns:
            The pieces within inferences in which no device worked, ascending.
        """
        length = self.timeline.length_ns
        between = self.stage == len(self.work.stage_names)
        owner: Ints = np.where(between, np.int8(TRACER), np.int8(HOST))
        total[TRACER] = self._sums(between, length[between])
        own = self.layers.own
        calling = self.timeline.counts(self.layers.start_ns[own], self.layers.end_ns[own]) > 0
        quiet = ~(between | calling)
        total[HOST] = self._sums(quiet, length[quiet])
        for place in range(OP, KERNEL - 1, -1):
            threads = self._threads(place)
            some = np.flatnonzero(threads)
            owner[some] = place
            if len(some):
                total[place] = self._sums(some, length[some] * threads[some])
        for place in np.flatnonzero(np.bincount(owner)).tolist():
            mine = owner == place
            owned[place] = self._sums(mine, length[mine])
        return np.flatnonzero((owner > COPIED) & (self.inference >= 0))

    def _sums(self, pieces: Ints | Mask, weight_ns: Ints) -> Ints:
        """The weights of these pieces summed by stage and inference, of those that lie in one."""
        shape = (len(self.work.stage_names) + 1, len(self.work.inferences))
        inference = self.inference[pieces]
        inside = inference >= 0
        place = (self.stage[pieces] * shape[1] + inference)[inside]
        # Weights are floats: exact below 2 ** 53 ns, 104 days.
        sums = np.bincount(place, weight_ns[inside], minlength=shape[0] * shape[1])
        return sums.astype(np.int64).reshape(shape)

    def _rows(self, owner: int) -> tuple[Ints, Ints, Ints]:
        if owner == OP:
            return (self.work.ops.thread, *self.ops)
        return self.layers.of(owner)

    def _threads(self, owner: int) -> Ints:
        """On how many threads an owner covers each piece, nested calls of one thread once; of GPU work 1 or 0."""
        if owner in (KERNEL, COPIED):
            kept = self.work.gpu.kernel == (owner == KERNEL)
            return np.minimum(self.timeline.counts(self.gpu[0][kept], self.gpu[1][kept]), 1)
        _, first, last = union_by_group(*self._rows(owner))
        threads = self.timeline.counts(first, last)
        if owner == OP:
            threads[~self._in_session()] = 0
        return threads

    def _in_session(self) -> Mask:
        names = [place for place, name in enumerate(self.work.stage_names) if name in FRAMEWORK_STAGES]
        return np.isin(self.stage, names)
