"""The inferences of a run that stand out, and what is known of why; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import Integers
from tracer.device.device_samples import CHANGE
from tracer.device.device_state import frequencies_around, frequencies_during, window_marks
from tracer.figure_text import frequency_text, share_text, time_text
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import RunWindow
from tracer.trust.checks import CPU_DOUBTFUL

FENCE = 3.0
"""Quartile distances above the third quartile beyond which a logarithm stands out: Tukey's outer fence."""

AROUND_NS = 500_000_000
"""Of the sensors, which are read every 250 ms, what lies so near an inference is said of it."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """
    The inferences that stand out: their positions, the longest first.

    They are longer than ``fence_ns``, and took ``share_of_time`` of the time of all inferences.
    """

    rows: Integers
    fence_ns: float
    share_of_time: float


def find_outliers(values_ns: Integers) -> Outliers:
    """Values above Tukey's outer fence of their logarithms; none among fewer than 8."""
    if len(values_ns) < 8:
        return Outliers(np.empty(0, np.int64), float("inf"), 0.0)
    logarithms = np.log(np.maximum(values_ns, 1))
    low, high = np.percentile(logarithms, [25, 75])
    # Of values that hardly differ every other one would stand out: the least distance is that of one percent.
    fence = float(np.exp(high + FENCE * max(high - low, 0.01)))
    rows = np.flatnonzero(values_ns > fence)
    rows = rows[np.argsort(-values_ns[rows], kind="stable")]
    total = int(values_ns.sum())
    return Outliers(rows, fence, float(values_ns[rows].sum() / total) if total else 0.0)


class Reasons:
    """
    Why an inference took longer than the others, as far as the run recorded it.

    ``samples`` and ``windows`` (by number) are of the run. ``on_cpu`` says that the DUT computes on the CPU: a share
    of one that it lacks is then time lost.
    """

    def __init__(
        self, inferences: TimedInferences, samples: pa.Table, windows: Mapping[int, RunWindow], *, on_cpu: bool
    ) -> None:
        self._all, self._samples, self._windows, self._on_cpu = inferences, samples, windows, on_cpu
        self._medians = np.median(inferences.duration_ns, axis=0) if len(inferences) else np.zeros(0)
        _, first = np.unique(inferences.window, return_index=True)
        self._first = set(first.tolist())

    def of(self, row: int) -> str:
        """In words, the most telling first: the stage that grew, its place, the device, the CPU."""
        place = ["the first of its window"] if row in self._first else []
        told = [*self._stage(row), *place, *self._device(row), *self._cpu(row)]
        return "; ".join(told) or "nothing recorded tells why"

    def _stage(self, row: int) -> Iterable[str]:
        if len(self._all.stages) < 2:
            return
        grown = self._all.duration_ns[row] - self._medians
        excess, most = float(grown.sum()), int(np.argmax(grown))
        if excess > 0:
            share = min(float(grown[most]) / excess, 1.0)
            yield f"{self._all.stages[most]} +{time_text(float(grown[most]))} ({share_text(share, 0)} of the excess)"

    def _device(self, row: int) -> Iterable[str]:
        if not self._samples.num_rows:
            return
        start, wall = int(self._all.start_ns[row]), int(self._all.wall_ns[row])
        bounds = {"window": [0], "start_ns": [start - AROUND_NS], "end_ns": [start + wall + AROUND_NS]}
        (mark,) = window_marks(self._samples, pa.table(bounds))
        if mark.throttled:
            yield f"throttled: {', '.join(mark.throttled)}"
        window = self._windows.get(int(self._all.window[row]))
        if window is None:
            return
        during = frequencies_during(self._samples, window.start_ns, window.end_ns)
        usual = {one.source: one.median_hz for one in during}
        for one in frequencies_around(self._samples, start, start + wall):
            if one.source in usual and one.median_hz < (1 - CHANGE) * usual[one.source]:
                yield f"{one.source} at {frequency_text(one.median_hz)}, not {frequency_text(usual[one.source])}"

    def _cpu(self, row: int) -> Iterable[str]:
        window = self._windows.get(int(self._all.window[row]))
        if self._on_cpu and window is not None and window.cpu_ns and window.wall_ns:
            share = window.cpu_ns / window.wall_ns
            if share < CPU_DOUBTFUL:
                yield f"CPU lost: the DUT had {share_text(share)} of one in this window"
