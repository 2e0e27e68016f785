"""From the launches of each rung to the ladder's figures; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tracer.figure_text import time_text
from tracer.ladder.predictions import Captured, judged_step
from tracer.ladder.rungs import rung_of
from tracer.report_types.ladder import PredictedStep, RungFigures, StepFigures
from tracer.report_types.trust import Trust
from tracer.reports.machine_report import on_gpu
from tracer.statistics.intervals import Estimate
from tracer.statistics.ratio import Rounds, rounds_of
from tracer.trust.judgement import judgement_of_launches

ROUND = "round"

KERNELS_CHANGED = 0.05
"""GPU work that differs by more is other work: the clocks of a GPU at rest move it by less."""

LEFT = 0.1
"""Share of the predicted gain from which what a rung's own capture still has to remove was not taken out."""


@dataclass(frozen=True, slots=True)
class Launch:
    """
    One launch of a rung: what its run recorded.

    ``number`` is of its round, from 1. ``rate_hz`` is None where no window was measured, ``top1`` and ``inputs``
    where no host labelled its results.
    """

    run: str
    number: int
    created: str
    rate_hz: float | None
    runtime: str | None
    device: str | None
    top1: float | None
    inputs: int | None
    known_difference: float | None
    trust: Trust


@dataclass(slots=True)
class Climbed:
    """What was made on one rung so far; ``failure`` says why there will be no more."""

    key: str
    launches: list[Launch] = field(default_factory=list)
    captured: Captured | None = None
    failure: str | None = None

    @property
    def times_ns(self) -> dict[int, float]:
        """Nanoseconds an inference by round, of those that have a rate."""
        return {one.number: 1e9 / one.rate_hz for one in self.launches if one.rate_hz}


def rung_figures(climbed: Climbed) -> RungFigures:
    """The figures of one rung."""
    launches, captured = climbed.launches, climbed.captured
    last = launches[-1] if launches else None
    times = list(climbed.times_ns.values())
    time = _rounds([[one] for one in times]).time(0) if times else None
    judged = {one.run: one.trust for one in launches}
    scored = [one for one in launches if one.top1 is not None]
    worst = min(scored, key=lambda one: one.top1 or 0.0, default=None)
    differences = [one.known_difference for one in launches if one.known_difference is not None]
    return {
        "rung": climbed.key,
        "name": rung_of(climbed.key).name,
        "runtime": last.runtime if last else None,
        "device": last.device if last else None,
        "launches": [one.run for one in launches],
        "time_ns": time.value if time else None,
        "spread": time.figures if time else None,
        "rate_hz": 1e9 / time.value if time else None,
        "top1": worst.top1 if worst else None,
        "inputs": worst.inputs if worst else None,
        "known_difference": max(differences, default=None),
        "trust": judgement_of_launches(judged) if judged else None,
        "captured": captured.run if captured else None,
        "busy_ns": captured.busy_ns if captured else None,
        "kernels_by_stage": captured.by_stage if captured else [],
        "failure": climbed.failure,
    }


def step_figures(step: PredictedStep, climbed: Mapping[str, Climbed]) -> StepFigures:
    """A prediction beside what was measured, in the rounds that both rungs have."""
    above, below = climbed[step["above"]], climbed[step["rung"]]
    gain = measured_gain(above, below)
    verdict, sentence = judged_step(step, gain, _broken(step, above, below))
    return {
        "rung": step["rung"],
        "above": step["above"],
        "prediction": step,
        "measured_from": below.launches[0].created if below.launches else None,
        "gain_ns": gain.value if gain else None,
        "spread": gain.figures if gain else None,
        "verdict": verdict,
        "sentence": sentence,
    }


def measured_gain(above: Climbed, below: Climbed) -> Estimate | None:
    """
    What the step gave: the ratio of the two times in the same rounds, times the mean of the rung above in them.

    None without a round that both have.
    """
    first, second = above.times_ns, below.times_ns
    both = sorted(first.keys() & second.keys())
    if not both:
        return None
    rounds = _rounds([[first[number], second[number]] for number in both])
    base = float(rounds.times[0])
    return rounds.ratio(1, 0).mapped(lambda ratio: (1 - ratio) * base)


def fastest_rung(rungs: Sequence[RungFigures]) -> str | None:
    """Key of the rung with the least time; None where none has one."""
    timed = [(one["time_ns"], one["rung"]) for one in rungs if one["time_ns"] is not None]
    return min(timed)[1] if timed else None


def ladder_notes(rungs: Sequence[RungFigures]) -> list[str]:
    """What is said outright: that the CPU wins where it does."""
    fastest = fastest_rung(rungs)
    of_gpus = [one for one in rungs if one["time_ns"] is not None and on_gpu({"device": one["device"]})]
    winner = next((one for one in rungs if one["rung"] == fastest), None)
    if winner is None or not of_gpus or winner in of_gpus:
        return []
    best = min(of_gpus, key=lambda one: one["time_ns"] or 0.0)
    times = f"{time_text(winner['time_ns'])} against {time_text(best['time_ns'])} of {best['name']}"
    return [f"At batch 1 of this model the CPU wins: {winner['name']} takes {times}, the best rung on the GPU."]


def _rounds(times: list[list[float]]) -> Rounds:
    """Of each round its times: a round is the unit, since each of its launches is a process of its own."""
    return rounds_of([np.array([one]) for one in times], ROUND)


def _broken(step: PredictedStep, above: Climbed, below: Climbed) -> str:
    """Which assumption of a prediction the captures of both rungs contradict, as a clause; empty where none."""
    before, after = above.captured, below.captured
    if before is None or after is None:
        return ""
    if not after.busy_ns:
        return f"{rung_of(below.key).name} did nothing on the GPU, where the prediction has the same kernels"
    if before.busy_ns and abs(after.busy_ns / before.busy_ns - 1) > KERNELS_CHANGED:
        ends = f"{time_text(before.busy_ns)} to {time_text(after.busy_ns)}"
        return f"the GPU's own work went from {ends}, so the kernels changed, which the prediction holds equal"
    left = next((one["gain_ns"] or 0.0 for one in after.gains if one["name"] == step["removal"]), 0.0)
    if left > LEFT * (step["gain_ns"] or 0.0):
        still = f"{rung_of(below.key).name} still has {time_text(left)} of {step['removal']} to remove"
        return f"by its own capture {still}, which the prediction takes for gone"
    return ""
