"""What an audit finds: which rule, where the rule comes from, which lines prove it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tracer.figure_text import counted
from tracer.sessions.session import Evidence, Session

Severity = Literal["error", "warning", "note"]

EVIDENCE = 10
"""Lines that a finding quotes at most."""

SOURCES = {
    "length": "energyrunner: a run takes at least 10 s and 10 iterations; the MLCommons runner prints `met` above "
    "10.0 s and raises its ERROR 2 on the loop's total only",
    "count": "MLPerf Tiny: the result is the median of five windows (the MLCommons runner's ERROR 1)",
    "laps": "DUT API: `m-lap-us` is wall time in microseconds, and both laps of a window are of one clock",
    "log": "DUT API: each `infer` is answered by the same lines, once each",
    "files": "log and results of one folder are of one session",
    "stamps": "energyrunner: the DUT's start is one pulse, and each window has one at its begin and one at its end",
    "printed": "the runner's own arithmetic, done again from its raw lines",
    "spread": "windows of one session measure the same work: a rate outside the others' spread is another condition",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is wrong with a session.

    ``rule`` is its short name, ``source`` whence the rule comes, ``windows`` the numbers of those concerned.
    An error makes an official figure wrong or void; a warning may; a note does not.
    """

    rule: str
    severity: Severity
    text: str
    source: str
    evidence: tuple[Evidence, ...] = ()
    windows: tuple[int, ...] = ()


def window_finding(
    session: Session, rule: str, severity: Severity, text: str, source: str, numbers: Sequence[int]
) -> Finding:
    """A finding about the windows of these numbers, which the lines that bound them prove; ``source`` is a key."""
    return Finding(rule, severity, text, SOURCES[source], window_lines(session, numbers), tuple(numbers))


def named(numbers: Iterable[int]) -> str:
    """The windows in words."""
    listed = list(numbers)
    if len(listed) == 1:
        return f"window {listed[0]}"
    if len(listed) > 8:
        return counted(len(listed), "window")
    return f"windows {', '.join(str(number) for number in listed[:-1])} and {listed[-1]}"


def lengths_by(session: Session) -> str:
    """What the lengths of its windows are by, where not by the host's clock."""
    if any(window.laps for window in session.windows):
        return "the laps"
    return "the energy monitor" if session.kind == "energy" and session.no_lengths is None else "the printed lengths"


def window_lines(session: Session, numbers: Iterable[int]) -> tuple[Evidence, ...]:
    """The lines that bound the windows, as many as a finding quotes."""
    wanted = set(numbers)
    lines = [line for window in session.windows if window.number in wanted for line in window.lines]
    return tuple(lines[:EVIDENCE])
