"""TensorFlow's own ways of calling one SavedModel, each a layer thinner than the one before; and XLA."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from runner.bench.runtimes.candidate import REFERENCE, Found
from runner.inference.backends.tensorflow_function import TensorFlowFunctionBackend
from runner.inference.backends.tensorflow_session import TensorFlowBackend
from tracer.quantization import Quantization

SESSION_WAYS: dict[Any, str] = {
    "session": REFERENCE,
    "callable": "TensorFlow make_callable",
    "inline": "TensorFlow inline callable",
    "frozen": "TensorFlow frozen, inline",
    "xla": "TensorFlow frozen with XLA",
}
LOADED = "TensorFlow saved_model.load"
NAMES = (*SESSION_WAYS.values(), LOADED)


def tensorflow_candidates(path: Path, quantization: Quantization, threads: int, batch: int = 1) -> Found:
    """Every way that TensorFlow has here."""
    found = Found([], [])
    for way, name in SESSION_WAYS.items():
        found.add(name, partial(TensorFlowBackend, path, None, threads, way, batch), quantization)
    found.add(LOADED, partial(TensorFlowFunctionBackend, path, threads, batch), quantization)
    return found
