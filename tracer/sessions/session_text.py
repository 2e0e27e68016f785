"""A judged session as text for a terminal of 80 columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import (
    ENERGY_DECIMALS,
    MISSING,
    OFFICIAL_RATE_DECIMALS,
    SECONDS_DECIMALS,
    auc_text,
    count_text,
    counted,
    energy_text,
    interval_text,
    number_text,
    official_rate_text,
    rate_number_text,
    rate_text,
    seconds_text,
    share_text,
)
from tracer.sessions.audit import SessionAudit
from tracer.sessions.clock_audit import Rate, WindowAudit
from tracer.sessions.finding import Finding, lengths_by
from tracer.sessions.session import Session, SessionWindow
from tracer.sessions.session_trust import session_trust
from tracer.terminal_text import first_rows, framed_table, print_lines
from tracer.trust.judgement import checks_of, worst_text

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold"}
QUOTED_LINES = 6
"""Of what proves a finding."""

_HOSTS = {"energyrunner": "energyrunner", "mlcommons": "MLCommons runner"}


def render_session(audit: SessionAudit, console: Console) -> None:
    """Print one session: what it was, its figures, what is wrong with it and the lines that prove it."""
    session = audit.session
    host = "kws-trace host" if session.runner_version == "kws-trace" else _HOSTS[session.host]
    mode = f", mode {session.mode}" if session.mode else ""
    console.print(f"[bold]{escape(str(session.path))}[/bold]", highlight=False)
    console.print(
        f"{host}, {session.kind}{escape(mode)}, model {escape(session.model or 'not told')}, "
        f"DUT {escape(session.device or 'not told')}",
        highlight=False,
    )
    if session.kind != "accuracy" and audit.windows:
        console.print(_window_table(audit))
    print_lines(console, figure_lines(audit))
    for finding in audit.findings:
        _render_finding(finding, console)
    print_lines(console, closing_lines(audit))


def render_table(audits: Sequence[SessionAudit], console: Console, *, whole: bool = False) -> None:
    """Print several sessions, a row each; their findings stand below."""
    audits, more = first_rows(audits, console, whole=whole)
    table = Table(title="Sessions")
    for name in ("#", "session", "kind", "inf/s", "true inf/s", "Top-1", "AUC", "rule-valid", "trust", "findings"):
        table.add_column(name, justify="left" if name in ("session", "kind") else "right", overflow="fold")
    names = _short_names([audit.session for audit in audits])
    for number, audit in enumerate(audits, 1):
        figures, true = audit.figures, audit.true_median
        table.add_row(
            str(number),
            escape(names[number - 1]),
            audit.session.kind[:4],
            number_text(figures.median_rate_hz, 1),
            number_text(None if true is None else true.point_hz, 1),
            share_text(figures.top1),
            auc_text(figures.auc),
            {True: "yes", False: "no", None: "-"}[audit.valid],
            session_trust(audit)["worst"],
            str(len(audit.findings)),
        )
    console.print(table)
    print_lines(console, [more] if more else [])
    for number, audit in enumerate(audits, 1):
        if audit.findings:
            console.print(f"[bold]{number}. {escape(str(audit.session.path))}[/bold]", highlight=False)
            for finding in audit.findings:
                _render_finding(finding, console)


def figure_lines(audit: SessionAudit) -> list[str]:
    """The session's figures: recomputed, as printed, and by the host's clock."""
    session, figures = audit.session, audit.figures
    lines = []
    one = "Median" if len(session.windows) > 1 else "Rate"
    if figures.median_rate_hz is not None:
        printed = _was_printed(session, "median_rate_hz" if len(session.windows) > 1 else "rate_hz")
        lines.append(
            f"{one} by {lengths_by(session)}: {official_rate_text(figures.median_rate_hz)} ({printed}{_worst(audit)})"
        )
    if audit.true_median is not None:
        lines.append(f"{one} by the host's clock: {bounded_rate_text(audit.true_median)}")
    lines += [*_streaming_lines(session), *_energy_line(audit)]
    if figures.top1 is not None:
        inputs, printed = counted(figures.vectors, "input"), _was_printed(session, "top1_percent")
        lines.append(f"Top-1: {share_text(figures.top1)} of {inputs} ({printed})")
    if figures.auc is not None:
        form = {"thresholds": "at 101 thresholds", "normalised": "of vectors scaled to 1"}
        how = form[figures.auc_form or "thresholds"]
        lines.append(f"AUC: {auc_text(figures.auc)}, {how} ({_was_printed(session, 'auc')})")
    if session.kind == "accuracy":
        lines.append(counted(len(session.windows) + session.dropped_windows, "window"))
    verdict = {True: "RULE-VALID", False: "NOT RULE-VALID", None: "not judged"}[audit.valid]
    return [*lines, f"{verdict}: {audit.why}", *_trust_lines(audit)]


def _streaming_lines(session: Session) -> list[str]:
    told = session.streaming
    if told is None or told.true_positives is None:
        return []
    positives, negatives = (
        counted(told.true_positives, "true positive"),
        counted(told.false_negatives or 0, "false negative"),
    )
    own = told.counted
    again = own is not None and own.true_positives is not None
    how = "counted again from its detections" if again else "as printed: its detections are not here"
    lines = [f"Accuracy: {positives}, {negatives}, {counted(told.false_positives or 0, 'false positive')}, {how}"]
    if told.recomputed_rate_hz is not None:
        rate = official_rate_text(told.recomputed_rate_hz)
        by = "its pulses" if own is not None and own.processing_s else "duty cycle and period"
        lines.append(f"Throughput by {by}: {rate} (printed {official_rate_text(told.rate_hz)})")
    return lines


def _energy_line(audit: SessionAudit) -> list[str]:
    printed, energy_uj = _was_printed(audit.session, "median_energy_uj"), audit.figures.median_energy_uj
    if audit.session.streaming is not None and printed != "not printed":
        how = "not recomputed" if energy_uj is None else f"{energy_text(energy_uj)} by the monitor's samples"
        return [f"Energy of the recording: {printed} uJ, {how}"]
    if energy_uj is None:
        return [f"Median energy an inference: {printed} uJ, not recomputed"] if printed != "not printed" else []
    return [f"Median energy an inference: {energy_text(energy_uj)} by the monitor's samples ({printed})"]


def _worst(audit: SessionAudit) -> str:
    """The worst of what its log tells, as it stands behind a rate."""
    trust = session_trust(audit)
    return f"; {worst_text(trust)}" if not trust["trusted"] else ""


def _trust_lines(audit: SessionAudit) -> list[str]:
    """The worst of what its log tells, in a line; what a log never has needs no line of its own."""
    worst = checks_of(session_trust(audit), "bad", "doubtful")
    if not worst:
        return [] if audit.session.kind == "accuracy" or not audit.windows else ["Nothing doubtful in its log"]
    told = (f"{one['state']}, {one['key']}: {one['evidence']}" for one in worst)
    return [f"{line[:1].upper()}{line[1:]}" for line in told]


def closing_lines(audit: SessionAudit) -> list[str]:
    """What could not be recomputed or judged, and what the files lack."""
    session = audit.session
    lines = [f"Not recomputed: {reason}" for reason in audit.figures.unknown]
    if session.no_host_times is not None:
        lines.append(f"No verdict on the clock: {session.no_host_times}")
    elif session.kind == "performance" and audit.windows and all(one.clocks_differ is None for one in audit.windows):
        lines.append("No verdict on the clock: the log has no usable times of the host")
    elif session.kind == "performance" and audit.windows and not audit.findings:
        lines.append(_agreement(audit))
    return lines + [f"Note: {note}" for note in session.notes]


def bounded_rate_text(rate: Rate) -> str:
    """A rate with its bounds."""
    bounds = interval_text(rate.low_hz, rate.high_hz, rate_text)
    return bounds if rate.point_hz is None else f"{rate_text(rate.point_hz)} ({bounds})"


def _agreement(audit: SessionAudit) -> str:
    ratios = [one.ratio for one in audit.windows if one.ratio is not None]
    if not ratios:
        return f"The laps lie within what the host's times of {seconds_text(audit.session.resolution_s)} allow."
    worst = max(abs(ratio - 1) for ratio in ratios)
    return f"The laps agree with the host's clock within {share_text(worst, 2)}."


def _window_table(audit: SessionAudit) -> Table:
    monitor = {one.number: one for one in audit.session.windows}
    monitored = any(one.energy_uj is not None for one in monitor.values())
    length = "length, s" if audit.session.kind == "energy" else "laps, s"
    columns = ("window", "N", length, "host, s", "ratio", "inf/s", "true inf/s", "10 s")
    table = framed_table("Windows", (), (*columns, "energy, uJ", "mW", "uJ/inf") if monitored else columns)
    for one in audit.windows:
        table.add_row(
            str(one.number),
            count_text(one.inferences),
            _laps_cell(one),
            _host_cell(one),
            number_text(one.ratio, 4),
            number_text(one.rate_hz, OFFICIAL_RATE_DECIMALS),
            rate_number_text(None if one.true_rate is None else one.true_rate.point_hz),
            {True: "no", False: "yes", None: "?"}[one.short],
            *(_energy_cells(monitor[one.number]) if monitored else []),
        )
    return table


def _energy_cells(window: SessionWindow) -> list[str]:
    figures = (window.energy_uj, window.power_mw, window.energy_per_inference_uj)
    return [number_text(one, ENERGY_DECIMALS) for one in figures]


def _laps_cell(one: WindowAudit) -> str:
    if one.elapsed_us is None:
        return one.laps
    return number_text(one.elapsed_us / 1e6, SECONDS_DECIMALS) + (" *" if one.laps == "wrapped" else "")


def _host_cell(one: WindowAudit) -> str:
    if one.host is None:
        return MISSING
    if one.host.point_s is None:
        return interval_text(one.host.low_s, one.host.high_s, number_text)
    return number_text(one.host.point_s, SECONDS_DECIMALS)


def finding_line(finding: Finding) -> str:
    """A finding in a sentence; ``render_session`` quotes the lines that prove it."""
    return f"{finding.severity.capitalize()}, {finding.rule}: {finding.text}."


def _render_finding(finding: Finding, console: Console) -> None:
    style = _STYLES[finding.severity]
    console.print(
        f"[{style}]{finding.severity.upper()}[/{style}] {finding.rule}: {escape(finding.text)}.",
        highlight=False,
    )
    quoted = [f"  {line.file}:{line.line}: {line.text[:100]}" for line in finding.evidence[:QUOTED_LINES]]
    if len(finding.evidence) > QUOTED_LINES:
        quoted.append(f"  and {counted(len(finding.evidence) - QUOTED_LINES, 'line')} more")
    print_lines(console, [f"  rule: {finding.source}", *quoted])


def _was_printed(session: Session, name: str) -> str:
    texts = list(dict.fromkeys(printed.text for printed in session.printed if printed.name == name))
    return f"printed {', '.join(texts)}" if texts else "not printed"


def _short_names(sessions: Sequence[Session]) -> list[str]:
    """The sessions' folders below the one that holds them all, and the log where a folder has several."""
    paths = [one.path.absolute() for one in sessions]
    root = Path(os.path.commonpath([path.parent.parent for path in paths]))
    shared = Counter(path.parent for path in paths)
    return [str((path if shared[path.parent] > 1 else path.parent).relative_to(root)) for path in paths]
