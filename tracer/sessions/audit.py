"""Whether a session's figures can be trusted: its clock, its windows, its log, its runner's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracer.figure_text import counted
from tracer.runs.windows import MINIMUM_S, OFFICIAL_WINDOWS
from tracer.sessions.clock_audit import Rate, WindowAudit, audit_window
from tracer.sessions.clock_findings import clock_findings, lap_findings
from tracer.sessions.file_findings import foreign_entries, lost_stamps, streaming_differences
from tracer.sessions.finding import Finding
from tracer.sessions.recompute import Recomputed, differences, recompute
from tracer.sessions.session import Session
from tracer.sessions.window_findings import line_findings, window_findings


@dataclass(frozen=True)
class SessionAudit:
    """
    A session judged.

    ``windows`` are its complete windows; ``true_median`` is the median rate by the host's clock with its bounds, None
    where the log has no times for all of them. ``valid`` is None where nothing is to be judged, ``why`` says.
    """

    session: Session
    windows: tuple[WindowAudit, ...]
    figures: Recomputed
    true_median: Rate | None
    findings: tuple[Finding, ...]
    valid: bool | None
    why: str


def audit_session(session: Session) -> SessionAudit:
    """Recompute a session's figures and judge them; what is wrong stands in ``findings``, the worst first."""
    timeless = session.no_host_times is not None
    windows = [audit_window(replace(one, host=None) if timeless else one) for one in session.timed]
    figures = recompute(session, windows)
    findings = [
        *line_findings(session.irregular),
        *lost_stamps(session),
        *foreign_entries(session),
        *streaming_differences(session),
        *lap_findings(session, windows),
        *clock_findings(session, windows),
        *(window_findings(session, windows) if session.kind != "accuracy" else []),
        *differences(session, windows, figures),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    findings.sort(key=lambda finding: order[finding.severity])
    valid, why = _verdict(session, windows, findings)
    return SessionAudit(session, tuple(windows), figures, _true_median(session, windows), tuple(findings), valid, why)


def _true_median(session: Session, windows: list[WindowAudit]) -> Rate | None:
    rates = [one.true_rate for one in windows if one.true_rate is not None]
    if session.kind == "accuracy" or not rates or len(rates) < len(session.windows):
        return None
    points = [rate.point_hz for rate in rates if rate.point_hz is not None]
    low, high = (
        float(np.median(ends)) for ends in zip(*((rate.low_hz, rate.high_hz) for rate in rates), strict=True)
    )
    return Rate(float(np.median(points)) if len(points) == len(rates) else None, low, high)


def _verdict(session: Session, windows: list[WindowAudit], findings: list[Finding]) -> tuple[bool | None, str]:
    if session.kind == "accuracy":
        return None, "an accuracy session has no rate to judge"
    wrong = [finding.rule for finding in findings if finding.severity == "error"]
    if wrong:
        return False, ", ".join(dict.fromkeys(wrong))
    if not windows:
        streaming = "streaming wakeword is one recording, whose accuracy and duty cycle count: it has no windows"
        return None, "no whole window" if session.streaming is None else streaming
    if len(windows) != OFFICIAL_WINDOWS:
        return False, f"{counted(len(windows), 'whole window')} instead of five"
    if any(one.short is None for one in windows):
        return None, f"whether each window lasted {MINIMUM_S} s cannot be told from what is here"
    other = [finding.rule for finding in findings if finding.severity == "warning"]
    return True, f"but see {', '.join(dict.fromkeys(other))}" if other else f"five windows of {MINIMUM_S} s or more"
