"""A session's values by hand: windows of 20 inferences a second, and the lines that bound them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tracer.sessions.clock_audit import WindowAudit, audit_window
from tracer.sessions.session import Evidence, Lap, Session, SessionWindow


def line(number: int) -> Evidence:
    return Evidence("log.txt", number, f"line {number}")


def window(number: int, length_s: float = 11.0, count: int | None = 220, **facts: Any) -> SessionWindow:
    """Lines 10 and 11 bound the first window, 20 and 21 the second."""
    ends = (1_000_000, 1_000_000 + round(1e6 * length_s))
    laps = tuple(Lap(us, None, line(10 * number + place), number) for place, us in enumerate(ends))
    return SessionWindow(number, **{"inferences": count, "warmups": 1, "laps": laps, **facts})


def session(*windows: SessionWindow, **facts: Any) -> Session:
    """By energyrunner, of performance, with these facts in place of its own."""
    told = {"host": "energyrunner", "kind": "performance", "mode": "bmark", **facts}
    return Session(Path("log.txt"), windows=windows, **told)


def five(**facts: Any) -> Session:
    """Of as many sound windows as an official result takes."""
    return session(*(window(number) for number in range(1, 6)), **facts)


def audits(told: Session) -> list[WindowAudit]:
    return [audit_window(one) for one in told.timed]
