"""
An ONNX file's ends and notes, read without the ``onnx`` package, which a board that only runs models lacks.

Field numbers are those of onnx.proto: ModelProto graph = 7, metadata_props = 14; GraphProto initializer = 5,
input = 11, output = 12; ValueInfoProto name = 1, type = 2; its tensor_type = 1 with elem_type = 1 and shape = 2.
"""

from __future__ import annotations

from pathlib import Path

from runner.inference.backends.backend import checked_ends
from runner.model_graphs.wire import Message, WireError, parse
from tracer.errors import ModelError
from tracer.given_files import read_file

FLOAT = 1
"""TensorProto.DataType of float32."""


def onnx_notes(path: Path) -> dict[str, str]:
    """
    What its maker wrote into it (``metadata_props``).

    Raises:
        ModelError: if it cannot be read or is no ONNX model.
    """
    _, model = _read(path)
    try:
        return {entry.text(1): entry.text(2) for entry in model.messages(14)}
    except WireError as error:
        raise _damaged(path, error) from None


def read_onnx(path: Path, batch: int = 1) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
    """
    The whole file, and the shapes that the model takes and gives a batch in.

    Raises:
        ModelError: if it cannot be read, is no ONNX model, is of another task, or takes or gives no float32.
    """
    data, model = _read(path)
    try:
        graph = model.message(7)
        stored = {initializer.text(8) for initializer in graph.messages(5)}
        inputs = [value for value in graph.messages(11) if value.text(1) not in stored]
        outputs = graph.messages(12)
        if len(inputs) != 1 or len(outputs) != 1:
            problem = f"it takes {len(inputs)} inputs and gives {len(outputs)}"
            raise ModelError(path, problem, "the keyword-spotting model takes one and gives one")
        given, gives = (value.message(2).message(1) for value in (inputs[0], outputs[0]))
        shapes = checked_ends(path, _shape(given), _shape(gives), batch)
    except WireError as error:
        raise _damaged(path, error) from None
    if (given.number(1), gives.number(1)) != (FLOAT, FLOAT):
        problem = f"its input and output are of ONNX's types {given.number(1)} and {gives.number(1)}"
        raise ModelError(path, problem, "give one that takes and gives float32 (type 1)")
    return data, *shapes


def _read(path: Path) -> tuple[bytes, Message]:
    try:
        data = read_file(path)
    except OSError as error:
        raise ModelError(path, error.strerror or "unreadable", "name an .onnx file") from None
    try:
        model = parse(data)
    except WireError as error:
        raise _damaged(path, error) from None
    if 7 not in model.chunks:
        raise _damaged(path, "it holds no graph")
    return data, model


def _shape(tensor: Message) -> list[object]:
    """Sizes as numbers, names of open ones as texts (TensorShapeProto dim = 1; its dim_value = 1, dim_param = 2)."""
    return [one.number(1) if 1 in one.numbers else one.text(2) or "?" for one in tensor.message(2).messages(1)]


def _damaged(path: Path, why: object) -> ModelError:
    return ModelError(path, f"it is no ONNX model ({why})", "make one with `kws-trace convert`")
