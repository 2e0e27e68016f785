"""Each window by the DUT's laps against the host's clock: do they tell one time, and was the window long enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tracer.runs.windows import MINIMUM_S, rate_hz
from tracer.sessions.session import HostLength, SessionWindow

TOLERANCE = 0.01
"""Two sound clocks may differ by this share: free-running oscillators are trimmed to 1 %."""

WRAPS_US = (1 << 32, 1 << 31)
"""Where a counter of microseconds starts anew."""

LapState = Literal["ok", "missing", "still", "back", "wrapped"]


@dataclass(frozen=True, slots=True)
class TimedPair:
    """
    A window as two clocks have it.

    ``raw_us`` is the length by the DUT (last lap minus first, as the laps stand), exact to ``slack_us``; ``host``
    that by the host.
    """

    number: int
    inferences: int | None
    raw_us: float | None
    host: HostLength | None
    slack_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Inferences per second: a best value (None where only bounds exist) and its bounds."""

    point_hz: float | None
    low_hz: float
    high_hz: float


@dataclass(frozen=True, slots=True)
class WindowAudit:
    """
    What two clocks say of a window.

    ``elapsed_us`` is the length by the laps, a wrapped counter put right; None where the laps give none.
    ``ratio`` is that to the host's length. ``clocks_differ`` and ``short`` (under 10 s of wall time) are None where
    the bounds leave it open. ``true_rate`` is by the host.
    """

    number: int
    inferences: int | None
    laps: LapState
    elapsed_us: float | None
    host: HostLength | None
    ratio: float | None
    clocks_differ: bool | None
    short: bool | None
    rate_hz: float | None
    true_rate: Rate | None


def audit_windows(pairs: Iterable[TimedPair]) -> list[WindowAudit]:
    """
    Compare the two clocks over each window.

    The clocks differ where the laps lie outside the bounds of the host's time by more than ``TOLERANCE``: bounds
    cover the resolution of the host's stamps and the time that a line is underway.
    """
    return [_audit(pair) for pair in pairs]


def pair_of(window: SessionWindow) -> TimedPair:
    """The window's two lengths."""
    exact = window.lap_us is not None
    return TimedPair(
        window.number, window.inferences, window.elapsed_us, window.host, 0.0 if exact else window.slack_us
    )


def _audit(pair: TimedPair) -> WindowAudit:
    state, elapsed = _lap_state(pair)
    host, count = pair.host, pair.inferences
    differ = _differ(elapsed, pair.slack_us, host)
    return WindowAudit(
        number=pair.number,
        inferences=count,
        laps=state,
        elapsed_us=elapsed,
        host=host,
        ratio=elapsed / 1e6 / host.point_s if elapsed is not None and host and host.point_s else None,
        clocks_differ=differ,
        short=_short(elapsed, pair.slack_us, host, differ=differ),
        rate_hz=rate_hz(count, elapsed and elapsed * 1e3),
        true_rate=_true_rate(count, host),
    )


def _lap_state(pair: TimedPair) -> tuple[LapState, float | None]:
    if pair.raw_us is None:
        return "missing", None
    if pair.raw_us > 0:
        return "ok", pair.raw_us
    if pair.raw_us == 0:
        # A coarse clock may show the same twice around a short window.
        unseen = pair.host is not None and pair.host.low_s == 0.0
        return ("ok", 0.0) if unseen or not pair.inferences else ("still", None)
    for wrap in WRAPS_US:
        if pair.host is not None and _differ(pair.raw_us + wrap, pair.slack_us, pair.host) is False:
            return "wrapped", pair.raw_us + wrap
    return "back", None


def _differ(elapsed_us: float | None, slack_us: float, host: HostLength | None) -> bool | None:
    if elapsed_us is None or host is None:
        return None
    low_us, high_us = elapsed_us - slack_us, elapsed_us + slack_us
    return low_us > host.high_s * 1e6 * (1 + TOLERANCE) or high_us < host.low_s * 1e6 * (1 - TOLERANCE)


def _short(elapsed_us: float | None, slack_us: float, host: HostLength | None, *, differ: bool | None) -> bool | None:
    """By the host where its bounds decide; else by the laps, unless these are known to be wrong."""
    if host is not None and host.high_s < MINIMUM_S:
        return True
    if host is not None and host.low_s >= MINIMUM_S:
        return False
    if elapsed_us is None or differ:
        return None
    if elapsed_us + slack_us < MINIMUM_S * 1e6:
        return True
    return False if elapsed_us - slack_us >= MINIMUM_S * 1e6 else None


def _true_rate(count: int | None, host: HostLength | None) -> Rate | None:
    if not count or host is None or host.low_s <= 0:
        return None
    point = count / host.point_s if host.point_s else None
    return Rate(point, count / host.high_s, count / host.low_s)
