"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import MISSING, change_text, interval_text, share_text, time_text
from tracer.report_types.report import Compared, Comparison, Report
from tracer.reports.breakdown_text import part_text
from tracer.reports.compare_report import part_rows
from tracer.reports.compare_text import launch_cells
from tracer.reports.compare_words import change_of
from tracer.reports.profiled_parts import profiled_parts


def run_frame(figures: Comparison) -> Frame:
    """A row a run: rate, latency and busy share, and how its median and its rate compare with the baseline's."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    cells = ["official inf/s", "median of all", "p99", "GPU busy"]
    rows = []
    for run in figures["runs"]:
        row = by_run.get(run["name"])
        verdict = ("the baseline", MISSING, MISSING)
        if row is not None:
            verdict = (change_of(row["median"]), change_of(row["rate"], of_rate=True), row["verdict"])
        rows.append((run["name"], *launch_cells(run["launches"][0]), *verdict))
    return pd.DataFrame(rows, columns=["run", *cells, "median against it", "rate against it", "verdict"])


def number_sentence(row: Compared, baseline: str) -> str | None:
    """``B is 15.0 % faster than A (12.8 to 17.3 %)``, by the rate, else by the median; None where not compared."""
    one = row["rate"] or row["median"]
    if one is None:
        return None
    by = "by the rate" if row["rate"] else "by the median inference"
    change, spread = 1 / one["ratio"] - 1, one["spread"]
    ends = [1 / end - 1 for end in (spread["high"], spread["low"]) if end]
    word = "faster" if change >= 0 else "slower"
    told = ""
    if len(ends) == 2:
        same = ends[0] * ends[1] > 0
        low, high = sorted(map(abs, ends)) if same else ends
        text = share_text if same else lambda share: change_text(None if share is None else 1 + share)
        marks = "[]" if spread["kind"] == "range" else "()"
        told = f" {marks[0]}{interval_text(low, high, text)}{marks[1]}"
    return f"{row['run']} is {share_text(abs(change))} {word} than {baseline}{told}, {by}"


def waterfall_rows(before: Report, after: Report) -> tuple[list[dict[str, Any]], str]:
    """
    From the mean inference of one run to that of another, part by part, and what the parts are of.

    The parts of a profiled inference where the same profiler recorded both, else the stages; the steps sum to the
    difference. ``part``, ``from`` and ``to`` in microseconds, ``change`` in words, ``kind`` for the colour.
    """
    gpus = [one["gpu"] for one in (before, after)]
    profiled = all(gpus) and len({one["source"] for one in gpus if one}) == 1
    sides = [_parts_of(one, profiled=bool(profiled)) for one in (before, after)]
    if not all(sides):
        return [], ""
    at = sum(sides[0].values())
    rows = [_step(before["run"]["name"], 0.0, at, "whole")]
    for part in dict.fromkeys([*sides[0], *sides[1]]):
        change = sides[1].get(part, 0.0) - sides[0].get(part, 0.0)
        if change:
            rows.append(_step(part, at, at + change, "slower" if change > 0 else "faster"))
            at += change
    rows.append(_step(after["run"]["name"], 0.0, at, "whole"))
    return rows, "profiled inference" if profiled else "timed inference"


def _parts_of(report: Report, *, profiled: bool) -> dict[str, float]:
    if profiled:
        return {part_text(name): one["mean"] for name, one in profiled_parts(report).items()}
    found = {one["stage"]: one["total_ns"] / one["count"] for one in report["stages"] if one["count"]}
    whole = report["inference"]
    return found or ({"inference": whole["total_ns"] / whole["count"]} if whole["count"] else {})


def _step(part: str, start_ns: float, end_ns: float, kind: str) -> dict[str, Any]:
    length = end_ns - start_ns
    sign = "" if kind == "whole" else "+" if length > 0 else "-"
    return {
        "part": part,
        "from": start_ns / 1e3,
        "to": end_ns / 1e3,
        "change": f"{sign}{time_text(abs(length))}",
        "kind": kind,
    }


def part_frame(figures: Comparison) -> Frame:
    """A row a part of a profiled inference, a column a run: medians with intervals, and which differ beyond those."""
    shown = [place for place, run in enumerate(figures["runs"]) if run["parts"]]
    columns = ["part", "beyond both intervals", *(figures["runs"][place]["name"] for place in shown)]
    rows = [
        (part, ", ".join(beyond) or MISSING, *(cells[place] for place in shown))
        for part, cells, beyond in part_rows(figures)
    ]
    return pd.DataFrame(rows, columns=columns)


def ratio_rows(figures: Comparison) -> list[dict[str, Any]]:
    """``run``, ``ratio``, ``low``, ``high`` and ``verdict`` of each run whose median was compared, for the chart."""
    return [
        {
            "run": row["run"],
            "ratio": row["median"]["ratio"],
            "low": row["median"]["spread"]["low"],
            "high": row["median"]["spread"]["high"],
            "verdict": row["median"]["judgement"],
        }
        for row in figures["comparisons"]
        if row["median"] is not None and row["median"]["spread"]["low"] is not None
    ]
