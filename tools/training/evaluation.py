"""What the shipped models answer to the held-out inputs, through the loaders that users have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of clips whose likeliest class is the true one, and one-vs-rest ROC AUC, both 0 to 1."""

    top1: float
    auc: float


def measure_accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> Accuracy:
    """
    Compare answers with the truth.

    Args:
        probabilities: shape (count, 12).
        labels: true classes, shape (count,), each class at least once.
    """
    from sklearn.metrics import roc_auc_score

    # An int8 output moves in steps of 1/256: its rows need not sum to 1, and scikit-learn insists.
    rows = probabilities.astype(np.float64)
    rows /= rows.sum(axis=1, keepdims=True)
    top1 = float(np.mean(probabilities.argmax(axis=1) == labels))
    return Accuracy(top1, float(roc_auc_score(labels, rows, multi_class="ovr")))


def load_int8(path: Path) -> Any:
    """Open a LiteRT model, tensors allocated."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    return interpreter


def quantization_of(details: dict[str, Any]) -> tuple[float, int]:
    """Read scale and zero point from LiteRT's details of a tensor."""
    scale, zero_point = details["quantization"]
    return float(scale), int(zero_point)


def infer_int8(path: Path, inputs: NDArray[np.int8]) -> NDArray[np.float32]:
    """
    Run the LiteRT model over inputs.

    Args:
        path: the ``.tflite``.
        inputs: int8, shape (count, 490).

    Returns:
        float32 probabilities, shape (count, 12).
    """
    interpreter = load_int8(path)
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = quantization_of(sink)
    answers = []
    for clip in inputs:
        interpreter.set_tensor(source["index"], clip.reshape(1, 49, 10, 1))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(sink["index"])[0].astype(np.float32))
    return np.asarray((np.stack(answers) - zero_point) * np.float32(scale), dtype=np.float32)


def infer_saved_model(path: Path, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Run the SavedModel over features, by the v1 loader.

    Args:
        path: the SavedModel's folder.
        features: float32, shape (count, 49, 10, 1).

    Returns:
        float32 probabilities, shape (count, 12).
    """
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))
        signature = loaded.signature_def["serving_default"]
        (source,), (sink,) = signature.inputs.values(), signature.outputs.values()
        return np.asarray(session.run(sink.name, {source.name: features}), dtype=np.float32)


def count_parameters(path: Path) -> int:
    """Count the numbers in a SavedModel's variables, what the checkpoint keeps for itself left out."""
    import tensorflow as tf

    variables = tf.train.list_variables(str(path / "variables" / "variables"))
    return sum(int(np.prod(shape)) for name, shape in variables if name.startswith("weights/"))
