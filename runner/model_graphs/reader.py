"""From a model's path to its operations, by the kind of file."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import ModelError
from tracer.model.model_operations import Operation

_REMEDY = "name a SavedModel folder, or a .tflite, .keras or .h5 file"


def model_format(path: Path) -> str:
    """``SavedModel``, ``tflite`` or ``Keras``."""
    if not path.exists():
        raise ModelError(path, "there is no such model", _REMEDY)
    if path.is_dir():
        return "SavedModel"
    known = {".tflite": "tflite", ".keras": "Keras", ".h5": "Keras", ".hdf5": "Keras"}
    if path.suffix.lower() not in known:
        raise ModelError(path, "neither a folder nor a .tflite, .keras or .h5 file", _REMEDY)
    return known[path.suffix.lower()]


def read_operations(path: Path) -> list[Operation]:
    """Operations of one inference, in an order in which they run."""
    kind = model_format(path)
    if kind == "SavedModel":
        from runner.model_graphs.savedmodel import read_saved_model

        return read_saved_model(path)
    if kind == "tflite":
        from runner.model_graphs.tflite import read_tflite

        return read_tflite(path)
    from runner.model_graphs.keras import read_keras

    return read_keras(path)
