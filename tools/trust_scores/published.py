"""
Published sessions, labelled by another file than the one that is judged.

Clock: by the laps of the accuracy session of the same system and benchmark, from its first to its last. Steadiness:
by whether a second timed session of them (energy mode) has the same median rate.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tracer.errors import SessionError
from tracer.report_types.trust import TrustKey
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.clock_marks import whole_rate
from tracer.sessions.open_session import build_session
from tracer.sessions.session import Kind, Session
from tracer.sessions.session_trust import session_trust

SOUND, UNSOUND = 0.01, 0.02
"""A clock within 1 % beyond its host's error is sound, one beyond 2 % is not; between them there is no label."""

SAME_RATE = 0.02

Label = Literal["sound", "unsound"]
Score = Counter[tuple[TrustKey, str, Label, str]]
"""Sessions by check, half, label and state."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a session's file says: the states of its checks, its median rate, and the label that its laps give."""

    kind: Kind
    states: dict[TrustKey, str]
    rate_hz: float | None
    clock: Label | None


def score_folder(folder: Path) -> Score:
    """The score of every performance session below a folder for which a label can be had."""
    score: Score = Counter()
    for system, sessions in sorted(_systems(folder).items()):
        performance = sessions.get("performance")
        if performance is None:
            continue
        for key, label in (("clock", _clock_label(sessions)), ("steadiness", _rate_label(sessions))):
            if label is not None:
                check: TrustKey = "clock" if key == "clock" else "steadiness"
                score[check, half_of(system), label, performance.states[check]] += 1
    return score


def half_of(system: str) -> str:
    """``set`` or ``scored``, by the name of the submitter: one submitter's boards are in one half."""
    parts = Path(system).parts
    submitter = parts[parts.index("results") - 1] if "results" in parts[1:] else parts[0]
    return "set" if hashlib.sha256(submitter.encode()).digest()[0] % 2 else "scored"


def clock_label(session: Session) -> Label | None:
    """Whether the laps of a whole session tell the host's time; None where its log does not decide."""
    whole = whole_rate(session)
    if whole is None or not whole.known:
        return None
    apart, slack = abs(whole.ratio - 1), whole.slack_s / whole.host_s
    if apart + slack <= SOUND:
        return "sound"
    return "unsound" if apart - slack > UNSOUND else None


def system_of(log: Path, folder: Path) -> str:
    """Round, submitter, system and benchmark of a log: its path without the words for the kind of session."""
    parts = list(log.relative_to(folder).parent.parts)
    while parts and parts[-1] in ("performance", "accuracy", "energy"):
        parts.pop()
    return str(Path(*parts))


def _systems(folder: Path) -> dict[str, dict[Kind, Judged]]:
    found: dict[str, dict[Kind, Judged]] = {}
    for log, audit in _audits(folder):
        states = {one["key"]: str(one["state"]) for one in session_trust(audit)["checks"]}
        kind = audit.session.kind
        label = clock_label(audit.session) if kind == "accuracy" else None
        judged = Judged(kind, states, audit.figures.median_rate_hz, label)
        found.setdefault(system_of(log, folder), {}).setdefault(kind, judged)
    return found


def _audits(folder: Path) -> Iterator[tuple[Path, SessionAudit]]:
    for log in _logs(folder):
        try:
            yield log, audit_session(build_session(log))
        except SessionError:
            continue


def _logs(folder: Path) -> Iterable[Path]:
    return sorted(one for one in folder.rglob("*log.txt") if not one.name.startswith("._"))


def _clock_label(sessions: dict[Kind, Judged]) -> Label | None:
    return sessions["accuracy"].clock if "accuracy" in sessions else None


def _rate_label(sessions: dict[Kind, Judged]) -> Label | None:
    rates = [sessions[kind].rate_hz for kind in ("performance", "energy") if kind in sessions]
    if len(rates) < 2 or not all(rates):
        return None
    first, second = (rate or 0.0 for rate in rates)
    # Another rate may be another supply or frequency by intent: that labels nothing.
    return "sound" if abs(second / first - 1) <= SAME_RATE else None
