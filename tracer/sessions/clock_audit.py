"""Each window by the DUT's laps against the host's clock: do they tell one time, and was the window long enough."""

from __future__ import annotations

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


def audit_window(window: SessionWindow) -> WindowAudit:
    """
    Compare the two clocks over a window.

    They differ where the laps lie outside the bounds of the host's time by more than ``TOLERANCE``: bounds cover the
    resolution of the host's stamps and the time that a line is underway.
    """
    state, elapsed = _lap_state(window)
    host, count, slack_us = window.host, window.inferences, window.elapsed_slack_us
    differ = _differ(elapsed, slack_us, host)
    return WindowAudit(
        number=window.number,
        inferences=count,
        laps=state,
        elapsed_us=elapsed,
        host=host,
        ratio=elapsed / 1e6 / host.point_s if elapsed is not None and host and host.point_s else None,
        clocks_differ=differ,
        short=_short(elapsed, slack_us, host, differ=differ),
        rate_hz=rate_hz(count, elapsed and elapsed * 1e3),
        true_rate=_true_rate(count, host),
    )


def _lap_state(window: SessionWindow) -> tuple[LapState, float | None]:
    raw_us, host = window.elapsed_us, window.host
    if raw_us is None:
        return "missing", None
    if raw_us > 0:
        return "ok", raw_us
    if raw_us == 0:
        # A coarse clock may show the same twice around a short window.
        unseen = host is not None and host.low_s == 0.0
        return ("ok", 0.0) if unseen or not window.inferences else ("still", None)
    for wrap in WRAPS_US:
        if _differ(raw_us + wrap, window.elapsed_slack_us, host) is False:
            return "wrapped", raw_us + wrap
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
