"""What the capture of a rung predicts of the step below it, and whether what was measured lies there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tracer.figure_text import interval_text, time_text
from tracer.ladder.rungs import RUNGS, Rung, rung_above, rung_of
from tracer.report_types.gpu import Gain, StageWork
from tracer.report_types.ladder import PredictedStep, StepVerdict
from tracer.statistics.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Captured:
    """The run of a rung under the profiler, and of its report the GPU's work, a mean inference's, and the gains."""

    run: str
    busy_ns: float | None
    by_stage: list[StageWork]
    gains: list[Gain] = field(default_factory=list)


def predicted_steps(there: Sequence[str], captures: Mapping[str, Captured], now: str) -> list[PredictedStep]:
    """
    What is predicted of each step, before it is measured.

    Args:
        there: keys of the rungs that will be measured, in the order of ``RUNGS``.
        captures: by rung, of those that were captured.
        now: the time, UTC.
    """
    found = []
    for rung in RUNGS:
        above = rung_above(rung, list(there)) if rung.key in there else None
        if above is not None:
            found.append(_predicted(rung, above, captures.get(above), now))
    return found


def _predicted(rung: Rung, above: str, captured: Captured | None, now: str) -> PredictedStep:
    step: PredictedStep = {
        "rung": rung.key,
        "above": above,
        "removal": None,
        "written": now,
        "captured": None,
        "gain_ns": None,
        "interval_ns": None,
        "bound": None,
        "reason": rung.why,
    }
    if not rung.removals:
        return step
    step["removal"] = rung.removals[-1]
    if captured is None:
        return {**step, "reason": f"no GPU timeline of {above}: --nsys takes one"}
    step["captured"], gains = captured.run, captured.gains
    if not gains:
        return {**step, "reason": f"the capture of {above} has no GPU work"}
    told = {one["name"]: one for one in gains}
    name = next((one for one in rung.removals if one in told), None)
    if name is None:
        why = f"the capture of {above} has none to remove"
        return {**step, "gain_ns": 0.0, "interval_ns": [0.0, 0.0], "bound": "at most", "reason": why}
    gain, more = told[name], told.get(rung.up_to)
    interval, bound = gain["interval_ns"], gain["bound"]
    if interval is not None and more is not None and more["interval_ns"] is not None:
        interval, bound = [interval[0], max(interval[1], more["interval_ns"][1])], None
    return {
        **step,
        "removal": name,
        "gain_ns": gain["gain_ns"],
        "interval_ns": interval,
        "bound": bound,
        "reason": gain["reason"] or f"it assumes {rung.why}",
    }


def judged_step(step: PredictedStep, gain: Estimate | None, broken: str) -> tuple[StepVerdict, str]:
    """
    Whether the measured gain is where it was predicted, and in words why.

    *covered* where the whole measured interval lies in the predicted one (of a bound: below its upper end), *not
    covered* where the two have nothing in common, else *not resolved*: so is what has no interval.

    Args:
        step: the prediction.
        gain: what was measured, in nanoseconds; None where either rung was not.
        broken: the assumption that the captures of the two rungs contradict, as a clause; empty where none is known.
    """
    if gain is None:
        return "not measured", "one of the two rungs was not measured"
    if step["gain_ns"] is None or step["interval_ns"] is None:
        return "no prediction", step["reason"]
    low, high = step["interval_ns"]
    told = f"up to {time_text(high)}" if step["bound"] else interval_text(low, high, time_text)
    if gain.kind != "interval":
        return "not resolved", f"{gain.reason or 'no spread is known'}: three rounds or more give an interval"
    seen = interval_text(gain.low, gain.high, time_text)
    inside = gain.high <= high and (step["bound"] or gain.low >= low)
    if inside:
        return "covered", f"measured {seen}, predicted {told}"
    if gain.low > high or (gain.high < low and not step["bound"]):
        assumption = f"the assumption ({rung_of(step['rung']).why})"
        broke = broken or f"either {assumption} does not hold, or the step changes more than it names"
        return "not covered", f"measured {seen}, predicted {told}: {broke}"
    return "not resolved", f"measured {seen}, predicted {told}: they overlap, more rounds would tell"
