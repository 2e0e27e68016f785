"""ONNX Runtime over the SavedModel's float weights, once an execution provider."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from runner.bench.runtimes.candidate import Absent, Found
from runner.inference.backends.onnxruntime_session import GRAPH_OPTIONS, OnnxRuntimeBackend
from runner.inference.backends.tensorflow_graph import model_ends
from runner.inference.onnx_conversion import converted, with_batch
from tracer.errors import ModelError
from tracer.quantization import Quantization

NAME = "ONNX Runtime"
PROVIDERS: dict[Any, str] = {"cpu": "CPU", "cuda": "CUDA", "tensorrt": "TensorRT"}


def onnx_candidates(
    path: Path, folder: Path, quantization: Quantization, threads: int, batch: int = 1, *, graphs: bool = False
) -> Found:
    """
    One candidate an execution provider that this ONNX Runtime has; the converted model is put into ``folder``.

    With ``graphs`` also a CUDA graph of each provider that has one and runs the model.
    """
    found = Found([], [])
    try:
        file = _model_file(path, folder, batch)
    except ModelError as error:
        return Found([], [Absent(NAME, error.problem, error.remedy)])
    for provider, short in PROVIDERS.items():
        name = f"{NAME} {short}"
        load = partial(OnnxRuntimeBackend, file, provider, threads, batch=batch)
        found.add(name, load, quantization)
        if graphs and provider in GRAPH_OPTIONS and name in [one.name for one in found.candidates]:
            found.add(f"{name}, CUDA graph", partial(load, cuda_graph=True), quantization)
    return found


def _model_file(path: Path, folder: Path, batch: int) -> Path:
    """The model for a batch; converted once."""
    model_ends(path, batch)
    of_one, file = folder / "model.onnx", folder / f"model-{batch}.onnx"
    if not of_one.exists():
        of_one.write_bytes(converted(path, {}))
    if batch == 1:
        return of_one
    file.write_bytes(with_batch(of_one.read_bytes(), batch))
    return file
