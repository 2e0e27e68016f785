"""What a pipeline asks of a runtime: stages that pass their values on inside the backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer.errors import ModelError

INPUT_SHAPE = (1, 49, 10, 1)
INPUT_VALUES = 490
CLASSES = 12


def other_task(path: Path, inputs: object, outputs: object) -> ModelError:
    """A model of another task: its input is not 490 values or its output not 12."""
    problem = f"input {inputs} and output {outputs} are not the keyword-spotting model's"
    return ModelError(path, problem, "it takes 490 values (1, 49, 10, 1) and gives 12 (1, 12)")


class Backend(Protocol):
    """
    A loaded model.

    The stages take no arguments and return nothing: in the timed loop each is one call. ``host_input`` is the
    array that ``host_to_device`` copies from; whoever prepares an input writes into it.
    """

    name: str
    version: str
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
        """float32 (12,), of the inference read back last."""

    def close(self) -> None:
        """Let the runtime's memory go."""
