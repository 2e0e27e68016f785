"""
Runs held against the first of them: what may be compared, how far they differ, and whether that is more than noise.

The windows of a run differ by more than its inferences do (another moment, another state of the machine), so whole
windows are resampled, and inferences within them: an interval made of the inferences alone would call nearly every
two runs different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tracer.device.device_state import CHANGE, Frequency, differing_frequencies
from tracer.figure_text import frequency_text
from tracer.reports.window_frequencies import figure_frequencies
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences

Floats = NDArray[np.float64]
Verdict = Literal["slower", "faster", "no difference", "not known"]

THRESHOLD = CHANGE
"""
Share of the median below which two runs count as equal: frequencies that differ by less pass as the same, so a
difference as small may be theirs.
"""

SIGNIFICANCE = 0.05
RESAMPLES = 1000
POINTS = 200
"""Values that a window is resampled by at most; of a longer one these are as many of its quantiles, weighted."""

FEW_WINDOWS = 4
"""Of fewer windows a resample says too little of how they differ, and no rank test can: then Student's t judges."""


@dataclass(frozen=True, slots=True)
class Comparability:
    """Sentences: ``refusals`` say why two runs may not be compared, ``warnings`` what differs or is not known."""

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    How a run's median inference compares with that of the first.

    ``ratio`` is of the medians, the run's to the first's, ``interval`` its 95 % by resampling windows and inferences.
    ``p_value`` is of the test on the medians of the windows, two-sided; None where each run has one window. ``notes``
    say what weakens it, a sentence each.
    """

    ratio: float
    interval: tuple[float, float]
    p_value: float | None
    verdict: Verdict
    notes: tuple[str, ...]


def comparability(first: StoredRun, other: StoredRun) -> Comparability:
    """
    Refuse other models, other modes and other frequencies; warn of what is not known or differs besides.

    Frequencies are those during the timed windows of each run; where one run has none, they are not known.
    """
    one, two = first.info, other.info
    refusals, warnings = [], []
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
    profilers = [(info.profiler or {}).get("name", "no profiler") for info in (one, two)]
    if profilers[0] != profilers[1]:
        warnings.append(f"a profiler was attached to one of them: {profilers[0]} against {profilers[1]}")
    if (one.host, one.cpu) != (two.host, two.cpu):
        warnings.append(f"other machine: {one.host} ({one.cpu}) against {two.host} ({two.cpu})")
    return Comparability(tuple(refusals), tuple(warnings))


def _named(model: dict[str, Any], digest: str) -> str:
    return f"{model.get('name')} ({digest[:12]})"


def _hertz(name: str, *runs: tuple[Frequency, ...]) -> str:
    values = [next(one.median_hz for one in run if one.source == name) for run in runs]
    return f"{name} {' against '.join(map(frequency_text, values))}"


def difference(first: TimedInferences, other: TimedInferences, threshold: float = THRESHOLD) -> Difference | None:
    """
    Compare the median inferences of two runs.

    A run is called slower or faster where three things agree: the interval of the ratio lies beyond 1, the ratio
    itself differs by more than the threshold, and the medians of the windows differ by the test of Mann and Whitney
    (``scipy.stats.mannwhitneyu``). Where a run has fewer than ``FEW_WINDOWS``, interval and test are Student's, of
    the logarithms of those medians with a common variance. Of one window each nothing is known of how windows
    differ: then there is no verdict, and the interval is that of the inferences alone.

    A difference of less than ``threshold``, a share of the median, counts as none.

    Returns:
        None where one of them has no timed inference.
    """
    if not len(first) or not len(other):
        return None
    windows = [_windows(one) for one in (first, other)]
    medians = [np.array([np.median(values) for values in one], np.float64) for one in windows]
    ratio = float(np.median(other.wall_ns) / np.median(first.wall_ns))
    counts = [len(one) for one in windows]
    if max(counts) > 1 and min(counts) < FEW_WINDOWS:
        low, high, p_value = _student(ratio, np.log(medians[0]), np.log(medians[1]))
        note = f"a run has {min(counts)} windows: the interval is wide, five each make it narrow"
        return Difference(ratio, (low, high), p_value, _verdict(ratio, low, high, p_value, threshold), (note,))
    rng = np.random.default_rng(0)
    resampled = [_resampled_medians(one, rng) for one in windows]
    low, high = (float(end) for end in np.percentile(resampled[1] / resampled[0], [2.5, 97.5]))
    if max(counts) == 1:
        note = "each run has one window: how much windows differ is not known, nor whether this is more"
        return Difference(ratio, (low, high), None, "not known", (note,))
    from scipy.stats import mannwhitneyu

    p_value = float(mannwhitneyu(*medians, alternative="two-sided").pvalue)
    return Difference(ratio, (low, high), p_value, _verdict(ratio, low, high, p_value, threshold), ())


def _verdict(ratio: float, low: float, high: float, p_value: float, threshold: float) -> Verdict:
    if p_value < SIGNIFICANCE and ratio > 1 + threshold and low > 1:
        return "slower"
    if p_value < SIGNIFICANCE and ratio < 1 / (1 + threshold) and high < 1:
        return "faster"
    return "no difference"


def _windows(run: TimedInferences) -> list[NDArray[np.int64]]:
    """The wall times of each window."""
    walls = run.wall_ns
    return [walls[run.window == window] for window in np.unique(run.window)]


def _student(ratio: float, first: Floats, other: Floats) -> tuple[float, float, float]:
    """Low and high end of the ratio's interval, and the p-value, by Student's t of logarithms with one variance."""
    from scipy.stats import t

    freedom = len(first) + len(other) - 2
    squares = float(((first - first.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum())
    error = float(np.sqrt(squares / freedom * (1 / len(first) + 1 / len(other))))
    apart = abs(float(other.mean() - first.mean()))
    if not error:
        return ratio, ratio, 0.0 if apart else 1.0
    half = error * float(t.ppf(0.975, freedom))
    return ratio * float(np.exp(-half)), ratio * float(np.exp(half)), 2 * float(t.sf(apart / error, freedom))


def _resampled_medians(clusters: Sequence[NDArray[np.int64]], rng: np.random.Generator) -> Floats:
    """
    Medians of ``RESAMPLES`` resamples: of the clusters with replacement, of the values by Dirichlet weights.

    The weights are those of Rubin's Bayesian bootstrap (Annals of Statistics 9, 1981), which of ``m`` values that one
    quantile stands for sum to a gamma variable of shape ``m``.
    """
    points, weights, owner = [], [], []
    for place, values in enumerate(clusters):
        count = min(len(values), POINTS)
        picked = np.quantile(values, (np.arange(count) + 0.5) / count) if len(values) > POINTS else values
        points.append(np.asarray(picked, np.float64))
        weights.append(np.full(count, len(values) / count))
        owner.append(np.full(count, place))
    value, weight, cluster = (np.concatenate(one) for one in (points, weights, owner))
    order = np.argsort(value, kind="stable")
    value, weight, cluster = value[order], weight[order], cluster[order]
    medians = np.empty(RESAMPLES)
    for turn in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(clusters), len(clusters)), minlength=len(clusters))
        mass = np.cumsum(rng.gamma(weight) * drawn[cluster])
        medians[turn] = value[np.searchsorted(mass, mass[-1] / 2)]
    return medians
