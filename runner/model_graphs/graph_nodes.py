"""Nodes and functions of a TensorFlow graph, from their protobuf messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from runner.model_graphs.wire import Message, parse, signed
from tracer.model.model_operations import Tensor

CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
SOURCES = {"Const", "Placeholder", "PlaceholderWithDefault", "VarHandleOp", "VariableV2", "NoOp", "_Arg"}
STORED = {"Const", "VarHandleOp", "VariableV2"}

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
    """One NodeDef: name (1), op (2), input (3), attr (5). Control inputs (``^name``) are left out."""

    name: str
    op: str
    inputs: list[str]
    attributes: dict[str, Message] = field(repr=False)

    @property
    def is_source(self) -> bool:
        """Whether it computes nothing: a constant, a variable, an input."""
        return self.op in SOURCES

    @property
    def function(self) -> str:
        """Name of the function that it calls (attribute ``f``, AttrValue.func = 10, its name = 1)."""
        return self.attribute("f").message(10).text(1)

    def attribute(self, name: str) -> Message:
        """An AttrValue; an empty one where there is none."""
        return self.attributes.get(name, Message())

    def integers(self, name: str) -> list[int]:
        """A list of integers (AttrValue.list = 1, its i = 3)."""
        return self.attribute(name).message(1).integers(3)

    def text(self, name: str) -> str:
        """A string (AttrValue.s = 2)."""
        return self.attribute(name).text(2)

    def flag(self, name: str) -> bool:
        """A boolean (AttrValue.b = 5)."""
        return bool(self.attribute(name).number(5))

    def shape(self, index: int) -> tuple[int, ...] | None:
        """Shape of an output, the batch as 1; None where the file does not say."""
        if self.op in ("VarHandleOp", "VariableV2"):
            return _shape(self.attribute("shape").message(7))
        shapes = self.attribute("_output_shapes").message(1).messages(7)
        if index < len(shapes):
            return _shape(shapes[index])
        if self.op == "Const":
            return _shape(self.attribute("value").message(8).message(2))
        return None

    def outputs(self, prefix: str) -> list[Tensor]:
        """Its outputs; ``prefix`` makes names unique where a function is called twice."""
        count = max(1, len(self.attribute("_output_shapes").message(1).chunks.get(7, [])))
        if self.op.startswith("FusedBatchNorm"):
            count = 1  # the statistics beside it are for training
        return [
            Tensor(
                f"{prefix}{self.name}:{index}" if index else f"{prefix}{self.name}",
                self.shape(index),
                self._dtype(),
                self.op in STORED,
            )
            for index in range(count)
        ]

    def _dtype(self) -> str:
        for name in ("DstT", "out_type", "dtype", "T"):
            if name in self.attributes:
                # AttrValue.type = 6
                return DTYPES.get(self.attribute(name).number(6), "unknown")
        return "unknown"


@dataclass(frozen=True)
class Function:
    """One FunctionDef: signature (1), node_def (3), ret (4)."""

    arguments: list[str]
    returns: list[str]
    nodes: dict[str, Node]


def read_nodes(chunks: Iterable[bytes]) -> dict[str, Node]:
    """NodeDefs by name."""
    nodes = {}
    for message in map(parse, chunks):
        inputs = [name for name in message.texts(3) if not name.startswith("^")]
        node = Node(message.text(1), message.text(2), inputs, message.mapping(5))
        nodes[node.name] = node
    return nodes


def read_functions(library: Message) -> dict[str, Function]:
    """Functions by name, from a FunctionDefLibrary (function = 1)."""
    functions = {}
    for message in library.messages(1):
        signature = message.message(1)
        returned = {entry.text(1): entry.text(2) for entry in message.messages(4)}
        returns = [returned.get(output.text(1), "") for output in signature.messages(3)]
        functions[signature.text(1)] = Function(
            [argument.text(1) for argument in signature.messages(2)], returns, read_nodes(message.chunks.get(3, []))
        )
    return functions


def _shape(message: Message) -> tuple[int, ...] | None:
    """A TensorShapeProto (dim = 2, its size = 1; unknown_rank = 3); a first dimension of -1 is the batch."""
    if message.number(3):
        return None
    sizes = [signed(dimension.number(1)) for dimension in message.messages(2)]
    if sizes and sizes[0] < 0:
        sizes[0] = 1
    return None if any(size < 0 for size in sizes) else tuple(sizes)
