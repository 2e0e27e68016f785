"""The ladder of runtimes; times are nanoseconds an inference."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from tracer.report_types import Recorded
from tracer.report_types.estimates import EstimateFigures
from tracer.report_types.gpu import Bound, StageWork
from tracer.report_types.trust import Trust

StepVerdict: TypeAlias = Literal["covered", "not covered", "not resolved", "no prediction", "not measured"]


class RungFigures(TypedDict):
    """
    One rung, over its launches, one a round.

    ``time_ns`` is 1 over the official rate, the geometric mean over ``launches``. ``top1`` is the least of the
    launches', of ``inputs``; ``known_difference`` the most by which an answer to a known input differed from the
    reference's. ``captured`` is its run under the profiler, whose ``busy_ns`` and ``kernels_by_stage`` these are.
    ``failure`` says why it has no more launches. All but the names may be null.
    """

    rung: str
    name: str
    runtime: str | None
    device: str | None
    launches: list[str]
    time_ns: float | None
    spread: EstimateFigures | None
    rate_hz: float | None
    top1: float | None
    inputs: int | None
    known_difference: float | None
    trust: Trust | None
    captured: str | None
    busy_ns: float | None
    kernels_by_stage: list[StageWork]
    failure: str | None


class PredictedStep(TypedDict):
    """
    What the rung ``above`` predicted of the step to ``rung``, ``written`` (UTC) before that was measured.

    ``removal`` is that of the report of the run ``captured``; ``gain_ns`` is null where nothing is predicted, for
    ``reason``. Of a ``bound`` it is the most that the step can give.
    """

    rung: str
    above: str
    removal: str | None
    written: str
    captured: str | None
    gain_ns: float | None
    interval_ns: list[float] | None
    bound: Bound | None
    reason: str


class StepFigures(TypedDict):
    """
    A step: what was predicted, what was measured in the same rounds, and whether the one covers the other.

    ``measured_from`` is when the first launch of the rung began. ``sentence`` says the verdict, and of a prediction
    that failed which assumption broke.
    """

    rung: str
    above: str
    prediction: PredictedStep
    measured_from: str | None
    gain_ns: float | None
    spread: EstimateFigures | None
    verdict: StepVerdict
    sentence: str


class AbsentRung(TypedDict):
    """A rung that this machine has not, and what brings it."""

    rung: str
    name: str
    reason: str
    remedy: str


class LadderLoad(TypedDict):
    """The machine's load before the first launch."""

    before: float
    cpus: int | None


class LadderReport(TypedDict):
    """
    One model on each rung, each a device under test in a process of its own, in interleaved rounds.

    ``rounds`` were asked for; ``stopped`` says that a signal ended them early. ``port`` is null where the command
    drove the devices itself, ``seconds`` is then the length of a window. ``fastest`` is a rung's key.
    """

    schema_version: int
    name: str
    created: str
    model: Recorded
    port: str | None
    seconds: float
    rounds: int
    stages: str
    threads: int
    stopped: bool
    load: LadderLoad
    rungs: list[RungFigures]
    steps: list[StepFigures]
    absent: list[AbsentRung]
    fastest: str | None
    notes: list[str]
