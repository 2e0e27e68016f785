"""
The state of the device during a run: frequencies, energy, and the windows whose figures it disturbs.

All functions take the table of ``SAMPLES`` and times of ``time.perf_counter_ns``, the clock of spans and windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.device.device_samples import (
    CHANGE,
    FREQUENCY_HZ,
    POWER_MW,
    TEMPERATURE_MC,
    THROTTLE_COUNT,
    THROTTLE_LEVEL,
    THROTTLE_REASONS,
    frequencies_differ,
    sensor_name,
    throttle_words,
)
from tracer.device.sample_journal import SampleJournal

_COLUMNS = {
    "run_id": pa.dictionary(pa.int32(), pa.string()),
    "time_ns": pa.int64(),
    "source": pa.dictionary(pa.int16(), pa.string()),
    "quantity": pa.dictionary(pa.int8(), pa.string()),
    "value": pa.int64(),
}
SAMPLES = pa.schema([pa.field(name, kind, nullable=False) for name, kind in _COLUMNS.items()])
"""One row a reading; sources, quantities and units as in ``tracer.device.device_samples``."""

AROUND_NS = 1_000_000_000
"""Sweeps come every 250 ms, later where the machine is busy; beyond this they say nothing of a moment."""

WHOLE_BOARD = (("VDD_IN",), ("POM_5V_IN",), ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"))
"""
Rails that carry all that a module takes, tried in turn.

``VDD_IN`` is the module's input on TX2, Xavier NX, Orin NX and Orin Nano, ``POM_5V_IN`` on the Nano. AGX Orin has no
input channel: these three add up to it, and its fourth, ``VDDQ_VDD2_1V8AO``, is fed from ``VIN_SYS_5V0``. Source:
NVIDIA's Jetson Linux Developer Guide, "Platform Power and Performance", power monitor tables.
"""


@dataclass(frozen=True, slots=True)
class Frequency:
    """Hertz of one source in a stretch of time; ``changed`` if they range over more than ``CHANGE`` of the median."""

    source: str
    median_hz: int
    min_hz: int
    max_hz: int
    samples: int

    @property
    def changed(self) -> bool:
        """Whether the frequency was not one."""
        return self.max_hz - self.min_hz > CHANGE * self.median_hz


@dataclass(frozen=True, slots=True)
class Energy:
    """
    Energy of a stretch of time from the board's own rails, or of a PC's GPU alone, and how finely it was seen.

    Attributes:
        energy_mj: millijoules.
        rails: that were added; none for the GPU alone.
        samples: sweeps inside the stretch.
        interval_ns: median time between two sweeps; a peak shorter than it may be missed.
        step_mw: smallest difference between two readings that was seen: the grain of the power; 0 if all are equal.
    """

    energy_mj: float
    rails: tuple[str, ...]
    samples: int
    interval_ns: int
    step_mw: int


@dataclass(frozen=True, slots=True)
class WindowState:
    """
    What the device did in one window.

    ``samples`` is 0 where no sweep fell into it: then nothing is known, and nothing marked. ``changed`` names the
    frequencies that were not one (``cpu``, ``gpu``, ...), ``throttled`` what began to throttle or throttled on.
    """

    window: int
    samples: int
    changed: tuple[str, ...]
    throttled: tuple[str, ...]

    @property
    def marked(self) -> bool:
        """Whether the window's figures were measured on a device that did not hold still."""
        return bool(self.changed or self.throttled)


def journal_table(journal: SampleJournal, run_id: str) -> pa.Table:
    """What the sampling process left as a table of ``SAMPLES``, without an object a reading."""
    numbers = pa.array(journal.numbers, pa.int16())
    columns = {
        "run_id": pa.array([run_id] * len(numbers), _COLUMNS["run_id"]),
        "time_ns": pa.array(journal.times_ns, pa.int64()),
        "value": pa.array(journal.values, pa.int64()),
    }
    for part, name in enumerate(("source", "quantity")):
        texts = pa.array([source[part] for source in journal.sources], pa.string())
        column = pa.DictionaryArray.from_arrays(numbers, texts)
        # Casting to text and back makes the dictionary distinct: a quantity stands once for each of its sources.
        columns[name] = column.cast(pa.string()).dictionary_encode().cast(_COLUMNS[name])
    return pa.table({name: columns[name] for name in SAMPLES.names}, SAMPLES)


def frequencies_during(samples: pa.Table, start_ns: int, end_ns: int) -> tuple[Frequency, ...]:
    """
    Each frequency's median and range in ``[start_ns, end_ns]``, by source.

    Only sweeps inside count: a governor's frequency before a window says nothing of it. A source without one is
    left out.
    """
    return _frequencies(series_of(samples, FREQUENCY_HZ), start_ns, end_ns)


def frequencies_around(samples: pa.Table, start_ns: int, end_ns: int) -> tuple[Frequency, ...]:
    """
    As ``frequencies_during``, with the last sweep before and the first one after: of what is shorter than the time
    between two sweeps. None where either is further away than ``AROUND_NS``.
    """
    times = samples["time_ns"].to_numpy()
    before, after = times[times <= start_ns], times[times >= end_ns]
    if not len(before) or not len(after):
        return ()
    first, last = int(before.max()), int(after.min())
    near = start_ns - first <= AROUND_NS and last - end_ns <= AROUND_NS
    return frequencies_during(samples, first, last) if near else ()


def differing_frequencies(first: Iterable[Frequency], second: Iterable[Frequency]) -> tuple[str, ...]:
    """Sources in both whose medians differ by more than ``CHANGE`` of the larger: two runs not to be compared."""
    others = {one.source: one.median_hz for one in second}
    pairs = [(one.source, one.median_hz, others[one.source]) for one in first if one.source in others]
    return tuple(source for source, mine, other in pairs if frequencies_differ(mine, other))


def energy_mj(samples: pa.Table, start_ns: int, end_ns: int) -> Energy | None:
    """
    Energy between two times: the trapezoid rule over the readings, linear between them.

    Returns:
        None where no rail carries the whole board and no GPU's driver tells its power, or where the readings do not
        reach over both ends: nothing is extrapolated. Divided by the inferences of a window it is energy an inference
        of the whole board, the host's side of the line and idle parts included, or of the whole GPU.
    """
    power = {source: (times, values) for source, times, values in series_of(samples, POWER_MW)}
    boards = ([f"rail:{name}" for name in names] for names in WHOLE_BOARD)
    chosen = next((names for names in [*boards, ["gpu"]] if all(name in power for name in names)), None)
    if chosen is None or end_ns <= start_ns:
        return None
    total_mj, step = 0.0, 0
    for name in chosen:
        times, values = power[name]
        if times.size < 2 or times[0] > start_ns or times[-1] < end_ns:
            return None
        total_mj += _trapezoid_mj(times, values, start_ns, end_ns)
        differences = np.abs(np.diff(values))
        if differences.any():
            smallest = int(differences[differences > 0].min())
            step = min(step, smallest) if step else smallest
    times = power[chosen[0]][0]
    inside = times[_inside(times, start_ns, end_ns)].size
    rails = tuple(sensor_name(name) for name in chosen if name.startswith("rail:"))
    return Energy(total_mj, rails, inside, int(np.median(np.diff(times))), step)


def hottest_during(samples: pa.Table, start_ns: int, end_ns: int) -> tuple[str, int] | None:
    """The zone with the highest temperature in ``[start_ns, end_ns]``, and that in thousandths of a degree."""
    zones = [
        (int(values[where].max()), sensor_name(source))
        for source, times, values in series_of(samples, TEMPERATURE_MC)
        if (where := _inside(times, start_ns, end_ns)).start < where.stop
    ]
    return None if not zones else max(zones)[::-1]


def window_marks(samples: pa.Table, windows: pa.Table) -> tuple[WindowState, ...]:
    """
    The state of the device in each window, marked or not.

    Of the CPU's policies the fastest at each sweep counts, as ``cpu``: the benchmark runs on one core, and idle ones
    change their frequency without a meaning for it. ``windows`` has ``window``, ``start_ns`` and ``end_ns``.
    """
    frequencies = _judged_frequencies(samples)
    throttling = [*series_of(samples, THROTTLE_COUNT), *series_of(samples, THROTTLE_LEVEL)]
    levels = {source for source, _, _ in series_of(samples, THROTTLE_LEVEL)}
    reasons = series_of(samples, THROTTLE_REASONS)
    sweeps = np.unique(samples["time_ns"].to_numpy())
    states = []
    columns = zip(*(windows[name].to_pylist() for name in ("window", "start_ns", "end_ns")), strict=True)
    for window, start_ns, end_ns in columns:
        changed = tuple(one.source for one in _frequencies(frequencies, start_ns, end_ns) if one.changed)
        throttled = {
            source
            for source, times, values in throttling
            if _throttled(times, values, start_ns, end_ns, is_level=source in levels)
        }
        throttled |= _reasons(reasons, start_ns, end_ns)
        count = sweeps[_inside(sweeps, start_ns, end_ns)].size
        states.append(WindowState(window, count, changed, tuple(sorted(throttled))))
    return tuple(states)


Series = tuple[str, NDArray[np.int64], NDArray[np.int64]]


def series_of(samples: pa.Table, quantity: str) -> list[Series]:
    """Source, times and values in the order of time, of each source of ``quantity``, by name."""
    import pyarrow.compute as pc

    rows = samples.filter(pc.equal(samples["quantity"].cast(pa.string()), quantity))
    sources = np.asarray(rows["source"].cast(pa.string()).to_numpy(zero_copy_only=False), dtype=str)
    times, values = rows["time_ns"].to_numpy(), rows["value"].to_numpy()
    found = []
    for source in sorted(set(sources.tolist())):
        mine = sources == source
        order = np.argsort(times[mine], kind="stable")
        found.append((str(source), times[mine][order], values[mine][order]))
    return found


def _judged_frequencies(samples: pa.Table) -> list[Series]:
    policies: list[Series] = []
    others: list[Series] = []
    for one in series_of(samples, FREQUENCY_HZ):
        is_policy = one[0].startswith("cpu") and one[0].removeprefix("cpu").isdigit()
        (policies if is_policy else others).append(one)
    if not policies:
        return others
    times, values = (np.concatenate([one[part] for one in policies]) for part in (1, 2))
    sweeps, positions = np.unique(times, return_inverse=True)
    fastest = np.zeros(sweeps.size, np.int64)
    np.maximum.at(fastest, positions, values)
    return [("cpu", sweeps, fastest), *others]


def _inside(times: NDArray[np.int64], start_ns: int, end_ns: int) -> slice:
    """Positions of the sorted times that lie in ``[start_ns, end_ns]``."""
    return slice(int(np.searchsorted(times, start_ns, "left")), int(np.searchsorted(times, end_ns, "right")))


def _frequencies(series: Iterable[Series], start_ns: int, end_ns: int) -> tuple[Frequency, ...]:
    """Of each source with a reading inside."""
    insides = ((source, values[_inside(times, start_ns, end_ns)]) for source, times, values in series)
    return tuple(
        Frequency(source, int(np.median(values)), int(values.min()), int(values.max()), int(values.size))
        for source, values in insides
        if values.size
    )


def _throttled(
    times: NDArray[np.int64], values: NDArray[np.int64], start_ns: int, end_ns: int, *, is_level: bool
) -> bool:
    """A level above 0 inside; a count that is higher at the last sweep inside than at the last one before."""
    where = _inside(times, start_ns, end_ns)
    inside, before = values[where], values[: where.start]
    if not inside.size:
        return False
    if is_level:
        return bool((inside > 0).any())
    return bool(inside[-1] > (before[-1] if before.size else inside[0]))


def _reasons(series: Iterable[Series], start_ns: int, end_ns: int) -> set[str]:
    """What a GPU's driver said to hold its frequency down, at any sweep inside: ``gpu (power cap)``."""
    return {
        f"{source} ({word})"
        for source, times, values in series
        for word in throttle_words(int(np.bitwise_or.reduce(values[_inside(times, start_ns, end_ns)], initial=0)))
    }


def _trapezoid_mj(times: NDArray[np.int64], values: NDArray[np.int64], start_ns: int, end_ns: int) -> float:
    inner = _inside(times, start_ns, end_ns)
    seconds = (np.r_[start_ns, times[inner], end_ns] - start_ns) / 1e9
    ends = np.interp([0.0, (end_ns - start_ns) / 1e9], (times - start_ns) / 1e9, values)
    watts_m = np.r_[ends[0], values[inner], ends[1]]
    return float(((watts_m[1:] + watts_m[:-1]) / 2 * np.diff(seconds)).sum())
