"""A host's sessions, judged."""

from __future__ import annotations

from typing import Literal, TypedDict, final

from tracer.report_types.trust import Trust


class TrueRate(TypedDict):
    """A rate by the host's clock."""

    rate_hz: float | None
    bounds_hz: list[float]


class SessionWindow(TypedDict):
    """A window as a host's log has it; ``ratio`` is of the laps to the host's clock, ``lines`` are numbers."""

    window: int
    input: str | None
    inferences: int | None
    warmups: int | None
    laps: str
    lap_start_us: int | None
    lap_end_us: int | None
    elapsed_us: float | None
    rate_hz: float | None
    energy_uj: float | None
    energy_per_inference_uj: float | None
    power_mw: float | None
    host_s: float | None
    host_bounds_s: list[float] | None
    ratio: float | None
    clocks_differ: bool | None
    short: bool | None
    true_rate: TrueRate | None
    lines: list[int]


class SessionMedian(TypedDict):
    """The official rate: recomputed, as printed, and by the host's clock; the energy is of an inference."""

    rate_hz: float | None
    printed: str | None
    energy_uj: float | None
    printed_energy_uj: str | None
    true: TrueRate | None


class SessionAccuracy(TypedDict):
    """The official accuracy: recomputed, and as printed."""

    top1: float | None
    auc: float | None
    auc_form: str | None
    vectors: int
    printed_top1_percent: str | None
    printed_auc: str | None


class StreamingCounted(TypedDict):
    """What the detections, pulses and samples of ``results.json`` give, null where they are not there."""

    true_positives: int | None
    false_negatives: int | None
    false_positives: int | None
    duty_cycle: float | None
    period_s: float | None
    processing_s: float | None
    energy_uj: float | None


class StreamingFigures(TypedDict):
    """
    A streaming wakeword session: as printed, and the rate that its pulses, else duty cycle and period give.

    ``counted`` is null without a ``results.json``.
    """

    true_positives: int | None
    false_negatives: int | None
    false_positives: int | None
    duty_cycle: float | None
    period_s: float | None
    printed_rate_hz: float | None
    rate_hz: float | None
    counted: StreamingCounted | None


class EvidenceLine(TypedDict):
    """A line of a session's file."""

    file: str
    line: int
    text: str


class SessionFinding(TypedDict):
    """What is wrong with a session, by which rule, and which lines prove it."""

    rule: str
    severity: Literal["error", "warning", "note"]
    text: str
    source: str
    evidence: list[EvidenceLine]
    windows: list[int]


class SessionFigures(TypedDict):
    """A host's session, judged; an accuracy session's windows are counted, not listed."""

    path: str
    host: str
    kind: str
    mode: str | None
    model: str | None
    device: str | None
    files: list[str]
    complete: bool
    window_count: int
    windows: list[SessionWindow]
    median: SessionMedian
    accuracy: SessionAccuracy
    streaming: StreamingFigures | None
    valid: bool | None
    why: str
    trust: Trust
    clock_judged: bool
    no_host_times: str | None
    findings: list[SessionFinding]
    not_recomputed: list[str]
    notes: list[str]


@final
class RunSession(SessionFigures):
    """A session within the run's folder; ``lines`` say the same in sentences."""

    lines: list[str]


@final
class UnreadSession(TypedDict):
    """One whose log cannot be read, as while it is being written; ``lines`` say why."""

    path: str
    lines: list[str]
