"""Where the time of a run went, as figures; pure, and the JSON that ``kws-trace report --json`` prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.breakdown.kernel_level import kernel_level
from tracer.errors import CaptureError
from tracer.model.devices import Limits
from tracer.model.published import place_among
from tracer.reports.device_report import device_figures, gpu_frequency_text
from tracer.reports.kernel_report import kernel_figures
from tracer.reports.run_limits import measured_frequencies, run_limits, why_no_limits
from tracer.runs.overhead_store import ledger_of
from tracer.runs.run_store import StoredRun
from tracer.sessions.run_sessions import run_sessions
from tracer.stages import INFERENCE, INFERENCE_STAGES, SERIAL_STAGES
from tracer.statistics import bootstrap_interval, percentiles

Numbers = tuple[NDArray[np.int64], NDArray[np.int64]]

LISTS = ("kernels", "copies", "kernels_by_stage", "api", "gains")
"""Keys of the kernel level that hold lists."""

VALID_WINDOW_NS = 10_000_000_000
"""The benchmark's rule: a performance window lasts at least 10 s."""


def build_report(
    run: StoredRun, unprofiled: StoredRun | None = None, device: str | Limits | None = None
) -> dict[str, Any]:
    """
    The figures of a run.

    Args:
        run: opened.
        unprofiled: a run of the same configuration without a profiler, whose wall time stands beside the kernels.
        device: whose limits to set the run against: a key of ``tracer.model.devices``, or limits that were measured;
            None for the run's own board.

    Returns:
        ``run``, ``session_ns``, ``median_rate_hz``, ``windows``, ``inference``, ``stages``, ``serial``, ``accuracy``,
        ``recorder``, ``splitting``, ``left_out``, ``notes``, ``device`` (as ``device_report`` says), ``sessions``
        (that a host left in the run, as ``session_json`` says), ``ledger`` (as ``overhead_store`` says), ``limits``
        (as ``run_limits`` says, of the median inference without a profiler; null without a counted model or a
        device), ``published`` (as ``published.place_among`` says, by the median rate; null without a time); and, as
        ``kernel_report`` says, ``gpu`` (null where the run has no kernel level), ``overhead``, ``kernels``,
        ``copies``, ``kernels_by_stage``, ``api``, ``gains``. ``capture_problem`` says in a sentence which file of a
        capture cannot be read, where that is why there is no kernel level.
        Times are in the unit that the key names. ``share`` is of the wall time of the timed inferences,
        ``share_of_session`` of the time from the first span to the last. Warm-ups, captured inferences and aborted
        windows are in no figure of the stages, nor, where there are performance windows, is the accuracy pass.

    Raises:
        DeviceError: if there is no such device.
    """
    every, spans = run.windows().to_pylist(), run.spans()
    windows = [window for window in every if window["kind"] != "capture"]
    captured = [window for window in every if window["kind"] == "capture"]
    samples = device_figures(run.samples(), run.windows())
    complete = [window for window in windows if window["state"] == "complete"]
    performance = [window for window in complete if window["kind"] == "performance"]
    stages = _timed_stages(spans, performance or complete)
    whole = _whole(stages)
    figures = [_window_figures(window) for window in windows]
    rates = [one["rate_hz"] for one in figures if one["kind"] == "performance" and one["state"] == "complete"]
    known = [rate for rate in rates if rate is not None]
    rate = float(np.median(known)) if known else None
    inference, session = _inference_figures(whole), _session_ns(spans)
    return {
        "run": _run_facts(run),
        "session_ns": session,
        "median_rate_hz": rate,
        "windows": figures,
        "inference": inference,
        "stages": _stage_figures(stages, int(whole.sum())),
        "serial": _serial_figures(spans, session),
        "accuracy": _accuracy_figures(complete),
        "recorder": _recorder_figures(run, whole, complete),
        "splitting": run.info.splitting_cost,
        "left_out": _left_out(run, windows, spans) | {"captured": sum(one["inferences"] for one in captured)},
        "notes": _notes(run, performance, complete, device),
        "device": samples,
        "sessions": run_sessions(run.folder),
        "ledger": ledger_of(run),
        **_limits(run, samples, windows, device, (rate, inference)),
        **_kernel_level(run, unprofiled, gpu_frequency_text(samples)),
    }


def _limits(
    run: StoredRun,
    samples: dict[str, Any],
    windows: list[dict[str, Any]],
    device: str | Limits | None,
    timed: tuple[float | None, dict[str, Any]],
) -> dict[str, Any]:
    rate, inference = timed
    latency = 1e9 / rate if rate else inference["median_ns"]
    frequencies = measured_frequencies(samples, windows)
    return {
        "limits": run_limits(run.info, frequencies, inference["median_ns"], device),
        "published": place_among(latency) if latency else None,
    }


def _kernel_level(run: StoredRun, unprofiled: StoredRun | None, frequencies: str | None) -> dict[str, Any]:
    none: dict[str, Any] = {"gpu": None, "overhead": {}, **{name: [] for name in LISTS}}
    try:
        level = kernel_level(run, unprofiled)
    except CaptureError as error:
        return {**none, "capture_problem": str(error)}
    figures = none if level is None else kernel_figures(level, frequencies)
    return {**figures, "capture_problem": None}


def _run_facts(run: StoredRun) -> dict[str, Any]:
    info = run.info
    return {
        "name": run.name,
        "run_id": info.run_id,
        "state": run.state,
        "created": info.created,
        "host": info.host,
        "cpu": info.cpu,
        "model": info.model,
        "backend": info.backend,
        "timed": info.timed,
        "stages_mode": info.stages_mode,
        "port": info.port,
        "versions": info.versions,
        "startup": info.startup,
        "profiler": info.profiler,
        "gaps": info.gaps,
    }


def _window_figures(window: dict[str, Any]) -> dict[str, Any]:
    first, last = window["lap_start_us"], window["lap_end_us"]
    duration = None if first is None or last is None else (last - first) * 1000
    wall = window["end_ns"] - window["start_ns"]
    why = []
    if window["kind"] != "performance":
        why.append("of the accuracy pass")
    if window["state"] != "complete":
        why.append("cut short")
    if duration is not None and duration < VALID_WINDOW_NS:
        why.append("under 10 s by the laps")
    if wall < VALID_WINDOW_NS:
        why.append("under 10 s of wall time")
    return {
        "window": window["window"],
        "kind": window["kind"],
        "state": window["state"],
        "inferences": window["inferences"],
        "warmups": window["warmups"],
        "duration_ns": duration,
        "rate_hz": window["inferences"] * 1e9 / duration if duration else None,
        "wall_duration_ns": wall,
        "wall_rate_hz": window["inferences"] * 1e9 / wall if wall else None,
        "cpu_ns": window["cpu_ns"],
        "valid": not why,
        "why": why,
    }


def _timed_stages(spans: pa.Table, used: list[dict[str, Any]]) -> dict[str, Numbers]:
    """Number and duration of each timed inference, by stage; a fused inference is a stage of that name."""
    numbers = pa.array([window["window"] for window in used], pa.int32())
    timed = pc.and_(pc.is_valid(spans["inference"]), pc.invert(spans["warmup"]))
    timed = spans.filter(pc.and_(timed, pc.is_in(spans["window"], numbers)))
    found = {}
    for stage in (INFERENCE, *INFERENCE_STAGES):
        rows = timed.filter(pc.equal(timed["stage"], stage))
        if len(rows):
            found[stage] = (rows["inference"].to_numpy(), rows["duration_ns"].to_numpy())
    return found


def _whole(stages: dict[str, Numbers]) -> NDArray[np.int64]:
    """Wall time of each timed inference: its stages share edges, so their sum."""
    if not stages:
        return np.empty(0, np.int64)
    first = min(int(numbers.min()) for numbers, _ in stages.values())
    size = 1 + max(int(numbers.max()) for numbers, _ in stages.values()) - first
    total, there = np.zeros(size, np.int64), np.zeros(size, bool)
    for numbers, durations in stages.values():
        total[numbers - first] += durations
        there[numbers - first] = True
    return total[there]


def _session_ns(spans: pa.Table) -> int | None:
    """From the first span to the end of the last, whatever happened between them."""
    if not len(spans):
        return None
    return int(pc.max(pc.add(spans["start_ns"], spans["duration_ns"])).as_py() - pc.min(spans["start_ns"]).as_py())


def _figures(durations: NDArray[np.int64]) -> dict[str, Any]:
    spread = percentiles(durations) if len(durations) else dict.fromkeys(("median_ns", "p90_ns", "p99_ns"))
    return {"count": len(durations), "total_ns": int(durations.sum()), **spread}


def _inference_figures(whole: NDArray[np.int64]) -> dict[str, Any]:
    interval = [round(value) for value in bootstrap_interval(whole)] if len(whole) else None
    share = 1.0 if len(whole) else None
    return {"stage": INFERENCE, **_figures(whole), "share": share, "median_interval_ns": interval}


def _stage_figures(stages: dict[str, Numbers], total: int) -> list[dict[str, Any]]:
    figures = []
    for stage in INFERENCE_STAGES:
        if stage in stages:
            one = _figures(stages[stage][1])
            figures.append({"stage": stage, **one, "share": one["total_ns"] / total if total else None})
    return figures


def _serial_figures(spans: pa.Table, session: int | None) -> list[dict[str, Any]]:
    figures = []
    for stage in SERIAL_STAGES:
        durations = spans.filter(pc.equal(spans["stage"], stage))["duration_ns"].to_numpy()
        if len(durations):
            one = _figures(durations)
            figures.append(
                {"stage": stage, **one, "share_of_session": one["total_ns"] / session if session else None}
            )
    return figures


def _accuracy_figures(complete: list[dict[str, Any]]) -> dict[str, Any] | None:
    windows = [window for window in complete if window["kind"] == "accuracy"]
    if not windows:
        return None
    walls = np.array([window["end_ns"] - window["start_ns"] for window in windows])
    inferences = sum(window["inferences"] for window in windows)
    return {"windows": len(windows), "inferences": inferences, **percentiles(walls), "total_ns": int(walls.sum())}


def _recorder_figures(run: StoredRun, whole: NDArray[np.int64], complete: list[dict[str, Any]]) -> dict[str, Any]:
    cost = run.info.recorder_cost.get("ns_per_inference")
    median = float(np.median(whole)) if len(whole) else None
    return {
        **run.info.recorder_cost,
        "share": cost / median if cost is not None and median else None,
        "conversion_ns": sum(window["recorder_ns"] for window in complete),
    }


def _left_out(run: StoredRun, windows: list[dict[str, Any]], spans: pa.Table) -> dict[str, Any]:
    return {
        "warmups": sum(window["warmups"] for window in windows),
        "aborted_windows": sum(window["state"] != "complete" for window in windows),
        "serial_spans_outside_windows": pc.sum(pc.is_null(spans["window"])).as_py() or 0,
        "dropped": run.dropped,
    }


def _notes(
    run: StoredRun,
    performance: list[dict[str, Any]],
    complete: list[dict[str, Any]],
    device: str | Limits | None,
) -> list[str]:
    notes = []
    if not complete:
        notes.append("no window was finished: a host has yet to send `infer`")
    elif not performance:
        notes.append("no performance window: the figures are of the accuracy pass")
    elif len(performance) < len(complete):
        notes.append("the figures are of the performance windows; the accuracy pass is summed apart")
    if performance and len(performance) != 5:
        notes.append(f"{len(performance)} performance windows: an official result has five")
    if run.info.stages_mode == "fused":
        notes.append("stages were not separated (--stages fused)")
    if run.state == "recording":
        notes.append("the run is being recorded: more may come")
    missing = why_no_limits(run.info, device)
    return notes if missing is None else [*notes, missing]
