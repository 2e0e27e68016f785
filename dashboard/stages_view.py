"""Stages: how long each takes, how that is spread, whether it drifts, and which inferences stand out; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.frames import Frame
from tracer.figure_text import change_text, count_text, share_text, time_text
from tracer.report_types.report import Report
from tracer.reports.device_report import WindowNames
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import RunWindow
from tracer.trust.drift import drift_of, speeds_of, speeds_text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BARS = 60
"""Of the histogram."""

STRETCHES = 240
"""Into which the time of a run is cut at most, to be drawn; a stretch never spans two windows."""

STRETCH_COUNT = 20
"""Inferences of a stretch at least, where a window has them: of fewer the line would follow every stutter."""

FENCE = 3.0
"""Quartile distances above the third quartile beyond which a logarithm stands out: Tukey's outer fence."""

SHOWN_OUTLIERS = 25
STUTTER = 3.0
"""Times the median from which on an inference counts as a stutter."""

PERCENTS = (1, 5, 25, 50, 75, 90, 95, 99, 99.9)


def percentile_frame(values_ns: Integers) -> Frame:
    """``percentile`` and ``time`` of nanoseconds, interpolated as in the report, with minimum and maximum."""
    names = ["minimum", *(f"p{percent:g}" if percent != 50 else "median" for percent in PERCENTS), "maximum"]
    times = np.percentile(values_ns, (0, *PERCENTS, 100))
    return pd.DataFrame({"percentile": names, "time": [time_text(float(one)) for one in times]})


def histogram_frame(values_ns: Integers, bars: int = BARS) -> Frame:
    """
    Counts between edges that are equally far apart in the logarithm.

    Args:
        values_ns: nanoseconds; those below 1 are counted in the first bar.
        bars: how many at most.

    Returns:
        ``low_us``, ``high_us``, ``count``; every value is in one bar.
    """
    values = np.maximum(values_ns.astype(np.float64), 1.0)
    low, high = float(values.min()), float(values.max())
    if high <= low * 1.000001:
        low, high = low * 0.99, high * 1.01
    edges = np.geomspace(low, high, bars + 1)
    edges[0], edges[-1] = min(edges[0], values.min()), max(edges[-1], values.max())
    counts, _ = np.histogram(values, edges)
    return pd.DataFrame({"low_us": edges[:-1] / 1000, "high_us": edges[1:] / 1000, "count": counts})


def time_frame(inferences: TimedInferences, stage: str, stretches: int = STRETCHES) -> Frame:
    """
    How long a stage takes as the run goes on.

    Returns:
        A row a stretch of time: ``window``, ``seconds`` (of the time within the windows, joined end to end, the
        middle of the stretch), ``p10_us``, ``median_us``, ``p90_us``, ``max_us`` and ``count``.
    """
    columns = ["window", "seconds", "p10_us", "median_us", "p90_us", "max_us", "count"]
    values, walls = inferences.of_stage(stage) / 1000, inferences.wall_ns
    rows, passed = [], 0
    share = max(1, stretches // max(1, len(np.unique(inferences.window))))
    for window in np.unique(inferences.window):
        mine = np.flatnonzero(inferences.window == window)
        first = int(inferences.start_ns[mine[0]])
        for part in np.array_split(mine, max(1, min(share, len(mine) // STRETCH_COUNT))):
            p10, median, p90 = np.percentile(values[part], [10, 50, 90])
            last = int(inferences.start_ns[part[-1]] + walls[part[-1]])
            middle = (passed + (int(inferences.start_ns[part[0]]) + last) / 2 - first) / 1e9
            rows.append((f"{window}", middle, p10, median, p90, values[part].max(), len(part)))
        passed += last - first
    return pd.DataFrame(rows, columns=columns)


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


@dataclass(frozen=True, slots=True)
class Outliers:
    """
    The inferences that stand out.

    Args:
        rows: positions of all of them, the longest first.
        fence_ns: they are longer than this.
        share_of_time: of the time of all inferences that they took.
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


def outlier_frame(inferences: TimedInferences, stage: str, outliers: Outliers, shown: int = SHOWN_OUTLIERS) -> Frame:
    """The longest of them: ``inference``, ``window``, ``time``, ``times the median``, and each stage's part."""
    values = inferences.of_stage(stage)
    middle = float(np.median(values)) if len(values) else 0.0
    rows = []
    for row in outliers.rows[:shown]:
        facts = {
            "inference": int(inferences.number[row]),
            "window": int(inferences.window[row]),
            "time": time_text(float(values[row])),
            "times the median": float(values[row] / middle) if middle else 0.0,
        }
        if len(inferences.stages) > 1:
            parts = zip(inferences.stages, inferences.duration_ns[row], strict=True)
            facts |= {name: time_text(float(ns)) for name, ns in parts}
        rows.append(facts)
    return pd.DataFrame(rows)


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
