"""``kws-trace session`` from its paths to its figures: read, judge, join with a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tracer.errors import SessionError
from tracer.figure_text import OFFICIAL_RATE_DECIMALS, counted, number_text, time_text
from tracer.report_types.report import Report
from tracer.report_types.sessions import UnreadSession
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.join import JoinedWindow, join_session
from tracer.sessions.open_session import build_session, iter_sessions
from tracer.sessions.run_sessions import unread_session
from tracer.sessions.session_json import session_json
from tracer.terminal_text import first_rows, framed_table, print_lines


@dataclass(frozen=True)
class JoinedRun:
    """A session's windows beside those of our run of it, and that run's report."""

    windows: list[JoinedWindow]
    report: Report

    def render(self, console: Console, *, whole: bool = False) -> None:
        """Print the official rate of each window beside ours, then the stages."""
        windows, more = first_rows(self.windows, console, whole=whole)
        columns = ("window", "in the run", "joined by", "official inf/s", "our wall time", "our inf/s", "CPU time")
        rows = [
            (
                str(one.session_window),
                str(one.run_ordinal or one.run_window),
                one.by,
                number_text(one.rate_hz, OFFICIAL_RATE_DECIMALS),
                time_text(one.wall_ns),
                number_text(one.wall_rate_hz, OFFICIAL_RATE_DECIMALS),
                time_text(one.cpu_ns),
            )
            for one in windows
        ]
        title = f"The same windows in run {escape(self.report['run']['name'])}"
        console.print(framed_table(title, (), columns, rows))
        print_lines(console, [more] if more else [])
        from tracer.reports.report_text import stage_rows

        shown = ("median", "p99", "share")
        stages = [[row["stage"], *(row[name] for name in shown)] for row in stage_rows(self.report)]
        console.print(framed_table("Where an inference's time goes, in that run", [""], shown, stages))


@dataclass(frozen=True, slots=True)
class Sessions:
    """
    Those at some paths, judged; the run that the one of them drove, where it was named.

    ``unread`` are logs below a folder that are of no session, or cannot be read.
    """

    audits: list[SessionAudit]
    joined: JoinedRun | None
    unread: list[UnreadSession]


def judge(paths: list[Path], run: str | None, traces: Path) -> Sessions:
    """
    Read and judge sessions, and join one to a run.

    With ``run`` and no ``paths``, the sessions within the run's folder are taken.

    Raises:
        SessionError: if a path is or holds no session, ``run`` comes with several, or the session is not of the run.
    """
    stored = None
    if run is not None:
        # A session without a run needs nothing of what reads one.
        from tracer.runs.run_store import stored_run

        stored = stored_run(run, traces)
    named = paths or ([stored.folder] if stored is not None else [])
    if not named:
        raise SessionError(Path(), "no session is named", "name a session's folder or its log, or --run")
    audits, unread = _read(named)
    if stored is None:
        return Sessions(audits, None, unread)
    if len(audits) > 1:
        raise SessionError(named[0], f"{len(audits)} sessions are here", "name the one that drove the run")
    from tracer.reports.report import build_report

    windows = join_session(audits[0], stored.each_window, stored.name)
    return Sessions(audits, JoinedRun(windows, build_report(stored)), unread)


def _read(named: list[Path]) -> tuple[list[SessionAudit], list[UnreadSession]]:
    """The sessions at the paths; what a search below a folder came upon, and is none, beside them."""
    audits: list[SessionAudit] = []
    errors: dict[Path, SessionError] = {}
    for path in iter_sessions(named):
        try:
            audits.append(audit_session(build_session(path)))
        except SessionError as error:
            if {path, path.parent} & {*named}:
                raise
            errors[path] = error
    if not audits:
        first = next(f"{error.thing}: {error.problem}" for error in errors.values())
        none = f"{counted(len(errors), 'log')} below it, and none of a session ({first})"
        raise SessionError(named[0], none, "name a session's folder or its log")
    return audits, [unread_session(path, error) for path, error in errors.items()]


def session_report(found: Sessions) -> dict[str, Any]:
    """What ``--json`` prints: ``sessions``, ``unread``, and with a run ``run`` (``windows`` joined, ``report``)."""
    figures: dict[str, Any] = {"sessions": [session_json(audit) for audit in found.audits], "unread": found.unread}
    if (joined := found.joined) is not None:
        figures["run"] = {"windows": [asdict(one) for one in joined.windows], "report": joined.report}
    return figures
