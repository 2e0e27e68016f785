"""
What the numbers of an accuracy pass say alone, without a model.

Limits are set so that what healthy devices print is no symptom: coarse outputs (int8, even 4 bits), saturated
vectors that repeat, a few ties. Each stands beside its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tracer.accuracy.assignment import best_assignment
from tracer.accuracy.confusion import Classes, Vectors, check_pass, confusion_of, top1_of
from tracer.classes import CLASSES, LABELS
from tracer.figure_text import number_text, share_text

CONSTANT_FROM = 5
"""Inputs of several classes that must all get one class before it is called constant."""
SHARES_FROM = 20
"""Inputs from which a share of them means something."""
ORDER_FROM = 5 * CLASSES
"""Fewer vectors than this fit some order of the classes by chance."""
TIES_OVER = 0.05
"""Of 87 published accuracy logs none has more than 1.5 % of ties."""
REPEATS_OVER = 0.05
"""Neighbours of different classes with equal vectors: at most 2.7 % in those logs, where outputs are one-hot."""
SHIFTS = (-1, 1, -2, 2, -3, 3)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One symptom.

    ``symptom`` is its name for programs, ``numbers`` what it was seen by, ``suggests`` what it may come from.
    """

    symptom: str
    severity: Literal["warning", "note"]
    message: str
    suggests: str
    numbers: Mapping[str, float]


def accuracy_symptoms(results: Vectors, labels: Classes) -> list[Finding]:
    """
    Look for what is wrong with the results of an accuracy pass: the gravest first, nothing for a healthy one.

    ``results`` are (N, 12), as printed, in the order of the pass; ``labels`` int64 (N,), the true classes.

    Raises:
        MalformedTraceError: if the shapes or classes are others.
    """
    results, labels = np.asarray(results, np.float64), np.asarray(labels, np.int64)
    check_pass(results, labels)
    finite = np.isfinite(results).all(axis=1)
    found = [] if finite.all() else [_not_finite(int((~finite).sum()), len(results))]
    results, labels = results[finite], labels[finite]
    if not len(results):
        return found
    found += _values(results, labels)
    dominating = _dominating(results, labels)
    if dominating is not None:
        # What follows from one class for all, chance and repeats among them, is not said again.
        return [*found, dominating]
    mixed = _neighbour(results, labels) or _class_order(results, labels)
    if mixed is not None:
        found.append(mixed)
    elif not any(one.symptom == "flat" for one in found):
        found += _chance(results, labels)
    return [*found, *_ties(results), *_repeats(results, labels)]


def symptom_lines(findings: Sequence[Finding]) -> list[str]:
    """A line a finding, for a console; none where there is none."""
    return [f"{one.severity.capitalize()}: {one.message}; {one.suggests}." for one in findings]


def at_chance(results: Vectors, labels: Classes) -> bool:
    """Whether Top-1 is within three standard deviations of what naming the most frequent class would give."""
    if len(labels) < SHARES_FROM:
        return False
    prior = _prior(labels)
    return top1_of(results, labels) <= prior + 3 * np.sqrt(prior * (1 - prior) / len(labels)) and prior < 0.5


def are_probabilities(results: Vectors) -> bool:
    """Whether all values lie between 0 and 1, but for what rounding moves."""
    return bool(results.min() >= -0.01 and results.max() <= 1.01)


def _prior(labels: Classes) -> float:
    """Share of the most frequent class."""
    return float(np.bincount(labels, minlength=CLASSES).max()) / len(labels)


def _not_finite(rows: int, count: int) -> Finding:
    return Finding(
        "not_a_number",
        "warning",
        f"{rows} of {count} vectors hold NaN or infinity",
        "the model may overflow, or its output be read as another type: look at the input's scale and both types",
        {"vectors": rows, "of": count},
    )


def _values(results: Vectors, labels: Classes) -> list[Finding]:
    """Vectors that are no probabilities, by what they are instead."""
    count = len(results)
    sums = results.sum(axis=1)
    # Coarse outputs are cut, each of the twelve by up to a step.
    limit = max(0.05, CLASSES * _step(results))
    off = np.abs(sums - 1) > limit
    numbers = {"vectors": int(off.sum()), "of": count, "median_sum": float(np.median(sums))}
    seen = f"{off.sum()} of {count} vectors do not sum to 1 (median {number_text(float(np.median(sums)), 3)})"
    if off.mean() > 0.05:
        return [Finding("sums", "warning", seen, _sums_suggest(results), numbers)]
    # A softmax over probabilities gives between 1 / (e + 11) and e / (e + 11), a mean of random logits the like.
    low, high = 1 / (np.e + 11) - 0.005, np.e / (np.e + 11) + 0.005
    if count >= CONSTANT_FROM and results.min() > low and results.max() < high:
        suggests = "softmax is probably applied twice"
        if at_chance(results, labels):
            suggests = "the weights are at random, or softmax is applied twice"
        spread = {"lowest": float(results.min()), "highest": float(results.max())}
        lowest, highest = (number_text(value, 3) for value in spread.values())
        message = f"every probability lies between {lowest} and {highest}, near 1/12"
        return [Finding("flat", "warning", message, suggests, spread)]
    if off.any():
        message = f"{off.sum()} of {count} vectors do not sum to 1, first number {int(off.argmax())}"
        return [Finding("sums", "note", message, "the line may have lost characters there", numbers)]
    return []


def _sums_suggest(results: Vectors) -> str:
    if are_probabilities(results):
        return "softmax may be missing, or another function (a sigmoid) in its place"
    if (results == np.rint(results)).all():
        return "these are the model's counts: its quantized output was printed without dequantizing it"
    return "softmax is missing (logits), or the output was dequantized with another scale"


def _step(results: Vectors) -> float:
    """The smallest distance between two values that occur: the output's resolution."""
    gaps = np.diff(np.unique(np.round(results, 7)))
    return float(gaps.min()) if gaps.size else 0.0


def _dominating(results: Vectors, labels: Classes) -> Finding | None:
    given = np.bincount(results.argmax(axis=1), minlength=CLASSES)
    one, count = int(given.argmax()), len(labels)
    share, of_class = given[one] / count, int((labels == one).sum())
    constant = given[one] == count >= CONSTANT_FROM and len(np.unique(labels)) > 1 and of_class < 0.7 * count
    if not constant and (count < SHARES_FROM or share < 0.5 or share < of_class / count + 0.3):
        return None
    top1 = top1_of(results, labels)
    message = f"{LABELS[one]} (class {one}) is given for {given[one]} of {count} inputs; {of_class} are of it"
    if constant:
        message += f": Top-1 {share_text(top1)} is the prior of that class and no recognition"
    numbers = {"class": one, "given": int(given[one]), "of": count, "labels": of_class, "top1": top1}
    suggests = "the input's type, scale or zero point is wrong, or the weights are not loaded"
    return Finding("dominating_class", "warning", message, suggests, numbers)


def _neighbour(results: Vectors, labels: Classes) -> Finding | None:
    """Results that fit the label of a neighbouring input far better than their own."""
    given, own = results.argmax(axis=1), top1_of(results, labels)
    if len(labels) < SHARES_FROM + len(SHIFTS):
        return None
    pairs = {shift: aligned(len(labels), shift) for shift in SHIFTS}
    rates = {shift: float(np.mean(given[moved] == labels[target])) for shift, (moved, target) in pairs.items()}
    shift = max(rates, key=lambda one: rates[one])
    if rates[shift] < 0.5 or rates[shift] < own + 0.3:
        return None
    rate = f"Top-1 {share_text(rates[shift])} against {share_text(own)}"
    message = f"results fit the input {shift_text(shift)} theirs: {rate}"
    suggests = "a reply was lost or counted twice, or labels and inputs are not in one order"
    return Finding(
        "neighbour", "warning", message, suggests, {"shift": shift, "top1": own, "top1_shifted": rates[shift]}
    )


def aligned(count: int, shift: int) -> tuple[slice, slice]:
    """The results of a pass of ``count``, and the inputs that lie ``shift`` after theirs."""
    first, last = max(0, -shift), count - max(0, shift)
    return slice(first, last), slice(first + shift, last + shift)


def shift_text(shift: int) -> str:
    """``2 before``, ``1 after``."""
    return f"{abs(shift)} {'before' if shift < 0 else 'after'}"


def _class_order(results: Vectors, labels: Classes) -> Finding | None:
    """Classes that are recognised, under other numbers."""
    if len(labels) < ORDER_FROM:
        return None
    own, matrix = top1_of(results, labels), confusion_of(results, labels)
    true, given = range(CLASSES), best_assignment(matrix + np.eye(CLASSES) / 2)
    best = float(matrix[true, given].sum()) / len(labels)
    if best < 0.5 or best < own + 0.2:
        return None
    moved = ", ".join(f"{LABELS[a]} as {LABELS[b]}" for a, b in zip(true, given, strict=True) if a != b)
    message = f"in another order of the classes Top-1 is {share_text(best)} against {share_text(own)} ({moved})"
    suggests = "model and labels number the classes differently"
    return Finding("class_order", "warning", message, suggests, {"top1": own, "top1_reordered": best})


def _chance(results: Vectors, labels: Classes) -> list[Finding]:
    if not at_chance(results, labels):
        return []
    top1 = top1_of(results, labels)
    prior = _prior(labels)
    message = f"Top-1 {share_text(top1)} is no better than naming the most frequent class ({share_text(prior)})"
    suggests = "inputs are not read as they were written, belong to other labels, or the weights are not loaded"
    return [Finding("chance", "warning", message, suggests, {"top1": top1, "prior": prior})]


def _ties(results: Vectors) -> list[Finding]:
    tied = (results == results.max(axis=1, keepdims=True)).sum(axis=1) > 1
    if len(results) < SHARES_FROM or tied.mean() <= TIES_OVER:
        return []
    message = f"in {tied.sum()} of {len(results)} vectors several classes share the largest value"
    suggests = "the output is rounded too coarsely, or never written: the first class wins a tie"
    return [Finding("ties", "warning", message, suggests, {"vectors": int(tied.sum()), "of": len(results)})]


def _repeats(results: Vectors, labels: Classes) -> list[Finding]:
    """Vectors equal to the one before, of an input of another class; equal vectors of one class are saturation."""
    other = labels[1:] != labels[:-1]
    again = (results[1:] == results[:-1]).all(axis=1)[other]
    if len(again) < SHARES_FROM:
        return []
    # Where few vectors occur at all, that two neighbours are equal is chance.
    counts = np.unique(results, axis=0, return_counts=True)[1] / len(results)
    if again.mean() <= max(REPEATS_OVER, 3 * float((counts**2).sum())):
        return []
    message = f"{again.sum()} of {len(again)} vectors repeat the one before, though the class is another"
    suggests = "an input was not loaded, or the result of the inference before was read"
    return [Finding("repeats", "warning", message, suggests, {"vectors": int(again.sum()), "of": len(again)})]
