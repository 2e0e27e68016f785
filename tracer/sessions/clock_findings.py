"""What is wrong with the laps of a session: they stand still, wrap, go back, or tell another time than the host."""

from __future__ import annotations

from tracer.figure_text import interval_text, official_rate_text, rate_text, seconds_text, share_text
from tracer.sessions.clock_audit import WindowAudit
from tracer.sessions.clock_causes import advance_cause, window_cause
from tracer.sessions.clock_marks import ClockRate, between_windows, idle_rate, whole_rate
from tracer.sessions.finding import SOURCES, Finding, Severity, named, window_finding
from tracer.sessions.session import Session


def lap_findings(session: Session, windows: list[WindowAudit]) -> list[Finding]:
    """Laps that stand still, go back or wrap, within windows and between them."""
    told = {
        "still": ("laps-still", "the laps stand still: no rate is to be had from them"),
        "back": ("laps-back", "the second lap is before the first: no rate is to be had from them"),
        "wrapped": ("laps-wrapped", "the counter of the laps wraps (32 bits of microseconds): it is put right here"),
    }
    severity: Severity = "warning" if session.kind == "accuracy" else "error"
    findings = []
    for state, (rule, text) in told.items():
        numbers = [one.number for one in windows if one.laps == state]
        if numbers:
            findings.append(window_finding(session, rule, severity, f"in {named(numbers)} {text}", "laps", numbers))
    within = {finding.rule for finding in findings}
    return findings + [one for one in between_windows(session) if one.rule not in within]


def clock_findings(session: Session, windows: list[WindowAudit]) -> list[Finding]:
    """Whether the laps tell the host's time: one finding at most."""
    if session.kind == "accuracy":
        # Windows of one inference: a host that was once late by 0.2 s would be taken for a wrong clock.
        whole = whole_rate(session)
        return [_no_wall_time(session, whole, windows)] if whole is not None and whole.differs else []
    # Where only the ends of windows have times, the clock is judged from the first of them to the last.
    idle = whole_rate(session) if session.host == "mlcommons" else idle_rate(session, windows)
    wrong = [one for one in windows if one.clocks_differ]
    if wrong:
        cause = window_cause(session, windows, None if session.host == "mlcommons" else idle)
        return [_clock_rate(session, wrong, cause)]
    broken = any(one.laps in ("still", "back", "wrapped") for one in windows)
    return [_no_wall_time(session, idle, windows)] if idle is not None and idle.differs and not broken else []


def _clock_rate(session: Session, wrong: list[WindowAudit], cause: str) -> Finding:
    numbers = [one.number for one in wrong]
    worst = max(wrong, key=lambda one: abs(_ratio(one) - 1))
    laps_s, host = (worst.elapsed_us or 0.0) / 1e6, worst.host
    bounds = interval_text(host.low_s, host.high_s, seconds_text) if host else ""
    point = f"{seconds_text(host.point_s)} ({bounds})" if host and host.point_s is not None else bounds
    text = f"in {named(numbers)} the laps tell another time than the host: "
    text += f"window {worst.number} lasts {seconds_text(laps_s)} by the laps, {point} by the host"
    if host and host.point_s:
        ratio = laps_s / host.point_s - 1
        text += f", {share_text(abs(ratio))} too {'long' if ratio > 0 else 'short'}"
    if worst.rate_hz and worst.true_rate:
        rate, true = worst.rate_hz, worst.true_rate
        # Where only bounds are known of the true rate, only bounds are of what it is off.
        least, most = sorted(abs(rate / one - 1) for one in (true.low_hz, true.high_hz))
        off = share_text(abs(rate / true.point_hz - 1)) if true.point_hz else interval_text(least, most, share_text)
        text += f": its rate, {official_rate_text(rate)}, is too {'low' if rate < true.low_hz else 'high'} by {off}"
        text += f", the true one is {rate_text(true.point_hz)}" if true.point_hz else ""
        text += f" ({interval_text(true.low_hz, true.high_hz, rate_text)})"
    return window_finding(session, "clock-rate", "error", f"{text}. {cause[0].upper()}{cause[1:]}", "laps", numbers)


def _no_wall_time(session: Session, rate: ClockRate, windows: list[WindowAudit]) -> Finding:
    whole = session.kind == "accuracy" or session.host == "mlcommons"
    where = "from the first of these laps to the last" if whole else "between the windows"
    text = f"{where} the laps advance {seconds_text(rate.dut_s)} in {seconds_text(rate.host_s)} of the host's clock: "
    text += f"they are no wall time; {advance_cause(session, rate, windows, whole=whole)}"
    severity: Severity = "warning" if whole else "note"
    return Finding("clock-idle", severity, text, SOURCES["laps"], rate.evidence)


def _ratio(one: WindowAudit) -> float:
    """Of the laps to the host's clock, or to the middle of its bounds."""
    return (one.elapsed_us or 0.0) / 1e6 / max(one.host.middle_s if one.host else 0.0, 1e-9)
