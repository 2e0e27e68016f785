"""A ``.tflite`` model on LiteRT, int8 or float32."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES, INPUT_VALUES, answers_of, fixed_batch, other_task
from tracer.errors import ModelError, first_line, not_installed


class LiteRtBackend:
    """
    A LiteRT interpreter, one thread unless told otherwise, over ``batch`` inputs at a time.

    Raises:
        ModelError: if the file is not a model that LiteRT reads, has other types than int8 and float32, or is a model
            of another task or does not take a batch.
        NotInstalledError: if ``ai-edge-litert`` is not installed.
    """

    name = "litert"
    way = ""
    device = "CPU"

    def __init__(self, path: Path, threads: int | None = None, batch: int = 1) -> None:
        self._interpreter: Any = _interpreter(path, threads or 1)
        self.threads: int | None = threads or 1
        self.version = metadata.version("ai-edge-litert")
        given = self._interpreter.get_input_details()[0]
        gives = self._interpreter.get_output_details()[0]
        _check(path, given, gives)
        if batch != 1:
            given = _resized(self._interpreter, path, given, gives, batch)
        self._input_index: int = given["index"]
        self._output_index: int = gives["index"]
        self.input_dtype = np.dtype(given["dtype"])
        self.input_scale, self.input_zero_point = _quantization(given)
        scale, zero_point = _quantization(gives)
        self._output_scale = None if scale is None else np.float32(scale)
        self._output_zero_point = np.float32(zero_point or 0)
        self.host_input = np.zeros(tuple(given["shape"]), self.input_dtype)
        self._output = np.zeros((1, CLASSES), np.float32)

    def host_to_device(self) -> None:
        """Copy the input into the interpreter's tensor."""
        self._interpreter.set_tensor(self._input_index, self.host_input)

    def session_run(self) -> None:
        """Invoke the interpreter."""
        self._interpreter.invoke()

    def readback(self) -> None:
        """Copy the output and, of an int8 model, dequantize it."""
        output = self._interpreter.get_tensor(self._output_index)
        if self._output_scale is not None:
            output = (output - self._output_zero_point) * self._output_scale
        self._output = output

    def fused(self) -> None:
        """Copy, invoke, copy back."""
        self._interpreter.set_tensor(self._input_index, self.host_input)
        self._interpreter.invoke()
        self.readback()

    def probabilities(self) -> NDArray[np.float32]:
        """float32 (12,), of a batch (batch, 12)."""
        return answers_of(self._output)

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


def _interpreter(path: Path, threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise not_installed("LiteRT", "ai-edge-litert") from None
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = first_line(error)
        raise ModelError(path, f"LiteRT does not load it ({reason})", "give a whole .tflite file") from None
    return interpreter


def _resized(interpreter: Any, path: Path, given: dict[str, Any], gives: dict[str, Any], batch: int) -> Any:
    """Of the input, once the interpreter takes ``batch`` at a time; the output's size is known after an inference."""
    try:
        interpreter.resize_tensor_input(given["index"], [batch, *map(int, given["shape"][1:])])
        interpreter.allocate_tensors()
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        problem = f"LiteRT does not resize it to a batch of {batch} ({first_line(error)})"
        raise ModelError(path, problem, "convert it with a batch of unknown size (None)") from None
    if interpreter.get_tensor(gives["index"]).size != batch * CLASSES:
        raise fixed_batch(path)
    return interpreter.get_input_details()[0]


def _check(path: Path, given: dict[str, Any], gives: dict[str, Any]) -> None:
    if int(np.prod(given["shape"])) != INPUT_VALUES or int(np.prod(gives["shape"])) != CLASSES:
        raise other_task(path, tuple(map(int, given["shape"])), tuple(map(int, gives["shape"])))
    for tensor, what in ((given, "input"), (gives, "output")):
        if np.dtype(tensor["dtype"]) not in (np.dtype(np.int8), np.dtype(np.float32)):
            raise ModelError(path, f"its {what} is {np.dtype(tensor['dtype'])}", "convert it to int8 or float32")


def _quantization(tensor: dict[str, Any]) -> tuple[float | None, int | None]:
    if np.dtype(tensor["dtype"]) != np.dtype(np.int8):
        return None, None
    scale, zero_point = tensor["quantization"]
    return float(scale), int(zero_point)
