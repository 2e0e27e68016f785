"""A comparison in words: what differs, by how much, and of what it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.figure_text import (
    MISSING,
    beside_text,
    change_text,
    counted,
    number_text,
    rate_text,
    share_text,
    time_text,
)
from tracer.reports.breakdown_rows import part_text
from tracer.unit_words import INFERENCES, UnitWords

if TYPE_CHECKING:
    from tracer.report_types.estimates import EstimateFigures
    from tracer.report_types.report import ChangedKernel, Compared, ComparedRun, Comparison, JudgedFigure

KERNELS_NAMED = 6
"""Changed kernels that a comparison prints at most."""


def sentence(
    row: Compared, baseline: ComparedRun, shown: ComparedRun, threshold: float, words: UnitWords = INFERENCES
) -> str:
    """The verdict, with the baseline named and both figures with their spreads."""
    names = f"{shown['name']} against {baseline['name']} (the baseline)"
    if row["refusals"]:
        return f"{names}: not compared ({'; '.join(row['refusals'])})."
    if row["median"] is None:
        return f"{names}: not compared (a run has no timed inference)."
    return f"{names}: {_verdict(row, baseline, shown, threshold)}. {figure_lines(row, words)}"


def figure_lines(row: Compared, words: UnitWords = INFERENCES) -> str:
    """Both figures of both sides: what they are, and how far they differ."""
    median, rate = row["median"], row["rate"]
    told = []
    if median is not None:
        times = f"{time_text(median['baseline'])}, then {time_text(median['value'])}"
        told.append(f"Median {words.one} {times}: {change_of(median)}")
    if rate is not None:
        rates = f"{number_text(rate['baseline'], 1)}, then {rate_text(rate['value'])}"
        told.append(f"rate {rates}: {change_of(rate, of_rate=True)}")
    reasons = dict.fromkeys(
        one["spread"]["reason"] for one in (median, rate) if one is not None and one["spread"]["reason"]
    )
    return "; ".join(told) + "".join(f"; no interval: {reason}" for reason in reasons) + "."


def change_of(one: JudgedFigure | None, *, of_rate: bool = False) -> str:
    """How far a figure is from the baseline's, with its interval, or its range in brackets: ``-10.3 % (...)``."""
    if one is None:
        return MISSING
    ratio, spread = one["ratio"], one["spread"]
    low, high = spread["low"], spread["high"]
    if of_rate:
        ratio = 1 / ratio
        low, high = (None if end is None else 1 / end for end in (high, low))
    return change_text(ratio) + beside_text({**spread, "low": low, "high": high}, change_text)


def _verdict(row: Compared, baseline: ComparedRun, shown: ComparedRun, threshold: float) -> str:
    beyond, verdict = share_text(threshold), row["verdict"]
    detected = {one["detected"] for one in (row["median"], row["rate"]) if one is not None}
    way = next(iter(detected)) if len(detected) == 1 else None
    if verdict in ("slower", "faster"):
        text = f"{verdict} by more than {beyond}"
    elif verdict == "equivalent":
        text = f"equivalent, no more than {beyond} apart" + (f", {way} within that" if way else "")
    elif verdict == "rate and median disagree":
        text = "its rate and its median disagree: the times are spread in another way"
    elif way is not None:
        text = f"{way}, detected; whether by more than {beyond} can't be told"
    else:
        text = f"whether they differ by {beyond} can't be told"
    if row["why_no_claim"] is None:
        return text
    differ = verdict in ("slower", "faster", "rate and median disagree") or way is not None
    which = "these two launches" if len(baseline["launches"]) == len(shown["launches"]) == 1 else "these launches"
    return f"{which} differ: {text}" if differ else f"{which}: {text}"


def note_lines(row: Compared) -> list[str]:
    """Why nothing is said of the configurations, where anything was compared, and what differs or is not known."""
    why = row["why_no_claim"] if row["median"] is not None else None
    return [*([why] if why else []), *(f"Note: {warning}" for warning in row["warnings"])]


def kernel_lines(kernels: list[ChangedKernel], words: UnitWords = INFERENCES) -> list[str]:
    """The kernels that changed, by their whole names."""
    lines = [
        f"Kernel of only {one['run']}: {one['name']}, {time_text(one['ns_per_inference'])} {words.each}"
        for one in kernels[:KERNELS_NAMED]
    ]
    left = len(kernels) - KERNELS_NAMED
    return [*lines, f"and {counted(left, 'kernel')} more that only one of them runs"] if left > 0 else lines


def part_rows(figures: Comparison) -> list[tuple[str, list[str], list[str]]]:
    """
    A row a part of an inference: its name, of each run its median with its interval, as text, and the runs whose part
    differs from the first's by more than both intervals.
    """
    rows = []
    for name in dict.fromkeys(name for run in figures["runs"] for name in run["parts"]):
        spreads = [run["parts"].get(name) for run in figures["runs"]]
        cells = [MISSING if one is None else spread_text(one["median_ns"], one["spread"]) for one in spreads]
        changes = {row["run"]: row["parts"].get(name) for row in figures["comparisons"]}
        rows.append((part_text(name), cells, [run for run, one in changes.items() if one and one["beyond_noise"]]))
    return rows


def starred_parts(figures: Comparison) -> list[tuple[str, ...]]:
    """``part_rows`` as text alone: a star stands behind what differs by more than both intervals."""
    names = [run["name"] for run in figures["runs"]]
    return [
        (part, *(cell + (" *" if name in beyond else "") for name, cell in zip(names, cells, strict=True)))
        for part, cells, beyond in part_rows(figures)
    ]


def spread_text(median_ns: float | None, spread: EstimateFigures) -> str:
    """A time and its spread, as ``180.98 us (178.59 to 181.99 us)``."""
    return time_text(median_ns) + beside_text(spread, time_text)
