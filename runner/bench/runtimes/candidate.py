"""A way of running the model, ready to be timed; or the reason why it cannot be, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import Backend
from runner.inference.pipeline import Pipeline
from tracer.errors import KwsTraceError
from tracer.quantization import Quantization
from tracer.reports.machine_report import on_gpu

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
        load: takes the 490 or 1960 bytes of an input, of a batch one after the other, and makes them ready, outside
            of what is timed.
        infer: one inference, or a batch of them: from the host's array to the host's array, by the fewest Python
            calls that do it.
        probabilities: an inference's output, float32 (12,), of a batch (batch, 12); runs one.
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

    @property
    def on_gpu(self) -> bool:
        """By ``device``."""
        return on_gpu({"device": self.device})

    @classmethod
    def of(cls, name: str, backend: Backend, quantization: Quantization) -> Candidate:
        """A DUT's backend; ``quantization`` is of int8 inputs to a float model."""
        pipeline = Pipeline(backend, quantization, "reference", "fused")

        def probabilities() -> NDArray[np.float32]:
            backend.fused()
            return backend.probabilities()

        input_type = "int8" if backend.input_scale is not None else "float32"
        device = backend.device.removeprefix("/device:").replace("CPU:0", "CPU")
        return cls(
            name, backend.version, input_type, device, pipeline.load, backend.fused, probabilities, backend.close
        )


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

    def add(self, name: str, load: Callable[[], Backend], quantization: Quantization) -> None:
        """The backend that ``load`` gives as a candidate, or why there is none."""
        try:
            self.candidates.append(Candidate.of(name, load(), quantization))
        except KwsTraceError as error:
            self.absent.append(Absent(name, error.problem or str(error), error.remedy or "see above"))
