"""The DUT's clock from lap to lap over a whole session: what it does while no window is timed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tracer.sessions.clock_audit import TOLERANCE, WRAPS_US, WindowAudit
from tracer.sessions.finding import SOURCES, Finding
from tracer.sessions.session import Evidence, Lap, Session

LEAST_HOST_S = 0.5
"""A time between windows that is shorter says nothing of the clock."""


@dataclass(frozen=True, slots=True)
class ClockRate:
    """
    How far the laps and the host's clock advance in the same time.

    ``slack_s`` is what the host's stamps are off by where their lateness is not always the worst, ``bound_s`` where
    it is.
    """

    dut_s: float
    host_s: float
    slack_s: float
    bound_s: float
    evidence: tuple[Evidence, ...]

    @property
    def ratio(self) -> float:
        """Seconds of the laps a second of the host."""
        return self.dut_s / self.host_s if self.host_s else 0.0

    @property
    def known(self) -> bool:
        """Whether the time is long enough, beside the host's error, to say anything."""
        return self.host_s >= LEAST_HOST_S and self.host_s > 5 * self.slack_s

    @property
    def differs(self) -> bool:
        """Whether the laps are no wall time there, beyond the host's error and the tolerance of two clocks."""
        return self.known and abs(self.dut_s - self.host_s) > self.slack_s + 2 * TOLERANCE * self.host_s


def idle_rate(session: Session, windows: list[WindowAudit]) -> ClockRate | None:
    """
    The laps' advance outside the windows of a session, None where the log has no times for it.

    Each gap is from a window's last lap to the next window's first.
    """
    if session.no_host_times is not None or any(one.laps in ("still", "back") for one in windows):
        return None
    dut_us, host_s, gaps, evidence = 0, 0.0, 0, []
    longest = 0.0
    # Where the host read a window's laps late, their times bound no gap either.
    untimed = {window.number for window in session.windows if window.host is None}
    for first, second in _gaps(session):
        passed = _passed(first, second)
        if passed is None or {first.window, second.window} & untimed:
            continue
        advance = _forward(second.us - first.us, passed)
        if advance is None:
            return None
        dut_us, host_s, gaps = dut_us + advance, host_s + passed, gaps + 1
        if passed > longest:
            longest, evidence = passed, [first.evidence, second.evidence]
    if not gaps:
        return None
    # Each gap's stamps are late by 0 to the latency: differences of lateness, of either sign.
    slack = gaps * (session.latency_s / (2 if gaps > 1 else 1) + session.resolution_s)
    bound = gaps * (session.latency_s + session.resolution_s)
    return ClockRate(dut_us / 1e6, host_s, slack, bound, tuple(evidence))


def whole_rate(session: Session) -> ClockRate | None:
    """The laps' advance from the session's first lap to its last; None where the log or the laps do not give it."""
    timed = [number for number, lap in enumerate(session.marks) if lap.host_s is not None]
    if session.no_host_times is not None or session.restarts or len(timed) < 2:
        return None
    marks = session.marks[timed[0] : timed[-1] + 1]
    advances = [_forward(second.us - first.us, _passed(first, second)) for first, second in pairwise(marks)]
    passed = _passed(marks[0], marks[-1])
    if passed is None or None in advances:
        return None
    dut_s = sum(advance for advance in advances if advance is not None) / 1e6
    if session.resolution_s >= 1.0 and abs(abs(passed - dut_s) - 3600) < 60:
        return None  # Times of the day, on which summer time began or ended.
    slack = session.latency_s + session.resolution_s
    return ClockRate(dut_s, passed, slack, slack, (marks[0].evidence, marks[-1].evidence))


def between_windows(session: Session) -> list[Finding]:
    """Where the laps wrap or go back from one window to the next, though the DUT did not start anew."""
    wraps: list[Lap] = []
    backs: list[Lap] = []
    for first, second in _gaps(session):
        if second.us < first.us:
            around = _forward(second.us - first.us, _passed(first, second)) is not None
            (wraps if around else backs).extend((first, second))
    wrapped = "the counter of the laps wraps between two windows (32 bits of microseconds): no figure is touched"
    back = "the laps go back between two windows: the DUT started anew, or its clock was set"
    found = [
        Finding("laps-wrapped", "note", wrapped, SOURCES["laps"], tuple(lap.evidence for lap in wraps[:4])),
        Finding("laps-back", "warning", back, SOURCES["laps"], tuple(lap.evidence for lap in backs[:4])),
    ]
    return [one for one in found if one.evidence]


def _passed(first: Lap, second: Lap) -> float | None:
    return None if first.host_s is None or second.host_s is None else second.host_s - first.host_s


def _gaps(session: Session) -> Iterator[tuple[Lap, Lap]]:
    """Laps that follow one another, not of one window, with no start of the DUT between them."""
    for number, (first, second) in enumerate(pairwise(session.marks), 1):
        same = first.window is not None and first.window == second.window
        if not same and number not in session.restarts:
            yield first, second


def _forward(advance_us: int, passed_s: float | None) -> int | None:
    """The advance of a counter that may have wrapped, None where it went back."""
    if advance_us >= 0:
        return advance_us
    limit_us = 1e6 * (passed_s * 1.1 + 1.0 if passed_s is not None else 600.0)
    for wrap in WRAPS_US:
        if 0 <= advance_us + wrap <= limit_us:
            return advance_us + wrap
    return None
