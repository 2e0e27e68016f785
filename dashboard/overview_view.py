"""Overview: the rows and sentences of the first page, from a run's report; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tracer.figure_text import share_text, time_text
from tracer.reports.breakdown_text import part_text

Report = dict[str, Any]
Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""

SHOWN_GAINS = 3
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
    """
    GPU busy against runtime overhead; together they are the wall time.

    With a run beside it that no profiler lengthened, busy is of the profiled run and
    overhead what is left of the unprofiled wall time; else both are of the profiled run. None without GPU work.
    """
    gpu = report["gpu"]
    if gpu is None or not gpu["has_gpu_work"]:
        return None
    beside = gpu["unprofiled"]
    clocks = gpu["frequencies"] or "frequencies not recorded"
    if beside is not None:
        rows = [(BUSY, beside["busy_ns"], beside["busy_share"]), (OVERHEAD, beside["overhead_ns"], None)]
        source = f"GPU by {_tool(gpu)}, {gpu['inferences']} inferences; wall time of {beside['inferences']} others"
        return Bar(_parts(rows, beside["wall_ns"]), beside["wall_ns"], f"{source}; means; {clocks}")
    rows = [(BUSY, gpu["busy_ns"]["mean"], None), (OVERHEAD, gpu["overhead_ns"]["mean"], None)]
    wall = gpu["wall_ns"]["mean"]
    source = f"both by {_tool(gpu)}, {gpu['inferences']} profiled inferences; means; {clocks}"
    return Bar(_parts(rows, wall), wall, source)


def kind_bar(report: Report) -> Bar | None:
    """Every part of a profiled inference: kernels, copies and each kind of overhead. None without a kernel level."""
    gpu = report["gpu"]
    if gpu is None:
        return None
    rows = [(part_text(name), gpu[f"{name}_ns"]["mean"], None) for name in ("kernel", "copy") if gpu["has_gpu_work"]]
    told_apart = gpu["computing_known"]
    for name, one in report["overhead"].items():
        label = part_text(name) if name != "framework" or told_apart else "framework and computing"
        rows.append((label, one["mean"], None))
    source = f"{_tool(gpu)}, {gpu['inferences']} profiled inferences, the profiler's own cost included; means"
    return Bar(_parts(rows, gpu["wall_ns"]["mean"]), gpu["wall_ns"]["mean"], source)


def stage_bar(report: Report) -> Bar | None:
    """The stages of an inference as the recorder timed them. None without a timed inference."""
    whole = report["inference"]
    if not whole["count"]:
        return None
    stages = report["stages"] or [whole]
    rows = [(one["stage"], one["total_ns"] / one["count"], one["share"]) for one in stages if one["count"]]
    mean = whole["total_ns"] / whole["count"]
    return Bar(_parts(rows, mean), mean, f"recorder, {whole['count']} timed inferences, wall time; means")


def _parts(rows: Sequence[tuple[str, float, float | None]], wall: float) -> Frame:
    return pd.DataFrame(
        [
            {
                "part": name,
                "us": ns / 1000,
                "share": (ns / wall if wall else 0.0) if share is None else share,
                "time": time_text(ns),
                "order": place,
            }
            for place, (name, ns, share) in enumerate(rows)
        ],
        columns=["part", "us", "share", "time", "order"],
    )


def _tool(gpu: Report) -> str:
    return " ".join(word for word in (gpu["source"], gpu["version"]) if word)


def gain_rows(report: Report, shown: int = SHOWN_GAINS) -> list[dict[str, Any]]:
    """
    The largest kinds of time to remove and what each would give; the tracer's own ranges are not the run's to remove.

    Returns:
        ``name``, ``gain``, ``interval``, ``rate`` as text, and ``share`` of the inference's median.
    """
    kinds = [one for one in report["gains"] if one["group"] == "kind" and one["name"] != "tracer"]
    rows = []
    for one in sorted(kinds, key=lambda one: -float(one["gain_ns"]))[:shown]:
        if one["gain_ns"] <= 0:
            continue
        low, high = one["interval_ns"]
        rows.append(
            {
                "name": part_text(one["name"]),
                "gain": time_text(one["gain_ns"]),
                "interval": f"{time_text(low)} to {time_text(high)}",
                "rate": "-" if one["rate_hz"] is None else f"{one['rate_hz']:.1f} inf/s",
                "upper_bound": one["upper_bound"],
            }
        )
    return rows


def gain_note(report: Report) -> str:
    """How the gains were got, for a caption."""
    bound = " Upper bounds: the profiler lengthens what it watches." if report["gpu"]["unprofiled"] else ""
    return (
        "By replaying each profiled inference with that part at zero; medians, 95 % intervals. "
        f"Gains of two parts do not add up.{bound}"
    )


def missing_kernel_level(report: Report) -> str:
    """Which command adds a kernel level to a run such as this, as Markdown of ours."""
    command = "kws-trace run --profiler tensorflow" if _backend(report) == "tensorflow" else "kws-trace run --nsys"
    return (
        "**No kernel level.** The stages are wall time on the host; what the GPU and the runtime did in them was not "
        f"recorded. `{command}` records it with the run; `kws-trace ingest RUN FILE` takes in a capture of this run "
        "by Nsight Systems, nvprof or TensorFlow's profiler."
    )


def _backend(report: Report) -> str:
    return str(report["run"]["backend"].get("name"))


def stage_frame(report: Report) -> Frame:
    """A row a stage and one for the whole inference: times as text with their units, shares of the wall time."""
    rows = [
        {
            "stage": one["stage"],
            "count": one["count"],
            "median": time_text(one["median_ns"]),
            "p90": time_text(one["p90_ns"]),
            "p99": time_text(one["p99_ns"]),
            "share": share_text(one["share"]),
        }
        for one in [*report["stages"], report["inference"]]
    ]
    return pd.DataFrame(rows)


def window_frame(report: Report) -> Frame:
    """A row a performance window: official rate and laps, wall time and how far the two differ, validity and why."""
    rows = [
        {
            "window": window["window"],
            "inferences": window["inferences"],
            "inf/s (laps)": window["rate_hz"],
            "inf/s (wall)": window["wall_rate_hz"],
            "laps": time_text(window["duration_ns"]),
            "wall": time_text(window["wall_duration_ns"]),
            "laps to wall": _against(window["duration_ns"], window["wall_duration_ns"]),
            "CPU of wall": share_text(
                window["cpu_ns"] / window["wall_duration_ns"] if window["wall_duration_ns"] else None
            ),
            "valid": "yes" if window["valid"] else "no: " + _why(window["why"]),
        }
        for window in report["windows"]
        if window["kind"] == "performance"
    ]
    return pd.DataFrame(rows)


def _why(reasons: list[str]) -> str:
    short = {"under 10 s by the laps", "under 10 s of wall time"}
    if short <= set(reasons):
        reasons = ["under 10 s", *(one for one in reasons if one not in short)]
    return ", ".join(reasons)


def _against(laps: int | None, wall: int) -> str:
    return "-" if laps is None or not wall else f"{100 * (laps / wall - 1):+.3f} %"


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
        ("frequencies", frequency_text(report)),
        ("profiler in the run", (run["profiler"] or {}).get("name", "none")),
        *((f"version of {name}", version) for name, version in run["versions"].items()),
    ]
    return pd.DataFrame(
        [{"what": name, "value": "-" if value in (None, "") else str(value)} for name, value in facts]
    )


def frequency_text(report: Report) -> str:
    """The frequencies of the last window that was sampled, or that none were recorded."""
    device = report["device"]
    if device["note"]:
        return str(device["note"]).capitalize()
    sampled = [window for window in device["windows"] if window["frequencies"]]
    if not sampled:
        return "no window is as long as the sampling interval: not known"
    shown = ", ".join(f"{name} {one['median_hz'] / 1e6:g} MHz" for name, one in sampled[-1]["frequencies"].items())
    marked = device["marked"]
    return f"{shown}; changed or throttled in windows {', '.join(map(str, marked))}" if marked else shown


def session_frame(sessions: list[dict[str, Any]]) -> Frame:
    """A row a host's session of the run: rate, Top-1 and AUC as recomputed from its log, and whether it is valid."""
    rows = []
    for one in sessions:
        if "accuracy" not in one:
            # Its log cannot be read.
            rows.append({"session": Path(one["path"]).name, "why": "; ".join(one["lines"])})
            continue
        accuracy, median = one["accuracy"], one["median"]["rate_hz"]
        top1, auc = accuracy["top1"], accuracy["auc"]
        rows.append(
            {
                "session": one["path"],
                "kind": one["kind"],
                "median rate": "-" if median is None else f"{median:.3f} inf/s",
                "Top-1": "-" if top1 is None else f"{100 * top1:.1f} %",
                "AUC": "-" if auc is None else f"{auc:.2f}",
                "inputs": str(accuracy["vectors"]),
                "valid": {True: "yes", False: "no", None: "not judged"}[one["valid"]],
                "why": one["why"],
            }
        )
    return pd.DataFrame(rows, dtype=object).fillna("-")
