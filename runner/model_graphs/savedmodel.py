"""
A SavedModel's serving signature as a list of operations, read from ``saved_model.pb`` without TensorFlow.

Field numbers are those of TensorFlow's saved_model, meta_graph, graph, function, op_def, node_def, attr_value and
tensor_shape protos. Shapes are the ``_output_shapes`` that TensorFlow writes with every node of an export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner.model_graphs.graph_nodes import CALLS, DTYPES, Function, Node, read_functions, read_nodes
from runner.model_graphs.node_operations import hands_on, node_operation
from runner.model_graphs.wire import Message, WireError, parse, signed
from tracer.errors import ModelError
from tracer.given_files import read_file
from tracer.model.model_operations import Operation, Tensor

_LIMIT = 100_000
"""Operations: more are a graph whose functions call each other."""


def read_saved_model(path: Path) -> list[Operation]:
    """
    Operations of the signature ``serving_default`` with the tag ``serve``, in an order in which they can run.

    Raises:
        ModelError: if the folder holds no such signature, or its ``saved_model.pb`` is damaged.
    """
    graph = serving_graph(path)
    try:
        operations = _Walk(path, read_functions(graph.message(2).message(2))).graph(graph)
    except WireError as error:
        raise _damaged(path, error) from None
    return _with_layers(operations)


def serving_graph(path: Path) -> Message:
    """
    The MetaGraphDef with the tag ``serve`` and the signature ``serving_default``.

    Raises:
        ModelError: if the folder holds none, or its ``saved_model.pb`` is damaged.
    """
    try:
        data = read_file(path / "saved_model.pb")
    except OSError as error:
        reason = "no saved_model.pb in it" if isinstance(error, FileNotFoundError) else error.strerror or "unreadable"
        raise ModelError(path, reason, "name the SavedModel's own folder") from None
    try:
        for graph in parse(data).messages(2):
            if "serve" in graph.message(1).texts(4) and "serving_default" in graph.mapping(5):
                return graph
    except WireError as error:
        raise _damaged(path, error) from None
    raise ModelError(path, "no signature serving_default with the tag serve", "export it for serving")


def serving_ends(path: Path, graph: Message) -> tuple[SignatureEnd, SignatureEnd]:
    """The first input and the first output of the signature in the ``serving_graph`` of ``path``."""
    try:
        signature = graph.mapping(5)["serving_default"]
        given, gives = (next(iter(signature.mapping(field_number).values()), Message()) for field_number in (1, 2))
        return _end(given), _end(gives)
    except WireError as error:
        raise _damaged(path, error) from None


@dataclass(frozen=True, slots=True)
class SignatureEnd:
    """A TensorInfo: the tensor's name in the graph, its type, and its shape, -1 where a dimension is open."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def _end(info: Message) -> SignatureEnd:
    # TensorInfo: name = 1, dtype = 2, tensor_shape = 3; TensorShapeProto: dim = 2, its size = 1.
    shape = tuple(signed(dimension.number(1)) for dimension in info.message(3).messages(2))
    number = info.number(2)
    return SignatureEnd(info.text(1), DTYPES.get(number, f"type {number}"), shape)


def _damaged(path: Path, error: WireError) -> ModelError:
    return ModelError(path, f"its saved_model.pb is damaged ({error})", "export the model again")


@dataclass(frozen=True)
class _Walk:
    """Follows the nodes that outputs need, through the functions that they call."""

    path: Path
    functions: Mapping[str, Function]

    def graph(self, graph: Message) -> list[Operation]:
        """Operations that the serving signature's outputs need."""
        signature = graph.mapping(5)["serving_default"]
        wanted = [tensor.text(1) for tensor in signature.mapping(2).values()]
        operations: list[Operation] = []
        self._follow(read_nodes(graph.message(2).chunks.get(1, [])), wanted, {}, "", operations)
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
        function = self.functions.get(node.function)
        depth = prefix.count(">")
        if function is None or depth > 50:
            problem = "calls itself" if function else "is not in the file"
            raise ModelError(self.path, f"its function {node.function} {problem}", "export the model again")
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
