"""The sessions that a host left within a run, judged: what a report says of the official figure."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import SessionError
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.sessions.audit import audit_session
from tracer.sessions.open_session import build_session
from tracer.sessions.session_json import session_json
from tracer.sessions.session_text import figure_lines, finding_line


def run_sessions(folder: Path) -> list[RunSession | UnreadSession]:
    """The sessions in a run's folder, in the order in which they were made."""
    found: list[RunSession | UnreadSession] = []
    for path in sorted(folder.glob("session*"), key=_number):
        try:
            audit = audit_session(build_session(path))
        except SessionError as error:
            found.append({"path": str(path), "lines": [str(error)]})
            continue
        lines = [*figure_lines(audit), *(finding_line(finding) for finding in audit.findings)]
        found.append(RunSession({**session_json(audit), "path": path.name, "lines": lines}))
    return found


def _number(path: Path) -> tuple[int, str]:
    """``session``, ``session-2``, ... ``session-10``."""
    digits = path.name.removeprefix("session-")
    return (int(digits) if digits.isdigit() else 1, path.name)
