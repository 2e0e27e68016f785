"""LiteRT over ``.tflite`` files, and over the SavedModel's own float weights, converted here."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import Absent, Candidate, Found
from runner.bench.runtimes.saved_model import SessionModel
from runner.inference.backends.litert import LiteRtBackend
from runner.inference.pipeline import Pipeline
from tracer.errors import first_line
from tracer.quantization import Quantization

CONVERTED = "LiteRT float, converted"


def litert_candidates(files: list[Path], quantization: Quantization, threads: int) -> Found:
    """
    One candidate a file; of an int8 model the 12 answers are dequantized in each inference, some 2 us of NumPy.

    ``quantization`` is of int8 inputs to a float model.
    """
    found = Found([], [])
    for path in files:
        backend = LiteRtBackend(path, threads)
        whole = f"{path.name} with {backend.input_dtype} in and out"
        name = "LiteRT int8" if backend.input_scale is not None else "LiteRT float in and out"
        taken = [one.name for one in found.candidates]
        found.candidates.append(_candidate(name if name not in taken else whole, backend, quantization))
    return found


def converted_candidate(model: SessionModel, folder: Path, quantization: Quantization) -> Found:
    """The SavedModel's float weights as a ``.tflite`` without quantization."""
    v1 = model.tf.compat.v1
    path = folder / "float.tflite"
    try:
        converter = v1.lite.TFLiteConverter.from_session(model.session, [model.input], [model.output])
        path.write_bytes(converter.convert())
    except (_converter_error(), ValueError, RuntimeError) as error:
        reason = first_line(error)
        return Found([], [Absent(CONVERTED, reason, "give a float .tflite with --tflite")])
    return Found([_candidate(CONVERTED, LiteRtBackend(path, model.threads), quantization)], [])


def _candidate(name: str, backend: LiteRtBackend, quantization: Quantization) -> Candidate:
    pipeline = Pipeline(backend, quantization, "reference", "fused")

    def probabilities() -> NDArray[np.float32]:
        backend.fused()
        return backend.probabilities()

    input_type = "int8" if backend.input_scale is not None else "float32"
    return Candidate(
        name, backend.version, input_type, "CPU", pipeline.load, backend.fused, probabilities, backend.close
    )


def _converter_error() -> type[Exception]:
    from tensorflow.lite.python.convert import ConverterError

    return cast("type[Exception]", ConverterError)
