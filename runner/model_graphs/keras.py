"""A Keras model (``.keras``, ``.h5``) as operations: exported by Keras for inference, read as a SavedModel."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runner.model_graphs.savedmodel import read_saved_model
from runner.quiet_tensorflow import import_tensorflow
from runner.runtime_output import runtime_quiet
from tracer.errors import ModelError, first_line
from tracer.model.model_operations import Operation


def read_keras(path: Path) -> list[Operation]:
    """Operations of one inference, as Keras exports it: dropout is gone, batch norms are as Keras writes them."""
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
