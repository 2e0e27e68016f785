"""From the trained network to the files that are shipped: a SavedModel and an int8 LiteRT model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INT8_MIN, INT8_MAX = -128, 127


def input_quantization(lowest: float, highest: float) -> tuple[float, int]:
    """
    Spread the 256 counts of int8 over a range that holds zero.

    Args:
        lowest: most negative feature to be kept; below zero.
        highest: largest feature to be kept; above zero.

    Returns:
        Scale of one count and the count of 0.0.
    """
    scale = (highest - lowest) / (INT8_MAX - INT8_MIN)
    return scale, round(INT8_MIN - lowest / scale)


def quantize(features: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Turn features into int8 counts of the same shape; what lies outside the range is clipped."""
    counts = np.round(features / scale) + zero_point
    return np.asarray(np.clip(counts, INT8_MIN, INT8_MAX), dtype=np.int8)


def dequantize(counts: NDArray[np.int8], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Turn int8 counts back into features of the same shape."""
    centred = counts.astype(np.float32) - np.float32(zero_point)
    return np.asarray(centred * np.float32(scale), dtype=np.float32)


def save_model(model: Any, path: Path) -> None:
    """
    Write the network as a SavedModel that holds its weights and one function, and no training state.

    Args:
        model: the trained Keras model.
        path: folder to write; replaced if it is there.
    """
    import tensorflow as tf

    class Served(tf.Module):  # type: ignore[misc]
        """Weights alone: neither Keras' objects, which tie the file to its version, nor an optimizer."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = [weight.value for weight in model.weights]

        @tf.function(input_signature=[tf.TensorSpec((None, 49, 10, 1), tf.float32, name="input_1")])  # type: ignore[untyped-decorator]
        def serve(self, features: Any) -> dict[str, Any]:
            return {"probabilities": model(features, training=False)}

    if path.exists():
        shutil.rmtree(path)
    served = Served()
    tf.saved_model.save(served, str(path), signatures={"serving_default": served.serve})


def convert_to_int8(saved_model: Path, calibration: NDArray[np.float32], path: Path) -> None:
    """
    Write the int8 model, int8 in and out.

    Args:
        saved_model: folder of the SavedModel.
        calibration: features of the training set, shape (count, 49, 10, 1), that give every layer's range.
        path: file to write.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([clip[np.newaxis]] for clip in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
