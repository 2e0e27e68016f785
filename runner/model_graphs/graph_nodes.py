"""
Nodes and functions of a TensorFlow graph, from the protobuf messages that ``saved_model_fields.csv`` describes.

Its numbers and types are those of TensorFlow's saved_model, meta_graph, graph, function, op_def, node_def, attr_value
and tensor_shape protos.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer.model.model_operations import Tensor
from tracer.protobuf_messages import message_class

FIELDS = Path(__file__).with_name("saved_model_fields.csv")

CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_SOURCES = {"Const", "Placeholder", "PlaceholderWithDefault", "VarHandleOp", "VariableV2", "NoOp", "_Arg"}
_STORED = {"Const", "VarHandleOp", "VariableV2"}

DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    19: "float16",
    20: "resource",
}
"""By number of TensorFlow's DataType (types.proto)."""


@dataclass(frozen=True)
class Node:
    """A NodeDef; control inputs (``^name``) are left out, and ``attributes`` are messages by name."""

    name: str
    op: str
    inputs: list[str]
    attributes: dict[str, Any] = field(repr=False)

    @property
    def is_source(self) -> bool:
        """Whether it computes nothing: a constant, a variable, an input."""
        return self.op in _SOURCES

    def attribute(self, name: str) -> Any:
        """An Attribute; an empty one where there is none."""
        return self.attributes.get(name) or message_class(FIELDS, "Attribute")()

    def shape(self, index: int) -> tuple[int, ...] | None:
        """Shape of an output, the batch as 1; None where the file does not say."""
        if self.op in ("VarHandleOp", "VariableV2"):
            return _shape(self.attribute("shape").shape)
        shapes = self.attribute("_output_shapes").list.shapes
        if index < len(shapes):
            return _shape(shapes[index])
        return _shape(self.attribute("value").tensor.shape) if self.op == "Const" else None

    def outputs(self, prefix: str) -> list[Tensor]:
        """Its outputs; ``prefix`` makes names unique where a function is called twice."""
        count = max(1, len(self.attribute("_output_shapes").list.shapes))
        if self.op.startswith("FusedBatchNorm"):
            count = 1  # the statistics beside it are for training
        name = f"{prefix}{self.name}"
        return [
            Tensor(f"{name}:{index}" if index else name, self.shape(index), self._dtype(), self.op in _STORED)
            for index in range(count)
        ]

    def _dtype(self) -> str:
        for name in ("DstT", "out_type", "dtype", "T"):
            if name in self.attributes:
                return DTYPES.get(self.attributes[name].type, "unknown")
        return "unknown"


@dataclass(frozen=True)
class Function:
    """A FunctionDef: names of its arguments, the tensors that it returns, its nodes by name."""

    arguments: list[str]
    returns: list[str]
    nodes: dict[str, Node]


def text(value: bytes) -> str:
    """A name, whose bytes need not be UTF-8."""
    return value.decode("utf-8", "replace")


def mapping(entries: Iterable[Any]) -> dict[str, Any]:
    """A map field from texts, by its entries."""
    return {text(entry.key): entry.value for entry in entries}


def read_nodes(messages: Iterable[Any]) -> dict[str, Node]:
    """Nodes by name."""
    nodes = {}
    for message in messages:
        inputs = [text(name) for name in message.inputs if not name.startswith(b"^")]
        node = Node(text(message.name), text(message.op), inputs, mapping(message.attributes))
        nodes[node.name] = node
    return nodes


def read_functions(messages: Iterable[Any]) -> dict[str, Function]:
    """Functions by name."""
    functions = {}
    for message in messages:
        signature, returned = message.signature, mapping(message.returned)
        functions[text(signature.name)] = Function(
            [text(argument.name) for argument in signature.arguments],
            [text(returned.get(text(output.name), b"")) for output in signature.outputs],
            read_nodes(message.nodes),
        )
    return functions


def _shape(message: Any) -> tuple[int, ...] | None:
    """A TensorShapeProto; a first dimension of -1 is the batch."""
    if message.unknown_rank:
        return None
    sizes = [dimension.size for dimension in message.dimensions]
    if sizes and sizes[0] < 0:
        sizes[0] = 1
    return None if any(size < 0 for size in sizes) else tuple(sizes)
