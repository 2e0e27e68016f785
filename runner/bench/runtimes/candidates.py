"""Every way of running a model that is there, loaded for a batch of some size."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.bench.runtimes.candidate import Absent, Found
from runner.bench.runtimes.litert_candidates import CONVERTED, litert_candidates
from tracer.quantization import Quantization

TENSORFLOW_EXTRA = "pip install 'kws-trace[tensorflow]' (on a Jetson NVIDIA's wheel, first)"
ONNX_EXTRA = "pip install 'kws-trace[onnx]'"

Advance = Callable[[str, float], object]
"""What is being done, and the share of it that was done since the last call."""


@dataclass(frozen=True, slots=True)
class Models:
    """
    What candidates are made of.

    Args:
        saved_model: the folder of the float weights.
        tflite: files of the same model.
        folder: for what is converted of it, once for all batches.
        quantization: of int8 inputs to a float model.
        threads: of each runtime.
        graphs: whether a provider's CUDA graph is a candidate of its own.
    """

    saved_model: Path
    tflite: list[Path]
    folder: Path
    quantization: Quantization
    threads: int
    graphs: bool = False


@contextmanager
def found_candidates(models: Models, advance: Advance, batch: int = 1) -> Iterator[Found]:
    """Every candidate that loads here, and what does not; closed afterwards."""
    found = litert_candidates(models.tflite, models.quantization, models.threads, batch)
    try:
        advance("loading", 0.1)
        if not models.tflite:
            found.absent.append(Absent("LiteRT int8", "no .tflite of this model was given", "name it with --tflite"))
        for more in _from_saved_model(models, advance, batch):
            found.candidates += more.candidates
            found.absent += more.absent
        yield found
    finally:
        found.close()


def _from_saved_model(models: Models, advance: Advance, batch: int) -> Iterator[Found]:
    """What is made of the SavedModel; TensorFlow has to be there to read it."""
    from runner.bench.runtimes import onnx_candidates, tensorflow_candidates
    from runner.bench.runtimes.litert_candidates import converted_candidate

    if importlib.util.find_spec("tensorflow") is None:
        names = (*tensorflow_candidates.NAMES, CONVERTED, onnx_candidates.NAME)
        reason = "TensorFlow, which reads the SavedModel, is not installed"
        yield Found([], [Absent(name, reason, TENSORFLOW_EXTRA) for name in names])
        return
    from runner.inference.onnx_conversion import missing_modules

    path, given = models.saved_model, (models.quantization, models.threads, batch)
    yield converted_candidate(path, models.folder, *given)
    advance("loading", 0.3)
    if missing := missing_modules():
        reason = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        yield Found([], [Absent(onnx_candidates.NAME, reason, ONNX_EXTRA)])
    else:
        yield onnx_candidates.onnx_candidates(path, models.folder, *given, graphs=models.graphs)
    advance("loading", 0.3)
    yield tensorflow_candidates.tensorflow_candidates(path, *given)
    advance("loading", 0.3)
