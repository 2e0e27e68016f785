"""
Inputs whose answers are known: what a runtime says to them is held against the reference's before it is timed.

The reference is TensorFlow's ``Session.run`` over the SavedModel. Its answers are shipped with the shipped model, and
`kws-trace convert` writes them into the ONNX file that it makes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.dataset import Dataset
from runner.inference.pipeline import Pipeline
from tracer.errors import ModelError
from tracer.figure_text import significant_text
from tracer.given_json import parsed_json
from tracer.quantization import Quantization
from tracer.reports.machine_report import on_gpu

NOTE = "kws-trace.known_answers"
"""Key of an ONNX file's notes."""

ALLOWED_FLOAT32, ALLOWED_GPU, ALLOWED_INT8 = 1e-4, 1e-2, 0.1
"""
How far a probability may lie from the reference's. In float32 the order of a sum moves it in the seventh digit; a GPU
may multiply in TF32, whose ten bits of mantissa leave three digits; int8 weights and activations are another model
near the first, and only a wrong one is told from it.
"""


@dataclass(frozen=True)
class KnownAnswers:
    """Inputs as int8 (N, 490), how they stand for real values, and the reference's answers, float32 (N, 12)."""

    counts: NDArray[np.int8]
    quantization: Quantization
    answers: NDArray[np.float32]

    @classmethod
    def parsed(cls, text: str) -> KnownAnswers:
        """
        From ``text()``.

        Raises:
            ValueError: if it is none.
        """
        try:
            told = parsed_json(text)
            counts = np.array([np.frombuffer(bytes.fromhex(one), np.int8) for one in told["inputs"]])
            quantization = Quantization(float(told["scale"]), int(told["zero_point"]))
            answers = np.array(told["answers"], np.float32)
        except (LookupError, TypeError, OverflowError) as error:
            raise ValueError(str(error)) from None
        if not len(counts) or counts.shape != (len(counts), 490) or answers.shape != (len(counts), 12):
            raise ValueError(f"inputs {counts.shape}, answers {answers.shape}")
        if not np.isfinite([quantization.scale, *answers.flat]).all():
            raise ValueError("a number in it is too large")
        return cls(counts, quantization, answers)

    def text(self) -> str:
        """As JSON: ``inputs`` (hexadecimal), ``scale``, ``zero_point``, ``answers``."""
        told = {
            "scale": self.quantization.scale,
            "zero_point": self.quantization.zero_point,
            "inputs": [one.tobytes().hex() for one in self.counts],
            "answers": [[round(float(value), 9) for value in one] for one in self.answers],
        }
        return json.dumps(told)


def reference_answers(pipeline: Pipeline, quantization: Quantization, dataset: Dataset) -> KnownAnswers:
    """The answers of ``pipeline`` to the first input of each class."""
    places = [int(np.flatnonzero(dataset.labels == one)[0]) for one in np.unique(dataset.labels)]
    counts = np.array([np.frombuffer(dataset.input(place), np.int8) for place in places])
    return KnownAnswers(counts, quantization, _answered(pipeline, counts, quantization, "fused"))


def check_known_answers(pipeline: Pipeline, known: KnownAnswers) -> dict[str, Any]:
    """
    Hold the answers of a backend, split and fused, against the reference's.

    Returns:
        ``inputs``, ``largest_difference`` of a probability, and what is ``allowed``.

    Raises:
        ModelError: if it is more than is allowed.
    """
    backend = pipeline.backend
    allowed = allowed_difference(pipeline)
    found = 0.0
    for mode in ("split", "fused"):
        answers = _answered(pipeline, known.counts, known.quantization, mode)
        found = max(found, largest_difference(answers, known.answers))
    if found > allowed:
        said, limit = (significant_text(value) for value in (found, allowed))
        raise ModelError(
            f"{backend.name} {backend.version} {backend.way}".strip(),
            f"its answers to known inputs differ from the reference's by up to {said}, and {limit} is allowed",
            "the model is another one or the runtime is at fault: make the model again, or take another runtime",
        )
    return {"inputs": len(known.counts), "largest_difference": found, "allowed": allowed}


def largest_difference(answers: NDArray[np.float32], known: NDArray[np.float32]) -> float:
    """Of a probability; infinite where one is no number, which would compare as larger than nothing."""
    return float(np.nan_to_num(np.abs(answers - known), nan=np.inf).max())


def allowed_difference(pipeline: Pipeline) -> float:
    """By the arithmetic of the runtime."""
    if pipeline.backend.input_scale is not None:
        return ALLOWED_INT8
    return ALLOWED_GPU if on_gpu({"device": pipeline.backend.device}) else ALLOWED_FLOAT32


def _answered(
    pipeline: Pipeline, counts: NDArray[np.int8], quantization: Quantization, mode: str
) -> NDArray[np.float32]:
    answers = []
    for one in counts:
        if pipeline.backend.input_scale is None:
            # As float32, whatever scale the options give the host's inputs.
            pipeline.load(((one.astype("<f4") - quantization.zero_point) * np.float32(quantization.scale)).tobytes())
        else:
            pipeline.load(one.tobytes())
        for _, stage in pipeline.in_mode(mode).stages():
            stage()
        answers.append(pipeline.backend.probabilities())
    return np.array(answers, np.float32)
