"""What the queries over a fleet need of one run: its configuration, its figures, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.errors import KwsTraceError
from tracer.fleet.damage import damage_of
from tracer.reports.machine_report import on_gpu
from tracer.reports.profiled_parts import busy_and_overhead, profiled_parts
from tracer.reports.report import compared_figures
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import timed_inferences
from tracer.runs.windows import official_rate_hz, performance_windows
from tracer.statistics import percentiles

NOT_RECORDED = "not recorded"
PARTS = ("spans", "windows", "gpu_work")

Keep = Callable[[Path, str, NDArray[np.int64]], dict[str, Any] | None]
"""Keeps the wall times of a run's inferences: of its folder, its id and nanoseconds, and says where they are."""


def fleet_row(folder: Path, keep: Keep = lambda *_: None) -> dict[str, Any]:
    """
    A run as plain values: facts of ``run.json``, the figures of its performance windows, its judgement and its parts.

    ``damage`` says in sentences why its figures are not those of what was recorded; then it has no figures.
    ``rate_hz``, ``median_ns`` and the like are null without a performance window, ``parts`` (nanoseconds of a
    profiled inference, in the mean, by part) without a capture. ``kept`` is what ``keep`` says.

    Raises:
        RunError: if it is gone, or its ``run.json`` cannot be read.
    """
    run = stored_run(folder)
    row = {"state": run.state, **configuration_of(run.info), **_facts(run.info)}
    if run.state == "recording":
        return {**row, "damage": ["it is being recorded"]}
    try:
        figures = _figures(run, keep)
    except KwsTraceError as error:
        return {**row, "damage": [*damage_of(run), str(error)]}
    damage = damage_of(run)
    return {**row, "damage": damage} if damage else {**row, "damage": [], **figures}


def configuration_of(info: RunInfo) -> dict[str, str]:
    """What has to be equal for two launches to be of one configuration; each value as text."""
    runtime = str(info.backend.get("name") or NOT_RECORDED)
    return {
        "device": _device(info),
        "model_sha256": str(info.model.get("sha256") or NOT_RECORDED),
        "runtime": runtime,
        "runtime_version": str(info.versions.get(runtime) or NOT_RECORDED),
        "power_mode": str(info.machine.get("power_mode") or info.machine.get("governor") or NOT_RECORDED),
        "timed": info.timed,
        "stages_mode": info.stages_mode,
    }


def _device(info: RunInfo) -> str:
    """The board where it is known; else what computed."""
    if info.board:
        return info.board
    if on_gpu(info.backend) and info.gpus:
        return str(info.gpus[0].get("name") or NOT_RECORDED)
    return info.cpu or NOT_RECORDED


def _facts(info: RunInfo) -> dict[str, Any]:
    return {
        "run_id": info.run_id,
        "created": info.created,
        "schema_version": info.schema_version,
        "host": info.host,
        "model": info.model.get("name"),
        "launch_set": (info.launch_set or {}).get("id"),
    }


def _figures(run: StoredRun, keep: Keep) -> dict[str, Any]:
    windows = performance_windows(run.each_window)
    timed = timed_inferences(run, windows=windows)
    spread = percentiles(timed.wall_ns) if len(timed) else {"median_ns": None, "p90_ns": None, "p99_ns": None}
    trust = stored_trust(run)
    return {
        **spread,
        "windows": [one.number for one in windows],
        "inferences": len(timed),
        "kept": keep(run.folder, run.info.run_id, timed.wall_ns),
        "rate_hz": official_rate_hz(run.each_window),
        "rule_valid": trust["rule_valid"],
        "trust": trust["worst"],
        "trusted": trust["trusted"],
        "parts": _profiled(run),
        "files": {table: _files(run, table) for table in PARTS},
    }


def _profiled(run: StoredRun) -> dict[str, float] | None:
    if not run.info.captures:
        return None
    figures = compared_figures(run)
    both = busy_and_overhead(figures["gpu"])
    parts = {name: one["mean"] for name, one in profiled_parts(figures).items()}
    if both is None:
        return parts or None
    return {"GPU busy": both.busy_ns, "overhead": both.overhead_ns, **parts}


def _files(run: StoredRun, table: str) -> list[str]:
    if table in run.parts:
        return [part.path.name for part in run.parts[table]]
    return sorted(path.name for path in (run.folder / table).glob("capture-*.parquet"))
