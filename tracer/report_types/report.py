"""The report of a run, and a comparison of runs."""

from __future__ import annotations

from typing import Literal, TypedDict

from tracer.report_types.estimates import EstimateFigures
from tracer.report_types.gpu import KernelFigures
from tracer.report_types.limits import Ledger, Place, RunLimits
from tracer.report_types.run import (
    AccuracyPass,
    DeviceFigures,
    InferenceFigures,
    LeftOut,
    PulseFigures,
    RecorderFigures,
    RunFacts,
    SerialFigures,
    SplittingCost,
    StageFigures,
    WindowFigures,
)
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.report_types.trust import Trust

SCHEMA_VERSION = 2
"""Of the JSON: raised when a key goes or changes its meaning, not when one is added."""


class ComparedFigures(KernelFigures):
    """What a comparison takes of a run; those of a ``Report``, or without gains and inflation."""

    median_rate_hz: float | None
    trust: Trust
    inference: InferenceFigures


class Report(KernelFigures):
    """
    Where the time of a run went.

    Warm-ups, captured inferences and aborted windows are in no figure of the stages, nor, where there are performance
    windows, is the accuracy pass. ``limits`` are of the median inference without a profiler, null without a counted
    model or a device; ``published`` goes by the median rate and is null where ``why_no_place`` says why;
    ``accuracy`` is null without such windows. ``capture_problem`` says which file of a capture cannot be read, where
    that is why ``gpu`` is null.
    """

    schema_version: int
    run: RunFacts
    session_ns: int | None
    median_rate_hz: float | None
    why_not_official: str | None
    trust: Trust
    windows: list[WindowFigures]
    inference: InferenceFigures
    stages: list[StageFigures]
    serial: list[SerialFigures]
    pulses: PulseFigures | None
    accuracy: AccuracyPass | None
    recorder: RecorderFigures
    splitting: SplittingCost | None
    left_out: LeftOut
    notes: list[str]
    device: DeviceFigures
    sessions: list[RunSession | UnreadSession]
    ledger: Ledger | None
    limits: RunLimits | None
    published: Place | None
    why_no_place: str | None
    capture_problem: str | None


class PartSpread(TypedDict):
    """A part of a profiled inference."""

    median_ns: float
    spread: EstimateFigures


class PartChange(TypedDict):
    """``beyond_noise``: the two intervals lie apart."""

    change_ns: float
    beyond_noise: bool


class ComparedLaunch(TypedDict):
    """
    A launch of a side, as its report has it; ``rate_hz`` is the official one, the median of its windows.

    A profile has neither that nor a judgement of trust; ``inference`` is then of its units, ``spread`` by tenths.
    """

    name: str
    rate_hz: float | None
    trust: Trust | None
    inference: InferenceFigures
    busy_share: float | None


class ComparedRun(TypedDict):
    """
    A side of a comparison: a run, the launches of one configuration, or a profile.

    ``source`` is the profiler of the ``parts``, which are of the first launch. ``created`` is null of a profile.
    """

    name: str
    created: str | None
    launches: list[ComparedLaunch]
    source: str | None
    parts: dict[str, PartSpread]


Way = Literal["slower", "faster"]
Judgement = Literal["slower", "faster", "equivalent", "can't be told"]
Verdict = Literal["slower", "faster", "equivalent", "can't be told", "rate and median disagree"]


class JudgedFigure(TypedDict):
    """
    One figure of a side and of the baseline: the geometric mean of the launches, or of one launch's windows.

    ``ratio`` and ``spread`` are of times, above 1 where the side is slower, for rates too; ``detected`` says that the
    spread is an interval and on which side of 1 it lies, ``judgement`` how it lies to the threshold.
    """

    baseline: float
    value: float
    ratio: float
    spread: EstimateFigures
    detected: Way | None
    judgement: Judgement


class ChangedKernel(TypedDict):
    """A kernel that one of two sides runs and the other does not; ``run`` is the side's name."""

    run: str
    name: str
    per_inference: float
    ns_per_inference: float


class Compared(TypedDict):
    """
    A side held against the baseline.

    ``median`` and ``rate`` are null where they were not compared. ``why_no_claim`` says why the verdict is of these
    launches alone; null where it is of their configurations.
    """

    run: str
    refusals: list[str]
    warnings: list[str]
    why_no_claim: str | None
    median: JudgedFigure | None
    rate: JudgedFigure | None
    verdict: Verdict | Literal["refused"]
    parts: dict[str, PartChange]
    kernels: list[ChangedKernel]
    sentence: str


class Comparison(TypedDict):
    """
    Sides held against the first, the ``baseline``; ``threshold`` is the share that counts as no difference.

    ``unit`` is what ``inference`` and ``per_inference`` are of: of profiles the units that ``breakdown`` takes.
    """

    unit: Literal["inference", "unit"]
    threshold: float
    baseline: str
    runs: list[ComparedRun]
    comparisons: list[Compared]
