"""A session as a host left it: windows, what was printed of them, and which lines say so; values only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tracer.errors import MalformedTraceError

PrintedName = Literal[
    "inferences",
    "runtime_s",
    "rate_hz",
    "energy_uj",
    "power_uw",
    "power_mw",
    "energy_per_inference_uj",
    "median_rate_hz",
    "median_energy_uj",
    "top1_percent",
    "auc",
]
_DUTY_HALF, _PERIOD_HALF_S = 0.5e-5, 0.5e-6
"""Half of the last digit that is printed."""

Kind = Literal["performance", "accuracy", "energy"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line of a session's file that proves something."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class HostLength:
    """How long a window was by the host's clock, in seconds: a best value (None where only bounds exist), bounds."""

    point_s: float | None
    low_s: float
    high_s: float

    @property
    def middle_s(self) -> float:
        """The best value, or the middle of the bounds."""
        return (self.low_s + self.high_s) / 2 if self.point_s is None else self.point_s

    def __post_init__(self) -> None:
        if not self.low_s <= self.high_s:
            raise MalformedTraceError(f"bounds of a host's time are the wrong way round: {self}")


@dataclass(frozen=True, slots=True)
class Lap:
    """
    One ``m-lap-us`` line: the DUT's clock in microseconds, when the host noted it, in seconds of the host's clock.

    ``host_s`` is None where the log has no time for it. ``window`` is the number of the window that it bounds.
    """

    us: int
    host_s: float | None
    evidence: Evidence
    window: int | None = None


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """
    One ``infer`` command, numbered from 1 in the session.

    ``laps`` are the lap lines as they stand, two where nothing went wrong. Where the log holds no laps,
    ``runtime_us`` is the length that was printed, exact to ``slack_us``. ``complete`` is false
    where the log ends within the window. ``told_s`` is when the host printed its results, where the log has a
    time for that and none for the laps. ``energy_uj`` is the sum of the energy monitor's samples within it, and
    ``sampled_us`` how long these are together.
    """

    number: int
    input_name: str | None = None
    inferences: int | None = None
    warmups: int | None = None
    laps: tuple[Lap, ...] = ()
    runtime_us: float | None = None
    slack_us: float = 0.0
    host: HostLength | None = None
    probabilities: tuple[float, ...] | None = None
    evidence: tuple[Evidence, ...] = ()
    complete: bool = True
    told_s: float | None = None
    energy_uj: float | None = None
    sampled_us: float | None = None

    @property
    def lap_us(self) -> tuple[int, int] | None:
        """First and last lap of the window; a lap line that stands twice counts once."""
        values = [lap.us for lap in self.laps]
        if len(values) == 3 and (values[0] == values[1] or values[1] == values[2]):
            values = [values[0], values[2]]
        return (values[0], values[1]) if len(values) == 2 else None

    @property
    def elapsed_us(self) -> float | None:
        """Length by the laps as they stand, negative where they go back; else the printed one; else None."""
        laps = self.lap_us
        return float(laps[1] - laps[0]) if laps else self.runtime_us

    @property
    def energy_per_inference_uj(self) -> float | None:
        """The window's energy over its inferences."""
        return self.energy_uj / self.inferences if self.energy_uj is not None and self.inferences else None

    @property
    def power_mw(self) -> float | None:
        """The mean of its samples, as both runners have it."""
        return 1000 * self.energy_uj / self.sampled_us if self.energy_uj is not None and self.sampled_us else None

    @property
    def elapsed_slack_us(self) -> float:
        """What ``elapsed_us`` is exact to: laps are exact."""
        return 0.0 if self.lap_us else self.slack_us

    @property
    def lines(self) -> tuple[Evidence, ...]:
        """The lines that bound the window."""
        return tuple(lap.evidence for lap in self.laps) or self.evidence


@dataclass(frozen=True, slots=True)
class Printed:
    """A figure as the runner printed it, digit for digit; ``window`` is None for a figure of the whole session."""

    name: PrintedName
    text: str
    evidence: Evidence
    window: int | None = None


@dataclass(frozen=True, slots=True)
class PrintedRequirement:
    """What the runner said of a window: ``met`` or not; ``window`` is None where it did not say of which."""

    window: int | None
    met: bool
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Irregularity:
    """A line that is lost from the log or stands in it twice, or a pulse that the energy monitor lacks."""

    kind: Literal["lost", "duplicated", "stamps"]
    what: str
    window: int | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class StreamingCounts:
    """
    What ``results.json``'s detections, pulses and samples give of a streaming session, None where they are not there.

    ``processing_s`` is the mean time of an inference, ``energy_uj`` that of the whole recording.
    """

    true_positives: int | None = None
    false_negatives: int | None = None
    false_positives: int | None = None
    duty_cycle: float | None = None
    period_s: float | None = None
    processing_s: float | None = None
    energy_uj: float | None = None


@dataclass(frozen=True, slots=True)
class Streaming:
    """
    What the runner printed of a streaming session, None where a line is missing.

    ``listed`` are how many false negatives and positives its lists hold. ``duty_cycle`` is the share of the period
    that the DUT computes. ``counted`` is what stands in ``results.json`` beside it, None without one.
    """

    true_positives: int | None = None
    false_negatives: int | None = None
    false_positives: int | None = None
    listed_negatives: int | None = None
    listed_positives: int | None = None
    duty_cycle: float | None = None
    period_s: float | None = None
    rate_hz: float | None = None
    evidence: tuple[Evidence, ...] = ()
    counted: StreamingCounts | None = None

    @property
    def recomputed_rate_hz(self) -> float | None:
        """What the DUT would do computing all the time: one inference in the busy part of a period."""
        if self.counted is not None and self.counted.processing_s:
            return 1 / self.counted.processing_s
        return 1 / (self.duty_cycle * self.period_s) if self.duty_cycle and self.period_s else None

    def differences(self) -> list[str]:
        """Which printed figures do not follow from the others, to the printed digits."""
        found = []
        for name, told, listed in (
            ("false negatives", self.false_negatives, self.listed_negatives),
            ("false positives", self.false_positives, self.listed_positives),
        ):
            if told is not None and listed is not None and told != listed:
                found.append(f"{told} {name} are printed, {listed} are listed")
        if self.duty_cycle and self.period_s and self.rate_hz is not None:
            low = 1 / ((self.duty_cycle + _DUTY_HALF) * (self.period_s + _PERIOD_HALF_S)) - 0.0005
            high = 1 / ((self.duty_cycle - _DUTY_HALF) * (self.period_s - _PERIOD_HALF_S)) + 0.0005
            if not low <= self.rate_hz <= high:
                found.append(f"the printed throughput is {self.rate_hz}, duty cycle and period give {low} to {high}")
        return found + self._differences_counted()

    def _differences_counted(self) -> list[str]:
        """Printed figures that ``results.json``'s own lists do not give, to the runner's five digits."""
        counts = self.counted or StreamingCounts()
        pairs = (
            ("true positives", self.true_positives, counts.true_positives),
            ("false negatives", self.false_negatives, counts.false_negatives),
            ("false positives", self.false_positives, counts.false_positives),
            ("duty cycle", self.duty_cycle, counts.duty_cycle),
            ("period", self.period_s, counts.period_s),
            ("throughput", self.rate_hz, 1 / counts.processing_s if counts.processing_s else None),
        )
        return [
            f"the printed {name} are {printed}, the detections of results.json give {own}"
            if isinstance(own, int)
            else f"the printed {name} is {printed}, the pulses of results.json give {own:.5g}"
            for name, printed, own in pairs
            if printed is not None and own is not None and printed != float(f"{own:.5g}")
        ]


@dataclass(frozen=True)
class Session:
    """
    A session.

    ``host`` is who wrote it: energyrunner (or ``kws-trace host``, in the same form), or the MLCommons runner.
    ``mode`` is the runner's own word for the kind. ``marks`` are the laps of the session in their order, with the
    numbers of the laps before which the DUT started anew in ``restarts``. ``no_host_times`` says why there are none,
    ``no_lengths`` and ``no_energy`` why an energy session's windows have none by the monitor.
    ``latency_s`` is what a line may have been underway.
    """

    path: Path
    host: Literal["energyrunner", "mlcommons"]
    kind: Kind
    mode: str | None
    windows: tuple[SessionWindow, ...]
    model: str | None = None
    device: str | None = None
    runner_version: str | None = None
    printed: tuple[Printed, ...] = ()
    verdicts: tuple[PrintedRequirement, ...] = ()
    marks: tuple[Lap, ...] = ()
    restarts: frozenset[int] = frozenset()
    irregular: tuple[Irregularity, ...] = ()
    resolution_s: float = 0.001
    latency_s: float = 0.0
    no_host_times: str | None = None
    no_lengths: str | None = None
    streaming: Streaming | None = None
    no_energy: str | None = None
    complete: bool = True
    dropped_windows: int = 0
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def timed(self) -> tuple[SessionWindow, ...]:
        """The complete windows, of which figures are made."""
        return tuple(window for window in self.windows if window.complete)
