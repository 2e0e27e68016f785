"""
Runs held against a baseline: what may be compared, how far they differ, and what the measurements can carry.

The unit that varies is resampled: launches where a side has several, the windows of the two launches else. Windows
of one launch describe that launch, so a claim about a configuration needs launches on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.device.device_samples import CHANGE
from tracer.device.device_state import Frequency, differing_frequencies
from tracer.figure_text import counted, frequency_text
from tracer.report_types.report import Judgement, Verdict, Way
from tracer.reports.machine_report import REFUSED_BY, WARNED_BY, differing_facts, unknown_facts
from tracer.reports.window_frequencies import figure_frequencies
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.runs.windows import performance_windows
from tracer.stages import INFERENCE
from tracer.statistics.intervals import LAUNCH, WINDOW, Estimate, clustered
from tracer.statistics.ratio import ratio_of_groups
from tracer.unit_words import INFERENCES

Floats = NDArray[np.float64]

THRESHOLD = CHANGE
"""
Share below which a difference counts as none: frequencies that differ by less pass as the same, so a difference as
small may be theirs.
"""

WAYS: tuple[Way, Way] = ("slower", "faster")

CLAIM_LAUNCHES = 5
"""Launches of each side that a claim about its configuration takes."""

IN_A_ROW = 2
"""Launches of one side that may follow one another where the sides alternate."""


SHORT_WINDOW = 30
"""Inferences of a window below which its own median says nothing, as of ``infer``, whose windows are of one input."""

BLOCKS = 10
"""Consecutive parts of a launch of many such windows that stand for its windows."""


@dataclass(frozen=True, slots=True)
class Comparability:
    """Sentences: ``refusals`` say why two runs may not be compared, ``warnings`` what differs or is not known."""

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """
    The launches that stand for one thing that is compared: n of them, one for a run that stands alone.

    ``medians_ns`` and ``rates_hz`` are of the windows of each launch; the rates of a launch without a performance
    window are none. ``trouble`` says why the windows of a single launch, or the launches, give no interval; empty
    where they do.
    """

    medians_ns: Sequence[Floats]
    rates_hz: Sequence[Floats]
    trouble: str

    def figures(self, of: Sequence[Floats], unit: str) -> Floats:
        """Of the launches, each the geometric mean of its windows, or the windows themselves."""
        if unit == WINDOW:
            return np.concatenate(of)
        return np.array([np.exp(np.log(one).mean()) for one in of if len(one)])


@dataclass(frozen=True, slots=True)
class Judged:
    """
    One figure of two sides: ``ratio`` is of times, above 1 where the other is slower, and is that of the two.

    ``detected`` is the direction of a difference that the interval shows, whatever its size; ``judgement`` holds
    the interval against the threshold.
    """

    first: float
    other: float
    ratio: Estimate
    detected: Way | None
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Difference:
    """
    How a side compares with the baseline: by the median inference, and by the rate, None where a side has none.

    ``unit`` is what was resampled.
    """

    median: Judged
    rate: Judged | None
    verdict: Verdict
    unit: str


def side_of(runs: Sequence[StoredRun]) -> Side:
    """The windows' medians and rates of the launches, by the laps where all windows have them."""
    timed = [timed_inferences(run) for run in runs]
    return side_of_times(timed, [_rates(run) for run in runs])


def side_of_times(timed: Sequence[TimedInferences], rates_hz: Sequence[Floats], each: str = INFERENCES.one) -> Side:
    """As ``side_of``, of the inferences of each launch, ``each`` called so, and the rates of its windows."""
    medians, rates = [], []
    for one, windows_hz in zip(timed, rates_hz, strict=True):
        windows = np.unique(one.window)
        short = len(windows) > BLOCKS and len(one) < SHORT_WINDOW * len(windows)
        units = (
            np.array_split(windows, BLOCKS)
            if short
            else [windows[place : place + 1] for place in range(len(windows))]
        )
        medians.append(np.array([np.median(one.wall_ns[np.isin(one.window, unit)]) for unit in units]))
        grouped = short and len(windows_hz) > BLOCKS
        # Windows of one length: together they have the harmonic mean of their rates.
        rates.append(
            np.array([1 / np.mean(1 / part) for part in np.array_split(windows_hz, BLOCKS)])
            if grouped
            else windows_hz
        )
    return Side(medians, rates, _trouble(timed, each))


def _rates(run: StoredRun) -> Floats:
    windows = performance_windows(run.each_window)
    laps = [one.rate_hz for one in windows]
    found = laps if all(laps) else [one.wall_rate_hz for one in windows]
    return np.array([rate for rate in found if rate], np.float64)


def _trouble(timed: Sequence[TimedInferences], each: str) -> str:
    """Why the units give no interval, where it is more than their number."""
    if not any(len(one) for one in timed):
        return ""
    walls = np.concatenate([one.wall_ns for one in timed])
    launch = np.repeat(np.arange(len(timed)), [len(one) for one in timed])
    window = np.concatenate([one.window for one in timed])
    # A launch's windows are its own: equal numbers of two launches are two windows.
    window = window + launch * (1 + int(window.max()))
    found = clustered(walls, [(LAUNCH, launch), (WINDOW, window)], each=each)
    return found.reason if found.kind == "range" and found.count > 2 and found.unit != each else ""


def comparability(first: StoredRun, other: StoredRun) -> Comparability:
    """
    Refuse other models, modes, GPUs and frequencies; warn of what is not known or differs besides.

    Frequencies are those during the timed windows of each run; where one run has none, they are not known.
    """
    # A folder may have been renamed since: a run is called as its folder is.
    one, two = (replace(run.info, name=run.name) for run in (first, other))
    refusals, warnings = [], []
    if one.run_id == two.run_id:
        warnings.append("both are the same run: what is shown is no comparison")
    hashes = [str(info.model.get("sha256") or "") for info in (one, two)]
    if all(hashes) and hashes[0] != hashes[1]:
        refusals.append(f"other model: {_named(one.model, hashes[0])} against {_named(two.model, hashes[1])}")
    elif not all(hashes):
        if one.model.get("name") != two.model.get("name"):
            refusals.append(f"other model: {one.model.get('name')} against {two.model.get('name')}")
        warnings.append("a model's hash was not recorded: whether both are the same file is not known")
    for name, mine, theirs in (("timed", one.timed, two.timed), ("stages", one.stages_mode, two.stages_mode)):
        if mine != theirs:
            refusals.append(f"other mode: {name} {mine} against {theirs}")
    frequencies = [figure_frequencies(run) for run in (first, other)]
    differing = differing_frequencies(*frequencies)
    if differing:
        refusals.append("other frequencies: " + ", ".join(_hertz(name, *frequencies) for name in differing))
    if not all(frequencies):
        unknown = [run.name for run, known in zip((first, other), frequencies, strict=True) if not known]
        warnings.append(f"frequencies not recorded in {' and '.join(unknown)}: whether they were equal is not known")
    refusals += differing_facts(one, two, REFUSED_BY)
    warnings += [*differing_facts(one, two, WARNED_BY), *unknown_facts(one, two)]
    return Comparability(tuple(refusals), tuple(warnings))


def _named(model: dict[str, Any], digest: str) -> str:
    return f"{model.get('name')} ({digest[:12]})"


def _hertz(name: str, *runs: tuple[Frequency, ...]) -> str:
    values = [next(one.median_hz for one in run if one.source == name) for run in runs]
    return f"{name} {' against '.join(map(frequency_text, values))}"


def why_no_claim(first: Sequence[StoredRun], other: Sequence[StoredRun]) -> str | None:
    """Why what is found is of these launches and not of their configurations; None where it is of those."""
    counts = [len(first), len(other)]
    if min(counts) < CLAIM_LAUNCHES:
        few = counted(min(counts), "launch", "launches")
        return f"{few} on a side: a claim about a configuration takes {CLAIM_LAUNCHES} on each, in turn"
    order = sorted([(run.info.created, 0) for run in first] + [(run.info.created, 1) for run in other])
    longest = max(len(list(group)) for _, group in groupby(order, key=lambda one: one[1]))
    if longest > IN_A_ROW:
        return f"{longest} launches of one side in a row: what changed meanwhile on the machine is not told apart"
    return None


def difference(first: Side, other: Side, threshold: float = THRESHOLD) -> Difference | None:
    """
    Compare the median inferences and the rates of two sides.

    Their ratio is of the geometric means of the launches' figures, or of one launch's windows' each, with Welch's
    interval; a range where a side has two, or where its windows do not give an interval. A difference is *detected*
    where the interval lies on one side of 1; it is *slower* or *faster* where the interval lies beyond the threshold,
    *equivalent* where it lies within.

    Returns:
        None where one of them has no timed inference.
    """
    unit = LAUNCH if max(len(first.medians_ns), len(other.medians_ns)) > 1 else WINDOW
    trouble = first.trouble or other.trouble
    judged: list[Judged | None] = []
    for name, times in (("medians_ns", True), ("rates_hz", False)):
        one, two = (side.figures(getattr(side, name), unit) for side in (first, other))
        known = len(one) and len(two)
        judged.append(_judged(one, two, unit, trouble, threshold, times=times) if known else None)
    median, rate = judged
    if median is None:
        return None
    return Difference(median, rate, _verdict([one for one in judged if one is not None]), unit)


def moved_stages(before: TimedInferences, after: TimedInferences) -> dict[str, Way]:
    """The stages of two launches, and their inference, whose time differs by what is detected, and which way."""
    found: dict[str, Way] = {}
    for stage in (*(one for one in after.stages if one in before.stages), INFERENCE):
        one, other = (side_of_times([_alone(timed, stage)], [np.empty(0)]) for timed in (before, after))
        # Of times of zero there is no ratio.
        known = all((each > 0).all() for side in (one, other) for each in side.medians_ns)
        told = difference(one, other) if known else None
        if told is not None and told.median.detected is not None:
            found[stage] = told.median.detected
    return found


def _alone(timed: TimedInferences, stage: str) -> TimedInferences:
    return replace(timed, stages=(stage,), duration_ns=timed.of_stage(stage)[:, None])


def _judged(first: Floats, other: Floats, unit: str, trouble: str, threshold: float, *, times: bool) -> Judged:
    subject, base = (other, first) if times else (first, other)
    ratio = ratio_of_groups(subject, base, unit)
    if trouble and ratio.kind == "interval":
        low, high = float(subject.min() / base.max()), float(subject.max() / base.min())
        ratio = replace(ratio, low=low, high=high, kind="range", reason=trouble)
    mean, other_mean = (float(np.exp(np.log(one).mean())) for one in (first, other))
    detected: Way | None = None
    judgement: Judgement = "can't be told"
    if ratio.kind == "interval":
        detected = "slower" if ratio.low > 1 else "faster" if ratio.high < 1 else None
        judgement = _held_against(ratio, threshold)
    return Judged(mean, other_mean, ratio, detected, judgement)


def _held_against(ratio: Estimate, threshold: float) -> Judgement:
    most = 1 + threshold
    if ratio.low > most:
        return "slower"
    if ratio.high < 1 / most:
        return "faster"
    return "equivalent" if ratio.low >= 1 / most and ratio.high <= most else "can't be told"


def _verdict(judged: Sequence[Judged]) -> Verdict:
    """What both figures carry: where one is beyond the threshold, the other must be seen to have moved with it."""
    found = {one.judgement for one in judged}
    for way in WAYS:
        if way in found:
            if found - {way, "can't be told"}:
                return "rate and median disagree"
            return way if all(one.detected == way for one in judged) else "can't be told"
    return "equivalent" if found == {"equivalent"} else "can't be told"
