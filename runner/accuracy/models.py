"""Models as the accuracy doctor sees them: many inputs in, as many vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.runtime_output import runtime_quiet
from tracer.quantization import Quantization
from tracer.runs.run_store import StoredRun


class LoadedModel:
    """
    A model on its runtime, one inference after another as a DUT runs them: 0.2 to 0.4 ms each.

    ``name`` is what to call it by, instead of its file's; ``quantization`` is that of the int8 inputs that it is used
    with.
    """

    def __init__(self, choice: ModelChoice, name: str | None = None) -> None:
        with runtime_quiet():
            pipeline = load_pipeline(choice)
            # What a runtime has to say it may keep for the first inference.
            pipeline.backend.fused()
        self.name = name or choice.path.name
        self._backend = pipeline.backend
        self.takes_counts = self._backend.input_dtype == np.int8
        self.quantization = pipeline.quantization or Quantization(1.0, 0)

    def predict(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Answer (N, 490), int8 for a model that takes counts and float32 otherwise, with (N, 12)."""
        answers = np.empty((len(values), CLASSES), np.float64)
        host_input = self._backend.host_input
        for number, value in enumerate(values):
            host_input[...] = value.reshape(host_input.shape)
            self._backend.fused()
            answers[number] = self._backend.probabilities()
        return answers


def model_path_of(model: Path | None, run: StoredRun | None) -> Path:
    """The model that was named, else the one that the run was made with where it is here, else the shipped one."""
    if model is not None:
        return model
    made_with = Path(str(run.info.model.get("path", ""))) if run is not None else None
    return made_with if made_with is not None and made_with.name and made_with.exists() else SHIPPED_TFLITE


def others_at_hand(model: Path, named: list[Path]) -> list[Path]:
    """
    Other models to try: those named, the model's neighbours in its folder, and the shipped ones.

    SavedModels are among them only where ``model`` is one or they are named: TensorFlow takes long to start.
    """
    folder = model.resolve().parent
    files = sorted(folder.iterdir())
    neighbours = [path for path in files if path.suffix == ".tflite" or (path / "saved_model.pb").is_file()]
    found = [*named, *neighbours, SHIPPED_TFLITE, SHIPPED_SAVED_MODEL]
    wanted = [path for path in found if path in named or model.is_dir() or not path.is_dir()]
    different: dict[Path, Path] = {}
    for path in wanted:
        different.setdefault(path.resolve(), path)
    different.pop(model.resolve(), None)
    return list(different.values())
