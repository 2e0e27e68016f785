"""Each symptom of an accuracy pass as it is told, whole; and on which side of its limit it begins."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.test_accuracy_symptoms import healthy, symptoms
from tracer.accuracy.confusion import check_pass
from tracer.accuracy.symptoms import Finding, accuracy_symptoms
from tracer.errors import MalformedTraceError

Answers = NDArray[np.float64]


def answers(given: NDArray[np.int64]) -> Answers:
    """Vectors that name these classes, each another one."""
    rest = np.random.default_rng(3).uniform(0.001, 0.01, (len(given), 12))
    rest[np.arange(len(given)), given] = 0
    rest[np.arange(len(given)), given] = 1 - rest.sum(axis=1)
    return rest


def spread_out(*counts: int) -> NDArray[np.int64]:
    """So many of each class in turn, in no order."""
    return np.random.default_rng(4).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


def test_logits_counts_and_outputs_of_another_function_are_told_by_their_sums() -> None:
    results, labels = healthy(40)
    logits = np.round(np.log(results + 1e-6), 3)
    middle = float(np.median(logits.sum(axis=1)))
    assert accuracy_symptoms(logits, labels) == [
        Finding(
            "sums",
            "warning",
            f"40 of 40 vectors do not sum to 1 (median {middle:.3f})",
            "softmax is missing (logits), or the output was dequantized with another scale",
            {"vectors": 40, "of": 40, "median_sum": middle},
        )
    ]
    double = np.where(results == results.max(axis=1, keepdims=True), 1.5, results)
    (found,) = accuracy_symptoms(double, labels)
    assert found.suggests == "softmax is missing (logits), or the output was dequantized with another scale"
    (found,) = accuracy_symptoms(np.clip(results * 1.7, 0, 1), labels)
    assert found.suggests == "softmax may be missing, or another function (a sigmoid) in its place"
    (found,) = accuracy_symptoms(np.rint(results * 256) - 128, labels)
    assert found.suggests == (
        "these are the model's counts: its quantized output was printed without dequantizing it"
    )


@pytest.mark.parametrize(("wrong", "severity"), [(2, "note"), (3, "warning")])
def test_up_to_a_twentieth_of_the_vectors_may_have_lost_characters(wrong: int, severity: str) -> None:
    results, labels = healthy(40)
    for row in range(7, 7 + wrong):
        results[row, results[row].argmax()] /= 10
    (found,) = accuracy_symptoms(results, labels)
    assert (found.symptom, found.severity, found.numbers["vectors"]) == ("sums", severity, wrong)
    if severity == "note":
        assert found.message == "2 of 40 vectors do not sum to 1, first number 7"
        assert found.suggests == "the line may have lost characters there"


def test_vectors_near_a_twelfth_are_told_with_their_ends_and_near_what_softmax_twice_can_give() -> None:
    results, labels = healthy()
    twice = np.exp(results) / np.exp(results).sum(axis=1, keepdims=True)
    low, high = float(twice.min()), float(twice.max())
    assert accuracy_symptoms(twice, labels) == [
        Finding(
            "flat",
            "warning",
            f"every probability lies between {low:.3f} and {high:.3f}, near 1/12",
            "softmax is probably applied twice",
            {"lowest": low, "highest": high},
        )
    ]
    # It gives no less than 1 / (e + 11), 0.0729, and no more than e / (e + 11), 0.1981; half a hundredth is let go.
    edges = np.full((40, 12), (1 - 0.0682 - 0.2025) / 10)
    edges[:, 0], edges[np.arange(40), 1 + np.arange(40) % 11] = 0.0682, 0.2025
    assert "flat" in symptoms(edges, np.arange(40) % 11 + 1)
    for place, value in ((0, 0.0675), (1, 0.2035)):
        outside = edges.copy()
        outside[0, place] = value
        assert "flat" not in symptoms(outside, np.arange(40) % 11 + 1)


def test_a_class_dominates_from_half_of_the_answers_and_three_tenths_above_its_share() -> None:
    labels = spread_out(30, *[7] * 10, 0)
    for named, found in ((60, True), (59, False)):
        given = labels.copy()
        given[np.flatnonzero(labels)[: named - 30]] = 0
        assert ("dominating_class" in symptoms(answers(given), labels)) == found
    # Half of the answers count, a little less does not.
    labels = spread_out(10, *[9] * 10, 0)
    for named, found in ((50, True), (49, False)):
        given = labels.copy()
        given[np.flatnonzero(labels)[: named - 10]] = 0
        assert ("dominating_class" in symptoms(answers(given), labels)) == found


def test_five_inputs_of_two_classes_that_all_get_one_are_answered_by_a_constant() -> None:
    five = np.array([2, 2, 2, 3, 3])
    assert accuracy_symptoms(answers(np.full(5, 2)), five) == [
        Finding(
            "dominating_class",
            "warning",
            "left (class 2) is given for 5 of 5 inputs; 3 are of it: Top-1 60.0 % is the prior of that class and no "
            "recognition",
            "the input's type, scale or zero point is wrong, or the weights are not loaded",
            {"class": 2, "given": 5, "of": 5, "labels": 3, "top1": 0.6},
        )
    ]
    # Four are too few, and so are inputs of one class, or where seven in ten are of the class that is given.
    assert symptoms(answers(np.full(4, 2)), five[1:]) == []
    assert symptoms(answers(np.full(6, 5)), np.full(6, 3)) == []
    assert symptoms(answers(np.full(10, 2)), np.repeat([2, 3], [7, 3])) == []
    assert symptoms(answers(np.full(10, 2)), np.repeat([2, 3], [6, 4])) == ["dominating_class"]


def test_three_classes_that_changed_places_are_another_order_though_most_answers_are_right() -> None:
    labels = spread_out(*[10] * 12)
    places = np.array([1, 2, 0, *range(3, 12)])
    assert accuracy_symptoms(answers(places[labels]), labels) == [
        Finding(
            "class_order",
            "warning",
            "in another order of the classes Top-1 is 100.0 % against 75.0 % (down as go, go as left, left as down)",
            "model and labels number the classes differently",
            {"top1": 0.75, "top1_reordered": 1.0},
        )
    ]
    # Two of them are a sixth of the inputs, less than a fifth.
    assert symptoms(answers(np.array([1, 0, *range(2, 12)])[labels]), labels) == []
    assert symptoms(answers(places[labels[:59]]), labels[:59]) == []


def test_another_order_must_give_a_fifth_more_and_half_of_all() -> None:
    labels = spread_out(*[10] * 10, 0, 0)
    places = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10, 11])
    given = np.full(100, 11)
    for label in range(10):
        mine = np.flatnonzero(labels == label)
        given[mine[:5]], given[mine[5:8]] = places[label], label
    assert symptoms(answers(given), labels) == ["class_order"]
    for label in range(10):
        given[np.flatnonzero(labels == label)[8]] = label
    # Half in the other order against 40 % in theirs.
    assert "class_order" not in symptoms(answers(given), labels)


def test_answers_that_are_as_good_as_chance_are_told_with_the_prior() -> None:
    labels = spread_out(*[25] * 12)
    given = np.random.default_rng(8).permutation(labels)
    top1 = float((given == labels).mean())
    (found,) = accuracy_symptoms(answers(given), labels)
    assert found == Finding(
        "chance",
        "warning",
        f"Top-1 {100 * top1:.1f} % is no better than naming the most frequent class (8.3 %)",
        "inputs are not read as they were written, belong to other labels, or the weights are not loaded",
        {"top1": top1, "prior": 1 / 12},
    )


def test_ties_are_told_from_more_than_a_twentieth_of_twenty_vectors() -> None:
    labels = spread_out(*[4] * 10)
    results = answers(labels)
    for tied, found in ((2, []), (3, ["ties"])):
        rows = np.arange(tied)
        results[rows], other = 0.0, (labels[rows] + 1) % 12
        results[rows, labels[rows]] = results[rows, other] = 0.5
        assert [one for one in symptoms(results, labels) if one == "ties"] == found
    assert accuracy_symptoms(results, labels)[-1] == Finding(
        "ties",
        "warning",
        "in 3 of 40 vectors several classes share the largest value",
        "the output is rounded too coarsely, or never written: the first class wins a tie",
        {"vectors": 3, "of": 40},
    )
    assert "ties" not in symptoms(results[:19], labels[:19])


def test_vectors_that_repeat_are_counted_where_the_class_is_another_one() -> None:
    # Neighbours of one class may be alike: that is saturation.
    labels = np.r_[np.arange(101) % 4, [0] * 5]
    results = answers(labels)
    results[101:] = results[100]
    for again, found in ((5, []), (6, ["repeats"])):
        results[10 : 10 + again] = results[9]
        assert [one for one in symptoms(results, labels) if one == "repeats"] == found
    assert accuracy_symptoms(results, labels)[-1] == Finding(
        "repeats",
        "warning",
        "6 of 100 vectors repeat the one before, though the class is another",
        "an input was not loaded, or the result of the inference before was read",
        {"vectors": 6, "of": 100},
    )
    every = answers(labels[:21])
    every[1::2] = every[0:-1:2]
    assert ["repeats" in symptoms(every[:count], labels[:count]) for count in (21, 20)] == [True, False]


def test_vectors_that_hold_no_numbers_are_told_as_such() -> None:
    results, labels = healthy(40)
    results[[5, 9], [3, 4]] = np.nan, np.inf
    assert accuracy_symptoms(results, labels) == [
        Finding(
            "not_a_number",
            "warning",
            "2 of 40 vectors hold NaN or infinity",
            "the model may overflow, or its output be read as another type: look at the input's scale and both types",
            {"vectors": 2, "of": 40},
        )
    ]


def test_results_of_the_input_before_are_told_with_both_rates() -> None:
    labels = spread_out(*[3] * 10)
    found = accuracy_symptoms(answers(np.r_[labels[1:], 11]), labels)
    own = float((np.r_[labels[1:], 11] == labels).mean())
    assert found == [
        Finding(
            "neighbour",
            "warning",
            f"results fit the input 1 after theirs: Top-1 100.0 % against {100 * own:.1f} %",
            "a reply was lost or counted twice, or labels and inputs are not in one order",
            {"shift": 1, "top1": own, "top1_shifted": 1.0},
        )
    ]


@pytest.mark.parametrize("label", [-1, 12])
def test_a_class_beyond_the_twelve_is_refused_and_one_at_their_ends_is_not(label: int) -> None:
    labels = np.array([0, 11, label])
    with pytest.raises(MalformedTraceError, match=r"labels from -?\d+ to \d+: a class is a number from 0 to 11"):
        check_pass(np.zeros((3, 12)), labels)
    check_pass(np.zeros((2, 12)), labels[:2])
