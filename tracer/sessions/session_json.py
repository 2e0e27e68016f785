"""A judged session as the object that ``kws-trace session --json`` prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import cast

from tracer.report_types.sessions import (
    RunSession,
    SessionFigures,
    SessionFinding,
    SessionWindow,
    StreamingCounted,
    StreamingFigures,
    TrueRate,
)
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.clock_audit import Rate, WindowAudit
from tracer.sessions.open_session import build_session
from tracer.sessions.session import Session
from tracer.sessions.session_text import figure_lines, finding_line
from tracer.sessions.session_trust import session_trust


def session_json(audit: SessionAudit) -> SessionFigures:
    """The session for programs."""
    session, figures = audit.session, audit.figures
    return {
        "path": str(session.path),
        "host": session.host,
        "kind": session.kind,
        "mode": session.mode,
        "model": session.model,
        "device": session.device,
        "files": list(session.files),
        "complete": session.complete,
        "window_count": len(session.windows) + session.dropped_windows,
        "windows": [] if session.kind == "accuracy" else [_window(session, one) for one in audit.windows],
        "median": {
            "rate_hz": figures.median_rate_hz,
            "printed": _printed(session, "median_rate_hz"),
            "energy_uj": figures.median_energy_uj,
            "printed_energy_uj": _printed(session, "median_energy_uj"),
            "true": _rate(audit.true_median),
        },
        "accuracy": {
            "top1": figures.top1,
            "auc": figures.auc,
            "auc_form": figures.auc_form,
            "vectors": figures.vectors,
            "printed_top1_percent": _printed(session, "top1_percent"),
            "printed_auc": _printed(session, "auc"),
        },
        "streaming": _streaming(session),
        "valid": audit.valid,
        "why": audit.why,
        "trust": session_trust(audit),
        "clock_judged": any(one.clocks_differ is not None for one in audit.windows),
        "no_host_times": session.no_host_times,
        "findings": [cast("SessionFinding", asdict(finding)) for finding in audit.findings],
        "not_recomputed": list(figures.unknown),
        "notes": list(session.notes),
    }


def judged_session(path: Path) -> RunSession:
    """
    The session that a host left at ``path``, judged, with the lines that a terminal shows of it.

    Raises:
        SessionError: if it cannot be read.
    """
    audit = audit_session(build_session(path))
    lines = [*figure_lines(audit), *map(finding_line, audit.findings)]
    return RunSession({**session_json(audit), "path": path.name, "lines": lines})


def _window(session: Session, one: WindowAudit) -> SessionWindow:
    window = next(window for window in session.windows if window.number == one.number)
    return {
        "window": one.number,
        "input": window.input_name,
        "inferences": one.inferences,
        "warmups": window.warmups,
        "laps": one.laps,
        "lap_start_us": window.lap_us[0] if window.lap_us else None,
        "lap_end_us": window.lap_us[1] if window.lap_us else None,
        "elapsed_us": one.elapsed_us,
        "rate_hz": one.rate_hz,
        "energy_uj": window.energy_uj,
        "energy_per_inference_uj": window.energy_per_inference_uj,
        "power_mw": window.power_mw,
        "host_s": one.host.point_s if one.host else None,
        "host_bounds_s": [one.host.low_s, one.host.high_s] if one.host else None,
        "ratio": one.ratio,
        "clocks_differ": one.clocks_differ,
        "short": one.short,
        "true_rate": _rate(one.true_rate),
        "lines": [line.line for line in window.lines],
    }


def _streaming(session: Session) -> StreamingFigures | None:
    told = session.streaming
    if told is None:
        return None
    return {
        "true_positives": told.true_positives,
        "false_negatives": told.false_negatives,
        "false_positives": told.false_positives,
        "duty_cycle": told.duty_cycle,
        "period_s": told.period_s,
        "printed_rate_hz": told.rate_hz,
        "rate_hz": told.recomputed_rate_hz,
        "counted": None if told.counted is None else cast("StreamingCounted", asdict(told.counted)),
    }


def _rate(rate: Rate | None) -> TrueRate | None:
    return {"rate_hz": rate.point_hz, "bounds_hz": [rate.low_hz, rate.high_hz]} if rate else None


def _printed(session: Session, name: str) -> str | None:
    return next((printed.text for printed in session.printed if printed.name == name), None)
