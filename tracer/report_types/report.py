"""The report of a run, and a comparison of runs."""

from __future__ import annotations

from typing import Literal, TypedDict

from tracer.report_types.gpu import KernelFigures
from tracer.report_types.limits import Ledger, Place, RunLimits
from tracer.report_types.run import (
    AccuracyPass,
    DeviceFigures,
    InferenceFigures,
    LeftOut,
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
    interval_ns: list[float]


class PartChange(TypedDict):
    """``beyond_noise``: the two intervals lie apart."""

    change_ns: float
    beyond_noise: bool


class ComparedRun(TypedDict):
    """A run of a comparison; ``source`` is the profiler of its parts."""

    name: str
    rate_hz: float | None
    trust: Trust
    inference: InferenceFigures
    busy_share: float | None
    source: str | None
    parts: dict[str, PartSpread]


class Compared(TypedDict):
    """
    A run held against the first.

    ``ratio`` is of the median inferences, the run's to the first's, null where they were not compared; ``p_value`` is
    null where each has one window.
    """

    run: str
    refusals: list[str]
    warnings: list[str]
    ratio: float | None
    interval: list[float] | None
    p_value: float | None
    verdict: Literal["slower", "faster", "no difference", "not known", "refused"]
    parts: dict[str, PartChange]
    sentence: str


class Comparison(TypedDict):
    """Runs held against the first; ``threshold`` is the share of the median that counts as no difference."""

    threshold: float
    runs: list[ComparedRun]
    comparisons: list[Compared]
