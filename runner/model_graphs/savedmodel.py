"""
A SavedModel's serving signature as a list of operations, read from ``saved_model.pb`` without TensorFlow.

Shapes are the ``_output_shapes`` that TensorFlow writes with every node of an export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.model_graphs.graph_nodes import (
    CALLS,
    DTYPES,
    FIELDS,
    Function,
    Node,
    mapping,
    read_functions,
    read_nodes,
    text,
)
from runner.model_graphs.node_operations import hands_on, node_operation
from tracer.errors import ModelError
from tracer.given_files import read_file
from tracer.model.model_operations import Operation, Tensor
from tracer.protobuf_messages import parse

_LIMIT = 100_000
"""Operations: more are a graph whose functions call each other."""


def read_saved_model(path: Path) -> list[Operation]:
    """
    Operations of the signature ``serving_default`` with the tag ``serve``, in an order in which they can run.

    Raises:
        ModelError: if the folder holds no such signature, or its ``saved_model.pb`` is damaged.
    """
    graph = serving_graph(path)
    return _with_layers(_Walk(path, read_functions(graph.graph.library.functions)).graph(graph))


def serving_graph(path: Path) -> Any:
    """
    The MetaGraph with the tag ``serve`` and the signature ``serving_default``, as ``FIELDS`` describes one.

    Raises:
        ModelError: if the folder holds none, or its ``saved_model.pb`` is damaged.
    """
    try:
        saved = parse(FIELDS, "SavedModel", read_file(path / "saved_model.pb"))
    except OSError as error:
        reason = "no saved_model.pb in it" if isinstance(error, FileNotFoundError) else error.strerror or "unreadable"
        raise ModelError(path, reason, "name the SavedModel's own folder") from None
    if saved is None:
        raise ModelError(path, "its saved_model.pb is damaged or none", "export the model again")
    for graph in saved.meta_graphs:
        if b"serve" in graph.meta_info.tags and "serving_default" in mapping(graph.signatures):
            return graph
    raise ModelError(path, "no signature serving_default with the tag serve", "export it for serving")


def serving_ends(graph: Any) -> tuple[SignatureEnd, SignatureEnd]:
    """The first input and the first output of the signature of a ``serving_graph``."""
    signature = mapping(graph.signatures)["serving_default"]
    return _end(signature.inputs), _end(signature.outputs)


@dataclass(frozen=True, slots=True)
class SignatureEnd:
    """A TensorInfo: the tensor's name in the graph, its type, and its shape, -1 where a dimension is open."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def _end(entries: Sequence[Any]) -> SignatureEnd:
    if not entries:
        return SignatureEnd("", "type 0", ())
    info = entries[0].value
    shape = tuple(dimension.size for dimension in info.shape.dimensions)
    return SignatureEnd(text(info.name), DTYPES.get(info.dtype, f"type {info.dtype}"), shape)


@dataclass(frozen=True)
class _Walk:
    """Follows the nodes that outputs need, through the functions that they call."""

    path: Path
    functions: Mapping[str, Function]

    def graph(self, graph: Any) -> list[Operation]:
        """Operations that the serving signature's outputs need."""
        outputs = mapping(mapping(graph.signatures)["serving_default"].outputs)
        operations: list[Operation] = []
        wanted = [text(tensor.name) for tensor in outputs.values()]
        self._follow(read_nodes(graph.graph.nodes), wanted, {}, "", operations)
        return operations

    def _follow(
        self,
        nodes: Mapping[str, Node],
        wanted: Sequence[str],
        given: Mapping[str, Tensor],
        prefix: str,
        operations: list[Operation],
    ) -> list[Tensor]:
        """Append what ``wanted`` needs to ``operations`` and return it; ``given`` are a function's arguments."""
        known: dict[str, list[Tensor]] = {name: [tensor] for name, tensor in given.items()}
        for node in self._ordered(nodes, wanted, known):
            inputs = [self._tensor(known, name) for name in node.inputs]
            if node.op in CALLS:
                known[node.name] = self._call(node, inputs, prefix, operations)
                continue
            if hands_on(node, inputs):
                known[node.name] = [replace(inputs[0], shape=node.shape(0) or inputs[0].shape)]
                continue
            known[node.name] = outputs = node.outputs(prefix)
            if not node.is_source:
                operations.append(node_operation(node, tuple(inputs), tuple(outputs)))
            if len(operations) > _LIMIT:
                raise ModelError(self.path, f"more than {_LIMIT} operations", "its functions may call each other")
        return [self._tensor(known, name) for name in wanted]

    def _call(self, node: Node, inputs: Sequence[Tensor], prefix: str, operations: list[Operation]) -> list[Tensor]:
        name = text(node.attribute("f").function.name)
        function = self.functions.get(name)
        depth = prefix.count(">")
        if function is None or depth > 50:
            problem = "calls itself" if function else "is not in the file"
            raise ModelError(self.path, f"its function {name} {problem}", "export the model again")
        given = dict(zip(function.arguments, inputs, strict=False))
        return self._follow(function.nodes, function.returns, given, f"{prefix}{node.name}>", operations)

    def _ordered(self, nodes: Mapping[str, Node], wanted: Sequence[str], known: Mapping[str, object]) -> list[Node]:
        """The nodes that ``wanted`` needs, each after those that it reads."""
        order: dict[str, Node] = {}
        stack = [(_node_name(name), False) for name in reversed(wanted)]
        entered: set[str] = set()
        while stack:
            name, left = stack.pop()
            if name in known or name in order:
                continue
            node = nodes.get(name)
            if node is None:
                raise ModelError(self.path, f"its graph lacks the node {name}", "export the model again")
            if left:
                order[name] = node
            elif name in entered:
                raise ModelError(self.path, f"its node {name} depends on itself", "a graph with loops is not counted")
            else:
                entered.add(name)
                stack.append((name, True))
                stack.extend((_node_name(source), False) for source in reversed(node.inputs))
        return list(order.values())

    def _tensor(self, known: Mapping[str, list[Tensor]], name: str) -> Tensor:
        tensors = known[_node_name(name)]
        last = name.rsplit(":", 1)[-1]
        index = int(last) if ":" in name and last.isdecimal() else 0
        if index >= len(tensors):
            raise ModelError(self.path, f"its graph lacks the tensor {name}", "export the model again")
        return tensors[index]


def _node_name(tensor: str) -> str:
    return tensor.split(":", 1)[0]


def _with_layers(operations: list[Operation]) -> list[Operation]:
    """The layer is the first part of a name, past the part that every name begins with (the model's own)."""
    scopes = [operation.name.split("/") for operation in operations if "/" in operation.name]
    roots = {parts[0] for parts in scopes}
    skip = 1 if len(roots) == 1 and any(len(parts) > 2 for parts in scopes) else 0
    named = []
    for operation in operations:
        parts = operation.name.split("/")
        layer = parts[skip] if "/" in operation.name and len(parts) > skip else operation.name
        named.append(replace(operation, layer=layer))
    return named
