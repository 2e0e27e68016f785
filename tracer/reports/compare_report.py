"""A comparison as plain values, for JSON, for the terminal and for the dashboard: the figures stand once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.errors import UsageError
from tracer.figure_text import time_text
from tracer.reports.breakdown_text import part_text
from tracer.reports.compare import THRESHOLD, comparability, difference
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import timed_inferences

Figures = dict[str, Any]


def compare_runs(
    runs: Sequence[StoredRun], threshold: float = THRESHOLD, reports: Sequence[Figures] | None = None
) -> Figures:
    """
    Hold runs against the first of them.

    Args:
        runs: two or more, opened.
        threshold: share of the median inference below which a difference counts as none.
        reports: of ``build_report``, of the same runs, where the caller has them.

    Returns:
        ``threshold``; ``runs``: of each ``name``, ``rate_hz``, ``inference`` (as in the report), ``busy_share``, and
        ``parts``; ``comparisons``: of each but the first ``run``, ``refusals``, ``warnings``, ``ratio``,
        ``interval``, ``p_value``, ``verdict``, ``sentence`` and ``parts``. A refused one has no ratio, and
        ``refused`` as its verdict. Parts are by name ``median_ns`` and ``interval_ns``; in a comparison ``change_ns``
        and ``beyond_noise``, whether the two intervals lie apart.

    Raises:
        UsageError: if there are fewer than two.
        KwsTraceError: if one of them cannot be read.
    """
    if len(runs) < 2:
        raise UsageError("compare", "one run is named", "name two or more, the first of which is compared with")
    known = list(reports) if reports is not None else [build_report(run) for run in runs]
    figures = [_run_figures(run, report) for run, report in zip(runs, known, strict=True)]
    timed = [timed_inferences(run) for run in runs]
    comparisons = []
    for place in range(1, len(runs)):
        allowed = comparability(runs[0], runs[place])
        found = None if allowed.refusals else difference(timed[0], timed[place], threshold)
        row: Figures = {
            "run": runs[place].name,
            "refusals": list(allowed.refusals),
            "warnings": [*allowed.warnings, *(found.notes if found else ())],
            "ratio": found.ratio if found else None,
            "interval": list(found.interval) if found else None,
            "p_value": found.p_value if found else None,
            "verdict": found.verdict if found else ("refused" if allowed.refusals else "not known"),
            "parts": {} if allowed.refusals else _part_changes(figures[0], figures[place]),
        }
        comparisons.append(row | {"sentence": _sentence(row, figures[0], figures[place], threshold)})
    return {"threshold": threshold, "runs": figures, "comparisons": comparisons}


def _run_figures(run: StoredRun, report: Figures) -> Figures:
    gpu = report["gpu"]
    beside = gpu["unprofiled"] if gpu else None
    busy = None
    if gpu and gpu["has_gpu_work"]:
        busy = beside["busy_share"] if beside else gpu["busy_ns"]["share"]
    return {
        "name": run.name,
        "rate_hz": report["median_rate_hz"],
        "inference": report["inference"],
        "busy_share": busy,
        "source": gpu["source"] if gpu else None,
        "parts": _parts(report),
    }


def _parts(report: Figures) -> Figures:
    """By name the median and interval of each part of a profiled inference."""
    gpu = report["gpu"]
    if gpu is None:
        return {}
    found = {name: gpu[f"{name}_ns"] for name in ("kernel", "copy") if gpu["has_gpu_work"]}
    for name, one in report["overhead"].items():
        # Where a capture does not tell the framework from its computing, both are in it.
        found["framework and computing" if name == "framework" and not gpu["computing_known"] else name] = one
    return {name: {"median_ns": one["median"], "interval_ns": list(one["interval"])} for name, one in found.items()}


def _part_changes(first: Figures, other: Figures) -> Figures:
    """Parts that both have, by the same kind of profiler: others are not the same thing."""
    if first["source"] != other["source"]:
        return {}
    changes = {}
    for name, one in first["parts"].items():
        two = other["parts"].get(name)
        if two is not None:
            (low, high), (low_two, high_two) = one["interval_ns"], two["interval_ns"]
            changes[name] = {
                "change_ns": two["median_ns"] - one["median_ns"],
                "beyond_noise": low_two > high or high_two < low,
            }
    return changes


def _sentence(row: Figures, first: Figures, other: Figures, threshold: float) -> str:
    names = f"{other['name']} against {first['name']}"
    if row["refusals"]:
        return f"{names}: not compared ({'; '.join(row['refusals'])})."
    if row["ratio"] is None:
        return f"{names}: not compared (a run has no timed inference)."
    low, high = row["interval"]
    change = f"{100 * (row['ratio'] - 1):+.1f} % ({100 * (low - 1):+.1f} to {100 * (high - 1):+.1f} %)"
    times = f"Median inference {time_text(first['inference']['median_ns'])}, then "
    times += f"{time_text(other['inference']['median_ns'])}: {change}"
    if row["verdict"] == "no difference":
        return f"{names}: no difference beyond the noise. {times}; less than {100 * threshold:g} % counts as none."
    if row["verdict"] == "not known":
        return f"{names}: not known whether they differ. {times}."
    return f"{names}: {row['verdict']}, beyond the noise. {times}."


def part_rows(figures: Figures) -> list[Figures]:
    """
    A row a part of an inference, for a table.

    Returns:
        ``part``, and by each run's place, ``0`` and on, its median with its interval as text; ``beyond_noise`` lists
        the runs whose part differs from the first's by more than both intervals.
    """
    names = list(dict.fromkeys(name for run in figures["runs"] for name in run["parts"]))
    rows = []
    for name in names:
        cells = {}
        for place, run in enumerate(figures["runs"]):
            part = run["parts"].get(name)
            cells[str(place)] = "-" if part is None else _cell(part)
        beyond = [
            row["run"] for row in figures["comparisons"] if row["parts"].get(name, {}).get("beyond_noise", False)
        ]
        rows.append({"part": part_text(name), **cells, "beyond_noise": beyond})
    return rows


def _cell(part: Figures) -> str:
    return spread_text(part["median_ns"], part["interval_ns"])


def spread_text(median_ns: float, interval_ns: Sequence[float]) -> str:
    """A time and its interval in the unit of the time, as ``180.98 (178.59 to 181.99) us``."""
    unit = time_text(median_ns).rsplit(" ", 1)[1]
    size, digits = {"ns": (1.0, 0), "us": (1e3, 2), "ms": (1e6, 2), "s": (1e9, 3)}[unit]
    median, low, high = (f"{ns / size:.{digits}f}" for ns in (median_ns, *interval_ns))
    return f"{median} ({low} to {high}) {unit}"
