"""What a pipeline asks of a runtime: stages that pass their values on inside the backend."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.errors import DeviceError, ModelError

INPUT_SHAPE = (1, 49, 10, 1)
INPUT_VALUES = 490
CLASSES = 12


def other_task(path: Path, inputs: object, outputs: object) -> ModelError:
    """A model of another task: its input is not 490 values or its output not 12."""
    problem = f"input {inputs} and output {outputs} are not the keyword-spotting model's"
    return ModelError(path, problem, "it takes 490 values (1, 49, 10, 1) and gives 12 (1, 12)")


def checked_ends(
    path: Path, inputs: Sequence[object], outputs: Sequence[object], batch: int = 1
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """
    The shapes that a model takes and gives a batch in.

    A first dimension that is no number, or negative, is the batch.

    Raises:
        ModelError: if the model is of another task, or takes another number of inputs at a time.
    """
    given, gives = _of_batch(inputs, batch), _of_batch(outputs, batch)
    values = (math.prod(given), math.prod(gives))
    if values == (INPUT_VALUES, CLASSES) and batch != 1:
        raise fixed_batch(path)
    if values != (batch * INPUT_VALUES, batch * CLASSES):
        raise other_task(path, tuple(inputs), tuple(outputs))
    return given, gives


def fixed_batch(path: Path) -> ModelError:
    """A model that takes one input at a time."""
    return ModelError(path, "its batch is fixed at 1", "export it with a batch of unknown size (None)")


def input_shape(batch: int) -> tuple[int, ...]:
    """Of the host's array."""
    return (batch, *INPUT_SHAPE[1:])


def answers_of(output: ArrayLike) -> NDArray[np.float32]:
    """A copy of a model's output: float32 (12,), of a batch (batch, 12)."""
    answers = np.array(output, np.float32).reshape(-1, CLASSES)
    return answers[0] if len(answers) == 1 else answers


def _of_batch(shape: Sequence[object], batch: int) -> tuple[int, ...]:
    sizes = [size if isinstance(size, int) else -1 for size in shape]
    return tuple(batch if place == 0 and size < 0 else size for place, size in enumerate(sizes))


def chosen_device(seen: Sequence[str], wanted: str | None) -> str:
    """
    The one of TensorFlow's devices that is meant, as ``/device:GPU:0``; without a wish the first GPU, else the first.

    Raises:
        DeviceError: if it is not among those seen.
    """
    if wanted is None:
        return f"/device:{next((name for name in seen if name.startswith('GPU')), seen[0])}"
    plain = wanted.upper().rsplit("/", 1)[-1].removeprefix("DEVICE:")
    plain = plain if ":" in plain else f"{plain}:0"
    if plain not in seen:
        raise DeviceError(f"no device {wanted}; the runtime sees {', '.join(seen)}: name one of them with --device")
    return f"/device:{plain}"


def cpu_number(device: str | None) -> int | None:
    """Which of TensorFlow's logical CPUs ``device`` is; None where it is none, or nothing is wished."""
    found = re.fullmatch(r"(?:.*[/:])?CPU(?::(\d+))?", (device or "").upper())
    return None if found is None else int(found[1] or 0)


class Backend(Protocol):
    """
    A loaded model.

    The stages take no arguments and return nothing: in the timed loop each is one call. ``host_input`` is the
    array that ``host_to_device`` copies from; whoever prepares an input writes into it.
    """

    name: str
    version: str
    way: str
    """How the runtime is called: TensorFlow's ``--runtime``, ONNX Runtime's provider; empty for LiteRT."""
    device: str
    threads: int | None
    input_dtype: np.dtype[Any]
    input_scale: float | None
    """Quantization of the model's own int8 input; None where it takes floats."""
    input_zero_point: int | None
    host_input: NDArray[Any]

    def host_to_device(self) -> None:
        """Copy ``host_input`` to where the model reads it; done when the copy is."""

    def session_run(self) -> None:
        """Run the model; done when its output is written on the device."""

    def readback(self) -> None:
        """Bring the output to the host, as probabilities."""

    def fused(self) -> None:
        """All three in one call, without a synchronisation of ours between them."""

    def probabilities(self) -> NDArray[np.float32]:
        """float32 (12,), of the inference read back last; of a batch (batch, 12)."""

    def close(self) -> None:
        """Let the runtime's memory go."""


class FloatBackend:
    """What the backends of a float model have in common: ``_output`` is what ``readback`` brought."""

    input_dtype: np.dtype[Any] = np.dtype(np.float32)
    input_scale: float | None = None
    input_zero_point: int | None = None
    _output: Any

    def probabilities(self) -> NDArray[np.float32]:
        """float32 (12,), of a batch (batch, 12); a copy: the next inference may write over the output's memory."""
        return answers_of(self._output)
