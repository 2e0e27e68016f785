"""A session and our own run of it, joined by their ``infer`` commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.errors import SessionError
from tracer.runs.windows import RunWindow
from tracer.sessions.audit import SessionAudit
from tracer.sessions.clock_audit import TOLERANCE
from tracer.sessions.session import Session, SessionWindow


@dataclass(frozen=True, slots=True)
class JoinedWindow:
    """
    A window as host, laps and our record have it.

    ``run_window`` and ``run_ordinal`` are ``number`` and ``ordinal`` of the run's window. ``by`` is what joined them:
    the same ``laps``, or the ``order`` of equal commands. ``wall_ns`` and ``cpu_ns`` are of our record, ``rate_hz``
    is the official one, ``wall_rate_hz`` that by our wall time.
    """

    session_window: int
    run_window: int
    run_ordinal: int | None
    by: str
    inferences: int
    rate_hz: float | None
    wall_ns: int
    wall_rate_hz: float | None
    cpu_ns: int


def join_session(audit: SessionAudit, run_windows: Sequence[RunWindow], run: str) -> list[JoinedWindow]:
    """
    Pair the session's windows with those of a run.

    Returns:
        A pair for each window found in both, in the session's order: by equal laps, which no two windows share; where
        not a single lap fits (another clock was told to the host, or in energy mode none), by order, provided that
        the commands are equal, and in energy mode the lengths.

    Raises:
        SessionError: if nothing fits.
    """
    session = audit.session
    rates = {one.number: one.rate_hz for one in audit.windows}
    complete = [one for one in run_windows if one.complete]
    by_laps = {(one.lap_start_us, one.lap_end_us): one for one in complete}
    by = "laps"
    pairs = [(window, by_laps[window.lap_us]) for window in session.timed if window.lap_us in by_laps]
    if not pairs:
        by, pairs = "order", _in_order(session, complete)
    if not pairs:
        problem = f"no window of it is one of run {run} (neither laps nor N, W and order fit)"
        raise SessionError(session.path, problem, "name the session that drove this run")
    return [
        JoinedWindow(
            session_window=window.number,
            run_window=ours.number,
            run_ordinal=ours.ordinal,
            by=by,
            inferences=ours.inferences,
            rate_hz=rates.get(window.number),
            wall_ns=ours.wall_ns,
            wall_rate_hz=ours.wall_rate_hz,
            cpu_ns=ours.cpu_ns,
        )
        for window, ours in pairs
    ]


def _in_order(session: Session, complete: Sequence[RunWindow]) -> list[tuple[SessionWindow, RunWindow]]:
    """All windows against all of the run of the same kind, if each has the same command as its partner."""
    kind = "accuracy" if session.kind == "accuracy" else "performance"
    same_kind = [one for one in complete if one.kind == kind]
    told = [(window.inferences, window.warmups) for window in session.timed]
    if not told or told != [(one.inferences, one.warmups) for one in same_kind]:
        return []
    pairs = list(zip(session.timed, same_kind, strict=True))
    if session.kind == "energy" and not all(_as_long(window, ours) for window, ours in pairs):
        return []
    return pairs


def _as_long(window: SessionWindow, ours: RunWindow) -> bool:
    """Whether the energy monitor's length is that of our record, as far as two clocks agree."""
    return window.elapsed_us is None or abs(1000 * window.elapsed_us / max(ours.wall_ns, 1) - 1) <= TOLERANCE
