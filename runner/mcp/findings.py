"""Findings out of the figures of a command: what is claimed, what shows it, and what would refute it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from tracer.figure_text import time_text
from tracer.unit_words import INFERENCES, UnitWords

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


def _finding(said: str, state: str, evidence: list[str], refuted_by: str, remedy: str | None = None) -> Finding:
    return {"finding": said, "state": state, "evidence": evidence, "refuted_by": refuted_by, "remedy": remedy}


def trust_findings(trust: Figures) -> Iterator[Finding]:
    """The checks of a judgement, those that are fine too."""
    for check in trust["checks"]:
        key, state, evidence = check["key"], check["state"], check["evidence"].split("; ")
        yield _finding(f"{key}: {state}", state, evidence, REFUTES[key], check["remedy"])


def verdict_findings(figures: Figures, words: UnitWords = INFERENCES) -> Iterator[Finding]:
    """What bounds the units of a GPU timeline; none where there is no timeline."""
    gpu = figures.get("gpu")
    if not gpu:
        return
    parts = [f"{name}: {time_text(gpu[f'{name}_ns']['mean'])} {words.each}" for name in ("wall", "busy", "overhead")]
    refuted_by = "a change that shortens the part named here and leaves the wall time as it was"
    yield _finding(gpu["verdict"]["sentence"], gpu["verdict"]["key"], [*parts, *gpu["notes"]], refuted_by)


def gain_findings(gains: Iterable[Figures], words: UnitWords = INFERENCES) -> Iterator[Finding]:
    """What removing each part would give, with its interval, and why it is a bound where it is one."""
    for gain in gains:
        bound, interval = gain["bound"], gain["interval_ns"]
        kind = "cannot be told" if gain["gain_ns"] is None else ("bound" if bound else "estimate")
        least = f"{bound} " if bound else ""
        told = least + time_text(gain["gain_ns"]) if gain["gain_ns"] is not None else "not known"
        between = [] if interval is None else [f"95 % interval {time_text(interval[0])} to {time_text(interval[1])}"]
        reasons = [gain["reason"]] if gain["reason"] else []
        yield _finding(
            f"without {gain['name']} ({gain['group']}) {words.each} would save {told}",
            kind,
            [f"replay of the captured {words.many} with that part at zero", *between, *reasons],
            f"a run without that part whose {words.many} are shorter by an amount outside the interval",
        )


def slowest_finding(slowest: Figures, words: UnitWords) -> Finding:
    """The longest unit, with the parts by which it exceeds the median one."""
    evidence = [
        f"{name}: {time_text(one['ns'])}, in the median {words.one} {time_text(one['median_ns'])}"
        for name, one in slowest["parts"].items()
    ]
    refuted_by = f"another capture in which a {words.one} of the same work takes as long by another part"
    return _finding(slowest["sentence"], "slowest", evidence, refuted_by)


def session_findings(session: Figures) -> Iterator[Finding]:
    """What an audit found in a session, with the lines that prove it, then the checks of its judgement."""
    for one in session["findings"]:
        lines = [f"{line['file']}:{line['line']}: {line['text']}" for line in one["evidence"]]
        evidence = [*lines, f"rule: {one['source']}"]
        refuted_by = "the host's raw log, if these lines do not stand in it so"
        yield _finding(f"{one['rule']}: {one['text']}", one["severity"], evidence, refuted_by)
    yield from trust_findings(session["trust"])


def compare_findings(comparison: Figures) -> Iterator[Finding]:
    """The judgement of each side against the baseline."""
    for one in comparison["comparisons"]:
        few = [one["why_no_claim"]] if one["why_no_claim"] else []
        refuted_by = "more launches of both, in turn, whose interval of the ratio excludes this verdict"
        yield _finding(one["sentence"], one["verdict"], [*one["refusals"], *one["warnings"], *few], refuted_by)


def note_findings(notes: Iterable[str]) -> Iterator[Finding]:
    """What a file cannot tell, or lost."""
    for note in notes:
        yield _finding(note, "note", ["the profile itself"], "another capture of the same program that has it")


def doctor_findings(checks: Iterable[Figures]) -> Iterator[Finding]:
    """The lines of the doctor."""
    for check in checks:
        refuted_by = "the same check, run again, with another result"
        yield _finding(
            f"{check['check']}: {check['state']}", check["state"], [check["said"]], refuted_by, check["remedy"]
        )
