"""Stages: how long each takes, how that is spread, whether it drifts, and which inferences stand out; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.frames import Frame
from tracer.figure_text import change_text, count_text, number_text, share_text, time_text
from tracer.report_types.report import Report
from tracer.reports.device_report import WindowNames
from tracer.reports.latency_map import JoinedTime, LatencyMap, SensorLine, bin_of, latency_edges
from tracer.reports.outliers import Outliers, Reasons
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import RunWindow
from tracer.trust.drift import drift_of, speeds_of, speeds_text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BARS = 60
"""Of the histogram."""

SHOWN_OUTLIERS = 25
STUTTER = 3.0
"""Times the median from which on an inference counts as a stutter."""

PERCENTS = (1, 5, 25, 50, 75, 90, 95, 99, 99.9)


def percentile_frame(values_ns: Integers) -> Frame:
    """``percentile`` and ``time`` of nanoseconds, interpolated as in the report, with minimum and maximum."""
    names = ["minimum", *(f"p{percent:g}" if percent != 50 else "median" for percent in PERCENTS), "maximum"]
    times = np.percentile(values_ns, (0, *PERCENTS, 100))
    return pd.DataFrame({"percentile": names, "time": [time_text(float(one)) for one in times]})


def histogram_frame(values_ns: Integers, beside_ns: Integers | None = None, bars: int = BARS) -> Frame:
    """
    Counts between edges that are equally far apart in the logarithm.

    Args:
        values_ns: nanoseconds; those below 1 are counted in the first bar.
        beside_ns: another run's, counted between the same edges.
        bars: how many at most.

    Returns:
        ``low_us``, ``high_us``, ``count`` and ``beside``, scaled to as many values; every value is in one bar.
    """
    both = values_ns if beside_ns is None else np.concatenate([values_ns, beside_ns])
    edges = latency_edges(both, bars)
    count = np.bincount(bin_of(values_ns, edges), minlength=bars)
    beside: Floats = np.zeros(bars)
    if beside_ns is not None and len(beside_ns):
        beside = np.bincount(bin_of(beside_ns, edges), minlength=bars) * len(values_ns) / len(beside_ns)
    columns = {"low_us": edges[:-1] / 1000, "high_us": edges[1:] / 1000, "count": count, "beside": beside}
    return pd.DataFrame(columns)


def percentile_marks(values_ns: Integers) -> list[tuple[str, float]]:
    """The rules over a histogram: name with its time, and microseconds."""
    found = zip(("p50", "p90", "p99", "max"), np.percentile(values_ns, (50, 90, 99, 100)), strict=True)
    return [(f"{name} {time_text(float(ns))}", float(ns) / 1000) for name, ns in found]


def map_frame(found: LatencyMap) -> Frame:
    """A row a cell that is not empty: ``from_s``, ``to_s``, ``low_us``, ``high_us`` and ``count``."""
    column, row = np.nonzero(found.count)
    seconds, micros = found.time_ns / 1e9, found.latency_ns / 1e3
    return pd.DataFrame(
        {
            "from_s": seconds[column],
            "to_s": seconds[column + 1],
            "low_us": micros[row],
            "high_us": micros[row + 1],
            "count": found.count[column, row],
        }
    )


def sensor_frame(lines: Sequence[SensorLine], quantity: str) -> Frame:
    """``source``, ``seconds`` of the joined time and ``value`` of one quantity."""
    rows = [
        {"source": one.source, "seconds": float(at) / 1e9, "value": float(value)}
        for one in lines
        if one.quantity == quantity
        for at, value in zip(one.time_ns, one.value, strict=True)
    ]
    return pd.DataFrame(rows, columns=["source", "seconds", "value"])


def window_starts(time: JoinedTime, most: int = 10) -> list[tuple[float, str]]:
    """Where each window begins on the joined time, in seconds, and its name; none where there are over ``most``."""
    starts = [float(at) / 1e9 for at in time.offset_ns]
    return [] if len(starts) > most else list(zip(starts, (f"window {one}" for one in time.window), strict=True))


def window_frame(inferences: TimedInferences, stage: str) -> Frame:
    """A row a window: inferences, median, p90, p99, maximum, and the median against that of all windows."""
    values = inferences.of_stage(stage)
    middle = float(np.median(values)) if len(values) else 0.0
    rows = []
    for window in np.unique(inferences.window):
        mine = values[inferences.window == window]
        times = (time_text(float(one)) for one in np.percentile(mine, [50, 90, 99, 100]))
        against = change_text(float(np.median(mine)) / middle if middle else None)
        rows.append((int(window), len(mine), *times, against))
    columns = ["window", "inferences", "median", "p90", "p99", "maximum", "median against all"]
    return pd.DataFrame(rows, columns=columns)


def composition_frame(inferences: TimedInferences) -> Frame:
    """``window``, ``stage`` and ``us``: mean microseconds an inference of each stage, by window."""
    rows = []
    for window in np.unique(inferences.window):
        means = inferences.duration_ns[inferences.window == window].mean(axis=0) / 1000
        rows += [
            {"window": f"{window}", "stage": stage, "us": float(us)}
            for stage, us in zip(inferences.stages, means, strict=True)
        ]
    return pd.DataFrame(rows, columns=["window", "stage", "us"])


def outlier_frame(
    inferences: TimedInferences, stage: str, found: Outliers, reasons: Reasons, captured: Integers
) -> Frame:
    """
    The ``SHOWN_OUTLIERS`` longest of them, and why, as far as it was recorded.

    Args:
        inferences: in which they were found.
        stage: by which they stand out.
        found: them.
        reasons: of the same inferences.
        captured: numbers of the inferences that a profiler saw, in order.
    """
    values = inferences.of_stage(stage)
    middle = float(np.median(values)) if len(values) else 0.0
    rows = []
    for row in found.rows[:SHOWN_OUTLIERS].tolist():
        number = int(inferences.number[row])
        facts = {
            "inference": number,
            "window": int(inferences.window[row]),
            "time": time_text(float(values[row])),
            "times the median": float(values[row] / middle) if middle else 0.0,
            "why": reasons.of(row),
            "captured": captured_text(number, captured),
        }
        if len(inferences.stages) > 1:
            parts = zip(inferences.stages, inferences.duration_ns[row], strict=True)
            facts |= {name: time_text(float(ns)) for name, ns in parts}
        rows.append(facts)
    return pd.DataFrame(rows)


def slowest_sentence(inferences: TimedInferences, stage: str, reasons: Reasons, captured: Integers) -> str:
    """The longest of at least one inference by a stage, and why, as far as it was recorded; arguments as above."""
    values = inferences.of_stage(stage)
    row = int(np.argmax(values))
    number, middle = int(inferences.number[row]), float(np.median(values))
    times = f", {number_text(float(values[row]) / middle, 1)} times the median" if middle else ""
    seen = captured_text(number, captured)
    told = f"Slowest: inference {count_text(number)}, {time_text(float(values[row]))}{times}: {reasons.of(row)}"
    return f"{told}; profiled: {seen}."


def captured_text(number: int, captured: Integers) -> str:
    """Whether a profiler saw an inference, and if not the nearest that it saw; ``captured`` is sorted."""
    if not len(captured):
        return "no capture"
    nearest = int(captured[np.argmin(np.abs(captured - number))])
    return "yes" if nearest == number else f"no; nearest {count_text(nearest)}"


def counted_windows(inferences: TimedInferences, windows: Iterable[RunWindow]) -> TimedInferences:
    """The same inferences, with performance windows counted from 1, as a report and a host count them."""
    ordinals = {one.number: one.ordinal for one in windows}
    known, places = np.unique(inferences.window, return_inverse=True)
    told = np.array([ordinals.get(int(number)) or number for number in known], np.int64)
    return replace(inferences, window=told[places])


def steadiness_lines(inferences: TimedInferences, stage: str, report: Report) -> list[str]:
    """
    Whether it drifts, throttles or stutters, a sentence each.

    Args:
        inferences: of the run, without warm-ups.
        stage: that is judged.
        report: of the run.
    """
    device = report["device"]
    values = inferences.of_stage(stage)
    if len(values) < 20:
        return ["Fewer than 20 inferences: too few to say whether they drift or stutter."]
    speeds = speeds_of(values, inferences.window)
    told = "" if speeds is None else speeds_text(speeds)
    lines = [_drift(values), *([f"{told[0].upper()}{told[1:]}."] if told else [])]
    middle = float(np.median(values))
    rare = values > STUTTER * middle
    took = float(values[rare].sum() / values.sum()) if values.sum() else 0.0
    count = f"{count_text(int(rare.sum()))} of {count_text(len(values))}"
    lines.append(
        f"Stutter: {count} ({share_text(float(rare.mean()))}) take over "
        f"{STUTTER:g} times the median; they took {share_text(took)} of the time."
    )
    if device["note"]:
        lines.append(f"Throttling: not known ({device['note']}).")
    else:
        marked = [one for one in device["windows"] if one["throttled"] or one["changed"]]
        names = WindowNames(report["windows"])
        named = ", ".join(
            f"{names[one['window']]} ({', '.join([*one['throttled'], *one['changed']])})" for one in marked
        )
        lines.append(f"Throttling or changed frequencies: in {named}." if marked else "No throttling seen.")
    return lines


def _drift(values: Integers) -> str:
    """First against last tenth of the run, judged by how far the tenths' medians scatter otherwise."""
    drift = drift_of(values)
    if drift is None:
        return "Drift: too few inferences to tell."
    told, word = change_text(drift.ratio), "more than" if drift.beyond else "no more than"
    return f"Drift: the last tenth's median is {told} against the first's, {word} the tenths differ among themselves."
