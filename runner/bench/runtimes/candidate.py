"""A way of running the model, ready to be timed; or the reason why it cannot be, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import INPUT_SHAPE, INPUT_VALUES
from runner.inference.pipeline import dequantize_into, input_size_error
from tracer.quantization import Quantization

REFERENCE = "TensorFlow Session.run"
"""What the others are set against: the way that a program written after TensorFlow's own examples takes."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One way, loaded and with an input of zeros.

    Args:
        name: of the runtime and the way it is called.
        version: of the runtime.
        input_type: ``float32`` or ``int8``: what it takes; a float model may hold int8 weights inside.
        device: that it runs on.
        load: takes the 490 or 1960 bytes of an input and makes them ready, outside of what is timed.
        infer: one inference: from the host's array to the host's array, by the fewest Python calls that do it.
        probabilities: an inference's output, float32 (12,); runs one.
        close: lets its memory go.
    """

    name: str
    version: str
    input_type: str
    device: str
    load: Callable[[bytes], None]
    infer: Callable[[], object]
    probabilities: Callable[[], NDArray[np.float32]]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Absent:
    """A way that is not measured: why, and what brings it."""

    name: str
    reason: str
    remedy: str


@dataclass(slots=True)
class Found:
    """What a runtime offers here."""

    candidates: list[Candidate]
    absent: list[Absent]

    def close(self) -> None:
        """Close the candidates."""
        for candidate in self.candidates:
            candidate.close()


class FloatInput:
    """The host's float32 array that all float candidates read, so that none pays for another's input."""

    def __init__(self, quantization: Quantization) -> None:
        self.array: NDArray[np.float32] = np.zeros(INPUT_SHAPE, np.float32)
        self.quantization = quantization

    def load(self, data: bytes) -> None:
        """
        Write an input into ``array``.

        ``data`` is 490 bytes of int8, or 1960 of little-endian float32.

        Raises:
            DatasetError: if it is of another size.
        """
        if len(data) == INPUT_VALUES:
            counts = np.frombuffer(data, np.int8).reshape(INPUT_SHAPE)
            dequantize_into(self.array, counts, self.quantization)
        elif len(data) == 4 * INPUT_VALUES:
            self.array[...] = np.frombuffer(data, "<f4").reshape(INPUT_SHAPE)
        else:
            raise input_size_error(len(data), (INPUT_VALUES, 4 * INPUT_VALUES))
