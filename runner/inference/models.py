"""From ``--model`` and its options to a loaded pipeline and the facts of it that a run keeps."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.inference.backends.backend import Backend
from runner.inference.pipeline import Pipeline
from tracer.errors import ModelError, UsageError
from tracer.given_files import check_file, read_file
from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization

SHIPPED = Path(__file__).parent.parent / "shipped"
SHIPPED_SAVED_MODEL = SHIPPED / "kws_ds_cnn"
SHIPPED_TFLITE = SHIPPED / "kws_ds_cnn_int8.tflite"

_DEVICE = re.compile(r"(/?device:)?(cpu|gpu)(:\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What to load, and how to time it."""

    path: Path
    backend: str | None = None
    device: str | None = None
    threads: int | None = None
    input_scale: float | None = None
    input_zero_point: int | None = None
    timed: str = "reference"
    mode: str = "split"

    def __post_init__(self) -> None:
        if (self.input_scale is None) != (self.input_zero_point is None):
            raise UsageError("--input-scale, --input-zero-point: one is nothing without the other; give both")

    @classmethod
    def of(
        cls,
        model: Path | None,
        backend: str | None,
        device: str | None,
        threads: int | None,
        input_scale: float | None,
        input_zero_point: int | None,
        timed: str,
        mode: str,
    ) -> ModelChoice:
        """
        From the options of a command; without a model the shipped one of the backend (LiteRT by default).

        Raises:
            ModelError: if there is no such model, or ``backend`` does not run it.
            UsageError: for options that no runtime could obey; told before one is imported.
        """
        path = model or (SHIPPED_SAVED_MODEL if backend == "tensorflow" else SHIPPED_TFLITE)
        kind = backend_of(path, backend)
        if device is not None and _DEVICE.fullmatch(device) is None:
            raise UsageError(f"--device {device}: no device is named so; give CPU, GPU or GPU:0")
        if device is not None and kind == "litert" and "CPU" not in device.upper():
            raise UsageError(f"--device {device}: LiteRT runs on the CPU; leave it out, or use TensorFlow")
        return cls(path, backend, device, threads, input_scale, input_zero_point, timed, mode)


def load_pipeline(choice: ModelChoice) -> Pipeline:
    """Load the model on the runtime that it needs."""
    backend: Backend
    if backend_of(choice.path, choice.backend) == "litert":
        from runner.inference.backends.litert import LiteRtBackend

        backend = LiteRtBackend(choice.path, choice.threads)
    else:
        from runner.inference.backends.tensorflow_session import TensorFlowBackend

        backend = TensorFlowBackend(choice.path, choice.device, choice.threads)
    return Pipeline(backend, quantization_of(choice), choice.timed, choice.mode)


def backend_of(path: Path, wanted: str | None) -> str:
    """``tensorflow`` for a folder, ``litert`` for a ``.tflite`` file; refuses a model that ``wanted`` cannot run."""
    if not path.exists():
        raise ModelError(path, "there is no such model", "name a SavedModel folder or a .tflite file")
    if path.is_dir():
        # Before TensorFlow, whose import may take most of a minute.
        if not any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise ModelError(path, "no saved_model.pb is in this folder", "name the SavedModel folder itself")
        found = "tensorflow"
    elif path.suffix == ".tflite":
        found = "litert"
        try:
            check_file(path)
        except OSError as error:
            raise ModelError(path, error.strerror or "unreadable", "name a .tflite file") from None
    else:
        raise ModelError(path, "neither a folder nor a .tflite file", "name a SavedModel folder or a .tflite file")
    if wanted not in (None, found):
        raise ModelError(path, f"{wanted} does not run this kind of model", f"leave --backend out: {found} does")
    return found


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
        try:
            digest.update(read_file(file))
        except OSError as error:
            raise ModelError(file, error.strerror or "unreadable", "name a model that is whole") from None
    kind = "SavedModel" if path.is_dir() else "tflite"
    return {"name": path.stem, "path": str(path), "sha256": digest.hexdigest(), "format": kind}


def quantization_of(choice: ModelChoice) -> Quantization:
    """Of int8 inputs: as the options say, else that of the shipped model or of the benchmark."""
    default = BENCHMARK_QUANTIZATION
    if choice.path.resolve() == SHIPPED_SAVED_MODEL:
        facts = json.loads((SHIPPED / "provenance.json").read_text(encoding="utf-8"))
        default = Quantization(float(facts["input_scale"]), int(facts["input_zero_point"]))
    scale = default.scale if choice.input_scale is None else choice.input_scale
    zero_point = default.zero_point if choice.input_zero_point is None else choice.input_zero_point
    return Quantization(scale, zero_point)
