from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tools.training.evaluation import (
    Accuracy,
    count_parameters,
    infer_int8,
    infer_saved_model,
    load_int8,
    measure_accuracy,
    quantization_of,
)
from tools.training.export import dequantize, input_quantization, quantize
from tools.training.features import ClipShapeError, log_mel, mel_weights, mfcc
from tools.training.speech import (
    HELD_OUT_VARIANTS,
    SILENCE,
    TRAINING_VARIANTS,
    draw_noise,
    place_in_noise,
)
from tools.training.train import HELD_OUT, INT8_MODEL, PROVENANCE, SAVED_MODEL, file_name
from tracer.classes import LABELS

SHIPPED = Path(__file__).resolve().parent.parent / "runner" / "shipped"


@pytest.fixture(scope="module")
def held_out() -> dict[str, NDArray[Any]]:
    with np.load(SHIPPED / HELD_OUT) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def provenance() -> dict[str, Any]:
    return dict(json.loads((SHIPPED / PROVENANCE).read_text()))


def tone(hertz: float) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000, dtype=np.float64).astype(np.float32)


def test_held_out_inputs_are_small_and_cover_every_class(held_out: dict[str, NDArray[Any]]) -> None:
    assert (SHIPPED / HELD_OUT).stat().st_size <= 600_000
    inputs, labels = held_out["inputs"], held_out["labels"]
    assert inputs.dtype == np.int8
    assert labels.dtype == np.uint8
    assert inputs.shape == (len(labels), 490)
    assert len(labels) >= 1000
    assert set(labels.tolist()) == set(range(12))
    assert len({clip.tobytes() for clip in inputs}) == len(inputs)


def test_held_out_names_have_the_benchmarks_form_and_tell_the_class(held_out: dict[str, NDArray[Any]]) -> None:
    names, labels = held_out["names"], held_out["labels"]
    assert len(names) == len(labels)
    for index, (name, label) in enumerate(zip(names.tolist(), labels.tolist(), strict=True)):
        found = re.fullmatch(r"tst_(\d{6})_([A-Z][a-z]+)_(\d+)\.bin", name)
        assert found is not None
        assert (int(found[1]), found[2].lower(), int(found[3])) == (index, LABELS[label], label)


def test_file_names_are_those_of_the_benchmark() -> None:
    assert file_name(0, 7) == "tst_000000_Stop_7.bin"
    assert file_name(36, SILENCE) == "tst_000036_Silence_10.bin"


def test_no_held_out_voice_was_heard_in_training(provenance: dict[str, Any]) -> None:
    assert not set(HELD_OUT_VARIANTS) & set(TRAINING_VARIANTS)
    assert provenance["held_out_variants"] == list(HELD_OUT_VARIANTS)
    assert provenance["training_variants"] == list(TRAINING_VARIANTS)


def test_provenance_tells_the_quantization_seed_versions_and_labels(provenance: dict[str, Any]) -> None:
    details = load_int8(SHIPPED / INT8_MODEL).get_input_details()[0]
    assert details["dtype"] is np.int8
    assert details["shape"].tolist() == [1, 49, 10, 1]
    assert (provenance["input_scale"], provenance["input_zero_point"]) == quantization_of(details)
    assert provenance["labels"] == list(LABELS)
    assert isinstance(provenance["seed"], int)
    assert {"tensorflow", "keras", "numpy", "espeak-ng", "python"} <= set(provenance["versions"])


def test_the_int8_model_recognizes_the_held_out_words(
    held_out: dict[str, NDArray[Any]], provenance: dict[str, Any]
) -> None:
    answers = infer_int8(SHIPPED / INT8_MODEL, held_out["inputs"])
    accuracy = measure_accuracy(answers, held_out["labels"])
    assert accuracy.top1 >= 0.93
    assert accuracy.auc >= 0.99
    assert accuracy.top1 == pytest.approx(provenance["held_out"][INT8_MODEL]["top1"], abs=0.003)


@pytest.mark.slow
def test_the_saved_model_recognizes_the_held_out_words(
    held_out: dict[str, NDArray[Any]], provenance: dict[str, Any]
) -> None:
    pytest.importorskip("tensorflow")
    quantization = provenance["input_scale"], provenance["input_zero_point"]
    features = dequantize(held_out["inputs"], *quantization).reshape(-1, 49, 10, 1)
    accuracy = measure_accuracy(infer_saved_model(SHIPPED / SAVED_MODEL, features), held_out["labels"])
    assert accuracy.top1 >= 0.93
    assert accuracy.auc >= 0.99
    assert accuracy.top1 == pytest.approx(provenance["held_out"][SAVED_MODEL]["top1"], abs=0.003)


def test_the_saved_model_has_the_benchmarks_number_of_parameters(provenance: dict[str, Any]) -> None:
    pytest.importorskip("tensorflow")
    assert count_parameters(SHIPPED / SAVED_MODEL) == provenance["parameters"] == 24_908


def test_the_saved_model_carries_no_training_state() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    names = [n for n, _ in tensorflow.train.list_variables(str(SHIPPED / SAVED_MODEL / "variables" / "variables"))]
    own = [name for name in names if not name.startswith("weights/")]
    assert own == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


def test_features_of_digital_silence_are_finite_and_49_by_10() -> None:
    features = mfcc(np.zeros((2, 16_000), dtype=np.float32))
    assert features.shape == (2, 49, 10, 1)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features[..., 1:, 0]).max() < 1e-5


@pytest.mark.parametrize("shape", [(16_000,), (1, 15_999), (1, 16_000, 1)])
def test_clips_of_another_length_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ClipShapeError, match="one second at 16 kHz"):
        mfcc(np.zeros(shape, dtype=np.float32))


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 0.9), seed=st.integers(0, 2**32 - 1))
def test_a_gain_moves_the_first_coefficient_alone(gain: float, seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal((1, 16_000)).astype(np.float32)
    loud, quiet = mfcc(noise), mfcc((noise * np.float32(gain)).astype(np.float32))
    np.testing.assert_allclose(quiet[..., 1:, :], loud[..., 1:, :], atol=1e-3)
    offset = np.sqrt(2 / 40) * 40 * np.log(gain)
    np.testing.assert_allclose(quiet[..., 0, :] - loud[..., 0, :], offset, atol=1e-3)


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 3500.0])
def test_a_tone_is_loudest_in_the_mel_bin_that_holds_its_frequency(hertz: float) -> None:
    bin_of_tone = round(hertz / (16_000 / 1024))
    assert log_mel(tone(hertz)[np.newaxis])[0, 24].argmax() == mel_weights()[bin_of_tone].argmax()


def test_mel_filters_reach_from_20_to_4000_hertz() -> None:
    reached = np.flatnonzero(mel_weights().sum(axis=1)) * 16_000 / 1024
    assert reached.min() >= 15.625
    assert 3950 <= reached.max() <= 4000


@settings(max_examples=50, deadline=None)
@given(lowest=st.floats(-200, -1), highest=st.floats(1, 200), seed=st.integers(0, 2**32 - 1))
def test_quantization_is_undone_within_half_a_count(lowest: float, highest: float, seed: int) -> None:
    scale, zero_point = input_quantization(lowest, highest)
    features = np.random.default_rng(seed).uniform(lowest, highest, 500).astype(np.float32)
    restored = dequantize(quantize(features, scale, zero_point), scale, zero_point)
    # The zero point is a whole count, so the ends of the range may move by half a count themselves.
    assert np.abs(restored - features).max() <= scale * 1.001


def test_noise_and_placement_give_one_second_within_full_scale() -> None:
    random = np.random.default_rng(1)
    assert np.mean(draw_noise(random) ** 2) == pytest.approx(1.0)
    for length in (1, 8000, 16_000, 20_000):
        clip = place_in_noise(np.ones(length, dtype=np.float32), random)
        assert clip.shape == (16_000,)
        assert 0.29 <= np.abs(clip).max() <= 1.0


def test_accuracy_of_perfect_answers_is_one() -> None:
    labels = np.arange(12, dtype=np.uint8)
    assert measure_accuracy(np.eye(12, dtype=np.float32), labels) == Accuracy(1.0, 1.0)
