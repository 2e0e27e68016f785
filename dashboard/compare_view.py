"""Compare: the tables and the chart's rows of a comparison; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import (
    MISSING,
    change_text,
    interval_text,
    minute_text,
    official_rate_text,
    share_text,
    time_text,
)
from tracer.report_types.report import Compared, Comparison, Report, Way
from tracer.reports.breakdown_rows import part_text
from tracer.reports.compare_text import LAUNCH_COLUMNS, launch_cells
from tracer.reports.compare_words import change_of, part_rows
from tracer.reports.kernel_labels import distinct_labels
from tracer.reports.profiled_parts import profiled_parts

VERDICTS = {"refused": "not compared"}
"""Words for the verdicts that are not called by their own."""
WHOLE, NOT_TOLD = "mean inference", "can't be told"
"""Kinds of a waterfall's bars, beside the two ways of a difference that is established."""


def run_frame(figures: Comparison) -> Frame:
    """A row a launch: rate, latency, busy share, and how its side's median and rate compare with the baseline's."""
    by_run = {row["run"]: row for row in figures["comparisons"]}
    rows = []
    for run in figures["runs"]:
        row = by_run.get(run["name"])
        verdict = ("the baseline", MISSING, MISSING)
        if row is not None:
            verdict = (
                change_of(row["median"]),
                change_of(row["rate"], of_rate=True),
                VERDICTS.get(row["verdict"], row["verdict"]),
            )
        rows += [(one["name"], *launch_cells(one), *verdict) for one in run["launches"]]
    return pd.DataFrame(rows, columns=["run", *LAUNCH_COLUMNS, "median against it", "rate against it", "verdict"])


def number_sentence(row: Compared, baseline: str) -> str | None:
    """
    ``B is 15.0 % faster than A (12.8 to 17.3 %)``, by the rate, else by the median; None where not compared.

    What can't be told it only *measured*.
    """
    one = row["rate"] or row["median"]
    if one is None:
        return None
    by = "by the rate" if row["rate"] else "by the median inference"
    change, spread = 1 / one["ratio"] - 1, one["spread"]
    ends = [1 / end - 1 for end in (spread["high"], spread["low"]) if end]
    word = "faster" if change >= 0 else "slower"
    verb = "is" if row["verdict"] in ("slower", "faster", "equivalent") else "measured"
    told = ""
    if len(ends) == 2:
        same = ends[0] * ends[1] > 0
        low, high = sorted(map(abs, ends)) if same else ends
        text = share_text if same else lambda share: change_text(None if share is None else 1 + share)
        marks = "[]" if spread["kind"] == "range" else "()"
        told = f" {marks[0]}{interval_text(low, high, text)}{marks[1]}"
    return f"{row['run']} {verb} {share_text(abs(change))} {word} than {baseline}{told}, {by}"


def same_profiler(before: Report, after: Report) -> bool:
    """Whether both have captures, by the same kind of profiler: others' parts are not the same thing."""
    gpus = [one["gpu"] for one in (before, after)]
    return all(gpus) and len({one["source"] for one in gpus if one}) == 1


def moved_parts(row: Compared) -> dict[str, Way]:
    """The parts of a profiled inference that differ by more than both intervals, and which way."""
    found = {part_text(name): one["change_ns"] for name, one in row["parts"].items() if one["beyond_noise"]}
    return {part: "slower" if change > 0 else "faster" for part, change in found.items()}


def waterfall_rows(
    before: Report, after: Report, *, profiled: bool, moved: Mapping[str, Way] | None = None
) -> list[dict[str, Any]]:
    """
    From the mean inference of one run to that of another, part by part; the steps sum to the difference.

    Args:
        before: the first run.
        after: the second.
        profiled: the parts of a profiled inference, else the stages of a timed one.
        moved: parts whose difference is established, and which way.

    Returns:
        ``part``, ``from`` and ``to`` in microseconds, ``change`` in words, ``kind`` for the colour.
    """
    sides = [_parts_of(one, profiled=profiled) for one in (before, after)]
    if not all(sides):
        return []
    at = sum(sides[0].values())
    rows = [_step(before["run"]["name"], 0.0, at, WHOLE)]
    for part in dict.fromkeys([*sides[0], *sides[1]]):
        change = sides[1].get(part, 0.0) - sides[0].get(part, 0.0)
        if change:
            way = "slower" if change > 0 else "faster"
            rows.append(_step(part, at, at + change, way if (moved or {}).get(part) == way else NOT_TOLD))
            at += change
    rows.append(_step(after["run"]["name"], 0.0, at, WHOLE))
    return rows


def _parts_of(report: Report, *, profiled: bool) -> dict[str, float]:
    if profiled:
        return {part_text(name): one["mean"] for name, one in profiled_parts(report).items()}
    found = {one["stage"]: one["total_ns"] / one["count"] for one in report["stages"] if one["count"]}
    whole = report["inference"]
    return found or ({"inference": whole["total_ns"] / whole["count"]} if whole["count"] else {})


def _step(part: str, start_ns: float, end_ns: float, kind: str) -> dict[str, Any]:
    length = end_ns - start_ns
    sign = "" if kind == WHOLE else "+" if length > 0 else "-"
    return {
        "part": part,
        "from": start_ns / 1e3,
        "to": end_ns / 1e3,
        "change": f"{sign}{time_text(abs(length))}",
        "kind": kind,
    }


def stage_frame(reports: Sequence[Report]) -> Frame:
    """A row a stage, of each run its median, and how the other runs' compare with the first's."""
    medians = [_medians(one) for one in reports]
    names = list(dict.fromkeys(name for one in medians for name in one))
    columns: dict[str, list[str]] = {"stage": names}
    for place, (report, mine) in enumerate(zip(reports, medians, strict=True)):
        name = report["run"]["name"]
        columns[f"{name}, median"] = [time_text(mine.get(stage)) for stage in names]
        if place:
            pairs = [(mine.get(stage), medians[0].get(stage)) for stage in names]
            columns[f"{name}, change"] = [change_text(one / base if one and base else None) for one, base in pairs]
    return pd.DataFrame(columns)


def _medians(report: Report) -> dict[str, float | None]:
    return {one["stage"]: one["median_ns"] for one in (*report["stages"], report["inference"])}


def kernel_frame(reports: Sequence[Report]) -> Frame:
    """A row a kernel, of each run its microseconds an inference, and the last column's difference to the first."""
    found = [{one["name"]: one["ns_per_inference"] / 1e3 for one in report["kernels"]} for report in reports]
    if sum(map(bool, found)) < 2:
        return pd.DataFrame()
    longest = {name: max(one.get(name, 0.0) for one in found) for one in found for name in one}
    names = sorted(longest, key=lambda name: (-longest[name], name))
    labels = distinct_labels(names)
    columns: dict[str, list[Any]] = {"kernel": [labels[name] for name in names]}
    for place, (report, mine) in enumerate(zip(reports, found, strict=True)):
        columns[f"{report['run']['name']}, us"] = [mine.get(name) for name in names]
        if place and found[0] and mine:
            differences = [mine.get(name, 0.0) - found[0].get(name, 0.0) for name in names]
            columns[f"{report['run']['name']}, difference"] = differences
    return pd.DataFrame({**columns, "whole name": names})


def series_rows(figures: Comparison) -> list[dict[str, Any]]:
    """Of each run with a rate: ``run``, ``created``, ``made``, ``rate_hz``, and ``rate`` and ``change`` in words."""
    changes = {row["run"]: change_of(row["rate"], of_rate=True) for row in figures["comparisons"]}
    found = [
        {
            "run": run["name"],
            "created": run["created"],
            "made": minute_text(run["created"]),
            "rate_hz": run["launches"][0]["rate_hz"],
            "rate": official_rate_text(run["launches"][0]["rate_hz"]),
            "change": changes.get(run["name"], "the baseline"),
        }
        for run in figures["runs"]
        if run["created"] and len(run["launches"]) == 1 and run["launches"][0]["rate_hz"]
    ]
    return sorted(found, key=lambda one: str(one["created"]))


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
