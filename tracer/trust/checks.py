"""
What makes a rate doubtful, a check each: from values to a state with its evidence and remedy; pure.

How the thresholds were set, and how often they doubt wrongly or not at all, stands in ``docs/trust.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tracer.command_line import DEFAULT_WINDOW_S
from tracer.device.device_samples import frequencies_differ
from tracer.figure_text import (
    auc_text,
    counted,
    frequency_text,
    interval_text,
    number_text,
    seconds_text,
    share_text,
    short_rate_text,
)
from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization
from tracer.report_types.trust import TrustCheck, TrustKey, TrustState
from tracer.runs.windows import MINIMUM_S, OFFICIAL_WINDOWS
from tracer.statistics.dependence import TwoSpeeds
from tracer.trust.drift import Drift, speeds_text

SPREAD_DOUBTFUL, SPREAD_BAD = 0.02, 0.10
"""Of the windows' rates, from the lowest to the highest, as a share of their median."""

CPU_DOUBTFUL, CPU_BAD = 0.90, 0.60
"""CPU time as a share of the wall time of a window."""

CLOCK_DOUBTFUL, CLOCK_BAD = 0.01, 0.03
"""How far the laps lie outside what the host's clock allows, as a share of the window."""

CLOCK_OPEN = 0.03
"""A log whose times leave more than this open confirms no clock."""

LOAD_DOUBTFUL = 0.5
"""
Programs that wanted a CPU in the last minute, beside the DUT, a processor.

The DUT's own start is in what the system counts: on 16 processors with nothing beside it 21 runs had 0.5 to 2.2.
"""

LENGTH_BAD_S = 1.0
"""A change of frequency or a program that starts, some tenths of a second, is a tenth of a shorter window."""

TOP1_TARGET = 0.90
"""MLPerf Tiny's quality target of keyword spotting in the closed division."""

BENCHMARK_INPUTS = 1000
LEAST_INPUTS = 20

REFERENCE_MODELS = {
    "40444f880159099955f2d29b9f5bceadf9ad18c6b9a4936dfd93436a8f464051": "kws_ref_model, SavedModel",
    "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae": "kws_ref_model.tflite, int8",
    "e5004c6f1012246e33fa068d8488325538e0444073cd361f5a7edb40c73f12d2": "kws_ref_model_float32.tflite",
}
"""SHA-256, as a run has it, of mlcommons/tiny, ``benchmark/training/keyword_spotting/trained_models``."""

_TAKE = "for the benchmark take its reference model: --model"


def check(key: TrustKey, state: TrustState, evidence: str, remedy: str | None = None) -> TrustCheck:
    """One check; what is fine needs no remedy."""
    return {"key": key, "state": state, "evidence": evidence, "remedy": None if state == "fine" else remedy}


def check_steadiness(rates_hz: Sequence[float], speeds: TwoSpeeds | None, drift: Drift | None) -> TrustCheck:
    """
    Whether windows, and the inferences within them, have one speed.

    ``rates_hz`` are those of the performance windows in their order; ``speeds`` and ``drift`` of their inferences.
    """
    found = [] if speeds is None else [speeds_text(speeds)]
    found += [drift.text] if drift is not None and drift.beyond else []
    remedy = "look for other programs, the governor and heat; then measure again"
    if len(rates_hz) < 2:
        told = counted(len(rates_hz), "window") + " does not tell how far windows differ" if rates_hz else "no window"
        return check("steadiness", "doubtful" if found else "unknown", "; ".join([*found, told]), remedy)
    low, high = min(rates_hz), max(rates_hz)
    spread = (high - low) / float(np.median(rates_hz))
    told = f"windows {interval_text(low, high, short_rate_text)}, {share_text(spread)} apart"
    state = _above(spread, SPREAD_DOUBTFUL, SPREAD_BAD)
    return check("steadiness", "doubtful" if found and state == "fine" else state, "; ".join([told, *found]), remedy)


def check_cpu_share(shares: Sequence[float]) -> TrustCheck:
    """Whether a DUT that computes on the CPU had one; ``shares`` are CPU time over wall time, a window each."""
    remedy = "end what runs beside the DUT, or give it a core of its own (taskset)"
    if not shares or not any(shares):
        return check("cpu share", "unknown", "CPU time not recorded", "record the run with `kws-trace run`")
    worst, best = min(shares), max(shares)
    told = interval_text(worst, best, share_text) if share_text(worst) != share_text(best) else share_text(worst)
    state: TrustState = "bad" if worst < CPU_BAD else "doubtful" if worst < CPU_DOUBTFUL else "fine"
    return check("cpu share", state, f"the DUT had {told} of a CPU", remedy)


def check_frequencies(
    medians: Sequence[Mapping[str, float]], changed: Sequence[str], throttled: Sequence[str]
) -> TrustCheck:
    """
    ``medians`` are the frequencies of each performance window by source, in Hz, none where it was not sampled;
    ``changed`` and ``throttled`` the sources that did so within one. Windows must have one frequency among them too.
    """
    remedy = "cool it, or set a lower, fixed frequency (nvpmodel and jetson_clocks; of a PC's GPU nvidia-smi -lgc)"
    if throttled:
        return check("frequencies", "bad", f"throttled: {', '.join(throttled)}", remedy)
    sources = list(dict.fromkeys(source for one in medians for source in one))
    found = list(changed)
    for source in sources:
        known = [one[source] for one in medians if source in one]
        low, high = min(known), max(known)
        if source not in changed and frequencies_differ(low, high):
            found.append(f"{source} from {frequency_text(low)} to {frequency_text(high)} between windows")
    if found:
        return check("frequencies", "doubtful", f"changed: {', '.join(found)}", remedy)
    lacking = sum(len(one) < len(sources) for one in medians) if sources else len(medians)
    if lacking or not medians:
        text = f"not every frequency recorded in {counted(lacking, 'window')}" if sources else "not recorded"
        return check("frequencies", "unknown", text, "`kws-trace doctor` names what is missing")
    return check("frequencies", "fine", f"one frequency throughout {counted(len(medians), 'window')}")


def check_clock(outside: float | None, slack: float | None, broken: Sequence[str] = ()) -> TrustCheck:
    """
    Whether the laps tell the host's time; ``broken`` is what is wrong with the laps themselves.

    ``outside`` is how far the worst window lies outside the host's bounds, as a share, None without a host's times;
    ``slack`` the largest difference that the bounds leave open.
    """
    remedy = "stamp laps by a clock of wall time (CLOCK_MONOTONIC), not CPU time"
    if broken:
        return check("clock", "bad", f"the laps: {', '.join(broken)}", remedy)
    if outside is None or slack is None:
        drive = "drive the run with `kws-trace host`, or join the host's log: `kws-trace session LOG --run RUN`"
        return check("clock", "unknown", "no times of a host beside the laps", drive)
    state = _above(outside, CLOCK_DOUBTFUL, CLOCK_BAD)
    if state != "fine":
        return check("clock", state, f"the laps are {share_text(outside)} outside the host's time", remedy)
    if slack > CLOCK_OPEN:
        told = f"the host's times leave {share_text(slack) if np.isfinite(slack) else 'it'} open"
        return check("clock", "unknown", told, "use a host that stamps each line, in milliseconds")
    return check("clock", "fine", f"the laps agree with the host's clock, which leaves {share_text(slack, 2)} open")


def check_accuracy(top1: float | None, auc: float | None, inputs: int, fault: str | None = None) -> TrustCheck:
    """Whether the model under test still hears; ``fault`` says what of its results cannot be right."""
    remedy = "`kws-trace accuracy` says from which mistake"
    if fault is not None and (top1 is None or top1 < TOP1_TARGET):
        told = fault if top1 is None else f"Top-1 {share_text(top1)}; {fault}"
        return check("accuracy", "bad", told, remedy)
    if top1 is None or inputs < LEAST_INPUTS:
        return check("accuracy", "unknown", "no accuracy pass with labels", "drive one: `kws-trace host accuracy`")
    told = f"Top-1 {share_text(top1)} of {counted(inputs, 'input')}, AUC {auc_text(auc)}"
    if top1 >= TOP1_TARGET:
        return check("accuracy", "fine" if auc is not None else "unknown", told, "an AUC needs every class")
    # So far below the target may chance take a part of the inputs: 1.96 standard errors.
    chance = 0.0 if inputs >= BENCHMARK_INPUTS else 1.96 * float(np.sqrt(TOP1_TARGET * (1 - TOP1_TARGET) / inputs))
    state: TrustState = "doubtful" if top1 >= TOP1_TARGET - chance else "bad"
    return check("accuracy", state, f"{told}: under {share_text(TOP1_TARGET, 0)}", remedy)


def check_quantization(found: Quantization | None) -> TrustCheck:
    """Whether the DUT reads the official inputs at the scale in which they were written."""
    if found is None:
        return check("quantization", "unknown", "the input's scale was not recorded", "name it: --input-scale")
    known = BENCHMARK_QUANTIZATION
    if found.zero_point == known.zero_point and abs(found.scale / known.scale - 1) < 1e-5:
        return check("quantization", "fine", "the benchmark's input scale")
    told = f"input scale {number_text(found.scale, 4)}, zero point {number_text(found.zero_point)}, the benchmark's "
    told += f"{number_text(known.scale, 4)} and {number_text(known.zero_point)}; its hosts' inputs are misread"
    return check("quantization", "doubtful", told, _TAKE)


def check_model(sha256: str | None, name: str | None) -> TrustCheck:
    """Whether it is a file of the benchmark's reference model."""
    if not sha256:
        return check("model", "unknown", "no hash of the model", "record the run with `kws-trace run`")
    if sha256 in REFERENCE_MODELS:
        return check("model", "fine", f"the reference model ({REFERENCE_MODELS[sha256]})")
    return check("model", "doubtful", f"{name or 'the model'} is not the benchmark's reference", _TAKE)


def check_mode(timed: str, profiler: str | None) -> TrustCheck:
    """Whether what is timed is what the benchmark times, with no profiler that collects all along."""
    wrong = [f"timed {timed}"] if timed != "reference" else []
    wrong += [f"{profiler} attached by hand"] if profiler else []
    remedy = "measure with --timed reference and no profiler around the run"
    return check("mode", "doubtful" if wrong else "fine", ", ".join(wrong) or "timed as the reference is", remedy)


def loaded(load: float, processors: int | None) -> bool:
    """Whether so many programs kept the ``processors`` busy; where these are not known two are taken."""
    return load > LOAD_DOUBTFUL * (processors or 2)


def check_load(start: float | None, end: float | None, own: float, processors: int | None) -> TrustCheck:
    """
    Whether other programs wanted the CPUs: load averages of the last minute before the first window, after the last.

    The DUT's ``own`` CPU share is in the one at the end. ``processors`` are those that it may run on.
    """
    if start is None or end is None:
        return check("load", "unknown", "load not recorded", "record the run with a newer `kws-trace run`")
    others = max(start, end - own)
    told = f"load {number_text(start, 1)} before, {number_text(end, 1)} after"
    if processors:
        told += f", on {counted(processors, 'processor')}"
    state: TrustState = "doubtful" if loaded(others, processors) else "fine"
    return check("load", state, told, "end what runs beside the DUT; then measure again")


def check_log(faults: Sequence[str]) -> TrustCheck:
    """Whether the log is whole and the runner's arithmetic holds; ``faults`` are rules that were broken."""
    return check("log", "doubtful" if faults else "fine", ", ".join(faults) or "whole", "keep the host's whole log")


def check_windows(count: int) -> TrustCheck:
    """``count`` performance windows."""
    state: TrustState = "fine" if count >= OFFICIAL_WINDOWS else "doubtful" if count else "unknown"
    told = counted(count, "performance window") if count else "no performance window"
    return check("windows", state, told, f"an official rate is the median of {OFFICIAL_WINDOWS} windows")


def check_length(lengths_s: Sequence[float]) -> TrustCheck:
    """``lengths_s`` of the performance windows, by the shorter clock."""
    if not lengths_s:
        return check("length", "unknown", "no window with a length", "drive a performance pass")
    least = min(lengths_s)
    state: TrustState = "fine" if least >= MINIMUM_S else "doubtful" if least >= LENGTH_BAD_S else "bad"
    told = f"the shortest window lasts {seconds_text(least)}"
    return check(
        "length",
        state,
        told,
        f"windows of {MINIMUM_S} s: `kws-trace host performance --seconds {DEFAULT_WINDOW_S:g}`",
    )


def _above(value: float, doubtful: float, bad: float) -> TrustState:
    return "bad" if value > bad else "doubtful" if value > doubtful else "fine"
