"""The judgement of a run: what it recorded of itself, and what the sessions of its host add."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracer.accuracy.unlabelled import result_faults
from tracer.quantization import Quantization
from tracer.report_types.run import DeviceFigures
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.report_types.trust import Trust, TrustCheck, TrustKey
from tracer.reports.device_report import device_figures
from tracer.reports.machine_report import on_gpu
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.runs.windows import RunWindow, performance_windows, why_not_official
from tracer.sessions.run_sessions import newest_accuracy, run_sessions
from tracer.trust.checks import (
    LENGTH_BAD_S,
    check_accuracy,
    check_clock,
    check_cpu_share,
    check_frequencies,
    check_length,
    check_load,
    check_mode,
    check_model,
    check_quantization,
    check_steadiness,
    check_windows,
)
from tracer.trust.drift import drift_of, speeds_of
from tracer.trust.judgement import ORDER, judgement

Sessions = Sequence[RunSession | UnreadSession]

TENTHS = 10


def stored_trust(run: StoredRun) -> Trust:
    """The judgement of a run, where its report is not at hand."""
    device = device_figures(run.samples(), run.windows())
    return run_trust(run, timed_inferences(run), device, run_sessions(run.folder))


def run_trust(run: StoredRun, timed: TimedInferences, device: DeviceFigures, sessions: Sessions) -> Trust:
    """Judge a run; its laps against a host's clock, and its accuracy, are those of the sessions left in it."""
    windows = performance_windows(run.each_window)
    why = why_not_official(run.each_window)
    checks = [_steadiness(windows, timed)]
    if not on_gpu(run.info.backend):
        checks.append(check_cpu_share([one.cpu_ns / one.wall_ns for one in windows if one.wall_ns > 0]))
    checks += [
        frequencies_check([one.number for one in windows], device),
        _worst_of(sessions, "performance", "clock") or check_clock(None, None),
        _accuracy(run, sessions),
        check_quantization(_quantization(run.info)),
        check_model(str(run.info.model.get("sha256") or ""), run.info.model.get("name")),
        check_mode(run.info.timed, _profiler(run.info)),
        _load(windows, run.info),
        check_windows(len(windows)),
        check_length([min(one.wall_ns, one.wall_ns if one.lap_ns is None else one.lap_ns) / 1e9 for one in windows]),
    ]
    return judgement(checks, rule_valid=why is None, why_not=why)


def _steadiness(windows: Sequence[RunWindow], timed: TimedInferences) -> TrustCheck:
    rates = [rate for one in windows if (rate := one.rate_hz) is not None]
    if len(rates) > TENTHS and min(one.wall_ns for one in windows) < LENGTH_BAD_S * 1e9:
        # Many short windows, as of ``infer``, tell how inputs differ: a tenth of the run is a window here.
        rates = [1 / float(np.mean(1 / part)) for part in np.array_split(np.array(rates), TENTHS)]
    # Without performance windows the inferences are of an accuracy pass, each after a load of its own.
    wall, place = (timed.wall_ns, timed.window) if windows else (timed.wall_ns[:0], timed.window[:0])
    return check_steadiness(rates, speeds_of(wall, place), drift_of(wall))


def frequencies_check(numbers: Sequence[int], device: DeviceFigures) -> TrustCheck:
    """Judge what was sampled in the performance windows, which are given by their numbers."""
    known = {one["window"]: one for one in device["windows"]}
    there = [known[number] for number in numbers if number in known]
    changed = dict.fromkeys(source for one in there for source in one["changed"])
    throttled = dict.fromkeys(source for one in there for source in one["throttled"])
    sampled = [known[number]["frequencies"] if number in known else {} for number in numbers]
    medians = [{source: one["median_hz"] for source, one in sources.items()} for sources in sampled]
    return check_frequencies(medians, list(changed), list(throttled))


def _worst_of(sessions: Sessions, kind: str, key: TrustKey) -> TrustCheck | None:
    """The worst check of one key among the sessions of a kind."""
    found = [
        check
        for one in sessions
        if "trust" in one and one["kind"] == kind
        for check in one["trust"]["checks"]
        if check["key"] == key
    ]
    return min(found, key=lambda one: ORDER.index(one["state"]), default=None)


def _accuracy(run: StoredRun, sessions: Sessions) -> TrustCheck:
    """Of the newest accuracy session; without one, what the results themselves cannot be."""
    fault, last = next(reversed(result_faults(run)), None), newest_accuracy(sessions)
    if last is None:
        return check_accuracy(None, None, 0, fault)
    return check_accuracy(last["top1"], last["auc"], last["vectors"], fault)


def _quantization(info: RunInfo) -> Quantization | None:
    recorded = info.quantization or {}
    scale, zero_point = recorded.get("scale"), recorded.get("zero_point")
    if not isinstance(scale, int | float) or not isinstance(zero_point, int | float) or scale <= 0:
        return None
    return Quantization(float(scale), zero_point)


def _profiler(info: RunInfo) -> str | None:
    profiler = info.profiler or {}
    return str(profiler.get("name", "a profiler")) if profiler.get("by") == "hand" else None


def _load(windows: Sequence[RunWindow], info: RunInfo) -> TrustCheck:
    processors = info.machine.get("processors_allowed")
    if not windows:
        return check_load(None, None, 0.0, processors)
    last = windows[-1]
    own = last.cpu_ns / last.wall_ns if last.wall_ns > 0 else 0.0
    return check_load(windows[0].load_start, last.load_end, own, processors)
