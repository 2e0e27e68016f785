"""
What makes a DUT's laps differ from the host's clock: a cause is named only where the bounds exclude the others.

A timer at another frequency advances at one rate, within windows and between them. CPU time advances by at most a
second a second while one thread waits or polls, and by more only where several compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from tracer.figure_text import interval_text, ratio_text
from tracer.sessions.clock_audit import TOLERANCE, WindowAudit
from tracer.sessions.clock_marks import LEAST_HOST_S, ClockRate
from tracer.sessions.session import Lap, Session

SLEW = 500e-6
"""By so much an NTP client may make the host's clock run faster or slower meanwhile (adjtimex)."""
_MAXIMA = {(1 << bits) - 1 for bits in (31, 32, 63, 64)}

CPU_TIME = "CPU time"
TIMER = "a timer at another frequency"
STANDS = "a timer that stands still for a part of the time"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which seconds of the laps a second of the host lies."""

    low: float
    high: float

    def meets(self, other: Bounds) -> bool:
        """Whether one rate lies within both."""
        return self.low <= other.high and other.low <= self.high


def window_bounds(session: Session, windows: list[WindowAudit]) -> Bounds | None:
    """The rates of the laps that all windows allow; None where none does, or no window has both clocks."""
    slack_us = {one.number: one.elapsed_slack_us for one in session.timed}
    low, high = 0.0, float("inf")
    for one in windows:
        if one.elapsed_us is not None and one.host is not None and one.host.low_s > 0:
            slack = slack_us.get(one.number, 0.0)
            low = max(low, (one.elapsed_us - slack) / 1e6 / one.host.high_s * (1 - SLEW))
            high = min(high, (one.elapsed_us + slack) / 1e6 / one.host.low_s * (1 + SLEW))
    return Bounds(low, high) if low <= high < float("inf") else None


def idle_bounds(idle: ClockRate) -> Bounds:
    """The rates of the laps that the times between the windows allow."""
    return Bounds(
        idle.dut_s / (idle.host_s + idle.bound_s) * (1 - SLEW),
        idle.dut_s / max(idle.host_s - idle.bound_s, 1e-9) * (1 + SLEW),
    )


def standing_counter(session: Session) -> Lap | None:
    """The first of the last laps, all of one value, if the host's clock went on meanwhile."""
    if not session.marks or session.marks[-1].us <= 0:
        return None
    *_, first = takewhile(lambda lap: lap.us == session.marks[-1].us, reversed(session.marks))
    begin_s, end_s = first.host_s, session.marks[-1].host_s
    return first if begin_s is not None and end_s is not None and end_s - begin_s >= LEAST_HOST_S else None


def standing_text(session: Session) -> str | None:
    """In words that the counter has come to an end; None where it has not."""
    lap = standing_counter(session)
    if lap is None:
        return None
    why = "its maximum" if lap.us in _MAXIMA else "it stopped, or has reached its maximum"
    return f"the counter of the laps stands at {lap.us} to the end: {why}"


def window_cause(session: Session, windows: list[WindowAudit], idle: ClockRate | None) -> str:
    """The causes that remain where windows tell another time than the host; a sentence without its stop."""
    standing = standing_text(session)
    if standing is not None:
        return standing
    if idle is None or not idle.known:
        return f"{CPU_TIME}, or {TIMER}, does this: the log has no time between windows that tells which"
    between = idle_bounds(idle)
    said = f"between the windows the laps advance {ratio_text(idle.ratio)} s a second "
    said += f"({interval_text(between.low, between.high, ratio_text)})"
    return f"{said}{_remaining(window_bounds(session, windows), between)}"


def _remaining(within: Bounds | None, between: Bounds) -> str:
    """What explains both rates; one thread that waits or polls takes at most a second of CPU time a second."""
    above, below = between.low > 1 + TOLERANCE, between.high < 1 - TOLERANCE
    if within is not None and within.meets(between):
        if above:
            return f", as within them: {TIMER}, of the DUT or of the host, does this"
        return f": {CPU_TIME}, or {TIMER}, does this, and these bounds exclude neither"
    if above:
        return ", and another time within them: the clock changes its speed, or was set"
    if below and within is not None and within.low > 1 + TOLERANCE:
        return f": {CPU_TIME} of several threads (`clock()`) does this, one frequency does not"
    return f": {CPU_TIME}, or {STANDS}, does this, one frequency does not"


def advance_cause(session: Session, rate: ClockRate, windows: list[WindowAudit], *, whole: bool) -> str:
    """The causes that remain where the laps advance by another time, over a ``whole`` session or between windows."""
    standing = standing_text(session)
    if standing is not None:
        return standing
    agree = not whole and all(one.clocks_differ is False for one in windows)
    if rate.ratio < 1:
        causes = [CPU_TIME, STANDS] if agree else [CPU_TIME, TIMER, STANDS]
        return f"{', '.join(causes[:-1])}, or {causes[-1]}, does this"
    if agree:
        return "the clock changes its speed, or was set"
    return f"{TIMER}, or {CPU_TIME} of several threads, does this"
