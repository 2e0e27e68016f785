"""Where the time of a run went, as figures; pure, and the JSON that ``kws-trace report --json`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.arrow_arrays import Integers
from tracer.errors import CaptureError
from tracer.figure_text import counted
from tracer.model.devices import Limits
from tracer.model.published import place_among
from tracer.report_types.gpu import KernelFigures
from tracer.report_types.report import SCHEMA_VERSION, ComparedFigures, Report
from tracer.report_types.run import (
    AccuracyPass,
    DeviceFigures,
    InferenceFigures,
    LeftOut,
    RecorderCost,
    RecorderFigures,
    RunFacts,
    SerialFigures,
    SplittingCost,
    Spread,
    StageFigures,
    WindowFigures,
)
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.reports.device_report import device_figures, gpu_frequency_text
from tracer.reports.pulse_report import pulse_figures
from tracer.reports.run_limits import measured_frequencies, run_limits, why_no_limits
from tracer.reports.run_trust import run_trust
from tracer.runs.overhead_store import ledger_of
from tracer.runs.run_note import read_note
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.runs.windows import (
    OFFICIAL_WINDOWS,
    RunWindow,
    accuracy_windows,
    asked_windows,
    official_rate_hz,
    performance_windows,
)
from tracer.sessions.run_sessions import run_sessions
from tracer.stages import INFERENCE, SERIAL_STAGES
from tracer.statistics import percentiles
from tracer.statistics.intervals import WINDOW, clustered
from tracer.trust.judgement import why_no_place

if TYPE_CHECKING:
    from tracer.breakdown.kernel_level import KernelLevel


def build_report(run: StoredRun, unprofiled: StoredRun | None = None, device: str | Limits | None = None) -> Report:
    """The report of ``report_and_level``."""
    return report_and_level(run, unprofiled, device)[0]


def report_and_level(
    run: StoredRun, unprofiled: StoredRun | None = None, device: str | Limits | None = None
) -> tuple[Report, KernelLevel | None]:
    """
    The figures of a run, and the kernel level that those of its captures are of; None without one that can be read.

    ``run_limits`` takes ``device``; ``unprofiled`` is a run of the same configuration, whose wall time stands beside.

    Raises:
        DeviceError: if there is no such device.
    """
    every, spans, timed = run.each_window, run.spans(), timed_inferences(run)
    windows, session = asked_windows(every), _session_ns(spans)
    samples, sessions = device_figures(run.samples(), run.windows()), run_sessions(run.folder)
    level, problem = _kernel_level(run, unprofiled)
    compared = _compared_figures(run, timed, level, samples, sessions)
    rate, trust, no_place = compared["median_rate_hz"], compared["trust"], why_no_place(compared["trust"])
    return {
        "schema_version": SCHEMA_VERSION,
        "run": _run_facts(run),
        "session_ns": session,
        **compared,
        "why_not_official": trust["why_not_rule_valid"],
        "windows": [_window_figures(window) for window in windows],
        "stages": _stage_figures(timed),
        "serial": _serial_figures(spans, session),
        "pulses": pulse_figures(run.info, spans),
        "accuracy": _accuracy_figures(accuracy_windows(every)),
        "recorder": _recorder_figures(run, timed.wall_ns, windows),
        "splitting": cast("SplittingCost | None", run.info.splitting_cost),
        "left_out": _left_out(run, every, spans),
        "notes": _notes(run, windows, device),
        "device": samples,
        "sessions": sessions,
        "ledger": ledger_of(run),
        "limits": run_limits(run.info, measured_frequencies(run), compared["inference"]["median_ns"], device),
        "published": place_among(1e9 / rate) if rate and no_place is None else None,
        "why_no_place": no_place,
        "capture_problem": problem,
    }, level


def compared_figures(run: StoredRun) -> ComparedFigures:
    """What a comparison takes of a run's report, without the rest, and without the replay of its captures."""
    samples = device_figures(run.samples(), run.windows())
    level, _ = _kernel_level(run, None, replayed=False)
    return _compared_figures(run, timed_inferences(run), level, samples, run_sessions(run.folder))


def _compared_figures(
    run: StoredRun,
    timed: TimedInferences,
    level: KernelLevel | None,
    samples: DeviceFigures,
    sessions: list[RunSession | UnreadSession],
) -> ComparedFigures:
    return {
        "median_rate_hz": official_rate_hz(run.each_window),
        "trust": run_trust(run, timed, samples, sessions),
        "inference": _inference_figures(timed),
        **_kernel_figures(run, level, gpu_frequency_text(samples)),
    }


def _kernel_level(
    run: StoredRun, unprofiled: StoredRun | None, *, replayed: bool = True
) -> tuple[KernelLevel | None, str | None]:
    """The kernel level of the run's captures, and which file of them cannot be read."""
    if not run.info.captures:
        return None, None
    from tracer.breakdown.kernel_level import kernel_level

    try:
        return kernel_level(run, unprofiled, replayed=replayed), None
    except CaptureError as error:
        return None, str(error)


def _kernel_figures(run: StoredRun, level: KernelLevel | None, frequencies: str | None) -> KernelFigures:
    none: KernelFigures = {
        "gpu": None,
        "overhead": {},
        "kernels": [],
        "copies": [],
        "kernels_by_stage": [],
        "api": [],
        "gains": [],
    }
    if level is None:
        return none
    from tracer.reports.kernel_report import kernel_figures

    return kernel_figures(level, _captures_of(run, level.ranges.numbers[level.keep]), frequencies)


def _captures_of(run: StoredRun, numbers: Integers) -> Integers:
    """The window that each inference of the captures was made in, by the inference's number."""
    spans = run.spans()
    spans = spans.filter(pc.is_valid(spans["inference"]))
    known, first = np.unique(spans["inference"].to_numpy(), return_index=True)
    if not len(known):
        return np.zeros(len(numbers), np.int64)
    place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    windows = np.asarray(spans["window"].to_numpy())[first][place]
    return np.where(known[place] == numbers, windows, -1)


def _run_facts(run: StoredRun) -> RunFacts:
    """What ``run.json`` says, but with the name and the state that the run has now, and its note."""
    recorded = {name: getattr(run.info, name) for name in RunFacts.__annotations__ if name != "note"}
    return cast("RunFacts", {**recorded, "name": run.name, "state": run.state, "note": read_note(run.folder)})


def _window_figures(window: RunWindow) -> WindowFigures:
    return {
        "window": window.number,
        "ordinal": window.ordinal,
        "kind": window.kind,
        "state": window.state,
        "inferences": window.inferences,
        "warmups": window.warmups,
        "duration_ns": window.lap_ns,
        "rate_hz": window.rate_hz,
        "wall_duration_ns": window.wall_ns,
        "wall_rate_hz": window.wall_rate_hz,
        "cpu_ns": window.cpu_ns,
        "valid": window.valid,
        "why": list(window.why_not_valid),
    }


def _session_ns(spans: pa.Table) -> int | None:
    """From the first span to the end of the last, whatever happened between them."""
    if not len(spans):
        return None
    return int(pc.max(pc.add(spans["start_ns"], spans["duration_ns"])).as_py() - pc.min(spans["start_ns"]).as_py())


def spread_of(durations: Integers) -> Spread:
    """Count, sum and percentiles of times."""
    if not len(durations):
        return {"count": 0, "total_ns": 0, "median_ns": None, "p90_ns": None, "p99_ns": None}
    return {"count": len(durations), "total_ns": int(durations.sum()), **percentiles(durations)}


def stage_figures(stage: str, durations: Integers, total_ns: int) -> StageFigures:
    """Of a stage its times, and their share of those of all inferences."""
    one = spread_of(durations)
    return {"stage": stage, **one, "share": one["total_ns"] / total_ns if total_ns else None}


def _inference_figures(timed: TimedInferences) -> InferenceFigures:
    whole = timed.wall_ns
    share = 1.0 if len(whole) else None
    spread = clustered(whole, [(WINDOW, timed.window)]).figures
    return {"stage": INFERENCE, **spread_of(whole), "share": share, "spread": spread}


def _stage_figures(timed: TimedInferences) -> list[StageFigures]:
    total = int(timed.wall_ns.sum())
    return [stage_figures(name, timed.of_stage(name), total) for name in timed.stages if name != INFERENCE]


def _serial_figures(spans: pa.Table, session: int | None) -> list[SerialFigures]:
    figures: list[SerialFigures] = []
    for stage in SERIAL_STAGES:
        one = spread_of(spans.filter(pc.equal(spans["stage"], stage))["duration_ns"].to_numpy())
        if one["count"]:
            share = one["total_ns"] / session if session else None
            figures.append({"stage": stage, **one, "share_of_session": share})
    return figures


def _accuracy_figures(windows: Sequence[RunWindow]) -> AccuracyPass | None:
    if not windows:
        return None
    walls = np.array([window.wall_ns for window in windows])
    inferences = sum(window.inferences for window in windows)
    return {"windows": len(windows), "inferences": inferences, **percentiles(walls), "total_ns": int(walls.sum())}


def _recorder_figures(run: StoredRun, whole: Integers, windows: Sequence[RunWindow]) -> RecorderFigures:
    recorded = cast("RecorderCost", run.info.recorder_cost)
    cost = recorded.get("ns_per_inference")
    median = float(np.median(whole)) if len(whole) else None
    return {
        **recorded,
        "share": cost / median if cost is not None and median else None,
        "conversion_ns": sum(window.recorder_ns for window in windows if window.complete),
    }


def _left_out(run: StoredRun, every: Sequence[RunWindow], spans: pa.Table) -> LeftOut:
    windows = asked_windows(every)
    return {
        "warmups": sum(window.warmups for window in windows),
        "aborted_windows": sum(not window.complete for window in windows),
        "serial_spans_outside_windows": pc.sum(pc.is_null(spans["window"])).as_py() or 0,
        "dropped": run.dropped,
        "captured": sum(window.inferences for window in every if window.kind == "capture"),
    }


def _notes(run: StoredRun, windows: Sequence[RunWindow], device: str | Limits | None) -> list[str]:
    complete = [window for window in windows if window.complete]
    performance = performance_windows(windows)
    notes = []
    if not complete:
        notes.append("no window was finished: a host has yet to send `infer`")
    elif not performance:
        notes.append("no performance window: the figures are of the accuracy pass")
    elif len(performance) < len(complete):
        notes.append("the figures are of the performance windows; the accuracy pass is summed apart")
    if performance and len(performance) != OFFICIAL_WINDOWS:
        notes.append(f"{counted(len(performance), 'performance window')}: an official result has {OFFICIAL_WINDOWS}")
    if run.info.stages_mode == "fused":
        notes.append("stages were not separated (--stages fused)")
    if run.state == "recording":
        notes.append("the run is being recorded: more may come")
    missing = why_no_limits(run.info, device)
    return notes if missing is None else [*notes, missing]
