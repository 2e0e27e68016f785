"""What launches of one configuration have in common: the figures of each, and over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from rich.console import Console

from tracer.figure_text import (
    MISSING,
    counted,
    interval_text,
    official_rate_text,
    rate_text,
    share_text,
    time_text,
)
from tracer.report_types.launches import LaunchFigures, LaunchSetReport, OverLaunches
from tracer.report_types.report import SCHEMA_VERSION
from tracer.reports.compare import CLAIM_LAUNCHES
from tracer.reports.run_trust import stored_trust
from tracer.runs.launch_set import launch_number, set_name
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import timed_inferences
from tracer.runs.windows import official_rate_hz, performance_windows, why_not_official
from tracer.statistics.intervals import half_width
from tracer.terminal_text import framed_table, print_lines
from tracer.trust.judgement import judgement_of_launches, trust_lines, verdict_text


def build_launch_report(runs: Sequence[StoredRun]) -> LaunchSetReport:
    """The figures of ``runs``, the launches of one set in their order, at least one."""
    launch = launch_number(runs[0].info.launch_set)
    assert launch is not None  # noqa: S101 -- a run of a set has one
    launches = [_launch_figures(run) for run in runs]
    used = [one for one in launches if one["state"] == "complete" and one["median_ns"] is not None]
    return {
        "schema_version": SCHEMA_VERSION,
        "id": launch.id,
        "name": set_name(runs[0].info) or "",
        "of": launch.of,
        "launches": launches,
        "left_out": [one["name"] for one in launches if one not in used],
        "rate_hz": over_launches([one["rate_hz"] for one in used]),
        "median_ns": over_launches([one["median_ns"] for one in used]),
        "trust": judgement_of_launches({one["name"]: one["trust"] for one in used}),
    }


def over_launches(figures: Sequence[float | None]) -> OverLaunches | None:
    """The mean of a figure of each launch, with its spread between them; None without a figure."""
    known = np.array([one for one in figures if one is not None], np.float64)
    count = len(known)
    if not count:
        return None
    mean = float(known.mean())
    if count == 1:
        return {"count": 1, "mean": mean, "deviation": None, "kind": "none", "low": None, "high": None}
    spread = float(known.std(ddof=1))
    kind: Literal["range", "interval"] = "interval"
    half = half_width(known)
    low, high = mean - half, mean + half
    if count < CLAIM_LAUNCHES:
        # Of so few nothing is said of the configuration but where they lay.
        kind, low, high = "range", float(known.min()), float(known.max())
    return {"count": count, "mean": mean, "deviation": spread / mean, "kind": kind, "low": low, "high": high}


def render_launch_report(report: LaunchSetReport, console: Console) -> None:
    """Print what the launches say together, then a launch a row."""
    print_lines(console, [f"{report['name']}: {launches_text(report)}"], style="bold")
    print_lines(console, mean_lines(report))
    print_lines(console, verdict_lines(report))
    first, *rest = LAUNCH_COLUMNS
    console.print(framed_table(None, [first], rest, launch_rows(report)))
    print_lines(console, notes_of(report))


LAUNCH_COLUMNS = ("launch", "windows", "median rate", "median inference", "trust")


def launches_text(report: LaunchSetReport) -> str:
    """``3 of 5 launches of one configuration``."""
    made, asked = len(report["launches"]), report["of"]
    what = counted(made, "launch", "launches") if made == asked else f"{made} of {asked} launches"
    return f"{what} of one configuration"


def mean_lines(report: LaunchSetReport) -> list[str]:
    """The means over the launches, each with its spread and what that is."""
    lines = []
    for name, over, text in (
        ("rate", report["rate_hz"], rate_text),
        ("median inference", report["median_ns"], time_text),
    ):
        if over is not None:
            spread = "of one launch: its spread is not known"
            if over["kind"] != "none":
                word = "95 % interval over launches" if over["kind"] == "interval" else "range"
                ends = interval_text(over["low"], over["high"], text)
                spread = f"{word} {ends}; launches differ by {share_text(over['deviation'])} (standard deviation)"
            lines.append(f"mean {name}: {text(over['mean'])}, {spread}")
    return lines


def verdict_lines(report: LaunchSetReport) -> list[str]:
    """What the launches that count are judged as together; empty where all are left out."""
    if len(report["left_out"]) == len(report["launches"]):
        return []
    return [f"The launches: {verdict_text(report['trust'])}", *trust_lines(report["trust"])]


def launch_rows(report: LaunchSetReport) -> list[tuple[str, ...]]:
    """A row a launch, as ``LAUNCH_COLUMNS``."""
    return [
        (
            one["name"],
            str(one["windows"]),
            official_rate_text(one["rate_hz"]) if one["rate_hz"] else MISSING,
            time_text(one["median_ns"]),
            one["trust"]["worst"],
        )
        for one in report["launches"]
    ]


def notes_of(report: LaunchSetReport) -> list[str]:
    """What is left out of the means, and what the launches are too few for."""
    lines = [f"Left out of the means: {', '.join(report['left_out'])}"] if report["left_out"] else []
    if len(report["launches"]) - len(report["left_out"]) < CLAIM_LAUNCHES:
        lines.append(f"A claim about the configuration needs at least {CLAIM_LAUNCHES} launches.")
    return [*lines, "What one launch measures is of that launch: `report` of its name says where its time went."]


def _launch_figures(run: StoredRun) -> LaunchFigures:
    launch = launch_number(run.info.launch_set)
    walls = timed_inferences(run).wall_ns
    return {
        "name": run.name,
        "number": launch.number if launch else 0,
        "state": run.state,
        "windows": len(performance_windows(run.each_window)),
        "rate_hz": official_rate_hz(run.each_window),
        "median_ns": float(np.median(walls)) if len(walls) else None,
        "why_not_official": why_not_official(run.each_window),
        "trust": stored_trust(run),
    }
