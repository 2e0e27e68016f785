"""
The clock of a capture and that of its run: one line maps them, or the capture is not of the run.

The line is fitted to the ranges of the capture and the spans of the run, joined by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.arrow_arrays import Integers
from tracer.captures.inference_ranges import InferenceRanges
from tracer.errors import CaptureError
from tracer.figure_text import time_text
from tracer.runs.run_store import StoredRun
from tracer.stages import INFERENCE, INFERENCE_STAGES

MAX_RATE_PPM = 1000.0
"""CLOCK_MONOTONIC is slewed by NTP by at most 500 ppm, and a profiler's clock may be as far off the other way."""

SLACK_NS = 2000.0
"""How far a reading may lie outside its bracket: the rounding of two clocks; a step of a clock is longer."""

HALVINGS = 60
"""Of the range of rates: down to a double's own grain."""

FITTED = 500
"""Inferences that the line is fitted to, spread over the capture; all are then held against it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClockFit:
    """
    The capture's clock as ``offset_ns + rate * t`` of the run's.

    ``outside_ns`` is how far the worst reading lies outside the brackets that the ranges leave it; ``bracket_ns`` the
    median width of those.
    """

    offset_ns: float
    rate_ppm: float
    outside_ns: float
    bracket_ns: float


@dataclass(frozen=True, slots=True)
class LineClock:
    """
    A ``ClockFit`` in whole nanoseconds, in both directions.

    Only what passed since ``origin_ns`` (of the run) is multiplied: the whole would lose nanoseconds as a float.
    """

    offset_ns: float = 0.0
    rate_ppm: float = 0.0
    origin_ns: int = 0

    def mapped(self, times: Integers) -> Integers:
        """The run's times on the capture's clock; one time gives one, and their order stays."""
        return _moved(times, self.origin_ns, self._there, self.rate_ppm * 1e-6)

    def unmapped(self, times: Integers) -> Integers:
        """The capture's times on the run's clock."""
        rate = self.rate_ppm * 1e-6
        return _moved(times, self._there, self.origin_ns, -rate / (1 + rate))

    @property
    def _there(self) -> int:
        """The origin on the capture's clock."""
        return self.origin_ns + round(self.offset_ns + self.rate_ppm * 1e-6 * self.origin_ns)


def _moved(times: Integers, origin: int, there: int, rate: float) -> Integers:
    passed = times - origin
    moved: Integers = passed + there
    return moved if not rate else moved + np.rint(rate * passed).astype(np.int64)


def capture_clocks(captures: Sequence[dict[str, Any]], origin_ns: int) -> list[LineClock]:
    """The clock of each capture of ``run.json``, which has one of each."""
    fits = [one["clock"] for one in captures]
    return [LineClock(float(fit["offset_ns"]), float(fit["rate_ppm"]), origin_ns) for fit in fits]


@dataclass(frozen=True, slots=True)
class SpanEdges:
    """The clock readings of some inferences: int64, a row each, a column more than there are stages."""

    numbers: Integers
    stages: tuple[str, ...]
    edges: Integers


def recorded_stages(run: StoredRun, numbers: Integers) -> tuple[str, ...]:
    """
    The stages that ``run`` recorded of the inferences ``numbers``, or from the first to the last of them.

    Not those of ``run.json``: which stages there are depends on the input too.
    """
    return _stages(_spans(run, numbers)) or tuple(run.info.stages)


def span_edges(run: StoredRun, numbers: Integers) -> SpanEdges:
    """
    The readings that ``run`` recorded of the inferences ``numbers``.

    Raises:
        CaptureError: if it did not record one of them, or not with the stages of the others.
    """
    spans = _spans(run, numbers)
    stages = _stages(spans) or tuple(run.info.stages) or (INFERENCE,)
    columns: list[Integers] = []
    for stage in stages:
        rows = spans.filter(pc.equal(spans["stage"], stage))
        known, start = rows["inference"].to_numpy(), rows["start_ns"].to_numpy()
        order = np.argsort(known, kind="stable")
        place = np.searchsorted(known[order], numbers)
        there = np.isin(numbers, known)
        if not there.all():
            missing = int(numbers[~there][0])
            raise CaptureError(
                run.name, f"it recorded no {stage} of inference {missing}", "name the run that was captured"
            )
        columns.append(start[order][place])
        last = start[order][place] + rows["duration_ns"].to_numpy()[order][place]
    return SpanEdges(numbers, stages, np.stack([*columns, last], axis=1))


def _spans(run: StoredRun, numbers: Integers) -> pa.Table:
    spans = run.spans()
    if not len(numbers):
        return spans
    low, high = int(numbers.min()), int(numbers.max())
    return spans.filter(pc.and_(pc.greater_equal(spans["inference"], low), pc.less_equal(spans["inference"], high)))


def _stages(spans: pa.Table) -> tuple[str, ...]:
    recorded = set(pc.unique(spans["stage"]).to_pylist())
    return tuple(name for name in (INFERENCE, *INFERENCE_STAGES) if name in recorded)


def fit_clock(name: str, ranges: InferenceRanges, spans: SpanEdges) -> ClockFit:
    """
    Map the run's clock onto the capture's: the line that keeps every reading within its bracket, as nearly as can be.

    A stage's range is pushed after the reading that begins the stage and popped before the reading that ends it; the
    range of the inference stands around them all. So each reading lies between two times of the capture. ``spans``
    are of the inferences of ``ranges``, in their order.

    Raises:
        CaptureError: if no line does, as when a clock stepped or the capture is of another run.
    """
    low, high = _brackets(ranges)
    readings = spans.edges.astype(np.float64)
    origin = (readings[0, 0], (low[0, 0] + high[0, 0]) / 2)
    readings, low, high = readings - origin[0], low - origin[1], high - origin[1]
    picked = np.unique(np.linspace(0, len(readings) - 1, min(FITTED, len(readings))).astype(int))
    shift, rate = _fit(readings[picked].ravel(), low[picked].ravel(), high[picked].ravel())
    mapped = shift + (1 + rate) * readings
    outside = float(max(0.0, (low - mapped).max(), (mapped - high).max()))
    if outside > SLACK_NS:
        raise CaptureError(
            name,
            f"its clock and the run's do not fit: a reading lies {time_text(outside)} outside its range",
            "a clock stepped, or it is a capture of another run",
        )
    offset = origin[1] + shift - (1 + rate) * origin[0]
    width = high - low
    if not ranges.stages:
        # Between its two readings the range has no edge: what is left for either is what the inference did not take.
        width = width - (1 + rate) * np.diff(readings, axis=1)
    return ClockFit(offset, rate * 1e6, outside, float(np.median(width)))


def _brackets(ranges: InferenceRanges) -> tuple[Floats, Floats]:
    """Of each reading the earliest and the latest time of the capture's clock at which it can have been taken."""
    begin, end = ranges.start_ns[:, None], ranges.end_ns[:, None]
    if ranges.stages:
        starts, ends = ranges.stage_start_ns, ranges.stage_end_ns
        low, high = np.hstack([begin, ends]), np.hstack([starts, end])
    else:
        # Fused: both readings lie within the one range. How far apart they are holds on the run's clock alone.
        low, high = np.hstack([begin, begin]), np.hstack([end, end])
    return low.astype(np.float64), high.astype(np.float64)


def _fit(readings: Floats, low: Floats, high: Floats) -> tuple[float, float]:
    """
    The shift, and the rate beyond 1, that leave the worst reading least outside, or furthest inside.

    At a given rate the best shift lies midway between the highest lower edge and the lowest upper edge. How far these
    overlap is convex in the rate and made of straight pieces, so the sign of its slope tells on which side of a rate
    the best one lies.
    """
    low, high = low - readings, high - readings
    slowest, fastest = -MAX_RATE_PPM * 1e-6, MAX_RATE_PPM * 1e-6
    for _ in range(HALVINGS):
        rate = (slowest + fastest) / 2
        below, above = int(np.argmax(low - rate * readings)), int(np.argmin(high - rate * readings))
        if readings[above] == readings[below]:
            break
        if readings[above] > readings[below]:
            fastest = rate
        else:
            slowest = rate
    return float((low - rate * readings).max() + (high - rate * readings).min()) / 2, rate
