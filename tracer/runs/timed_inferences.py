"""The inferences of a run as arrays, a row each: what their spread, their drift and a comparison are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.runs.run_store import StoredRun
from tracer.runs.windows import RunWindow, figure_windows
from tracer.stages import INFERENCE, INFERENCE_STAGES

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TimedInferences:
    """
    Inferences in the order of their starts (of ``time.perf_counter_ns``): n of them, of s ``stages``.

    ``number``, ``window`` and ``start_ns`` are int64, shape (n,); ``warmup``, bool, marks the untimed ones.
    ``duration_ns`` is int64, shape (n, s); 0 where an inference lacks the stage.
    """

    number: Integers
    window: Integers
    warmup: Flags
    start_ns: Integers
    stages: tuple[str, ...]
    duration_ns: Integers

    def __len__(self) -> int:
        return len(self.number)

    @property
    def wall_ns(self) -> Integers:
        """Of each inference: its stages share edges, so their sum; shape (n,)."""
        total: Integers = self.duration_ns.sum(axis=1)
        return total

    def of_stage(self, stage: str) -> Integers:
        """Nanoseconds of one stage, or of the whole for ``inference``; shape (n,)."""
        if stage in self.stages:
            column: Integers = self.duration_ns[:, self.stages.index(stage)]
            return column
        return self.wall_ns

    def only(self, keep: Flags | Integers) -> TimedInferences:
        """The inferences that ``keep``, shape (n,), marks, or those of the places that it lists, in its order."""
        return TimedInferences(
            self.number[keep],
            self.window[keep],
            self.warmup[keep],
            self.start_ns[keep],
            self.stages,
            self.duration_ns[keep],
        )


def timed_inferences(
    run: StoredRun, *, warmups: bool = False, windows: Iterable[RunWindow] | None = None
) -> TimedInferences:
    """
    The inferences that figures are made of, those of ``windows.figure_windows``, or those of other ``windows`` of the
    run, such as the two sides of ``windows.profiler_pairs``; with ``warmups`` theirs too.
    """
    spans = run.spans()
    chosen = figure_windows(run.each_window) if windows is None else windows
    numbers = pa.array([one.number for one in chosen], pa.int32())
    mine = pc.and_(pc.is_valid(spans["inference"]), pc.is_in(spans["window"], numbers))
    if not warmups:
        mine = pc.and_(mine, pc.invert(spans["warmup"]))
    spans = spans.filter(mine)
    known, place, stage = _places(spans)
    there = [name for name in (INFERENCE, *INFERENCE_STAGES) if name in stage]
    size = (len(known), len(there))
    durations, starts = np.zeros(size, np.int64), np.full(len(known), np.iinfo(np.int64).max)
    windows, warm = np.zeros(len(known), np.int64), np.zeros(len(known), np.bool_)
    columns = {name: np.asarray(spans[name]) for name in ("start_ns", "duration_ns", "window", "warmup")}
    for column, name in enumerate(there):
        rows = stage[name]
        durations[place[rows], column] += columns["duration_ns"][rows]
        starts[place[rows]] = np.minimum(starts[place[rows]], columns["start_ns"][rows])
        windows[place[rows]], warm[place[rows]] = columns["window"][rows], columns["warmup"][rows]
    order = np.argsort(starts, kind="stable")
    inferences = TimedInferences(known, windows, warm, starts, tuple(there), durations)
    return inferences if np.array_equal(order, np.arange(len(order))) else inferences.only(order)


def _places(spans: pa.Table) -> tuple[Integers, Integers, dict[str, Integers]]:
    """Numbers of the inferences, the place of each span among them, and the rows of each stage."""
    numbers = np.asarray(spans["inference"], np.int64)
    if not len(numbers):
        return np.empty(0, np.int64), np.empty(0, np.int64), {}
    first, last = int(numbers.min()), int(numbers.max())
    if last - first < 4 * len(numbers):
        # Numbered without gaps, or nearly: a table is quicker than sorting millions.
        there = np.zeros(last - first + 1, np.bool_)
        there[numbers - first] = True
        known = np.flatnonzero(there) + first
        place = (np.cumsum(there) - 1)[numbers - first]
    else:
        known, place = np.unique(numbers, return_inverse=True)
    codes = spans["stage"].combine_chunks()
    names = codes.dictionary.to_pylist()
    indices = np.asarray(codes.indices)
    rows = {name: np.flatnonzero(indices == code) for code, name in enumerate(names)}
    return known, place, {name: found for name, found in rows.items() if len(found)}
