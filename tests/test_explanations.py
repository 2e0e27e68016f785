"""What is tried after a model: each explanation with its words, its freedom and its error by vector."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from tracer.accuracy.confusion_text import confusion_table
from tracer.accuracy.explanations import Explanation, explain
from tracer.accuracy.mistakes import RAW
from tracer.accuracy.symptoms import SHIFTS
from tracer.classes import LABELS


def probabilities(count: int, decimals: int = 3, seed: int = 0) -> np.ndarray:
    powers = np.exp(np.random.default_rng(seed).normal(0, 2, (count, 12)))
    return np.round(powers / powers.sum(axis=1, keepdims=True), decimals)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values)
    return powers / powers.sum(axis=1, keepdims=True)


def off(recorded: np.ndarray, expected: np.ndarray) -> list[float]:
    """The largest difference of each vector, to a rounding."""
    pairs = zip(recorded.tolist(), expected.tolist(), strict=True)
    return pytest.approx([max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in pairs])


def told(recorded: np.ndarray, expected: np.ndarray, decimals: int = 3) -> dict[tuple[str, str], Explanation]:
    """Every explanation by the key and the text of its last mistake; the model's own reading is by nothing."""
    found = list(explain("own", (RAW,), recorded, expected, decimals))
    assert all((one.model, one.mistakes[0]) == ("own", RAW) for one in found)
    last = [(one.mistakes[-1].key, one.mistakes[-1].text) if len(one.mistakes) > 1 else ("", "") for one in found]
    assert len(set(last)) == len(last)
    return dict(zip(last, found, strict=True))


def test_few_results_are_held_against_the_outputs_as_they_would_be_printed_and_softmax_applied_twice() -> None:
    expected = probabilities(19, 6)
    recorded = np.round(expected, 3)
    found = told(recorded, expected)
    assert list(found) == [("", ""), ("softmax_doubled", "softmax applied twice")]
    plain, twice = found.values()
    assert (plain.errors.tolist(), plain.loosest, plain.cost) == ([0.0] * 19, 0.01, 1)
    assert (twice.errors.tolist(), twice.loosest) == (off(recorded, np.round(softmax(expected), 3)), 1e-3)
    assert told(np.round(recorded, 2), expected, 2)["softmax_doubled", "softmax applied twice"].loosest == 1e-2


def test_results_of_other_inputs_are_shifted_by_up_to_three_or_from_a_place_on() -> None:
    expected = probabilities(30)
    # From the eleventh on each is that of the input after it.
    recorded = np.concatenate([expected[:10], expected[11:], probabilities(1, seed=1)])
    found = told(recorded, expected)
    texts = [text for key, text in found if key == "shifted" and text.startswith("each")]
    assert texts == [
        f"each result is that of the input {abs(shift)} {'before' if shift < 0 else 'after'} it" for shift in SHIFTS
    ]
    late = found["shifted", "from input 10 of the pass on, each result is that of the input 1 after it"]
    # The last has no input after it.
    assert late.errors.tolist() == pytest.approx([0.0] * 29 + [np.nan], nan_ok=True)
    assert (late.cost, late.share(1e-3), late.reproduced(1e-3)) == (3, 1.0, 29)
    two = found["shifted", "each result is that of the input 2 before it"]
    assert two.errors[2:].tolist() == off(recorded[2:], expected[:-2])
    assert (np.isnan(two.errors[:2]).all(), two.cost) == (True, 2)
    assert not [text for _, text in told(recorded[:15], expected[:15]) if "shifted" in text]


@pytest.mark.parametrize(("place", "told_so"), [(5, False), (6, True), (24, True), (25, False)])
def test_a_shift_begins_where_six_results_lie_on_each_side(place: int, *, told_so: bool) -> None:
    expected = probabilities(30)
    recorded = np.concatenate([expected[:place], expected[place - 1 : -1]])
    texts = [text for _, text in told(recorded, expected)]
    text = f"from input {place} of the pass on, each result is that of the input 1 before it"
    assert (text in texts) == told_so


def test_logits_are_held_against_the_outputs_after_softmax() -> None:
    logits = np.random.default_rng(2).normal(0, 3, (19, 12)).round(6)
    found = told(logits, softmax(logits), 6)
    assert list(found) == [("", ""), ("softmax_missing", "softmax missing")]
    assert found["softmax_missing", "softmax missing"].errors.max() < 1e-12


@pytest.mark.parametrize(("most", "key"), [(1.01, "softmax_doubled"), (1.02, "softmax_missing")])
def test_what_rounding_moves_beyond_one_is_a_probability_still(most: float, key: str) -> None:
    recorded = probabilities(19)
    recorded[3, 4] = most
    assert [name for name, _ in told(recorded, recorded)][1] == key


def test_whole_numbers_are_counts_of_the_scale_that_fits_and_none_of_too_small_a_one() -> None:
    expected = probabilities(19)
    counts = np.rint(expected * 256) - 128
    text = "outputs not dequantized (counts of about 1/256, zero point -128)"
    found = told(counts, expected)["output_counts", text]
    slope, base = np.polyfit(expected.ravel(), counts.ravel(), 1)
    assert found.errors.tolist() == off((counts - base) / slope, expected)
    assert found.errors.max() < 0.005
    for others in (counts + 0.5, np.rint(expected * 1.5) + 2):
        assert [key for key, _ in told(others, expected)] == ["", "softmax_missing"]
    assert [key for key, _ in told(counts, np.full((19, 12), 1 / 12))] == ["", "softmax_missing"]


def test_another_order_of_the_classes_is_looked_for_in_sixty_results() -> None:
    expected = probabilities(60)
    order = [3, 1, 2, 0, 4, 5, 7, 8, 6, 9, 10, 11]
    moved = ", ".join(f"{LABELS[one]} at {place}" for place, one in enumerate(order) if one != place)
    assert moved == "no at 0, down at 3, stop at 6, up at 7, right at 8"
    found = told(expected[:, order], expected)["class_order", f"classes in another order ({moved})"]
    assert (found.errors.tolist(), found.cost) == ([0.0] * 60, 3)
    for recorded, count in ((expected[:, order], 59), (expected, 60)):
        assert "class_order" not in [key for key, _ in told(recorded[:count], expected[:count])]


def test_an_explanation_counts_what_is_within_its_tolerance_of_what_it_says_something_of() -> None:
    one = Explanation("own", (RAW,), np.array([0.0, 1e-3, 1e-3 + 1e-12, 1.1e-3, np.nan]))
    assert (one.reproduced(1e-3), one.share(1e-3)) == (3, 0.75)
    assert Explanation("own", (), np.full(3, np.nan)).share(0.01) == 0
    assert one.keys == {"no_dequantization"}


def test_a_confusion_matrix_is_a_table_of_counts_with_dots_for_none() -> None:
    matrix = np.zeros((12, 12), np.int64)
    matrix[0, 0], matrix[2, 11], matrix[11, 11] = 7, 1_234, 30
    out = io.StringIO()
    Console(file=out, width=100).print(confusion_table("Inputs", matrix.tolist()))
    lines = [line.replace("│", " ").replace("┃", " ").rstrip() for line in out.getvalue().splitlines()]
    heads = "down go left no off on right stop up yes silen unkno"
    assert lines[2].split() == heads.split()
    rows = {line.split()[0]: line.split()[1:] for line in lines[4:16]}
    assert rows == {
        name: [{(0, 0): "7", (2, 11): "1234", (11, 11): "30"}.get((row, column), ".") for column in range(12)]
        for row, name in enumerate(LABELS)
    }
    # Numbers stand at the right of their columns.
    assert lines[4].index("7") == lines[2].index("down") + 3
    assert lines[6].endswith(" 1234")
