"""A comparison as plain values, for JSON, for the terminal and for the dashboard: the figures stand once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.errors import UsageError
from tracer.report_types.estimates import EstimateFigures
from tracer.report_types.gpu import KernelFigures
from tracer.report_types.report import (
    ChangedKernel,
    Compared,
    ComparedFigures,
    ComparedLaunch,
    ComparedRun,
    Comparison,
    JudgedFigure,
    PartChange,
    PartSpread,
)
from tracer.reports.compare import (
    THRESHOLD,
    Comparability,
    Difference,
    Judged,
    comparability,
    difference,
    side_of,
    why_no_claim,
)
from tracer.reports.compare_words import sentence
from tracer.reports.kept_report import kept_figures
from tracer.reports.profiled_parts import busy_and_overhead, profiled_parts
from tracer.runs.run_store import StoredRun


@dataclass(frozen=True, slots=True)
class Launches:
    """What is compared: runs of one configuration, or one run; ``reports`` of them, or ``compared_figures``."""

    name: str
    runs: Sequence[StoredRun]
    reports: Sequence[ComparedFigures]

    @property
    def created(self) -> str:
        """When the first of them began."""
        return min(run.info.created for run in self.runs)


def launches_of(
    runs: Sequence[StoredRun], name: str | None = None, reports: Sequence[ComparedFigures] = ()
) -> Launches:
    """A side of a comparison; without a ``name`` that of its first run, without ``reports`` they are made."""
    return Launches(name or runs[0].name, runs, reports or [kept_figures(run) for run in runs])


def compare_sides(sides: Sequence[Launches], threshold: float = THRESHOLD, baseline: str | None = None) -> Comparison:
    """
    Hold two or more sides against the one named ``baseline``, else the oldest; ``threshold`` is of ``difference``.

    Raises:
        UsageError: if there are fewer than two, or none of that name.
        KwsTraceError: if one of them cannot be read.
    """
    if len(sides) < 2:
        raise UsageError("compare", "one run is named", "name two or more: the oldest is the baseline")
    if baseline is not None and baseline not in {one.name for one in sides}:
        raise UsageError("--baseline", f"{baseline} is not one of those compared", "name one of them")
    first, *others = sorted(sides, key=lambda one: (one.name != baseline, one.created))
    figures = [_side_figures(one) for one in (first, *others)]
    rows = [
        _compared(first, other, figures[0], shown, threshold)
        for other, shown in zip(others, figures[1:], strict=True)
    ]
    return {
        "unit": "inference",
        "threshold": threshold,
        "baseline": first.name,
        "runs": figures,
        "comparisons": rows,
    }


def _compared(first: Launches, other: Launches, base: ComparedRun, shown: ComparedRun, threshold: float) -> Compared:
    allowed = _allowed(first.runs, other.runs)
    found = None if allowed.refusals else difference(side_of(first.runs), side_of(other.runs), threshold)
    row = compared_row(allowed, found, (base, shown), (first.reports[0], other.reports[0]))
    row["why_no_claim"] = why_no_claim(first.runs, other.runs)
    row["sentence"] = sentence(row, base, shown, threshold)
    return row


def compared_row(
    allowed: Comparability,
    found: Difference | None,
    shown: tuple[ComparedRun, ComparedRun],
    figures: tuple[KernelFigures, KernelFigures],
) -> Compared:
    """A comparison of the two ``shown``, the baseline first, of whose kernels are ``figures``; without a sentence."""
    comparable = not allowed.refusals
    return {
        "run": shown[1]["name"],
        "refusals": list(allowed.refusals),
        "warnings": list(allowed.warnings),
        "why_no_claim": None,
        "median": _judged_figure(found.median) if found else None,
        "rate": _judged_figure(found.rate) if found and found.rate else None,
        "verdict": found.verdict if found else "can't be told" if comparable else "refused",
        "parts": _part_changes(*shown) if comparable else {},
        "kernels": _changed_kernels(shown, figures) if comparable else [],
        "sentence": "",
    }


def _allowed(first: Sequence[StoredRun], other: Sequence[StoredRun]) -> Comparability:
    """Every launch of both sides held against the first."""
    found = [comparability(first[0], run) for run in (*first[1:], *other)]
    refusals, warnings = ([one for each in found for one in getattr(each, name)] for name in ("refusals", "warnings"))
    return Comparability(tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(warnings)))


def _judged_figure(one: Judged) -> JudgedFigure:
    return {
        "baseline": one.first,
        "value": one.other,
        "ratio": one.ratio.value,
        "spread": one.ratio.figures,
        "detected": one.detected,
        "judgement": one.judgement,
    }


def _side_figures(side: Launches) -> ComparedRun:
    launches = [_compared_launch(run, report) for run, report in zip(side.runs, side.reports, strict=True)]
    return compared_run(side.name, side.created, launches, side.reports[0])


def compared_run(
    name: str, created: str | None, launches: list[ComparedLaunch], figures: KernelFigures
) -> ComparedRun:
    """A side, its parts out of ``figures``."""
    gpu = figures["gpu"]
    parts: dict[str, PartSpread] = {
        part: {"median_ns": one["median"], "spread": one["spread"]} for part, one in profiled_parts(figures).items()
    }
    source = gpu["source"] if gpu else None
    return {"name": name, "created": created, "launches": launches, "source": source, "parts": parts}


def _compared_launch(run: StoredRun, report: ComparedFigures) -> ComparedLaunch:
    shown = busy_and_overhead(report["gpu"])
    return {
        "name": run.name,
        "rate_hz": report["median_rate_hz"],
        "trust": report["trust"],
        "inference": report["inference"],
        "busy_share": shown.busy_share if shown else None,
    }


def _changed_kernels(
    sides: tuple[ComparedRun, ComparedRun], figures: tuple[KernelFigures, KernelFigures]
) -> list[ChangedKernel]:
    """Those of the first launches that only one of them runs, by whole name, the longest first."""
    one, two = figures
    if not one["kernels"] or not two["kernels"]:
        return []
    names = [{kernel["name"] for kernel in report["kernels"]} for report in (one, two)]
    found: list[ChangedKernel] = [
        {
            "run": side["name"],
            "name": kernel["name"],
            "per_inference": kernel["per_inference"],
            "ns_per_inference": kernel["ns_per_inference"],
        }
        for side, report, there in zip(sides, figures, names[::-1], strict=True)
        for kernel in report["kernels"]
        if kernel["name"] not in there
    ]
    return sorted(found, key=lambda kernel: -kernel["ns_per_inference"])


def _part_changes(first: ComparedRun, other: ComparedRun) -> dict[str, PartChange]:
    """Parts that both have, by the same kind of profiler: others are not the same thing."""
    if first["source"] != other["source"]:
        return {}
    changes: dict[str, PartChange] = {}
    for name, one in first["parts"].items():
        two = other["parts"].get(name)
        if two is not None:
            changes[name] = {
                "change_ns": two["median_ns"] - one["median_ns"],
                "beyond_noise": _apart(one["spread"], two["spread"]),
            }
    return changes


def _apart(one: EstimateFigures, two: EstimateFigures) -> bool:
    """Whether neither spread reaches into the other; False where one of them has none."""
    low, high, low_two, high_two = one["low"], one["high"], two["low"], two["high"]
    if low is None or high is None or low_two is None or high_two is None:
        return False
    return low_two > high or high_two < low
