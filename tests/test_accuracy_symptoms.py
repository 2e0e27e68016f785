"""What an accuracy pass's numbers say alone: each symptom when it is there, and none in a healthy pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_auc_score

from tests.work import calls_made
from tracer.accuracy.confusion import auc_of, confusion_of, top1_of
from tracer.accuracy.symptoms import accuracy_symptoms, symptom_lines
from tracer.errors import MalformedTraceError

Pass = tuple[NDArray[np.float64], NDArray[np.int64]]


def healthy(count: int = 300, seed: int = 0, accuracy: float = 0.9, step: float = 1e-6) -> Pass:
    """Softmax vectors that name the label of ``accuracy`` of the inputs, rounded to ``step``."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 12, count)
    named = np.where(random.random(count) < accuracy, labels, random.integers(0, 12, count))
    logits = random.normal(0, 1.5, (count, 12))
    logits[np.arange(count), named] = logits.max(axis=1) + random.exponential(5, count) + 0.5
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.round(powers / powers.sum(axis=1, keepdims=True) / step) * step, labels


def symptoms(results: NDArray[np.float64], labels: NDArray[np.int64]) -> list[str]:
    return [one.symptom for one in accuracy_symptoms(results, labels)]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 1200),
    accuracy=st.floats(0.75, 1),
    step=st.sampled_from([1e-6, 1e-3, 1 / 256]),
)
def test_a_healthy_pass_has_no_symptom(seed: int, count: int, accuracy: float, step: float) -> None:
    assert symptoms(*healthy(count, seed, accuracy, step)) == []


def test_one_class_for_all_is_the_prior_and_said_so() -> None:
    results, labels = healthy(1000)
    labels[:86], labels[86:] = 11, np.arange(914) % 11
    results[:] = [0.0] * 11 + [1.0]
    (found,) = accuracy_symptoms(results, labels)
    assert found.symptom == "dominating_class"
    assert found.severity == "warning"
    assert "unknown (class 11) is given for 1000 of 1000 inputs; 86 are of it: Top-1 8.6 %" in found.message
    assert found.numbers == {"class": 11, "given": 1000, "of": 1000, "labels": 86, "top1": 0.086}
    assert symptom_lines([found])[0].startswith("Warning: unknown")


def test_a_class_that_dominates_without_being_all_is_found() -> None:
    results, labels = healthy(300)
    results[:210] = np.eye(12)[3]
    assert symptoms(results, labels) == ["dominating_class"]


def test_a_pass_over_one_class_is_not_called_constant() -> None:
    results, _ = healthy(40)
    results[:] = np.eye(12)[3]
    assert symptoms(results, np.full(40, 3)) == []


@pytest.mark.parametrize(
    ("name", "suggests"),
    [("logits", "softmax is missing"), ("counts", "without dequantizing"), ("sigmoid", "softmax may be missing")],
)
def test_vectors_that_do_not_sum_to_one_are_told_by_what_they_are(name: str, suggests: str) -> None:
    results, labels = healthy()
    changed = {
        "logits": np.round(np.log(results + 1e-6), 3),
        "counts": np.rint(results * 256) - 128,
        "sigmoid": np.clip(results * 1.7, 0, 1),
    }[name]
    (found,) = accuracy_symptoms(changed, labels)
    assert found.symptom == "sums"
    assert suggests in found.suggests


def test_coarse_probabilities_may_miss_one_by_their_rounding() -> None:
    results, labels = healthy()
    assert symptoms(np.floor(results * 16) / 16, labels) == []


def test_a_single_vector_that_lost_a_digit_is_a_note() -> None:
    results, labels = healthy()
    results[17, results[17].argmax()] /= 10
    (found,) = accuracy_symptoms(results, labels)
    assert (found.symptom, found.severity) == ("sums", "note")
    assert "number 17" in found.message


def test_softmax_applied_twice_shows_as_flat_vectors() -> None:
    results, labels = healthy()
    twice = np.exp(results) / np.exp(results).sum(axis=1, keepdims=True)
    (found,) = accuracy_symptoms(twice, labels)
    assert found.symptom == "flat"
    assert "twice" in found.suggests
    assert "random" not in found.suggests
    (found,) = accuracy_symptoms(twice, np.random.default_rng(1).integers(0, 12, len(labels)))
    assert "random" in found.suggests


def test_ties_are_counted() -> None:
    results, labels = healthy()
    results[:60] = 0
    results[np.arange(60), labels[:60]] = 0.5
    results[np.arange(60), (labels[:60] + 1) % 12] = 0.5
    assert "ties" in symptoms(results, labels)


def test_vectors_that_repeat_the_one_before_are_found() -> None:
    results, labels = healthy()
    results[1::3] = results[0:-1:3]
    assert "repeats" in symptoms(results, labels)


@pytest.mark.parametrize("shift", [-3, -1, 1, 2])
def test_results_of_the_neighbouring_input_are_found(shift: int) -> None:
    results, labels = healthy()
    (found,) = accuracy_symptoms(np.roll(results, -shift, axis=0), labels)
    assert found.symptom == "neighbour"
    assert found.numbers["shift"] == shift


def test_classes_in_another_order_are_found() -> None:
    results, labels = healthy()
    (found,) = accuracy_symptoms(results[:, ::-1], labels)
    assert found.symptom == "class_order"
    assert found.numbers["top1_reordered"] > 0.85


def test_answers_at_random_are_chance() -> None:
    results, labels = healthy(accuracy=0)
    assert symptoms(results, labels) == ["chance"]


def test_vectors_that_are_no_numbers_are_counted_and_left_out() -> None:
    results, labels = healthy()
    results[5, 3] = np.nan
    (found,) = accuracy_symptoms(results, labels)
    assert (found.symptom, found.numbers["vectors"]) == ("not_a_number", 1)
    results[:] = np.inf
    assert symptoms(results, labels) == ["not_a_number"]


def test_no_vector_is_looked_at_by_itself() -> None:
    small, large = (calls_made(lambda n=count: accuracy_symptoms(*healthy(n))) for count in (100, 1000))
    # Ten times the vectors in the same calls of whole arrays.
    assert large < small + 500


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(12, 300), step=st.sampled_from([1e-6, 1 / 16]))
def test_rates_are_those_of_scikit_learn(seed: int, count: int, step: float) -> None:
    results, labels = healthy(count, seed, 0.6, step)
    present = np.unique(labels)
    assert (confusion_of(results, labels) == confusion_matrix(labels, results.argmax(1), labels=range(12))).all()
    assert top1_of(results, labels) == np.trace(confusion_of(results, labels)) / count
    if len(present) > 1:
        expected = np.mean([roc_auc_score(labels == one, results[:, one]) for one in present])
        assert auc_of(results, labels) == pytest.approx(expected, abs=1e-12)


def test_the_area_is_not_defined_for_one_class() -> None:
    results, _ = healthy(20)
    assert auc_of(results, np.zeros(20, np.int64)) is None


def test_other_shapes_and_classes_are_refused() -> None:
    results, labels = healthy(20)
    for wrong in ((results[:, :11], labels), (results, labels[:19]), (results, labels + 12), (results[0], labels)):
        with pytest.raises(MalformedTraceError):
            accuracy_symptoms(*wrong)
