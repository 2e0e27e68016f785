"""The judgement of a host's session: what its log can tell, and that it cannot tell the rest."""

from __future__ import annotations

import math

from tracer.figure_text import counted
from tracer.report_types.trust import Trust, TrustCheck, TrustKey
from tracer.sessions.audit import SessionAudit
from tracer.sessions.clock_audit import WindowAudit
from tracer.trust.checks import (
    check,
    check_accuracy,
    check_clock,
    check_length,
    check_log,
    check_steadiness,
    check_windows,
)
from tracer.trust.judgement import judgement

_BROKEN = {"still": "stand still", "back": "go back", "wrapped": "wrap"}
_UNTOLD: tuple[TrustKey, ...] = ("cpu share", "frequencies", "quantization", "model", "mode", "load")
_LOG_RULES = ("line-", "printed-", "files-", "stamps-")


def session_trust(audit: SessionAudit) -> Trust:
    """
    Judge a session by its log alone.

    Of an accuracy session the rate is not judged; a performance or energy session has no accuracy.
    """
    return judgement(_checks(audit), rule_valid=audit.valid, why_not=None if audit.valid else audit.why)


def session_clock(audit: SessionAudit) -> TrustCheck:
    """Whether the laps of its windows tell the host's time."""
    broken = list(dict.fromkeys(_BROKEN[one.laps] for one in audit.windows if one.laps in _BROKEN))
    timed = [found for one in audit.windows if (found := _apart(one)) is not None]
    if len(timed) < len(audit.windows) or not timed:
        return check_clock(None, None, broken)
    return check_clock(max(outside for outside, _ in timed), max(slack for _, slack in timed), broken)


def session_accuracy(audit: SessionAudit) -> TrustCheck:
    """Whether its Top-1 reaches the target of keyword spotting; that of another benchmark is not judged."""
    if audit.session.model not in (None, "kws01"):
        return check("accuracy", "unknown", f"of another benchmark ({audit.session.model})")
    return check_accuracy(audit.figures.top1, audit.figures.auc, audit.figures.vectors)


def _checks(audit: SessionAudit) -> list[TrustCheck]:
    faults = [one.rule for one in audit.findings if one.rule.startswith(_LOG_RULES) and one.severity != "note"]
    log = check_log(list(dict.fromkeys(faults)))
    untold = [check(key, "unknown", "not in a host's log") for key in _UNTOLD]
    if audit.session.kind == "accuracy":
        return [session_accuracy(audit), *untold, log]
    rates = [_rate_hz(one) for one in audit.windows]
    cut = len(audit.session.windows) - len(audit.windows)
    if cut:
        log = check_log([*dict.fromkeys(faults), f"{counted(cut, 'window')} not whole"])
    lengths = [length for one in audit.windows if (length := _length_s(one)) is not None]
    return [
        check_steadiness([rate for rate in rates if rate is not None], None, None),
        session_clock(audit),
        check("accuracy", "unknown", "not in a performance session"),
        *untold,
        log,
        check_windows(len(rates)),
        check_length(lengths),
    ]


def _apart(one: WindowAudit) -> tuple[float, float] | None:
    """How far the laps lie outside the host's bounds, and how far they may be off, as shares of the host's time."""
    if one.elapsed_us is None or one.host is None or one.host.high_s <= 0:
        return None
    # Without a lower bound (whole seconds, of a first window) the laps may be too long, and never too short.
    low = one.elapsed_us / 1e6 / one.host.low_s if one.host.low_s > 0 else math.inf
    high = one.elapsed_us / 1e6 / one.host.high_s
    return max(high - 1, 1 - low, 0.0), max(low - 1, 1 - high)


def _rate_hz(one: WindowAudit) -> float | None:
    """By the host where the clocks differ and it gives one."""
    if one.clocks_differ and one.true_rate is not None and one.true_rate.point_hz is not None:
        return one.true_rate.point_hz
    return one.rate_hz


def _length_s(one: WindowAudit) -> float | None:
    lengths = [one.host.middle_s] if one.host is not None else []
    if one.elapsed_us is not None:
        lengths.append(one.elapsed_us / 1e6)
    if one.short is False and lengths:
        # The host's bounds say that it was long enough, though a clock may say a little less.
        return max(lengths)
    return min(lengths, default=None)
