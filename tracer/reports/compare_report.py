"""A comparison as plain values, for JSON, for the terminal and for the dashboard: the figures stand once."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.errors import UsageError
from tracer.figure_text import MISSING, change_text, interval_text, share_text, time_text
from tracer.report_types.report import Compared, ComparedRun, Comparison, PartChange, PartSpread, Report
from tracer.reports.breakdown_text import part_text
from tracer.reports.compare import THRESHOLD, comparability, difference
from tracer.reports.profiled_parts import busy_and_overhead, profiled_parts
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import timed_inferences


def compare_runs(
    runs: Sequence[StoredRun], threshold: float = THRESHOLD, reports: Sequence[Report] | None = None
) -> Comparison:
    """
    Hold two or more runs against the first of them; ``threshold`` as ``difference`` takes it.

    ``reports`` are theirs, of ``build_report``, where the caller has them.

    Raises:
        UsageError: if there are fewer than two.
        KwsTraceError: if one of them cannot be read.
    """
    if len(runs) < 2:
        raise UsageError("compare", "one run is named", "name two or more, the first of which is compared with")
    known = list(reports) if reports is not None else [build_report(run) for run in runs]
    figures = [_run_figures(run, report) for run, report in zip(runs, known, strict=True)]
    timed = [timed_inferences(run) for run in runs]
    comparisons: list[Compared] = []
    for place in range(1, len(runs)):
        allowed = comparability(runs[0], runs[place])
        found = None if allowed.refusals else difference(timed[0], timed[place], threshold)
        row: Compared = {
            "run": runs[place].name,
            "refusals": list(allowed.refusals),
            "warnings": [*allowed.warnings, *(found.notes if found else ())],
            "ratio": found.ratio if found else None,
            "interval": list(found.interval) if found else None,
            "p_value": found.p_value if found else None,
            "verdict": found.verdict if found else ("refused" if allowed.refusals else "not known"),
            "parts": {} if allowed.refusals else _part_changes(figures[0], figures[place]),
            "sentence": "",
        }
        row["sentence"] = _sentence(row, figures[0], figures[place], threshold)
        comparisons.append(row)
    return {"threshold": threshold, "runs": figures, "comparisons": comparisons}


def _run_figures(run: StoredRun, report: Report) -> ComparedRun:
    gpu = report["gpu"]
    shown = busy_and_overhead(gpu)
    parts: dict[str, PartSpread] = {
        name: {"median_ns": one["median"], "interval_ns": one["interval"]}
        for name, one in profiled_parts(report).items()
    }
    return {
        "name": run.name,
        "rate_hz": report["median_rate_hz"],
        "trust": report["trust"],
        "inference": report["inference"],
        "busy_share": shown.busy_share if shown else None,
        "source": gpu["source"] if gpu else None,
        "parts": parts,
    }


def _part_changes(first: ComparedRun, other: ComparedRun) -> dict[str, PartChange]:
    """Parts that both have, by the same kind of profiler: others are not the same thing."""
    if first["source"] != other["source"]:
        return {}
    changes: dict[str, PartChange] = {}
    for name, one in first["parts"].items():
        two = other["parts"].get(name)
        if two is not None:
            (low, high), (low_two, high_two) = one["interval_ns"], two["interval_ns"]
            changes[name] = {
                "change_ns": two["median_ns"] - one["median_ns"],
                "beyond_noise": low_two > high or high_two < low,
            }
    return changes


def _sentence(row: Compared, first: ComparedRun, other: ComparedRun, threshold: float) -> str:
    names = f"{other['name']} against {first['name']}"
    if row["refusals"]:
        return f"{names}: not compared ({'; '.join(row['refusals'])})."
    if row["ratio"] is None:
        return f"{names}: not compared (a run has no timed inference)."
    times = f"Median inference {time_text(first['inference']['median_ns'])}, then "
    times += f"{time_text(other['inference']['median_ns'])}: {difference_text(row)}"
    if row["verdict"] == "no difference":
        return f"{names}: no difference beyond the noise. {times}; less than {share_text(threshold)} counts as none."
    if row["verdict"] == "not known":
        return f"{names}: not known whether they differ. {times}."
    return f"{names}: {row['verdict']}, beyond the noise. {times}."


def difference_text(row: Compared) -> str:
    """How far the median inference is from the first run's, with its interval."""
    if row["ratio"] is None or row["interval"] is None:
        return MISSING
    return f"{change_text(row['ratio'])} ({interval_text(row['interval'][0], row['interval'][1], change_text)})"


def part_rows(figures: Comparison) -> list[tuple[str, list[str], list[str]]]:
    """
    A row a part of an inference: its name, of each run its median with its interval, as text, and the runs whose part
    differs from the first's by more than both intervals.
    """
    rows = []
    for name in dict.fromkeys(name for run in figures["runs"] for name in run["parts"]):
        spreads = [run["parts"].get(name) for run in figures["runs"]]
        cells = [MISSING if one is None else spread_text(one["median_ns"], one["interval_ns"]) for one in spreads]
        changes = {row["run"]: row["parts"].get(name) for row in figures["comparisons"]}
        rows.append((part_text(name), cells, [run for run, one in changes.items() if one and one["beyond_noise"]]))
    return rows


def spread_text(median_ns: float | None, interval_ns: Sequence[float]) -> str:
    """A time and its interval, as ``180.98 us (178.59 to 181.99 us)``."""
    return f"{time_text(median_ns)} ({interval_text(interval_ns[0], interval_ns[1], time_text)})"
