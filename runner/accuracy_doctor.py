"""Tries the usual mistakes with models at hand, and says which one a pass's results come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from runner.accuracy_inputs import Matched
from runner.accuracy_models import VectorModel
from tracer.accuracy.confusion import Vectors, auc_of, top1_of
from tracer.accuracy.explanations import Explanation, decimals_of, explain
from tracer.accuracy.mistakes import OTHER_MODEL, Mistake, quantize_anew, readings, wrong_quantization
from tracer.accuracy.quantization_fit import FIT_FROM, fit_quantization
from tracer.accuracy.verdict import Verdict, judge

TIGHT = 1e-4
"""A model that reproduces the results to this needs no other beside it."""

Progress = Callable[[str], None]


@dataclass
class Diagnosis:
    """A verdict, the candidates' number, and rates over the same inputs: recorded, and with the mistake mended."""

    verdict: Verdict
    tried: int
    inputs: int
    recorded_top1: float
    recorded_auc: float | None
    mended_top1: float
    mended_auc: float | None
    models: list[str] = field(default_factory=list)


def diagnose(
    matched: Matched, model: VectorModel, others: Iterable[VectorModel] = (), progress: Progress = lambda _: None
) -> Diagnosis:
    """
    Try every mistake with ``model``; then, unless something reproduces the results closely, other models and a fit.

    Args:
        matched: results and the bytes of their inputs.
        model: that the results should come from.
        others: loaded one after another, only when they are needed.
        progress: told what is being tried.
    """
    decimals = decimals_of(matched.vectors)
    expected: dict[str, Vectors] = {}
    found: list[Explanation] = []
    names = [model.name]
    for explanation, right in _candidates(matched, model, decimals, progress):
        expected.setdefault(model.name, right)
        found.append(explanation)
    verdict = judge(found, decimals)
    if not _settled(verdict):
        for other in others:
            names.append(other.name)
            another = replace(OTHER_MODEL, text=f"another model ({other.name})")
            for explanation, right in _candidates(matched, other, decimals, progress):
                expected.setdefault(other.name, right)
                found.append(replace(explanation, mistakes=(another, *explanation.mistakes)))
        verdict = judge(found, decimals)
    if not _settled(verdict) and verdict.kind != "as_it_should_be":
        found += _fitted(matched, model, decimals, progress)
        verdict = judge(found, decimals)
    return _with_rates(matched, verdict, expected, len(found), names)


def _settled(verdict: Verdict) -> bool:
    return verdict.kind != "not_reproduced" and verdict.tolerance <= TIGHT


def _candidates(
    matched: Matched, model: VectorModel, decimals: int, progress: Progress
) -> Iterator[tuple[Explanation, Vectors]]:
    """Explanations by one model; with each what the model gives when all is right."""
    right: Vectors | None = None
    for reading in readings(matched.data, takes_counts=model.takes_counts, quantization=model.quantization):
        text = ", ".join(one.text for one in reading.mistakes) or "as it should be"
        progress(f"{model.name}: {text}")
        answers = model.predict(reading.values)
        right = answers if right is None else right
        for explanation in explain(model.name, reading.mistakes, matched.vectors, answers, decimals):
            yield explanation, right


def _fitted(matched: Matched, model: VectorModel, decimals: int, progress: Progress) -> list[Explanation]:
    """Scale and zero point by fit, where inputs are int8 and there are enough different results."""
    recorded = matched.vectors
    different = len(np.unique(recorded, axis=0))
    if matched.data.dtype != np.int8 or different < FIT_FROM or recorded.min() < -0.01 or recorded.max() > 1.01:
        return []
    progress(f"{model.name}: fitting scale and zero point")
    counts = model.takes_counts
    used = fit_quantization(model.predict, matched.data, recorded, takes_counts=counts)
    if counts:
        text = (
            f"inputs scaled by {used.scale:.6g} about {used.zero_point:g} (fitted) before a model that takes counts"
        )
        mistake = Mistake("quantization", text, 2)
    else:
        mistake = wrong_quantization(model.quantization, used, 2)
    answers = model.predict(quantize_anew(matched.data, used, takes_counts=counts))
    return list(explain(model.name, (mistake,), recorded, answers, decimals))[:1]


def _with_rates(
    matched: Matched, verdict: Verdict, expected: dict[str, Vectors], tried: int, names: list[str]
) -> Diagnosis:
    labels = matched.labels
    mended = expected[verdict.best.model] if verdict.kind != "not_reproduced" else expected[names[0]]
    return Diagnosis(
        verdict=verdict,
        tried=tried,
        inputs=len(labels),
        recorded_top1=top1_of(matched.vectors, labels),
        recorded_auc=auc_of(matched.vectors, labels),
        mended_top1=top1_of(mended, labels),
        mended_auc=auc_of(mended, labels),
        models=names,
    )
