"""
An ONNX file's ends and notes, read without the ``onnx`` package, which a board that only runs models lacks.

``onnx_fields.csv`` describes the messages, by the numbers and types of onnx.proto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.inference.backends.backend import checked_ends
from tracer.errors import ModelError, told_unreadable
from tracer.given_files import read_file
from tracer.protobuf_messages import parse

_FIELDS = Path(__file__).with_name("onnx_fields.csv")

_FLOAT = 1
"""TensorProto.DataType of float32."""


def onnx_notes(path: Path) -> dict[str, str]:
    """
    What its maker wrote into it (``metadata_props``).

    Raises:
        ModelError: if it cannot be read or is no ONNX model.
    """
    return {_text(note.key): _text(note.value) for note in _read(path)[1].notes}


def read_onnx(path: Path, batch: int = 1) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
    """
    The whole file, and the shapes that the model takes and gives a batch in.

    Raises:
        ModelError: if it cannot be read, is no ONNX model, is of another task, or takes or gives no float32.
    """
    data, model = _read(path)
    stored = {initializer.name for initializer in model.graph.stored}
    inputs = [value for value in model.graph.inputs if value.name not in stored]
    outputs = model.graph.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        problem = f"it takes {len(inputs)} inputs and gives {len(outputs)}"
        raise ModelError(path, problem, "the keyword-spotting model takes one and gives one")
    given, gives = inputs[0].type.tensor, outputs[0].type.tensor
    shapes = checked_ends(path, _shape(given), _shape(gives), batch)
    if (given.element, gives.element) != (_FLOAT, _FLOAT):
        problem = f"its input and output are of ONNX's types {given.element} and {gives.element}"
        raise ModelError(path, problem, "give one that takes and gives float32 (type 1)")
    return data, *shapes


def _read(path: Path) -> tuple[bytes, Any]:
    with told_unreadable(ModelError, path, "name an .onnx file"):
        data = read_file(path)
    model = parse(_FIELDS, "Model", data)
    if model is None or not model.HasField("graph"):
        why = "it is damaged or of another kind" if model is None else "it holds no graph"
        raise ModelError(path, f"it is no ONNX model ({why})", "make one with `kws-trace convert`")
    return data, model


def _shape(tensor: Any) -> list[object]:
    """Sizes as numbers, names of open ones as texts."""
    return [one.size if one.HasField("size") else _text(one.name) or "?" for one in tensor.shape.dimensions]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
