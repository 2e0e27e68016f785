"""What is wrong with the windows of a session: too short, too few, unlike one another, or not wholly in the log."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tracer.figure_text import SECONDS_DECIMALS, counted, interval_text, number_text, rate_text, share_text
from tracer.runs.windows import MINIMUM_S, OFFICIAL_WINDOWS
from tracer.sessions.clock_audit import WindowAudit
from tracer.sessions.finding import EVIDENCE, SOURCES, Finding, lengths_by, named, window_finding, window_lines
from tracer.sessions.session import Irregularity, Session

OUTLIER_SHARE = 0.05
OUTLIER_SPREADS = 6.0
"""A window is outside when it is so many scaled median deviations, and 5 %, from the median of all."""


def line_findings(found: Iterable[Irregularity]) -> list[Finding]:
    """Lines that the log lacks or holds twice: those of one kind together, and kinds of the same windows."""
    grouped: dict[tuple[str, str], list[Irregularity]] = {}
    for one in found:
        if one.kind in ("lost", "duplicated"):
            grouped.setdefault((one.kind, one.what), []).append(one)
    together: dict[tuple[str, tuple[int, ...]], dict[str, list[Irregularity]]] = {}
    for (kind, what), ones in grouped.items():
        numbers = tuple(dict.fromkeys(one.window for one in ones if one.window is not None))
        together.setdefault((kind, numbers), {})[what] = ones
    findings = []
    for (kind, numbers), whats in together.items():
        what = next(iter(whats)) if len(whats) == 1 else f"{len(whats)} kinds of lines ({', '.join(whats)})"
        single, many = ("is missing", "are missing") if kind == "lost" else ("stands twice", "stand twice")
        lines = (line for ones in whats.values() for one in ones for line in one.evidence)
        evidence = tuple(dict.fromkeys(lines))[:EVIDENCE]
        if kind == "lost" and numbers == (1,) and evidence and evidence[0].line == 1:
            what = f"it begins within window 1, {what}"
        told = f"{what} {single if len(whats) == 1 else many}" + (f" in {named(numbers)}" if numbers else "")
        findings.append(
            Finding(f"line-{kind}", "warning", f"the log is not whole: {told}", SOURCES["log"], evidence, numbers)
        )
    return findings


def window_findings(session: Session, windows: list[WindowAudit]) -> list[Finding]:
    """The rules for the windows of a performance or energy session."""
    findings = []
    short = [one for one in windows if one.short]
    if short:
        findings.append(_short(session, short))
    few = [one.number for one in windows if one.inferences is not None and one.inferences < 10]
    if few and session.kind == "performance":
        text = f"{named(few)} of fewer than 10 inferences"
        findings.append(window_finding(session, "window-iterations", "warning", text, "length", few))
    findings += _outliers(session, windows)
    count = len(session.windows) + session.dropped_windows
    if session.complete and count not in (0, OFFICIAL_WINDOWS):
        single = session.mode == "single"
        told = f"{counted(count, 'window')} (mode {session.mode or 'not told'})"
        text = f"{told}: an official result is the median of five"
        findings.append(Finding("window-count", "note" if single else "warning", text, SOURCES["count"]))
    return findings


def _short(session: Session, short: list[WindowAudit]) -> Finding:
    numbers = tuple(one.number for one in short)
    lengths = [_length_text(one) for one in short]
    timed = [one for one in short if one.host and one.host.point_s]
    agree = len(timed) == len(short) and all(one.clocks_differ is False for one in short)
    by = "by both clocks" if agree else "by the host's clock" if timed else f"by {lengths_by(session)}"
    text = f"{named(numbers)} under {MINIMUM_S} s: {', '.join(lengths[:8])} s {by}"
    met = [verdict for verdict in session.verdicts if verdict.met and verdict.window in numbers]
    if met:
        text += "; the runner, which goes by the laps, printed that the requirement was met"
    evidence = window_lines(session, numbers)[: EVIDENCE - 2] + tuple(verdict.evidence for verdict in met[:2])
    return Finding("window-short", "error", text, SOURCES["length"], evidence, numbers)


def _length_text(one: WindowAudit) -> str:
    if one.host and one.host.point_s is not None:
        return number_text(one.host.point_s, SECONDS_DECIMALS)
    at_most = f" (at most {number_text(one.host.high_s)} by the host)" if one.clocks_differ and one.host else ""
    return f"{number_text((one.elapsed_us or 0) / 1e6, SECONDS_DECIMALS)}{at_most}"


def _outliers(session: Session, windows: list[WindowAudit]) -> list[Finding]:
    rates_hz = [one.rate_hz for one in windows]
    if any(one.clocks_differ for one in windows):
        rates_hz = [one.true_rate.point_hz if one.true_rate else None for one in windows]
    known = [(one, rate) for one, rate in zip(windows, rates_hz, strict=True) if rate is not None]
    if len(known) < 4:
        return []
    rates = np.array([value for _, value in known])
    middle = float(np.median(rates))
    spread = 1.4826 * float(np.median(np.abs(rates - middle)))
    limit = max(OUTLIER_SHARE * middle, OUTLIER_SPREADS * spread)
    outside = [(one, value) for one, value in known if abs(value - middle) > limit]
    if not outside:
        return []
    inside = [value for value in rates.tolist() if abs(value - middle) <= limit]
    numbers = [one.number for one, _ in outside]
    usual = float(np.median(inside))
    told = ", ".join(rate_text(value) for _, value in outside[:8])
    shares = ", ".join(share_text(value / usual) for _, value in outside[:8])
    others = f"the other {len(inside)} at {interval_text(min(inside), max(inside), rate_text)}"
    text = f"{named(numbers)} ran at {told}, {others}: {shares} of their rate"
    return [window_finding(session, "window-rate", "warning", text, "spread", numbers)]
