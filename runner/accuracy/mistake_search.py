"""Tries the usual mistakes with models at hand, and says which one a pass's results come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from runner.accuracy.models import LoadedModel
from runner.accuracy.recorded_results import Matched
from tracer.accuracy.confusion import Vectors, auc_of, top1_of
from tracer.accuracy.explanations import LOOSEST, Explanation, decimals_of, explain
from tracer.accuracy.mistakes import OTHER_MODEL, Mistake, Mistakes, quantize_anew, readings, wrong_quantization
from tracer.accuracy.quantization_fit import FIT_FROM, fit_quantization
from tracer.accuracy.symptoms import are_probabilities
from tracer.accuracy.verdict import ENOUGH, Conclusion, judge
from tracer.errors import not_installed
from tracer.quantization import Quantization

TIGHT = 1e-4
"""A model that reproduces the results to this, or to the last digit printed, needs no other beside it."""

NEAR = 0.5
"""Share of vectors, reproduced to two digits, from which scale and zero point can only be a little off."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """
    A verdict, and rates over the same inputs: recorded, and with the mistake mended.

    ``tried`` counts the candidates; ``same_class`` the inputs to which the model, used as it should be, gives the
    recorded class.
    """

    verdict: Conclusion
    tried: int
    models: tuple[str, ...]
    inputs: int
    recorded_top1: float
    recorded_auc: float | None
    mended_top1: float
    mended_auc: float | None
    same_class: int


def diagnose(
    matched: Matched, model: LoadedModel, others: Iterable[LoadedModel] = (), progress: Progress = lambda _: None
) -> Diagnosis:
    """
    Try every mistake with ``model``; then, unless something reproduces the results closely, other models and a fit.

    ``others`` are loaded one after another, only when they are needed; ``progress`` is told what is being tried.
    """
    trial = _Trial(matched, progress)
    trial.add(model, ())
    verdict = trial.verdict()
    if not trial.settled(verdict):
        for other in others:
            trial.add(other, (replace(OTHER_MODEL, text=f"another model ({other.name})"),))
        verdict = trial.verdict()
    if verdict.kind != "as_it_should_be" and not trial.settled(verdict):
        trial.add_fit(model)
        verdict = trial.verdict()
    return trial.diagnosis(verdict)


class _Trial:
    """The candidates so far, and by model what it gives when all is right."""

    def __init__(self, matched: Matched, progress: Progress) -> None:
        self.matched = matched
        self.decimals = decimals_of(matched.vectors)
        self.found: list[Explanation] = []
        self._progress = progress
        self._right: dict[str, Vectors] = {}

    def verdict(self) -> Conclusion:
        """By the candidates so far."""
        return judge(self.found, self.matched.vectors, self.decimals)

    def settled(self, verdict: Conclusion) -> bool:
        """Whether nothing else could be meant."""
        decided = verdict.kind in {"mistake", "as_it_should_be"}
        return decided and verdict.tolerance <= max(TIGHT, 10.0**-self.decimals)

    def add(self, model: LoadedModel, mistakes: Mistakes) -> None:
        """Every reading of the bytes by one model, with every mistake after it."""
        for reading in readings(self.matched.data, takes_counts=model.takes_counts, quantization=model.quantization):
            self._progress(f"{model.name}: {', '.join(one.text for one in reading.mistakes) or 'as it should be'}")
            answers = model.predict(reading.values)
            self._right.setdefault(model.name, answers)
            made = (*mistakes, *reading.mistakes)
            self.found += explain(model.name, made, self.matched.vectors, answers, self.decimals)

    def add_fit(self, model: LoadedModel) -> None:
        """Scale and zero point by fit, where inputs are int8 and there are enough different results."""
        recorded = self.matched.vectors
        if self.matched.data.dtype != np.int8 or not are_probabilities(recorded):
            return
        if len(np.unique(recorded, axis=0)) < FIT_FROM:
            return
        if find_spec("scipy") is None:
            raise not_installed("SciPy", "kws-trace[analysis]")
        self._progress(f"{model.name}: fitting scale and zero point")
        counts = model.takes_counts
        start = Quantization(1.0, 0.0) if counts else model.quantization
        near = self.found[0].share(LOOSEST) > NEAR
        used = fit_quantization(model.predict, self.matched.data, recorded, start, takes_counts=counts, near=near)
        mistake = wrong_quantization(model.quantization, used, 2)
        if counts:
            text = (
                f"counts scaled by {used.scale:.4g} about {used.zero_point:.4g} before a model that takes them as is"
            )
            mistake = Mistake("quantization", text, 2)
        # Where all vectors are saturated, other figures give the same.
        beside = self._of_mapping(model, Quantization(used.scale * 1.1, used.zero_point), mistake)
        if beside.share(1e-3) >= ENOUGH:
            mistake = replace(mistake, text=f"{mistake.text} (other figures fit as well)")
        self.found.append(self._of_mapping(model, used, mistake))

    def diagnosis(self, verdict: Conclusion) -> Diagnosis:
        """The verdict with the rates."""
        names, labels, vectors = tuple(self._right), self.matched.labels, self.matched.vectors
        mended = self._right[names[0] if verdict.kind == "not_reproduced" else verdict.best.model]
        return Diagnosis(
            verdict=verdict,
            tried=len(self.found),
            models=names,
            inputs=len(labels),
            recorded_top1=top1_of(vectors, labels),
            recorded_auc=auc_of(vectors, labels),
            mended_top1=top1_of(mended, labels),
            mended_auc=auc_of(mended, labels),
            same_class=int((mended.argmax(axis=1) == vectors.argmax(axis=1)).sum()),
        )

    def _of_mapping(self, model: LoadedModel, mapping: Quantization, mistake: Mistake) -> Explanation:
        answers = model.predict(quantize_anew(self.matched.data, mapping, takes_counts=model.takes_counts))
        return next(explain(model.name, (mistake,), self.matched.vectors, answers, self.decimals))
