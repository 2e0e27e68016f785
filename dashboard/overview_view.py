"""Overview: the rows and sentences of the first page, from a run's report; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import (
    MISSING,
    auc_text,
    change_text,
    count_text,
    counted,
    frequency_text,
    official_rate_text,
    share_text,
    time_text,
)
from tracer.report_types.report import Report
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.reports.breakdown_text import part_text
from tracer.reports.profiled_parts import busy_and_overhead, profiled_parts, profiler_text
from tracer.reports.report_text import stage_rows

BUSY, OVERHEAD = "GPU busy", "runtime overhead"


@dataclass(frozen=True, slots=True)
class Bar:
    """
    One stacked bar.

    Args:
        parts: ``part``, ``us``, ``share`` a row; ``us`` sums to ``wall_ns``.
        wall_ns: wall time of an inference in the mean.
        source: what was measured where, for a caption.
    """

    parts: Frame
    wall_ns: float
    source: str


def busy_bar(report: Report) -> Bar | None:
    """GPU busy against runtime overhead, as ``busy_and_overhead`` has them. None without GPU work."""
    gpu, shown = report["gpu"], busy_and_overhead(report["gpu"])
    if gpu is None or shown is None:
        return None
    rows = [(BUSY, shown.busy_ns, shown.busy_share), (OVERHEAD, shown.overhead_ns, shown.overhead_share)]
    profiled, tool = counted(gpu["inferences"], "profiled inference"), profiler_text(gpu)
    source = f"both by {tool}, {profiled}"
    if shown.unprofiled is not None:
        source = f"GPU by {tool}, {profiled}; wall time of {count_text(shown.unprofiled['inferences'])} others"
    clocks = gpu["frequencies"] or "frequencies not recorded"
    return Bar(_parts(rows, shown.wall_ns), shown.wall_ns, f"{source}; means; {clocks}")


def kind_bar(report: Report) -> Bar | None:
    """Every part of a profiled inference: kernels, copies and each kind of overhead. None without a GPU timeline."""
    gpu = report["gpu"]
    if gpu is None:
        return None
    rows = [(part_text(name), one["mean"], None) for name, one in profiled_parts(report).items()]
    profiled = counted(gpu["inferences"], "profiled inference")
    source = f"{profiler_text(gpu)}, {profiled}, the profiler's own cost included; means"
    return Bar(_parts(rows, gpu["wall_ns"]["mean"]), gpu["wall_ns"]["mean"], source)


def stage_bar(report: Report) -> Bar | None:
    """The stages of an inference as the recorder timed them. None without a timed inference."""
    whole = report["inference"]
    if not whole["count"]:
        return None
    stages = report["stages"] or [whole]
    rows = [(one["stage"], one["total_ns"] / one["count"], one["share"]) for one in stages if one["count"]]
    mean = whole["total_ns"] / whole["count"]
    return Bar(_parts(rows, mean), mean, f"recorder, {counted(whole['count'], 'timed inference')}, wall time; means")


def _parts(rows: Sequence[tuple[str, float, float | None]], wall: float) -> Frame:
    shares = [(ns / wall if wall else 0.0) if share is None else share for _, ns, share in rows]
    shown = [(name, ns / 1000, share, time_text(ns)) for (name, ns, _), share in zip(rows, shares, strict=True)]
    return pd.DataFrame(shown, columns=["part", "us", "share", "time"])


def stage_frame(report: Report) -> Frame:
    """A row a stage and one for the whole inference: times as text with their units, shares of the wall time."""
    return pd.DataFrame(stage_rows(report))


def window_frame(report: Report) -> Frame:
    """A row a performance window: official rate and laps, wall time and how far the two differ, validity and why."""
    rows = []
    for window in report["windows"]:
        laps, wall = window["duration_ns"], window["wall_duration_ns"]
        if window["kind"] == "performance":
            rows.append(
                {
                    "window": window["ordinal"],
                    "inferences": window["inferences"],
                    "inf/s (laps)": window["rate_hz"],
                    "inf/s (wall)": window["wall_rate_hz"],
                    "laps": time_text(laps),
                    "wall": time_text(wall),
                    "laps to wall": MISSING if laps is None or not wall else change_text(laps / wall, 3),
                    "CPU of wall": share_text(window["cpu_ns"] / wall if wall else None),
                    "rule-valid": "yes" if window["valid"] else "no: " + _why(window["why"]),
                }
            )
    return pd.DataFrame(rows)


def _why(reasons: list[str]) -> str:
    short = {"under 10 s by the laps", "under 10 s of wall time"}
    if short <= set(reasons):
        reasons = ["under 10 s", *(one for one in reasons if one not in short)]
    return ", ".join(reasons)


def fact_frame(report: Report) -> Frame:
    """``what`` and ``value``: device, model, mode, frequencies and versions of a run."""
    run = report["run"]
    model, backend = run["model"], run["backend"]
    threads = backend.get("threads")
    facts = [
        ("state", run["state"]),
        ("recorded", run["created"]),
        ("machine", run["host"]),
        ("processor", run["cpu"]),
        ("model", model.get("name")),
        ("model's SHA-256", model.get("sha256")),
        ("runtime", backend.get("name")),
        ("device", backend.get("device")),
        ("threads", "the runtime's own choice" if threads is None else threads),
        ("timed", run["timed"]),
        ("stages", run["stages_mode"]),
        ("host's port", run["port"]),
        ("frequencies", frequencies_text(report)),
        ("profiler in the run", (run["profiler"] or {}).get("name", "none")),
        *((f"version of {name}", version) for name, version in run["versions"].items()),
    ]
    return pd.DataFrame(
        [{"what": name, "value": MISSING if value in (None, "") else str(value)} for name, value in facts]
    )


def frequencies_text(report: Report) -> str:
    """The frequencies of the last window that was sampled, or that none were recorded."""
    device = report["device"]
    if device["note"]:
        return str(device["note"]).capitalize()
    sampled = [window for window in device["windows"] if window["frequencies"]]
    if not sampled:
        return "no window is as long as the sampling interval: not known"
    shown = ", ".join(
        f"{name} {frequency_text(one['median_hz'])}" for name, one in sampled[-1]["frequencies"].items()
    )
    marked = device["marked"]
    return f"{shown}; changed or throttled in windows {', '.join(map(str, marked))}" if marked else shown


def session_frame(sessions: Sequence[RunSession | UnreadSession]) -> Frame:
    """A row a host's session of the run: rate, Top-1 and AUC as recomputed from its log, and whether it is valid."""
    rows: list[dict[str, str]] = []
    for one in sessions:
        if "accuracy" not in one:
            # Its log cannot be read.
            rows.append({"session": Path(one["path"]).name, "why": "; ".join(one["lines"])})
            continue
        accuracy = one["accuracy"]
        rows.append(
            {
                "session": one["path"],
                "kind": one["kind"],
                "median rate": official_rate_text(one["median"]["rate_hz"]),
                "Top-1": share_text(accuracy["top1"]),
                "AUC": auc_text(accuracy["auc"]),
                "inputs": count_text(accuracy["vectors"]),
                "rule-valid": {True: "yes", False: "no", None: "not judged"}[one["valid"]],
                "trust": one["trust"]["worst"],
                "why": one["why"],
            }
        )
    return pd.DataFrame(rows, dtype=object).fillna(MISSING)
