"""The inferences of a run as arrays, a row each: what their spread, their drift and a comparison are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrow_arrays import Codes, encode, flags, integers, present
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
    numbers = [one.number for one in chosen]
    mine = present(spans, "inference") & present(spans, "window") & np.isin(integers(spans, "window"), numbers)
    if not warmups:
        mine &= ~flags(spans["warmup"])
    known, place, stage = _places(integers(spans, "inference")[mine], encode(spans, "stage"), mine)
    there = [name for name in (INFERENCE, *INFERENCE_STAGES) if name in stage]
    size = (len(known), len(there))
    durations, starts = np.zeros(size, np.int64), np.full(len(known), np.iinfo(np.int64).max)
    windows, warm = np.zeros(len(known), np.int64), np.zeros(len(known), np.bool_)
    columns = {name: integers(spans, name)[mine] for name in ("start_ns", "duration_ns", "window")}
    warmup = flags(spans["warmup"])[mine]
    for column, name in enumerate(there):
        rows = stage[name]
        durations[place[rows], column] += columns["duration_ns"][rows]
        starts[place[rows]] = np.minimum(starts[place[rows]], columns["start_ns"][rows])
        windows[place[rows]], warm[place[rows]] = columns["window"][rows], warmup[rows]
    order = np.argsort(starts, kind="stable")
    inferences = TimedInferences(known, windows, warm, starts, tuple(there), durations)
    return inferences if np.array_equal(order, np.arange(len(order))) else inferences.only(order)


def _places(numbers: Integers, stage: Codes, mine: Flags) -> tuple[Integers, Integers, dict[str, Integers]]:
    """Of the spans that are ``mine``: the inferences, the place of each among them, the rows of each stage."""
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
    codes = stage.codes[mine]
    rows = {name: np.flatnonzero(codes == code) for code, name in enumerate(stage.values.to_pylist())}
    return known, place, {name: found for name, found in rows.items() if len(found)}
