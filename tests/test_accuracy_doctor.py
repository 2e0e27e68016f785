"""Any one planted mistake is diagnosed as that and no other; none gives none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from runner.accuracy.mistake_search import diagnose
from runner.accuracy.report_text import summary_of
from tests.accuracy_cases import COUNT_PLANTS, FLOAT_PLANTS, LinearModel, inputs, planted, real, softmax
from tracer.accuracy.explanations import decimals_of
from tracer.accuracy.verdict import likeness

DATA = inputs()


@pytest.mark.parametrize("name", FLOAT_PLANTS)
def test_a_mistake_before_a_float_model_is_named(name: str) -> None:
    keys, plant = FLOAT_PLANTS[name]
    found = diagnose(planted(LinearModel(), plant, DATA), LinearModel())
    assert found.verdict.kind == ("mistake" if keys else "as_it_should_be")
    assert found.verdict.best.keys == keys
    assert found.mended_top1 > 0.85


@pytest.mark.parametrize("name", COUNT_PLANTS)
def test_a_mistake_before_an_int8_model_is_named(name: str) -> None:
    keys, plant = COUNT_PLANTS[name]
    model = LinearModel(takes_counts=True)
    found = diagnose(planted(model, plant, DATA, 3), model)
    assert found.verdict.kind == ("mistake" if keys else "as_it_should_be")
    assert found.verdict.best.keys == keys


CHEAP = sorted(set(FLOAT_PLANTS) - {"another scale", "another zero point", "another scale and zero point"})


@settings(max_examples=10, deadline=None)
@given(
    name=st.sampled_from(CHEAP),
    seed=st.integers(0, 2**16),
    count=st.integers(80, 200),
    decimals=st.sampled_from([3, 6]),
)
def test_one_planted_mistake_is_that_and_no_other(name: str, seed: int, count: int, decimals: int) -> None:
    keys, plant = FLOAT_PLANTS[name]
    model = LinearModel(seed)
    found = diagnose(planted(model, plant, inputs(count, seed), decimals), model)
    assert found.verdict.best.keys == keys
    assert found.verdict.kind in {"mistake", "as_it_should_be"}


@settings(max_examples=3, deadline=None)
@given(scale=st.floats(0.1, 2), zero_point=st.integers(-60, 60))
def test_scale_and_zero_point_are_found_by_fit(scale: float, zero_point: int) -> None:
    vectors = LinearModel().predict(real(DATA, scale, zero_point))
    found = diagnose(planted(LinearModel(), lambda *_: vectors, DATA), LinearModel())
    assert found.verdict.best.keys <= {"quantization", "no_dequantization"}
    assert found.verdict.kind in {"mistake", "as_it_should_be"}
    assert found.verdict.best.share(1e-4) > 0.95


def test_the_figures_of_a_fit_are_told_beside_the_right_ones() -> None:
    matched = planted(LinearModel(), FLOAT_PLANTS["another scale and zero point"][1], DATA)
    found = diagnose(matched, LinearModel())
    assert "scale 0.83, zero point 60 instead of 0.5 and 20" in found.verdict.best.mistakes[0].text


def test_another_model_at_hand_is_named_and_one_that_is_not_needed_is_not_loaded() -> None:
    other = LinearModel(7, name="other")
    matched = planted(other, FLOAT_PLANTS["none"][1], DATA)
    found = diagnose(matched, LinearModel(), [LinearModel(8, name="third"), other])
    assert found.verdict.best.keys == {"other_model"}
    assert "another model (other)" in summary_of(matched, [], found)[0]

    def never() -> Any:
        pytest.fail("the model itself reproduces the results")
        yield

    assert diagnose(matched, other, never()).verdict.kind == "as_it_should_be"


def test_random_weights_are_reproduced_by_nothing_and_said_to_be_at_chance() -> None:
    random = LinearModel(99)
    matched = planted(LinearModel(), lambda _, x: random.predict(real(x)), DATA)
    found = diagnose(matched, LinearModel(), [LinearModel(8, name="other")])
    assert found.verdict.kind == "not_reproduced"
    said = " ".join(summary_of(matched, [], found))
    assert "No mistake that is tried reproduces" in said
    assert "at chance" in said


def test_other_arithmetic_is_no_mistake() -> None:
    random = np.random.default_rng(3)
    model = LinearModel()

    def noisy(_: LinearModel, data: NDArray[np.int8]) -> NDArray[np.float64]:
        return softmax(model.logits(real(data)) + random.normal(0, 0.05, (len(data), 12)))

    matched = planted(model, noisy, DATA)
    found = diagnose(matched, model)
    assert found.verdict.best.keys == set()
    assert "No mistake found" in summary_of(matched, [], found)[0]


def test_results_off_by_less_than_the_last_digits_are_reproduced_to_fewer_digits() -> None:
    model = LinearModel()
    matched = planted(model, lambda m, x: m.predict(real(x)) + 3e-5, DATA)
    found = diagnose(matched, model)
    assert (found.verdict.kind, found.verdict.digits) == ("as_it_should_be", 4)


def test_where_no_byte_is_negative_the_simpler_mistake_is_meant_and_the_other_not_excluded() -> None:
    data = np.abs(DATA // 2)
    model = LinearModel()
    matched = planted(model, FLOAT_PLANTS["raw"][1], data)
    found = diagnose(matched, model)
    assert (found.verdict.kind, found.verdict.best.keys) == ("mistake", {"no_dequantization"})
    assert found.verdict.alike[0].keys == {"unsigned", "no_dequantization"}
    assert any("Not excluded" in line for line in summary_of(matched, [], found))


def test_results_that_hardly_depend_on_the_input_decide_nothing() -> None:
    model = LinearModel()
    model.weights[:, 11] += 1
    matched = planted(model, FLOAT_PLANTS["unsigned raw"][1], DATA, 3)
    assert likeness(matched.vectors, 1e-3) == 1
    found = diagnose(matched, model)
    assert found.verdict.kind == "undecided"
    assert "too much alike" in " ".join(summary_of(matched, [], found))


def test_a_mistake_is_not_named_on_the_strength_of_one_vector() -> None:
    model = LinearModel()
    data = inputs(5)
    vectors = model.predict(real(data))
    vectors[1:] = model.predict(real(data[1:]))
    raw = model.predict(data.astype(np.float32))
    found = diagnose(planted(model, lambda *_: np.concatenate([raw[:1], vectors[1:]]), data), model)
    assert found.verdict.kind == "not_reproduced"


@pytest.mark.parametrize(
    ("text", "digits"), [([0.123, 0.5], 3), ([1.0, 0.0], 3), ([0.1234, 0.5], 4), ([0.9999987, 0.0], 6)]
)
def test_digits_are_those_printed(text: list[float], digits: int) -> None:
    assert decimals_of(np.array([text])) == digits


def test_float_inputs_have_their_own_mistakes() -> None:
    model = LinearModel()
    data = real(DATA)
    matched = planted(model, lambda m, _: m.predict(real(DATA)), DATA)
    floats = type(matched)(matched.vectors, matched.labels, data, matched.vectors, matched.labels)
    assert diagnose(floats, model).verdict.kind == "as_it_should_be"
    counts = np.round(model.predict(DATA.astype(np.float32)), 6)
    wrong = type(matched)(counts, matched.labels, data, counts, matched.labels)
    assert diagnose(wrong, model).verdict.best.keys == {"quantized"}
