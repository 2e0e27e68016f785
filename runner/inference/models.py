"""From ``--model`` and its options to a loaded pipeline and the facts of it that a run keeps."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from runner.inference.backends.backend import Backend
from runner.inference.backends.onnx_file import onnx_notes
from runner.inference.known_answers import NOTE, KnownAnswers
from runner.inference.pipeline import Pipeline
from tracer.errors import ModelError, UsageError, told_unreadable
from tracer.given_files import check_file, read_file
from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization

SHIPPED = Path(__file__).parent.parent / "shipped"
SHIPPED_SAVED_MODEL = SHIPPED / "kws_ds_cnn"
SHIPPED_TFLITE = SHIPPED / "kws_ds_cnn_int8.tflite"
SHIPPED_ANSWERS = SHIPPED / "known_answers.json"

_DEVICE = re.compile(r"(/?device:)?(cpu|gpu)(:\d+)?", re.IGNORECASE)

RUNTIMES = {
    **dict.fromkeys(("session", "callable", "inline", "frozen", "xla", "loaded"), "tensorflow"),
    "capi": "tensorflow",
    "tensorrt": "onnxruntime",
}
"""Each ``--runtime`` with the backend whose models it runs."""

_REMEDY = "name a SavedModel folder, a .tflite or an .onnx file"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What to load, on what, and how to time it; each field as the option of its name."""

    path: Path
    backend: str | None = None
    device: str | None = None
    threads: int | None = None
    input_scale: float | None = None
    input_zero_point: int | None = None
    timed: str = "reference"
    mode: str = "split"
    runtime: str | None = None
    library: str | None = None
    provider: str | None = None
    cuda_graph: bool = False

    def __post_init__(self) -> None:
        if (self.input_scale is None) != (self.input_zero_point is None):
            raise UsageError("--input-scale, --input-zero-point: one is nothing without the other; give both")

    @classmethod
    def of(cls, model: Path | None, **options: Any) -> ModelChoice:
        """
        From the options of a command; without a model the shipped one of the backend (LiteRT by default).

        Raises:
            ModelError: if there is no such model, or the backend or the runtime does not run it.
            UsageError: for options that no runtime could obey; told before one is imported.
        """
        backend = options.get("backend") or RUNTIMES.get(str(options.get("runtime")))
        if model is None and backend == "onnxruntime":
            raise UsageError(
                "--model", "no ONNX model is shipped", "make one with `kws-trace convert m.onnx`, and name it"
            )
        choice = cls(model or (SHIPPED_SAVED_MODEL if backend == "tensorflow" else SHIPPED_TFLITE), **options)
        _refuse_contradictions(choice, backend_of(choice.path, backend))
        return choice

    @property
    def kind(self) -> str:
        """``tensorflow`` (Python's), ``tensorflow-c``, ``litert``, ``onnxruntime`` or ``tensorrt``."""
        own = {"capi": "tensorflow-c", "tensorrt": "tensorrt"}.get(str(self.runtime))
        return own or backend_of(self.path, self.backend)


def _refuse_contradictions(choice: ModelChoice, backend: str) -> None:
    runtime, device = choice.runtime, choice.device
    if runtime is not None and RUNTIMES[runtime] != backend:
        raise UsageError(f"--runtime {runtime}", f"it does not run {choice.path.name}", "leave one of the two out")
    if device is not None and _DEVICE.fullmatch(device) is None:
        raise UsageError(f"--device {device}: no device is named so; give CPU, GPU or GPU:0")
    if device is not None and backend == "litert" and "CPU" not in device.upper():
        raise UsageError(f"--device {device}: LiteRT runs on the CPU; leave it out, or use TensorFlow")
    if device is not None and (backend == "onnxruntime" or runtime == "loaded"):
        raise UsageError(
            f"--device {device}", "it is of a TensorFlow session", "an ONNX model's is told by --provider"
        )
    if (runtime == "capi") != (choice.library is not None):
        raise UsageError(
            "--runtime capi, --library", "one is nothing without the other", "give both: the path of libtensorflow.so"
        )
    if choice.provider is not None and backend != "onnxruntime":
        raise UsageError(f"--provider {choice.provider}", "it is of ONNX Runtime", "name an .onnx file with --model")
    if choice.provider is not None and runtime == "tensorrt":
        raise UsageError(
            f"--provider {choice.provider}",
            "--runtime tensorrt is TensorRT without ONNX Runtime",
            "leave one of the two out",
        )
    if choice.cuda_graph and choice.provider in (None, "cpu") and runtime != "tensorrt":
        raise UsageError(
            "--cuda-graph", "the CPU makes none", "give --provider cuda or tensorrt, or --runtime tensorrt"
        )


def load_pipeline(choice: ModelChoice) -> Pipeline:
    """Load the model on the runtime that it needs."""
    return Pipeline(_load_backend(choice), quantization_of(choice), choice.timed, choice.mode)


def _load_backend(choice: ModelChoice) -> Backend:
    path, threads, kind = choice.path, choice.threads, choice.kind
    if kind == "litert":
        from runner.inference.backends.litert import LiteRtBackend

        return LiteRtBackend(path, threads)
    if kind == "onnxruntime":
        from runner.inference.backends.onnxruntime_session import OnnxRuntimeBackend

        return OnnxRuntimeBackend(path, cast("Any", choice.provider or "cpu"), threads, cuda_graph=choice.cuda_graph)
    if kind == "tensorrt":
        from runner.inference.backends.tensorrt_engine import TensorRtBackend

        return TensorRtBackend(path, cuda_graph=choice.cuda_graph)
    if kind == "tensorflow-c":
        from runner.inference.backends.tensorflow_c import TensorFlowCBackend

        return TensorFlowCBackend(path, Path(str(choice.library)), choice.device, threads)
    if choice.runtime == "loaded":
        from runner.inference.backends.tensorflow_function import TensorFlowFunctionBackend

        return TensorFlowFunctionBackend(path, threads)
    from runner.inference.backends.tensorflow_session import TensorFlowBackend

    return TensorFlowBackend(path, choice.device, threads, cast("Any", choice.runtime or "inline"))


def backend_of(path: Path, wanted: str | None) -> str:
    """
    ``tensorflow`` for a folder, ``litert`` for a ``.tflite`` file, ``onnxruntime`` for an ``.onnx`` file.

    Raises:
        ModelError: if there is no such model, or ``wanted`` does not run it.
    """
    if not path.exists():
        raise ModelError(path, "there is no such model", _REMEDY)
    if path.is_dir():
        # Before TensorFlow, whose import may take most of a minute.
        if not any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise ModelError(path, "no saved_model.pb is in this folder", "name the SavedModel folder itself")
        found = "tensorflow"
    elif path.suffix in _FILES:
        found = _FILES[path.suffix]
        with told_unreadable(ModelError, path, f"name a {path.suffix} file"):
            check_file(path)
    else:
        raise ModelError(path, "neither a folder nor a .tflite or .onnx file", _REMEDY)
    if wanted not in (None, found):
        raise ModelError(path, f"{wanted} does not run this kind of model", f"leave --backend out: {found} does")
    return found


_FILES = {".tflite": "litert", ".onnx": "onnxruntime"}


def model_facts(path: Path) -> dict[str, Any]:
    """
    Name, path, SHA-256 and format of a model; of a folder the hash goes over names and contents in order.

    Raises:
        ModelError: if a file of it cannot be read, or is larger than what is read.
    """
    digest = hashlib.sha256()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with told_unreadable(ModelError, file, "name a model that is whole"):
            digest.update(read_file(file))
    kind = "SavedModel" if path.is_dir() else path.suffix.removeprefix(".")
    return {"name": path.stem, "path": str(path), "sha256": digest.hexdigest(), "format": kind}


def known_answers_of(path: Path) -> KnownAnswers | None:
    """
    The reference's answers that came with a model; None where none did.

    Raises:
        ModelError: if an ONNX file's are damaged.
    """
    if path.resolve() in (SHIPPED_SAVED_MODEL, SHIPPED_TFLITE):
        return KnownAnswers.parsed(SHIPPED_ANSWERS.read_text(encoding="utf-8"))
    text = onnx_notes(path).get(NOTE) if path.suffix == ".onnx" and path.is_file() else None
    if text is None:
        return None
    try:
        return KnownAnswers.parsed(text)
    except ValueError as error:
        problem = f"its known answers are damaged ({error})"
        raise ModelError(path, problem, "make it again with `kws-trace convert`") from None


def quantization_of(choice: ModelChoice) -> Quantization:
    """Of int8 inputs: as the options say, else that which came with the model, else the benchmark's."""
    if choice.input_scale is not None and choice.input_zero_point is not None:
        return Quantization(choice.input_scale, choice.input_zero_point)
    known = known_answers_of(choice.path)
    return BENCHMARK_QUANTIZATION if known is None else known.quantization
