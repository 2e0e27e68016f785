"""Who owns each nanosecond of an inference: GPU work first, then CUDA calls, then host code, then the tracer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracer.breakdown.gpu_idle import GpuGaps, QueuedKernels, gpu_gaps, idle_gaps, queued_kernels
from tracer.breakdown.gpu_waits import waited_until
from tracer.breakdown.outside_work import OutsideWork, Polling, Spill, outside_work, polling, spill
from tracer.breakdown.owners import COPIED, HOST, KERNEL, OWNERS, Pieces, host_part
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints
from tracer.captures.work_parts import WorkPart, work_parts
from tracer.side_by_side import both, each


@dataclass(frozen=True)
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
        return dict(self._exposed)

    def totals(self) -> dict[str, Ints]:
        """Whole nanoseconds by the same parts, as in ``total_ns``: not to be added up."""
        return self._by_part(self.total_ns)

    @cached_property
    def _exposed(self) -> dict[str, Ints]:
        return self._by_part(self.owned_ns)

    @cached_property
    def idle_ns(self) -> Ints:
        """Of each inference, while the GPU idled, by ``GAP_CAUSES``; shape (n, causes)."""
        return self.gaps.by_cause(len(self.number))

    @property
    def busy_ns(self) -> Ints:
        """Of each inference, while the GPU ran a kernel or a copy."""
        parts = self.parts()
        return parts[OWNERS[KERNEL]] + parts[OWNERS[COPIED]]

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


def break_down(work: InferenceWork) -> Breakdown:
    """
    Give each nanosecond of each inference the first of ``OWNERS`` that applies (docs/design.md, "Everything sums").

    A call is on the path of the inference in which it began, on whatever thread; what of it lies after the end of
    that inference is left out. Queries count where the inference's own thread makes them, then as ``other_call``. GPU
    work counts when it runs, whoever launched it; an operation where it runs in ``session_run``.
    """
    until = waited_until(work)
    shape = (len(OWNERS), len(work.stage_names) + 1, len(work.inferences))
    owned, total = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def idle_of(part: WorkPart) -> tuple[Ints, Ints, Ints]:
        pieces = Pieces(part.work, until_ns=until[part.calls])
        inference, start, end = idle_gaps(pieces, pieces.fill(owned[..., part.place], total[..., part.place]))
        return inference + part.place.start, start, end

    idle = each(idle_of, work_parts(work)) or [(np.empty(0, np.int64),) * 3]
    columns = [np.concatenate(column) for column in zip(*idle, strict=True)]
    gaps, (queued, spilled, outside) = both(
        lambda: gpu_gaps(work, *columns), lambda: (queued_kernels(work), spill(work), outside_work(work))
    )
    return Breakdown(
        number=work.inferences.number,
        wall_ns=work.inferences.end_ns - work.inferences.start_ns,
        stage_names=work.stage_names,
        owned_ns=owned.transpose(2, 0, 1),
        total_ns=total.transpose(2, 0, 1),
        gaps=gaps,
        queued=queued,
        spill=spilled,
        outside=outside,
        polling=polling(work),
    )
