"""ONNX Runtime over the SavedModel's float weights, once an execution provider."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from runner.bench.runtimes.candidate import Absent, Found
from runner.inference.backends.onnxruntime_session import OnnxRuntimeBackend
from runner.inference.onnx_conversion import converted
from tracer.errors import ModelError
from tracer.quantization import Quantization

NAME = "ONNX Runtime"
PROVIDERS: dict[Any, str] = {"cpu": "CPU", "cuda": "CUDA", "tensorrt": "TensorRT"}


def onnx_candidates(path: Path, folder: Path, quantization: Quantization, threads: int) -> Found:
    """One candidate an execution provider that this ONNX Runtime has; the converted model is put into ``folder``."""
    file, found = folder / "model.onnx", Found([], [])
    try:
        file.write_bytes(converted(path, {}))
    except ModelError as error:
        return Found([], [Absent(NAME, error.problem, error.remedy)])
    for provider, short in PROVIDERS.items():
        found.add(f"{NAME} {short}", partial(OnnxRuntimeBackend, file, provider, threads), quantization)
    return found
