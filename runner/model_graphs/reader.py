"""From a model's path to its operations, by the kind of file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tracer.errors import ModelError, first_line
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
    return _read_keras(path)


def _read_keras(path: Path) -> list[Operation]:
    """A Keras model as Keras exports it for inference: dropout is gone, batch norms are as Keras writes them."""
    from runner.model_graphs.savedmodel import read_saved_model
    from runner.quiet_tensorflow import import_tensorflow
    from runner.runtime_output import runtime_quiet

    if not path.is_file():
        raise ModelError(path, "there is no such model", "give a .keras or .h5 file")
    with runtime_quiet(), tempfile.TemporaryDirectory() as folder:
        tf = import_tensorflow()
        exported = Path(folder) / "model"
        try:
            # A model from elsewhere may hold code (Lambda layers): safe_mode refuses it.
            model = tf.keras.models.load_model(path, compile=False, safe_mode=True)
            model.export(str(exported), verbose=False)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            reason = first_line(error)
            raise ModelError(
                path, f"Keras does not load it ({reason})", "save it with this version of Keras"
            ) from None
        return read_saved_model(exported)
