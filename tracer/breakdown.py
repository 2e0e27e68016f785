"""Who owns each nanosecond of an inference: GPU work first, then CUDA calls, then host code, then the tracer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.captured_work import FRAMEWORK_STAGES, CapturedWork
from tracer.cuda_calls import COPY, LAUNCH, OTHER, QUERY, SYNCHRONISE
from tracer.gpu_idle import GpuGaps, QueuedKernels, gpu_gaps, queued_kernels
from tracer.gpu_waits import waited_until
from tracer.intervals import Ints, Mask, Timeline, union_by_group
from tracer.outside_work import OutsideWork, Polling, Spill, outside_work, polling, spill

OWNERS = ("kernel", "copy", "launch", "copy_call", "wait", "wake", "other_call", "op", "host", "tracer")
"""
Owners in the order in which they claim a nanosecond; an owner is stored as its place here.

``kernel`` and ``copy`` (memcpy, memset): the device is working. The calls on the inference's path: ``launch``,
``copy_call``, a synchronising call while it waits for the GPU (``wait``: what it waits for is queued and does not run
yet) and after (``wake``), ``other_call``. ``op``: computing on the host, without a GPU. ``host``: a stage's own code.
``tracer``: between stages.
"""

KERNEL, COPIED, LAUNCHING, COPY_CALL, WAIT, WAKE, OTHER_CALL, OP, HOST, TRACER = range(10)

CPU_OWNERS = tuple(range(LAUNCHING, len(OWNERS)))


@dataclass(frozen=True, slots=True)
class Breakdown:
    """
    The time of each inference, owned once.

    Args:
        number: of each inference; shape (n,).
        wall_ns: from its start to its end; shape (n,).
        stage_names: names of the stages, s of them.
        owned_ns: int64, shape (n, owners, s + 1): by owner and by the stage in which the nanosecond lies, last what
            lies between stages. Sums over owners and stages to ``wall_ns``, to the nanosecond.
        total_ns: the same shape: the whole time of each owner, hidden under others or not. Of calls and operations
            it is summed over threads, of GPU work it is the time in which any ran, of ``host`` the inference's own
            thread outside its CUDA calls, of ``tracer`` the time between stages.
        gaps: in which the GPU was idle, and why.
        queued: how many kernels were queued before the one before them had ended.
        spill: GPU work that outlasted its stage or its inference.
        outside: rows that no inference launched or called.
        polling: queries of threads that poll; they own nothing.
    """

    number: Ints
    wall_ns: Ints
    stage_names: tuple[str, ...]
    owned_ns: Ints
    total_ns: Ints
    gaps: GpuGaps
    queued: QueuedKernels
    spill: Spill
    outside: OutsideWork
    polling: Polling

    def parts(self) -> dict[str, Ints]:
        """Exposed nanoseconds of each inference by part, shape (n,) each; together they are ``wall_ns``."""
        return self._by_part(self.owned_ns)

    def totals(self) -> dict[str, Ints]:
        """Whole nanoseconds by the same parts, as in ``total_ns``: not to be added up."""
        return self._by_part(self.total_ns)

    @property
    def busy_ns(self) -> Ints:
        """Of each inference, while the GPU ran a kernel or a copy."""
        busy: Ints = self.owned_ns[:, [KERNEL, COPIED]].sum(axis=(1, 2))
        return busy

    @property
    def overhead_ns(self) -> Ints:
        """Runtime overhead: the wall time without ``busy_ns``."""
        return self.wall_ns - self.busy_ns

    def _by_part(self, table: Ints) -> dict[str, Ints]:
        parts = {name: table[:, place].sum(axis=1) for place, name in enumerate(OWNERS) if place != HOST}
        host = {"framework": np.zeros(len(self.number), np.int64)}
        for place, stage in enumerate(self.stage_names):
            key = host_part(stage)
            host[key] = host.get(key, 0) + table[:, HOST, place]
        tracer = parts.pop("tracer")
        return {**parts, **host, "tracer": tracer}


def host_part(stage: str) -> str:
    """What a stage's host code is called: ``framework`` for that of ``session_run``, else ``python <stage>``."""
    return "framework" if stage in FRAMEWORK_STAGES else f"python {stage}"


def break_down(work: CapturedWork) -> Breakdown:
    """
    Give each nanosecond of each inference the first of ``OWNERS`` that applies (rule 3 of the design).

    A call is on the path of the inference in which it began, on whatever thread; what of it lies after the end of
    that inference is left out. Queries count where the inference's own thread makes them, then as ``other_call``. GPU
    work counts when it runs, whoever launched it; an operation where it runs in ``session_run``.
    """
    pieces = _Pieces(work)
    owned = pieces.table(pieces.owners(KERNEL), pieces.timeline.length_ns)
    gaps, queued = gpu_gaps(work), queued_kernels(work)
    return Breakdown(
        number=work.inferences.number,
        wall_ns=work.inferences.end_ns - work.inferences.start_ns,
        stage_names=work.stage_names,
        owned_ns=owned,
        total_ns=pieces.totals(),
        gaps=gaps,
        queued=queued,
        spill=spill(work),
        outside=outside_work(work),
        polling=polling(work),
    )


class PathLayers:
    """
    The rows of each owner that may claim time, clipped to where they may.

    Rows of calls are those on the path of an inference, up to its end.
    """

    def __init__(self, work: CapturedWork) -> None:
        calls, row = work.calls, work.call_inference
        own = np.zeros(len(calls), np.bool_)
        on_path = row >= 0
        own[on_path] = calls.thread[on_path] == work.inferences.thread[row[on_path]]
        on_path &= own | (calls.kind != QUERY)
        self.call = np.flatnonzero(on_path)
        self.own = own[self.call]
        self.thread = calls.thread[self.call]
        self.start_ns = calls.start_ns[self.call]
        self.end_ns = np.minimum(calls.end_ns[self.call], work.inferences.end_ns[row[self.call]])
        self.until_ns = np.minimum(waited_until(work)[self.call], self.end_ns)
        self.kind = calls.kind[self.call]

    def of(self, owner: int) -> tuple[Ints, Ints, Ints]:
        """Thread, start and end of the rows that belong to one owner of ``launch`` to ``other_call``."""
        if owner in (WAIT, WAKE):
            kept = self.kind == SYNCHRONISE
            start = self.start_ns if owner == WAIT else self.until_ns
            end = self.until_ns if owner == WAIT else self.end_ns
            return self.thread[kept], start[kept], end[kept]
        kinds = {LAUNCHING: (LAUNCH,), COPY_CALL: (COPY,), OTHER_CALL: (OTHER, QUERY)}[owner]
        kept = np.isin(self.kind, kinds)
        return self.thread[kept], self.start_ns[kept], self.end_ns[kept]


class _Pieces:
    """The capture's time cut at every edge; each piece has an inference, a stage and one owner."""

    def __init__(self, work: CapturedWork) -> None:
        self.work = work
        self.layers = PathLayers(work)
        inferences, stages, gpu = work.inferences, work.stages, work.gpu
        low = int(inferences.start_ns[0]) if len(inferences) else 0
        high = int(inferences.end_ns[-1]) if len(inferences) else 0

        def clipped(start: Ints, end: Ints) -> tuple[Ints, Ints]:
            return np.clip(start, low, high), np.clip(end, low, high)

        self.gpu = clipped(gpu.start_ns, gpu.end_ns)
        self.ops = clipped(work.ops.start_ns, work.ops.end_ns)
        calls = [self.layers.start_ns, self.layers.until_ns, self.layers.end_ns]
        edges = [inferences.start_ns, inferences.end_ns, stages.start_ns, stages.end_ns, *calls, *self.gpu, *self.ops]
        self.timeline = Timeline(edges)
        self.inference = self.timeline.rows(inferences.start_ns, inferences.end_ns)
        row = self.timeline.rows(stages.start_ns, stages.end_ns)
        between = len(work.stage_names)
        self.stage = np.where(row >= 0, stages.stage[row] if len(stages.stage) else between, between)

    def owners(self, first: int) -> Ints:
        """The owner of each piece among those from ``first`` on."""
        between = self.stage == len(self.work.stage_names)
        owner = np.where(between, TRACER, HOST)
        for place in range(OP, first - 1, -1):
            owner[self._covered(place)] = place
        return owner

    def table(self, owner: Ints, length_ns: Ints) -> Ints:
        """Nanoseconds by inference, owner and stage, of the pieces that lie in an inference."""
        shape = (len(self.work.inferences), len(OWNERS), len(self.work.stage_names) + 1)
        inside = self.inference >= 0
        place = np.ravel_multi_index((self.inference[inside], owner[inside], self.stage[inside]), shape)
        # Weights are floats: exact below 2 ** 53 ns, 104 days.
        sums = np.bincount(place, length_ns[inside], minlength=int(np.prod(shape)))
        return sums.astype(np.int64).reshape(shape)

    def totals(self) -> Ints:
        """``Breakdown.total_ns``."""
        length = self.timeline.length_ns
        between = self.stage == len(self.work.stage_names)
        table = self.table(np.full(len(length), TRACER), length * between)
        for place in (KERNEL, COPIED):
            table += self.table(np.full(len(length), place), length * self._covered(place))
        for place in range(LAUNCHING, OP + 1):
            counts = self._thread_counts(*self._rows(place))
            if place == OP:
                counts *= self._in_session()
            table += self.table(np.full(len(length), place), length * counts)
        own = self.layers.own
        calling = self.timeline.counts(self.layers.start_ns[own], self.layers.end_ns[own]) > 0
        table += self.table(np.full(len(length), HOST), length * ~(between | calling))
        return table

    def _rows(self, owner: int) -> tuple[Ints, Ints, Ints]:
        if owner == OP:
            return (self.work.ops.thread, *self.ops)
        return self.layers.of(owner)

    def _covered(self, owner: int) -> Mask:
        if owner in (KERNEL, COPIED):
            kept = self.work.gpu.kernel == (owner == KERNEL)
            return self.timeline.counts(self.gpu[0][kept], self.gpu[1][kept]) > 0
        _, start, end = self._rows(owner)
        covered = self.timeline.counts(start, end) > 0
        return covered & self._in_session() if owner == OP else covered

    def _in_session(self) -> Mask:
        names = [place for place, name in enumerate(self.work.stage_names) if name in FRAMEWORK_STAGES]
        return np.isin(self.stage, names)

    def _thread_counts(self, thread: Ints, start: Ints, end: Ints) -> Ints:
        """On how many threads each piece is covered: nested calls of one thread count once."""
        _, first, last = union_by_group(thread, start, end)
        return self.timeline.counts(first, last)
