"""A session and our own run of it, joined by their ``infer`` commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracer.errors import SessionError
from tracer.sessions.audit import SessionAudit
from tracer.sessions.session import Session, Window


@dataclass(frozen=True, slots=True)
class JoinedWindow:
    """
    A window as host, laps and our record have it.

    ``by`` is what joined them: the same ``laps``, or the ``order`` of equal commands. ``wall_ns`` and ``cpu_ns``
    are of our record, ``rate_hz`` is the official one, ``wall_rate_hz`` that by our wall time.
    """

    session_window: int
    run_window: int
    by: str
    inferences: int
    rate_hz: float | None
    wall_ns: int
    wall_rate_hz: float | None
    cpu_ns: int


def join_session(audit: SessionAudit, run_windows: list[dict[str, Any]], run: str) -> list[JoinedWindow]:
    """
    Pair the session's windows with those of a run.

    Args:
        audit: the judged session.
        run_windows: rows of the run's ``windows`` table.
        run: its name, for messages.

    Returns:
        A pair for each window found in both, in the session's order: by equal laps, which no two windows share; where
        not a single lap fits (another clock was told to the host), by order, provided that the commands are equal.

    Raises:
        SessionError: if nothing fits.
    """
    session = audit.session
    rates = {one.number: one.rate_hz for one in audit.windows}
    complete = [row for row in run_windows if row["state"] == "complete"]
    by_laps = {(row["lap_start_us"], row["lap_end_us"]): row for row in complete}
    joined = [
        _pair(window, by_laps[window.lap_us], "laps", rates.get(window.number))
        for window in session.timed
        if window.lap_us in by_laps
    ]
    if not joined:
        joined = [
            _pair(window, row, "order", rates.get(window.number)) for window, row in _in_order(session, complete)
        ]
    if not joined:
        problem = f"no window of it is one of run {run} (neither laps nor N, W and order fit)"
        raise SessionError(session.path, problem, "name the session that drove this run")
    return joined


def _in_order(session: Session, rows: list[dict[str, Any]]) -> list[tuple[Window, dict[str, Any]]]:
    """All windows against all rows of the same kind, if each has the same command as its partner."""
    kind = "accuracy" if session.kind == "accuracy" else "performance"
    same_kind = [row for row in rows if row["kind"] == kind]
    told = [(window.inferences, window.warmups) for window in session.timed]
    if not told or told != [(row["inferences"], row["warmups"]) for row in same_kind]:
        return []
    return list(zip(session.timed, same_kind, strict=True))


def _pair(window: Window, row: dict[str, Any], by: str, rate: float | None) -> JoinedWindow:
    wall = int(row["end_ns"]) - int(row["start_ns"])
    return JoinedWindow(
        session_window=window.number,
        run_window=int(row["window"]),
        by=by,
        inferences=int(row["inferences"]),
        rate_hz=rate,
        wall_ns=wall,
        wall_rate_hz=int(row["inferences"]) * 1e9 / wall if wall else None,
        cpu_ns=int(row["cpu_ns"]),
    )
