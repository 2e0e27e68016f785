"""Findings out of the figures of a command: what is claimed, what shows it, and what would refute it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from tracer.figure_text import time_text

Figures = Mapping[str, Any]

REFUTES = {
    "steadiness": "windows of one speed: a run whose windows' rates do not fall into groups",
    "cpu share": "CPU time of the DUT near its wall time in each window of the same work",
    "frequencies": "samples of the frequencies that stay at one value while the windows run",
    "clock": "a host's own times of the same windows that agree with the laps within 1 %",
    "accuracy": "an accuracy session of this model over the whole data set, with another Top-1",
    "quantization": "the same inputs with another scale, whose results have the model's accuracy",
    "model": "the SHA-256 of the reference model's file",
    "mode": "a run without the profiler, or without splitting, at the same rate",
    "load": "a run on an idle machine at the same rate",
    "log": "the host's whole log, with each line once",
    "windows": "five whole windows of the same session",
    "length": "windows of at least 10 s of wall time",
}
"""Of each check of ``Trust``, by its key."""


class Finding(TypedDict):
    """``state`` is the command's own word, ``evidence`` what was measured, ``refuted_by`` what would refute it."""

    finding: str
    state: str
    evidence: list[str]
    refuted_by: str
    remedy: str | None


def trust_findings(trust: Figures) -> Iterator[Finding]:
    """The checks of a judgement, those that are fine too."""
    for check in trust["checks"]:
        yield {
            "finding": f"{check['key']}: {check['state']}",
            "state": check["state"],
            "evidence": check["evidence"].split("; "),
            "refuted_by": REFUTES[check["key"]],
            "remedy": check["remedy"],
        }


def verdict_findings(figures: Figures) -> Iterator[Finding]:
    """What bounds the inferences of a GPU timeline; none where there is no timeline."""
    gpu = figures.get("gpu")
    if not gpu:
        return
    parts = [f"{name}: {time_text(gpu[f'{name}_ns']['mean'])} an inference" for name in ("wall", "busy", "overhead")]
    yield {
        "finding": gpu["verdict"]["sentence"],
        "state": gpu["verdict"]["key"],
        "evidence": [*parts, *gpu["notes"]],
        "refuted_by": "a change that shortens the part named here and leaves the wall time as it was",
        "remedy": None,
    }


def gain_findings(gains: Iterable[Figures]) -> Iterator[Finding]:
    """What removing each part would give, with its interval, and why it is a bound where it is one."""
    for gain in gains:
        bound, interval = gain["bound"], gain["interval_ns"]
        kind = "cannot be told" if gain["gain_ns"] is None else ("bound" if bound else "estimate")
        least = f"{bound} " if isinstance(bound, str) else ("at most " if bound else "")
        told = least + time_text(gain["gain_ns"]) if gain["gain_ns"] is not None else "not known"
        between = [] if interval is None else [f"95 % interval {time_text(interval[0])} to {time_text(interval[1])}"]
        yield {
            "finding": f"without {gain['name']} ({gain['group']}) an inference would save {told}",
            "state": kind,
            "evidence": [
                "replay of the captured inferences with that part at zero",
                *between,
                *_said(gain["reason"]),
            ],
            "refuted_by": "a run without that part whose inferences are shorter by an amount outside the interval",
            "remedy": None,
        }


def _said(reason: str | None) -> list[str]:
    return [reason] if reason else []


def session_findings(session: Figures) -> Iterator[Finding]:
    """What an audit found in a session, with the lines that prove it, then the checks of its judgement."""
    for one in session["findings"]:
        lines = [f"{line['file']}:{line['line']}: {line['text']}" for line in one["evidence"]]
        yield {
            "finding": f"{one['rule']}: {one['text']}",
            "state": one["severity"],
            "evidence": [*lines, f"rule: {one['source']}"],
            "refuted_by": "the host's raw log, if these lines do not stand in it so",
            "remedy": None,
        }
    yield from trust_findings(session["trust"])


def compare_findings(comparison: Figures) -> Iterator[Finding]:
    """The judgement of each side against the baseline."""
    for one in comparison["comparisons"]:
        few = [one["why_no_claim"]] if one["why_no_claim"] else []
        yield {
            "finding": one["sentence"],
            "state": one["verdict"],
            "evidence": [*one["refusals"], *one["warnings"], *few],
            "refuted_by": "more launches of both, in turn, whose interval of the ratio excludes this verdict",
            "remedy": None,
        }


def note_findings(notes: Iterable[str]) -> Iterator[Finding]:
    """What a file cannot tell, or lost."""
    for note in notes:
        yield {
            "finding": note,
            "state": "note",
            "evidence": ["the profile itself"],
            "refuted_by": "another capture of the same program that has it",
            "remedy": None,
        }


def doctor_findings(checks: Iterable[Figures]) -> Iterator[Finding]:
    """The lines of the doctor."""
    for check in checks:
        yield {
            "finding": f"{check['check']}: {check['state']}",
            "state": check["state"],
            "evidence": [check["said"]],
            "refuted_by": "the same check, run again, with another result",
            "remedy": check["remedy"],
        }
