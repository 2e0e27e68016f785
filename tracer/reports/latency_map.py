"""How long inferences took as a run went on, as counts on a grid, and its sensors on the same time; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.arrow_arrays import Integers
from tracer.device.device_samples import FREQUENCY_HZ, POWER_MW, TEMPERATURE_MC, sensor_name
from tracer.device.device_state import series_of
from tracer.runs.timed_inferences import TimedInferences

Floats = NDArray[np.float64]

COLUMNS, ROWS = 160, 40
"""Of the map, at most: a cell is some five pixels of a page."""

SOURCES = 4
"""Of a quantity, shown at most: those of the highest reading."""

QUANTITIES = {"frequency": (FREQUENCY_HZ, 1e6), "temperature": (TEMPERATURE_MC, 1e3), "power": (POWER_MW, 1e3)}
"""The sensors' quantities, and how many of the recorded unit are a megahertz, a degree Celsius and a watt."""


@dataclass(frozen=True, slots=True)
class JoinedTime:
    """
    The time within the windows, joined end to end: what lies between two windows is left out.

    ``window``, ``start_ns``, ``end_ns`` and ``offset_ns`` have a row a window, in the order of time; an offset is
    where the window begins on the joined time.
    """

    window: Integers
    start_ns: Integers
    end_ns: Integers
    offset_ns: Integers

    @property
    def length_ns(self) -> int:
        """Of all windows together."""
        return int((self.end_ns - self.start_ns).sum())

    def place_ns(self, times_ns: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """Each time of ``time.perf_counter_ns`` on the joined time, and whether it lies in a window at all."""
        if not len(self.window):
            return np.zeros(len(times_ns), np.int64), np.zeros(len(times_ns), np.bool_)
        row = np.maximum(np.searchsorted(self.start_ns, times_ns, side="right") - 1, 0)
        inside = (times_ns >= self.start_ns[row]) & (times_ns <= self.end_ns[row])
        return self.offset_ns[row] + times_ns - self.start_ns[row], inside


def joined_time(inferences: TimedInferences) -> JoinedTime:
    """The time from each window's first inference to the end of its last."""
    known, first = np.unique(inferences.window, return_index=True)
    ends = inferences.start_ns + inferences.wall_ns
    spans = [
        (int(inferences.start_ns[at]), int(ends[inferences.window == one].max()), int(one))
        for one, at in zip(known, first, strict=True)
    ]
    rows = np.array(sorted(spans), np.int64).reshape(-1, 3)
    lengths = rows[:, 1] - rows[:, 0]
    return JoinedTime(rows[:, 2], rows[:, 0], rows[:, 1], np.cumsum(lengths) - lengths)


@dataclass(frozen=True, slots=True)
class LatencyMap:
    """
    Counts of inferences by time and latency.

    ``time_ns``, c + 1 edges of the joined time, are equally far apart; ``latency_ns``, r + 1 edges, in the logarithm.
    ``count`` has the shape (c, r), and each inference in one cell.
    """

    time_ns: Floats
    latency_ns: Floats
    count: Integers


def latency_edges(values_ns: Integers, bins: int) -> Floats:
    """``bins`` + 1 edges around nanoseconds, equally far apart in the logarithm; what is below 1 counts as 1."""
    low, high = float(max(values_ns.min(), 1)), float(max(values_ns.max(), 1))
    if high <= low * 1.000001:
        low, high = low * 0.99, high * 1.01
    edges: Floats = np.geomspace(low, high, bins + 1)
    edges[0], edges[-1] = low, high
    return edges


def bin_of(values: Floats | Integers, edges: Floats) -> Integers:
    """The bin of each value, the last edge in the last bin; what lies beyond the edges is in the bin next to it."""
    place = np.searchsorted(edges, np.maximum(values, edges[0]), side="right") - 1
    found: Integers = np.minimum(place, len(edges) - 2).astype(np.int64)
    return found


def latency_map(
    inferences: TimedInferences, stage: str, time: JoinedTime, columns: int = COLUMNS, rows: int = ROWS
) -> LatencyMap:
    """
    Where inferences, one at least, started on the joined time, and how long a stage of them took, or ``inference``.

    There are no more ``columns`` than inferences.
    """
    values = np.maximum(inferences.of_stage(stage), 1)
    latency = latency_edges(values, rows)
    edges = np.linspace(0, max(time.length_ns, 1), min(columns, len(inferences)) + 1)
    begun, _ = time.place_ns(inferences.start_ns)
    size = (len(edges) - 1, rows)
    cells = bin_of(begun, edges) * rows + bin_of(values, latency)
    return LatencyMap(edges, latency, np.bincount(cells, minlength=size[0] * size[1]).reshape(size))


@dataclass(frozen=True, slots=True)
class SensorLine:
    """Readings of one source within the windows: ``time_ns`` on the joined time, ``value`` in MHz, degrees C or W."""

    quantity: str
    source: str
    time_ns: Integers
    value: Floats


def sensor_lines(samples: pa.Table, time: JoinedTime, points: int = 2 * COLUMNS) -> list[SensorLine]:
    """
    Frequency, temperature and power during the windows, the highest ``SOURCES`` of each, of ``device_state.SAMPLES``.

    A line has so many ``points`` at most: of more readings the median of each stretch stands.
    """
    found = []
    for name, (quantity, unit) in QUANTITIES.items():
        lines = []
        for source, times, values in series_of(samples, quantity):
            placed, inside = time.place_ns(times)
            if inside.any():
                lines.append(_line(name, sensor_name(source), placed[inside], values[inside] / unit, points))
        found += sorted(lines, key=lambda one: -float(one.value.max()))[:SOURCES]
    return found


def _line(quantity: str, source: str, times: Integers, values: Floats, points: int) -> SensorLine:
    if len(times) <= points:
        return SensorLine(quantity, source, times, values)
    parts = [
        (np.median(a), np.median(b))
        for a, b in zip(np.array_split(times, points), np.array_split(values, points), strict=True)
    ]
    return SensorLine(quantity, source, np.array([a for a, _ in parts], np.int64), np.array([b for _, b in parts]))


def sensors_missing(lines: list[SensorLine], samples: pa.Table) -> str | None:
    """Which of the quantities are not there and why, in a sentence; None where each is."""
    missing = [name for name in QUANTITIES if name not in {one.quantity for one in lines}]
    if not missing:
        return None
    recorded = set(samples["quantity"].cast(pa.string()).unique().to_pylist())
    beside = [name for name in missing if QUANTITIES[name][0] in recorded]
    told = f"Not recorded: {', '.join(missing)}"
    if not samples.num_rows:
        return f"{told}: nothing was sampled on this machine (kws-trace doctor names what is missing)."
    if beside:
        return f"{told} during these windows (they are shorter than the time between two readings)."
    return f"{told}: this machine has no sensor of it that could be read."
