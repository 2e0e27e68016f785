"""A capture's inferences a part at a time: columns so short that they stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tracer.arrow_arrays import NO_ROW
from tracer.captures.inference_work import CallRows, GpuRows, InferenceWork, OpRows
from tracer.captures.row_bounds import InferenceRows, Ints, StageRows

PART_ROWS = 1 << 16
"""Rows of inferences, stages, calls and GPU works of a part, about."""

Place: TypeAlias = "slice | Ints"
"""Rows: a slice, which copies nothing, where they follow one another."""


@dataclass(frozen=True, slots=True)
class WorkPart:
    """
    Some inferences that follow one another.

    Args:
        place: of them among all.
        work: what began in them, and the GPU work that ran meanwhile, whoever launched it. Of that the launching
            calls are left out, and so is what calls order or wait for: both may lie in other parts.
        calls: where its calls are among all.
    """

    place: slice
    work: InferenceWork
    calls: Place


def work_parts(work: InferenceWork) -> Iterator[WorkPart]:
    """All inferences in turn; none of none."""
    inferences, stages, calls, gpu, ops = work.inferences, work.stages, work.calls, work.gpu, work.ops
    begun, ran = _ByStart(calls.start_ns), _ByStart(gpu.start_ns, gpu.end_ns)
    computed = _ByStart(ops.start_ns, ops.end_ns)
    count = len(inferences)
    rows = count + len(stages.stage) + len(calls) + len(gpu) + len(ops.start_ns)
    step = max(1, count * PART_ROWS // max(rows, 1))
    # A stage without length may lie where one inference ends and the next begins: it is then of the next.
    staged = np.append(np.searchsorted(stages.start_ns, inferences.start_ns[::step]), len(stages.start_ns))
    for number, first in enumerate(range(0, count, step)):
        place = slice(first, min(first + step, count))
        low, high = int(inferences.start_ns[first]), int(inferences.end_ns[place.stop - 1])
        mine, works, operations = (one.within(low, high) for one in (begun, ran, computed))
        stage = slice(int(staged[number]), int(staged[number + 1]))
        part = InferenceWork(
            InferenceRows(*(column[place] for column in _columns(inferences))),
            work.stage_names,
            StageRows(*(column[stage] for column in _columns(stages))),
            _without_calls(gpu, works),
            CallRows(calls.kind[mine], calls.thread[mine], calls.start_ns[mine], calls.end_ns[mine]),
            OpRows(*(column[operations] for column in _columns(ops))),
        )
        yield WorkPart(place, part, mine)


def _columns(rows: InferenceRows | StageRows | OpRows) -> list[Ints]:
    return [getattr(rows, name) for name in rows.__slots__]


def _without_calls(gpu: GpuRows, rows: Place) -> GpuRows:
    start = gpu.start_ns[rows]
    unknown = np.full(len(start), NO_ROW)
    return GpuRows(gpu.kernel[rows], gpu.device[rows], gpu.stream[rows], start, gpu.end_ns[rows], unknown)


class _ByStart:
    """Rows of time in the order of their starts."""

    def __init__(self, start_ns: Ints, end_ns: Ints | None = None) -> None:
        ordered = bool((start_ns[1:] >= start_ns[:-1]).all())
        self._order = None if ordered else np.argsort(start_ns, kind="stable")
        columns = [start_ns, start_ns if end_ns is None else end_ns]
        self._start_ns, ends = columns if self._order is None else [one[self._order] for one in columns]
        # The latest end so far: behind the first that passes a moment lies all that began before it and lasts.
        self._reach_ns = ends if end_ns is None else np.maximum.accumulate(ends)

    def within(self, low_ns: int, high_ns: int) -> Place:
        """Those that began before ``high_ns`` and last to ``low_ns`` or beyond; some more may be among them."""
        first = int(np.searchsorted(self._reach_ns, low_ns))
        rows = slice(first, max(first, int(np.searchsorted(self._start_ns, high_ns))))
        return rows if self._order is None else self._order[rows]
