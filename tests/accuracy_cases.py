"""An accuracy pass over a small made-up model, and every usual mistake planted in it; for tests of the doctor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.accuracy.recorded_results import Matched
from tracer.quantization import Quantization

SCALE, ZERO_POINT = 0.5, 20
FRAMES, COEFFICIENTS = 49, 10


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class LinearModel:
    """Softmax of a linear map of the real values; one that takes counts dequantizes them itself."""

    def __init__(self, seed: int = 0, *, takes_counts: bool = False, name: str = "linear") -> None:
        self.weights = np.random.default_rng(seed).normal(0, 0.006, (490, 12))
        self.name = name
        self.takes_counts = takes_counts
        self.quantization = Quantization(SCALE, ZERO_POINT)

    def logits(self, values: NDArray[Any]) -> NDArray[np.float64]:
        assert values.dtype == (np.int8 if self.takes_counts else np.float32)
        real = (values.astype(np.float64) - ZERO_POINT) * SCALE if self.takes_counts else values.astype(np.float64)
        return np.asarray(real @ self.weights)

    def predict(self, values: NDArray[Any]) -> NDArray[np.float64]:
        return softmax(self.logits(values))


Plant = Callable[[LinearModel, NDArray[np.int8]], NDArray[np.float64]]


def real(data: NDArray[Any], scale: float = SCALE, zero_point: float = ZERO_POINT) -> NDArray[np.float32]:
    return np.asarray((data.astype(np.float64) - zero_point) * scale, np.float32)


def swap(data: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.stack([one.reshape(FRAMES, COEFFICIENTS).T.ravel() for one in data])


def swap_back(data: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.stack([one.reshape(COEFFICIENTS, FRAMES).T.ravel() for one in data])


def unsigned(data: NDArray[np.int8]) -> NDArray[np.int64]:
    return data.astype(np.int64) % 256


ORDER = np.array([3, 1, 2, 0, 4, 5, 7, 6, 8, 9, 11, 10])

FLOAT_PLANTS: dict[str, tuple[set[str], Plant]] = {
    "none": (set(), lambda m, x: m.predict(real(x))),
    "raw": ({"no_dequantization"}, lambda m, x: m.predict(x.astype(np.float32))),
    "unsigned": ({"unsigned"}, lambda m, x: m.predict(real(unsigned(x)))),
    "unsigned raw": (
        {"unsigned", "no_dequantization"},
        lambda m, x: m.predict(unsigned(x).astype(np.float32)),
    ),
    "zero point left out": ({"quantization"}, lambda m, x: m.predict(real(x, zero_point=0))),
    "scale left out": ({"quantization"}, lambda m, x: m.predict(real(x, scale=1))),
    "another scale": ({"quantization"}, lambda m, x: m.predict(real(x, scale=0.31))),
    "another zero point": ({"quantization"}, lambda m, x: m.predict(real(x, zero_point=-37))),
    "another scale and zero point": ({"quantization"}, lambda m, x: m.predict(real(x, 0.83, 60))),
    "swapped": ({"transposed"}, lambda m, x: m.predict(real(swap(x)))),
    "swapped back": ({"transposed"}, lambda m, x: m.predict(real(swap_back(x)))),
    "one file before": ({"shifted"}, lambda m, x: m.predict(real(np.roll(x, 1, axis=0)))),
    "one file after": ({"shifted"}, lambda m, x: m.predict(real(np.roll(x, -1, axis=0)))),
    "a reply lost midway": (
        {"shifted"},
        lambda m, x: m.predict(real(np.concatenate([x[:40], np.roll(x[40:], -1, axis=0)]))),
    ),
    "classes reordered": ({"class_order"}, lambda m, x: m.predict(real(x))[:, ORDER]),
    "no softmax": ({"softmax_missing"}, lambda m, x: m.logits(real(x))),
    "softmax twice": ({"softmax_doubled"}, lambda m, x: softmax(m.predict(real(x)))),
    "counts printed": ({"output_counts"}, lambda m, x: np.rint(m.predict(real(x)) * 256) - 128),
}

COUNT_PLANTS: dict[str, tuple[set[str], Plant]] = {
    "none": (set(), lambda m, x: m.predict(x)),
    "unsigned": ({"unsigned"}, lambda m, x: m.predict(np.minimum(unsigned(x), 127).astype(np.int8))),
    "offset": ({"offset"}, lambda m, x: m.predict((unsigned(x) - 128).astype(np.int8))),
    "dequantized": ({"dequantized"}, lambda m, x: m.predict(np.clip(np.trunc(real(x)), -128, 127).astype(np.int8))),
    "scaled": ({"quantization"}, lambda m, x: m.predict(np.clip(np.rint(x * 0.7), -128, 127).astype(np.int8))),
    "swapped": ({"transposed"}, lambda m, x: m.predict(swap(x))),
    "one file before": ({"shifted"}, lambda m, x: m.predict(np.roll(x, 1, axis=0))),
}


def inputs(count: int = 150, seed: int = 1) -> NDArray[np.int8]:
    """int8 (count, 490), as MFCC are: neighbours in time are alike, coefficients differ."""
    random = np.random.default_rng(seed)
    slow = random.normal(0, 45, (count, FRAMES // 7, COEFFICIENTS)).repeat(7, axis=1)
    rough = random.normal(random.normal(0, 30, COEFFICIENTS), 15, (count, FRAMES, COEFFICIENTS))
    return np.clip(slow + rough, -128, 127).astype(np.int8).reshape(count, -1)


def labels_of(model: LinearModel, data: NDArray[np.int8], seed: int = 2) -> NDArray[np.int64]:
    """What the model says when all is right, wrong for a tenth."""
    random = np.random.default_rng(seed)
    right = model.predict(data if model.takes_counts else real(data)).argmax(axis=1)
    return np.where(random.random(len(data)) < 0.9, right, random.integers(0, 12, len(data))).astype(np.int64)


def planted(model: LinearModel, plant: Plant, data: NDArray[np.int8], decimals: int = 6) -> Matched:
    """A pass with the mistake in it, printed with ``decimals`` digits."""
    vectors, labels = np.round(plant(model, data), decimals), labels_of(model, data)
    return Matched(vectors, labels, data, vectors, labels)
