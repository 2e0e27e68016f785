"""The doctor's findings as JSON and as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from runner.accuracy.mistake_search import Diagnosis
from runner.accuracy.recorded_results import Matched, Recorded
from tracer.accuracy.confusion import auc_of, confusion_of, top1_of
from tracer.accuracy.confusion_text import confusion_table
from tracer.accuracy.explanations import LOOSEST, Explanation
from tracer.accuracy.symptoms import Finding, at_chance, symptom_lines
from tracer.accuracy.verdict import ENOUGH, Conclusion
from tracer.figure_text import auc_text, counted, number_text, share_text
from tracer.sessions.accuracy_figures import auc as auc_at_thresholds
from tracer.terminal_text import print_lines

TABLE_FROM = 20
"""Results from which a confusion matrix is worth its lines."""


def diagnosis_json(
    recorded: Recorded, matched: Matched, findings: list[Finding], diagnosis: Diagnosis
) -> dict[str, Any]:
    """
    Everything that was found.

    Returns:
        ``source``, ``results`` and ``top1``, ``auc``, ``confusion`` over all results whose class is known;
        ``findings``; ``diagnosis`` over the inputs that the dataset has; ``notes``.
    """
    return {
        "source": recorded.source,
        "results": len(recorded.vectors),
        "labelled": len(matched.all_labels),
        "top1": top1_of(matched.all_vectors, matched.all_labels),
        "auc": auc_of(matched.all_vectors, matched.all_labels),
        "auc_at_thresholds": auc_at_thresholds(matched.all_labels, matched.all_vectors, "thresholds"),
        "confusion": confusion_of(matched.all_vectors, matched.all_labels).tolist(),
        "findings": [
            {name: getattr(one, name) for name in ("symptom", "severity", "message", "suggests")}
            | {"numbers": dict(one.numbers)}
            for one in findings
        ],
        "diagnosis": _verdict_json(matched, findings, diagnosis),
        "notes": matched.notes,
    }


def _verdict_json(matched: Matched, findings: list[Finding], diagnosis: Diagnosis) -> dict[str, Any]:
    verdict = diagnosis.verdict
    explained = {
        name: _explanation_json(getattr(verdict, name), verdict.tolerance) for name in ("best", "rival", "runner_up")
    }
    return {
        "verdict": verdict.kind,
        "summary": summary_of(matched, findings, diagnosis),
        "inputs": diagnosis.inputs,
        "tolerance": verdict.tolerance,
        "digits": verdict.digits,
        **explained,
        "same_class_as_it_should_be": diagnosis.same_class,
        "recorded": {"top1": diagnosis.recorded_top1, "auc": diagnosis.recorded_auc},
        "mended": {"top1": diagnosis.mended_top1, "auc": diagnosis.mended_auc},
        "candidates_tried": diagnosis.tried,
        "models_tried": diagnosis.models,
    }


def render_diagnosis(facts: dict[str, Any], findings: list[Finding], console: Console) -> None:
    """Print it: what the numbers say, what reproduces them, what mending would give."""
    auc = "not defined" if facts["auc"] is None else auc_text(facts["auc"])
    printed = facts["auc_at_thresholds"]
    beside = "" if printed is None else f", {auc_text(printed)} as energyrunner reckons"
    top1 = "not known" if facts["top1"] != facts["top1"] else share_text(facts["top1"])
    console.print(f"[bold]{escape(facts['source'])}[/bold]", highlight=False)
    console.print(
        f"{counted(facts['labelled'], 'result')} with a known class: Top-1 {top1}, AUC {auc} (exact){beside}",
        highlight=False,
    )
    if facts["labelled"] >= TABLE_FROM:
        console.print(confusion_table("True class (row) and class given (column)", facts["confusion"]))
    print_lines(console, symptom_lines(findings) or ["The numbers alone show nothing amiss."])
    print_lines(console, [*(f"Note: {note}." for note in facts["notes"]), ""])
    first, *others = facts["diagnosis"]["summary"]
    print_lines(console, [first], style="bold")
    print_lines(console, others)


def summary_of(matched: Matched, findings: list[Finding], diagnosis: Diagnosis) -> list[str]:
    """The verdict in sentences, the first of them the diagnosis itself."""
    verdict = diagnosis.verdict
    best, tolerance = verdict.best, verdict.tolerance
    how = f"{_count(best, tolerance)} within {number_text(tolerance, verdict.digits)} ({verdict.digits} digits)"
    lines = {
        "as_it_should_be": [f"Reproduced as it should be, {how}: no mistake."],
        "mistake": [f"Diagnosis: {_mistakes(best)}. It reproduces {how}."],
        "undecided": _undecided(verdict),
        "not_reproduced": _not_reproduced(matched, diagnosis),
    }[verdict.kind]
    lines = list(lines)
    if verdict.runner_up is not None and verdict.kind == "mistake":
        lines.append(f"Runner-up: {_mistakes(verdict.runner_up)}, {_count(verdict.runner_up, tolerance)}.")
    if verdict.alike:
        lines.append(f"Not excluded, as it reproduces as many: {_mistakes(verdict.alike[0])}.")
    if verdict.kind == "mistake":
        lines.append(
            f"Mended, Top-1 is {share_text(diagnosis.mended_top1)} over these {counted(diagnosis.inputs, 'input')} "
            f"(recorded: {share_text(diagnosis.recorded_top1)})."
        )
    if verdict.kind == "as_it_should_be" and any(one.symptom in {"neighbour", "class_order"} for one in findings):
        lines.append("The model and its inputs are right: it is the labels that do not fit them.")
    lines.append(f"Tried: {counted(diagnosis.tried, 'candidate')}, with {', '.join(diagnosis.models)}.")
    return lines


def _not_reproduced(matched: Matched, diagnosis: Diagnosis) -> list[str]:
    best = diagnosis.verdict.best
    same = f"{diagnosis.same_class} of {diagnosis.inputs}"
    if diagnosis.same_class >= ENOUGH * diagnosis.inputs and not best.mistakes:
        return [
            f"No mistake found: this model gives the same class for {same} inputs, if not the same digits.",
            f"Vectors within {LOOSEST}: {_count(best, LOOSEST)}; other arithmetic (int8 kernels differ) does that.",
        ]
    lines = ["No mistake that is tried reproduces the results."]
    lines.append(f"Nearest: {_mistakes(best)}, {_count(best, LOOSEST)} within {LOOSEST}.")
    if at_chance(matched.vectors, matched.labels):
        lines.append(
            f"Top-1 is at chance: weights that were not loaded (at random), or another model; "
            f"this one reaches {share_text(diagnosis.mended_top1)} on these inputs."
        )
    else:
        lines.append(
            f"Top-1 recorded {share_text(diagnosis.recorded_top1)}, by this model "
            f"{share_text(diagnosis.mended_top1)}: they may come from another model, or from other arithmetic."
        )
    return lines


def _undecided(verdict: Conclusion) -> list[str]:
    rivals = [one for one in (verdict.best, verdict.rival) if one is not None]
    named = ", or ".join(dict.fromkeys(_mistakes(one) for one in rivals))
    reason = "The results are too few, or too much alike whatever the input, to tell."
    return [f"Undecided: {named} reproduces {_count(verdict.best, verdict.tolerance)}.", reason]


def _mistakes(one: Explanation) -> str:
    return ", ".join(mistake.text for mistake in one.mistakes) or "as it should be"


def _count(one: Explanation, tolerance: float) -> str:
    return f"{one.reproduced(tolerance)} of {counted(len(one.errors), 'vector')} ({share_text(one.share(tolerance))})"


def _explanation_json(one: Explanation | None, tolerance: float) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "model": one.model,
        "mistakes": [mistake.key for mistake in one.mistakes],
        "text": _mistakes(one),
        "reproduced": one.reproduced(tolerance),
        "share": one.share(tolerance),
    }
