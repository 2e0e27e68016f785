"""The breakdown of a profile as text for a terminal of 80 columns, and as one flat table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tracer.figure_text import beside_text, count_text, counted, range_notes, share_text, time_text
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.gpu import GpuFigures, PartFigures
from tracer.reports.breakdown_text import busy_lines, render_kernel_level
from tracer.reports.report_text import spread_row, stage_table
from tracer.terminal_text import csv_text, framed_table, print_lines, printable
from tracer.unit_words import UnitWords, unit_words

COLUMNS = ("table", "name", "group", "count", "ns", "median_ns", "share", "low_ns", "high_ns", "note")
"""Of the flat table."""


def render_breakdown(report: BreakdownReport, console: Console, *, full_names: bool = False) -> None:
    """Print what a unit is, busy against overhead, the wall time and the slowest, then the tables of the report."""
    words = words_of(report)
    print_lines(console, [printable(line) for line in _answer(report, words)])
    if report["stages"]:
        rows = [spread_row(one, one["share"]) for one in report["stages"]]
        console.print(stage_table(f"Stages of {words.each}, wall time", rows))
    if len(report["threads"]) > 1 or any(one["shared_alone_ns"] for one in report["threads"]):
        console.print(_thread_table(report, words))
    if len(report["gpus"]) > 1:
        title, (first, *rest) = f"GPUs, the mean of {words.each}", GPU_COLUMNS
        console.print(framed_table(title, [first], rest, gpu_rows(report)))
    render_kernel_level(report, console, full_names=full_names, words=words)
    print_lines(console, (f"Note: {printable(note)}" for note in report["notes"]))


def words_of(report: BreakdownReport) -> UnitWords:
    """What its units are called."""
    return unit_words(report["range"]["unit"])


def _answer(report: BreakdownReport, words: UnitWords) -> list[str]:
    gpu, wall, what = report["gpu"], report["wall_ns"], report["range"]
    lines = busy_lines(gpu, words) if gpu is not None else []
    left = f", {counted(what['skipped'], words.one, words.many)} left out at the start" if what["skipped"] else ""
    lines.append(f"{what['sentence']}: {counted(report['count'], words.one, words.many)}{left}")
    lines.append(
        f"Wall time under the profiler: median {time_text(wall['median'])}{beside_text(wall['spread'], time_text)}, "
        f"mean {time_text(wall['mean'])}, p90 {time_text(wall['p90'])}, p99 {time_text(wall['p99'])}"
    )
    lines += range_notes([wall["spread"]])
    return [*lines, f"Slowest: {report['slowest']['sentence']}"] if report["slowest"] else lines


def _thread_table(report: BreakdownReport, words: UnitWords) -> Table:
    first, *rest = thread_columns(words)
    table = framed_table("Where units ran, the mean", [first], rest, thread_rows(report))
    table.caption = "others: the same GPUs ran work of other units' threads or of other processes"
    return table


def thread_columns(words: UnitWords) -> tuple[str, ...]:
    """The headings of ``thread_rows``."""
    return "process (thread)", words.many, "wall", "GPU busy", "others beside", "others only"


def thread_rows(report: BreakdownReport) -> list[tuple[str, ...]]:
    """Where units ran, a process or a thread of it a row."""
    return [
        (
            f"{one['process']}" + (f" ({one['thread']})" if one["thread"] is not None else ""),
            count_text(one["count"]),
            *map(time_text, (one["wall_ns"], one["busy_ns"], one["shared_beside_ns"], one["shared_alone_ns"])),
        )
        for one in report["threads"]
    ]


GPU_COLUMNS = ("process, GPU", "busy", "share")


def gpu_rows(report: BreakdownReport) -> list[tuple[str, ...]]:
    """The GPUs of each process, as ``GPU_COLUMNS``."""
    return [
        (f"{one['process']}, {one['device']}", time_text(one["busy_ns"]), share_text(one["busy_share"]))
        for one in report["gpus"]
    ]


def breakdown_csv(report: BreakdownReport) -> str:
    """
    The figures as one flat table, ``COLUMNS``, a line of names first; what a row has not is empty.

    ``table`` is ``wall``, ``gpu``, ``part``, ``gap``, ``stage``, ``kernel``, ``copy``, ``gain`` or ``slowest``;
    ``ns`` is of a unit in the mean, of ``slowest`` of that unit.
    """
    return csv_text(COLUMNS, ([row.get(name) for name in COLUMNS] for row in _flat(report)))


def _flat(report: BreakdownReport) -> list[dict[str, Any]]:
    wall, gpu, slowest = report["wall_ns"], report["gpu"], report["slowest"]
    spread = wall["spread"]
    ends = {"low_ns": spread["low"], "high_ns": spread["high"], "note": spread["kind"]}
    name = report["range"]["name"]
    whole = {"name": name, "count": report["count"], "ns": wall["mean"], "median_ns": wall["median"]}
    rows: list[dict[str, Any]] = [
        {"table": "wall", **whole, **ends},
        {"table": "wall", "name": f"{name} p90", "ns": wall["p90"]},
        {"table": "wall", "name": f"{name} p99", "ns": wall["p99"]},
    ]
    if gpu is not None:
        rows += _gpu_rows(report, gpu)
    rows += [*_stage_rows(report), *_work_rows(report), *_gain_rows(report)]
    if slowest is not None:
        rows += [
            {"table": "slowest", "name": part, "ns": one["ns"], "median_ns": one["median_ns"]}
            for part, one in slowest["parts"].items()
        ]
    return rows


def _gpu_rows(report: BreakdownReport, gpu: GpuFigures) -> list[dict[str, Any]]:
    figures: dict[str, PartFigures] = {"busy": gpu["busy_ns"], "overhead": gpu["overhead_ns"]}
    parts: dict[str, PartFigures] = {"kernel": gpu["kernel_ns"], "copy": gpu["copy_ns"], **report["overhead"]}
    rows: list[dict[str, Any]] = [
        {"table": table, "name": part, "ns": one["mean"], "median_ns": one["median"], "share": one["share"]}
        for table, group in (("gpu", figures), ("part", parts))
        for part, one in group.items()
    ]
    return rows + [{"table": "gap", "name": cause, "ns": ns} for cause, ns in gpu["gaps_ns"].items()]


def _stage_rows(report: BreakdownReport) -> list[dict[str, Any]]:
    kept = ("count", "median_ns", "share")
    return [
        {"table": "stage", "name": one["stage"], "ns": one["total_ns"] / report["count"], **_some(one, kept)}
        for one in report["stages"]
    ]


def _work_rows(report: BreakdownReport) -> list[dict[str, Any]]:
    kept = ("name", "count", "median_ns", "share")
    return [
        {"table": table, "ns": one["ns_per_inference"], **_some(one, kept)}
        for table, works in (("kernel", report["kernels"]), ("copy", report["copies"]))
        for one in works
    ]


def _gain_rows(report: BreakdownReport) -> list[dict[str, Any]]:
    rows = []
    for one in report["gains"]:
        low, high = one["interval_ns"] or (None, None)
        row = {"table": "gain", "ns": one["gain_ns"], "low_ns": low, "high_ns": high, **_some(one, ("name", "group"))}
        rows.append({**row, "note": one["bound"] or ""})
    return rows


def _some(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}
