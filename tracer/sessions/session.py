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
    time for that and none for the laps. ``energy_uj`` is the sum of the energy monitor's samples within it.
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
class Streaming:
    """
    What the runner printed of a streaming session, None where a line is missing.

    ``listed`` are how many false negatives and positives its lists hold. ``duty_cycle`` is the share of the period
    that the DUT computes.
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

    @property
    def recomputed_rate_hz(self) -> float | None:
        """What the DUT would do computing all the time: one inference in the busy part of a period."""
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
        return found


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
