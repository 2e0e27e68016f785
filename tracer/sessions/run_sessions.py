"""The sessions that a host left in a run's folder; what reads and judges them is imported where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracer.errors import SessionError
from tracer.report_types.sessions import RunSession, SessionAccuracy, UnreadSession


def run_sessions(folder: Path) -> list[RunSession | UnreadSession]:
    """The sessions of a run, judged, in the order in which they were made."""
    found: list[RunSession | UnreadSession] = []
    for path in sorted(folder.glob("session*"), key=_number):
        from tracer.sessions.session_json import judged_session

        try:
            found.append(judged_session(path))
        except SessionError as error:
            found.append(unread_session(path, error))
    return found


def unread_session(path: Path, error: SessionError) -> UnreadSession:
    """What is told of a session that cannot be read."""
    return {"path": str(path), "lines": [str(error)]}


def newest_accuracy(sessions: Sequence[RunSession | UnreadSession]) -> SessionAccuracy | None:
    """Of a run's ``sessions`` the figures of the newest accuracy pass that can be read; None without one."""
    found = [one["accuracy"] for one in sessions if "trust" in one and one["kind"] == "accuracy"]
    return found[-1] if found else None


def _number(path: Path) -> tuple[int, str]:
    """``session``, ``session-2``, ... ``session-10``."""
    digits = path.name.removeprefix("session-")
    return (int(digits) if digits.isdigit() else 1, path.name)
