"""
A ``.tflite`` file as a list of operations, read with the schema that LiteRT's package brings.

Format: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/schema/schema.fbs (file identifier ``TFL3``).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tracer.errors import ModelError, first_line, not_installed, told_unreadable
from tracer.given_files import read_file
from tracer.model.model_operations import Operation, Tensor, Window, kind_by_window

KINDS = {
    "CONV_2D": "conv2d",
    "DEPTHWISE_CONV_2D": "depthwise_conv2d",
    "FULLY_CONNECTED": "dense",
    "AVERAGE_POOL_2D": "average_pool",
    "MAX_POOL_2D": "max_pool",
    "MEAN": "mean",
    "SOFTMAX": "softmax",
    "RELU6": "relu6",
    "RSQRT": "rsqrt",
    "RESHAPE": "view",
    "SQUEEZE": "view",
    "EXPAND_DIMS": "view",
    "QUANTIZE": "quantize",
    "DEQUANTIZE": "quantize",
    "SHAPE": "shape",
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"), "elementwise"),
    **dict.fromkeys(("RELU", "EXP", "LOG", "TANH", "LOGISTIC", "NEG", "SQRT", "ABS", "PRELU"), "elementwise"),
    **dict.fromkeys(("PAD", "PADV2", "CAST", "TRANSPOSE", "CONCATENATION", "PACK", "STRIDED_SLICE", "SLICE"), "copy"),
}
"""What each builtin operator computes."""


def read_tflite(path: Path) -> list[Operation]:
    """
    Operations of the file's first subgraph, in the order in which LiteRT runs them.

    Raises:
        ModelError: if it is no tflite file, or a damaged one.
        NotInstalledError: if LiteRT's package, whose schema reads it, is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise not_installed("LiteRT", "ai-edge-litert") from None
    with told_unreadable(ModelError, path, "give a .tflite file"):
        data = read_file(path)
    if data[4:8] != b"TFL3":
        raise ModelError(path, "it is no tflite file", "give a whole .tflite file")
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        return _Reader(schema, model).operations()
    # The generated reader follows offsets unchecked: a damaged one leads outside the bytes or to another type.
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        reason = first_line(error)
        raise ModelError(path, f"it is damaged ({reason})", "give a whole .tflite file") from None


class _Reader:
    def __init__(self, schema: Any, model: Any) -> None:
        self._model = model
        self._graph = model.subgraphs[0]
        self._operators = _names(schema.BuiltinOperator)
        self._types = _names(schema.TensorType)
        self._activations = _names(schema.ActivationFunctionType)

    def operations(self) -> list[Operation]:
        return [self._operation(index, operator) for index, operator in enumerate(self._graph.operators)]

    def _operation(self, index: int, operator: Any) -> Operation:
        source = self._source(operator)
        inputs = tuple(self._tensor(number) for number in operator.inputs if number >= 0)
        outputs = tuple(self._tensor(number) for number in operator.outputs)
        options = operator.builtinOptions
        kind = KINDS.get(source, "unknown")
        window = _window(kind, inputs, options)
        kind = kind_by_window(kind, window)
        fused = self._activations[getattr(options, "fusedActivationFunction", 0)].lower()
        name = f"{index} {source}"
        return Operation(kind, name, name, source, inputs, outputs, window, None if fused == "none" else fused)

    def _source(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        # Codes below 127 stand in a byte field in old files, in both in new ones.
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        if self._operators.get(number) == "CUSTOM":
            return f"CUSTOM {code.customCode.decode('utf-8', 'replace')}"
        return self._operators.get(number, f"operator {number}")

    def _tensor(self, number: int) -> Tensor:
        tensor = self._graph.tensors[number]
        # A scalar's shape is absent.
        shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
        data = self._model.buffers[tensor.buffer].data
        stored = data is not None and len(data) > 0
        label = tensor.name.decode("utf-8", "replace") if tensor.name else ""
        return Tensor(
            f"{number} {label}",
            None if min(shape, default=0) < 0 else shape,
            self._types[tensor.type].lower(),
            stored,
        )


def _names(values: Any) -> dict[int, str]:
    return {value: name for name, value in vars(values).items() if isinstance(value, int)}


def _window(kind: str, inputs: tuple[Tensor, ...], options: Any) -> Window | None:
    """A filter is (out, height, width, in), of a depthwise one (1, height, width, out), of a dense one (out, in)."""
    shape = inputs[1].shape if len(inputs) > 1 else None
    if kind in ("conv2d", "depthwise_conv2d") and shape is not None and len(shape) == 4:
        return Window.of(shape[1], shape[2], shape[3] if kind == "conv2d" else 1)
    if kind == "dense" and shape is not None and len(shape) == 2:
        return Window.of(1, 1, shape[1])
    if kind in ("average_pool", "max_pool"):
        return Window.of(options.filterHeight, options.filterWidth)
    return None
