"""What one capture holds of a set of inferences, as plain columns: the input of the breakdown and of the replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tracer.arrow_arrays import dense_groups
from tracer.captures.attribution import of_launch, owning_rows
from tracer.captures.row_bounds import InferenceRows, Ints, Mask, StageRows, checked_bounds
from tracer.errors import MalformedTraceError
from tracer.stages import INFERENCE

FRAMEWORK_STAGES = ("session_run", INFERENCE)
"""Stages whose host code is the framework's; ``inference`` is that of a run whose stages were not separated."""


def has_framework(stages: Iterable[str]) -> bool:
    """Whether the host code of one of these stages is a framework's."""
    return not set(FRAMEWORK_STAGES).isdisjoint(stages)


def _empty() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class GpuRows:
    """
    Kernels, memcpys and memsets in any order.

    ``kernel`` is true of a kernel and of a graph traced as one block, false of a memcpy or memset. ``call`` is the
    row of the launching call in ``InferenceWork.calls``, -1 where the capture does not have it.
    """

    kernel: Mask = field(default_factory=lambda: np.empty(0, np.bool_))
    device: Ints = field(default_factory=_empty)
    stream: Ints = field(default_factory=_empty)
    start_ns: Ints = field(default_factory=_empty)
    end_ns: Ints = field(default_factory=_empty)
    call: Ints = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.start_ns)


@dataclass(frozen=True, slots=True)
class CallRows:
    """CUDA calls in any order; ``kind`` is a place in ``cuda_calls.CALL_KINDS`` (``call_kinds`` gives it)."""

    kind: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    thread: Ints = field(default_factory=_empty)
    start_ns: Ints = field(default_factory=_empty)
    end_ns: Ints = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.start_ns)


SYNC_KINDS = ("stream", "event", "device", "stream_wait", "record")
"""What a call waits for, or orders, as ``API_CALLS.sync_kind`` has it; stored as the place here."""

SYNC_STREAM, SYNC_EVENT, _, STREAM_WAIT, EVENT_RECORD = range(5)


@dataclass(frozen=True, slots=True)
class SyncRows:
    """
    What calls wait for or order, where the profiler told it; no rows where it did not.

    ``call`` is a row of ``InferenceWork.calls``, ``kind`` a place in ``SYNC_KINDS``; ``stream`` and ``event`` are -1
    where the call names none.
    """

    call: Ints = field(default_factory=_empty)
    kind: Ints = field(default_factory=_empty)
    stream: Ints = field(default_factory=_empty)
    event: Ints = field(default_factory=_empty)

    def __len__(self) -> int:
        return len(self.call)


@dataclass(frozen=True, slots=True)
class OpRows:
    """
    Operations that a framework computed on the host.

    For a machine without a GPU: where a GPU computes, running an operation on the host means launching it, which is
    the framework's own work, and no rows are given.
    """

    thread: Ints = field(default_factory=_empty)
    start_ns: Ints = field(default_factory=_empty)
    end_ns: Ints = field(default_factory=_empty)


@dataclass(frozen=True)
class InferenceWork:
    """
    The inferences of one process and all that the capture has of it, on one clock.

    The rows of other processes are left out by whoever makes this.

    Raises:
        MalformedTraceError: if columns do not match, a row ends before it starts, inferences overlap (attribution by
            launch is sound for one inference at a time only) or a stage is not inside one inference and apart from
            the others.
    """

    inferences: InferenceRows
    stage_names: tuple[str, ...]
    stages: StageRows
    gpu: GpuRows = field(default_factory=GpuRows)
    calls: CallRows = field(default_factory=CallRows)
    ops: OpRows = field(default_factory=OpRows)
    syncs: SyncRows = field(default_factory=SyncRows)

    def __post_init__(self) -> None:
        for what in ("inferences", "stages", "gpu", "calls", "ops"):
            rows = getattr(self, what)
            checked_bounds(rows.start_ns, rows.end_ns, what)
            sizes = {name: len(getattr(rows, name)) for name in rows.__slots__}
            if len(set(sizes.values())) > 1:
                raise MalformedTraceError(f"{what}: columns of different lengths ({sizes}); give one value a row")
        self._check_ranges()
        if len(self.gpu) and not (self.gpu.call.min() >= -1 and self.gpu.call.max() < len(self.calls)):
            raise MalformedTraceError(
                f"gpu: `call` names a row outside the {len(self.calls)} calls; give -1 where the launch is not known"
            )

    @cached_property
    def _owners(self) -> tuple[Ints, Ints]:
        return owning_rows(self.calls.start_ns, self.inferences, self.stages)

    @property
    def call_inference(self) -> Ints:
        """Of each call, the row of the inference in which it began, on whatever thread; or -1."""
        return self._owners[0]

    @property
    def call_stage(self) -> Ints:
        """Of each call, the row in ``stages`` during which it began, or -1."""
        return self._owners[1]

    @cached_property
    def launched_ns(self) -> Ints:
        """Of each GPU work, when its launching call began; its own start where that is not known."""
        return self._of_call(self.calls.start_ns)

    @cached_property
    def queued_ns(self) -> Ints:
        """Of each GPU work, when its launching call had returned; its own start where that is not known."""
        return self._of_call(self.calls.end_ns)

    @cached_property
    def gpu_inference(self) -> Ints:
        """Of each GPU work, the row of the inference that launched it, or -1."""
        return of_launch(self._owners[0], self.gpu.call)

    @cached_property
    def gpu_stage(self) -> Ints:
        """Of each GPU work, the row in ``stages`` during which it was launched, or -1."""
        return of_launch(self._owners[1], self.gpu.call)

    @cached_property
    def lane(self) -> Ints:
        """Of each GPU work, a number that stands for its stream on its device."""
        if not len(self.gpu):
            return _empty()
        _, device = dense_groups(self.gpu.device)
        streams, stream = dense_groups(self.gpu.stream)
        return device * len(streams) + stream

    def _of_call(self, column: Ints) -> Ints:
        return np.where(self.gpu.call >= 0, np.append(column, 0)[self.gpu.call], self.gpu.start_ns)

    def _check_ranges(self) -> None:
        inferences, stages = self.inferences, self.stages
        _check_apart(inferences.start_ns, inferences.end_ns, "inferences", "run one inference at a time")
        _check_apart(stages.start_ns, stages.end_ns, "stages", "give each nanosecond one stage")
        # A range without length lies at the end of its inference as well as inside it.
        row = np.searchsorted(inferences.start_ns, stages.start_ns, side="right") - 1
        outside = (row < 0) | (stages.end_ns > inferences.end_ns[row]) if len(inferences) else stages.stage >= 0
        if outside.any():
            at = int(stages.start_ns[np.flatnonzero(outside)[0]])
            raise MalformedTraceError(f"stages: the one at {at} ns is in no inference; leave such ranges out")
        bare = np.flatnonzero(np.bincount(row, minlength=len(inferences)) == 0)
        if len(bare):
            number = int(inferences.number[bare[0]])
            raise MalformedTraceError(
                f"inference {number}: it has no stage; give one of unseparated stages a single stage `{INFERENCE}`"
            )


def _check_apart(start: Ints, end: Ints, what: str, remedy: str) -> None:
    bad = np.flatnonzero(start[1:] < end[:-1])
    if len(bad):
        raise MalformedTraceError(
            f"{what}: the one at {start[bad[0] + 1]} ns begins before the end of that at {start[bad[0]]} ns; {remedy}"
        )
