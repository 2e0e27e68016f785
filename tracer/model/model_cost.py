"""
What one inference of a model costs by counting: parameters, multiply-accumulates, operations, bytes.

The input is a neutral list of operations (``runner.model_graphs`` makes it from a SavedModel, a Keras or a tflite
file). An operation is counted by what it computes; one that no rule covers is listed as not counted, never as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracer.errors import MalformedTraceError
from tracer.model.model_operations import Operation, Tensor, Window


@dataclass(frozen=True, slots=True)
class OperationCost:
    """
    The cost of one operation for one inference; counts are None where it is not counted, and ``why`` says so.

    ``macs`` are multiply-accumulates of convolutions and dense layers. ``operations`` are all arithmetic ones, a
    multiply-accumulate being two. ``parameters`` counts a shared weight with the first operation that reads it.
    ``output_bytes`` are what it writes, none for a view. ``moved_bytes`` are what is read and written if every
    operation goes to memory: weights, inputs, outputs.
    """

    operation: Operation
    parameters: int | None = None
    macs: int | None = None
    operations: int | None = None
    weight_bytes: int | None = None
    output_bytes: int | None = None
    moved_bytes: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ModelCost:
    """
    The cost of one inference; sums are over what was counted.

    ``least_moved_bytes``: every weight once, the model's input and output. ``peak_activation_bytes``: the most that
    activations hold at one time, in the order of the list; None where a size is not known.
    """

    costs: tuple[OperationCost, ...]
    parameters: int
    macs: int
    operations: int
    weight_bytes: int
    activation_bytes: int
    moved_bytes: int
    least_moved_bytes: int
    peak_activation_bytes: int | None

    @property
    def not_counted(self) -> tuple[OperationCost, ...]:
        """Those that no rule covers."""
        return tuple(cost for cost in self.costs if cost.why is not None)


Rule = Callable[[Operation, int], tuple[int, int]]


def _convolution(operation: Operation, out: int) -> tuple[int, int]:
    """Each output value sums the products of its window; a bias adds one, a fused activation its own."""
    macs = out * _window(operation).values
    bias = out if len(operation.inputs) > 2 else 0
    return macs, 2 * macs + bias + out * ACTIVATIONS[operation.activation]


def _pool(less: int) -> Rule:
    """One operation a value of the window, ``less`` fewer, for an output value."""

    def rule(operation: Operation, out: int) -> tuple[int, int]:
        return 0, out * (_window(operation).values - less + ACTIVATIONS[operation.activation])

    return rule


def _mean(operation: Operation, out: int) -> tuple[int, int]:
    """As many additions and divisions as there are input values."""
    return 0, (operation.inputs[0].values or 0) + out * ACTIVATIONS[operation.activation]


def _each(count: int) -> Rule:
    """``count`` operations for an output value."""

    def rule(operation: Operation, out: int) -> tuple[int, int]:
        return 0, out * (count + ACTIVATIONS[operation.activation])

    return rule


ACTIVATIONS: dict[str | None, int] = {None: 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 2, "tanh": 1}
"""Operations for a value of an activation that is fused; an elementary function is one operation."""

RULES: dict[str, Rule] = {
    "conv2d": _convolution,
    "depthwise_conv2d": _convolution,
    "dense": _convolution,
    # One addition less than the window has values, and one multiplication; one comparison less.
    "average_pool": _pool(0),
    "max_pool": _pool(1),
    "mean": _mean,
    # A bias, a sum, a product: one operation a value. An elementary function (exp, log, tanh) is one as well.
    "bias": _each(1),
    "elementwise": _each(1),
    "relu6": _each(2),
    # A root and a reciprocal.
    "rsqrt": _each(2),
    # At inference the four vectors fold into one factor and one offset a channel.
    "batch_norm": _each(2),
    # Largest, difference, exponential, sum, quotient: TensorFlow's own count is 5 as well.
    "softmax": _each(5),
    "quantize": _each(2),
    # Dropout at inference, reshapes, variable reads: the same bytes under another name.
    "view": lambda _operation, _out: (0, 0),
    # Padding, slices, transposes, casts: bytes move, nothing is computed.
    "copy": lambda _operation, _out: (0, 0),
    # The shape of a tensor, read from its description.
    "shape": lambda _operation, _out: (0, 0),
}
"""
Multiply-accumulates and operations by kind, from the operation and how many values it writes.

What a kernel does beside them (the requantization of int8 sums, the order of loops) is how it computes, not what.
"""

NO_TRAFFIC = {"view", "shape"}
PARAMETRIC = {"conv2d", "depthwise_conv2d", "dense", "bias", "batch_norm"}


def count_model(operations: Sequence[Operation]) -> ModelCost:
    """Cost of one inference of a model whose operations run in the order given."""
    seen: set[str] = set()
    costs = []
    for operation in operations:
        costs.append(count_operation(operation, seen))
        seen |= {tensor.name for tensor in _weights(operation)}
    counted = [cost for cost in costs if cost.why is None]

    def summed(count: str) -> int:
        return sum(getattr(cost, count) or 0 for cost in counted)

    # From the last to the first, so that of tensors with one name the first stays.
    stored = {tensor.name: tensor for cost in reversed(counted) for tensor in reversed(_weights(cost.operation))}
    weights = sum(tensor.bytes or 0 for tensor in stored.values())
    return ModelCost(
        costs=tuple(costs),
        parameters=summed("parameters"),
        macs=summed("macs"),
        operations=summed("operations"),
        weight_bytes=weights,
        activation_bytes=summed("output_bytes"),
        moved_bytes=summed("moved_bytes"),
        least_moved_bytes=weights + _ends(operations),
        peak_activation_bytes=peak_activations(operations),
    )


def count_operation(operation: Operation, seen: set[str] | None = None) -> OperationCost:
    """Cost of one operation; ``seen`` names the stored tensors whose parameters are counted already."""
    weights = _weights(operation)
    why = _why_not(operation)
    if why is not None:
        return OperationCost(operation, why=why)
    out = sum(tensor.values or 0 for tensor in operation.outputs)
    macs, arithmetic = RULES[operation.kind](operation, out)
    traffic = operation.kind not in NO_TRAFFIC
    output_bytes = sum(tensor.bytes or 0 for tensor in operation.outputs) if traffic else 0
    read = sum(tensor.bytes or 0 for tensor in operation.inputs) if traffic else 0
    return OperationCost(
        operation,
        parameters=sum(tensor.values or 0 for tensor in weights if tensor.name not in (seen or set())),
        macs=macs,
        operations=arithmetic,
        weight_bytes=sum(tensor.bytes or 0 for tensor in weights),
        output_bytes=output_bytes,
        moved_bytes=read + output_bytes,
    )


def peak_activations(operations: Sequence[Operation]) -> int | None:
    """
    Bytes of the activations that are alive at once, at their most.

    An activation lives from the operation that writes it to the last that reads it; a view shares its input's bytes.
    """
    home: dict[str, str] = {}
    size: dict[str, int] = {}
    last: dict[str, int] = {}
    born: dict[str, int] = {}
    for index, operation in enumerate(operations):
        read = [tensor for tensor in operation.inputs if not tensor.stored]
        if operation.kind == "view" and read:
            home.update({tensor.name: home.get(read[0].name, read[0].name) for tensor in operation.outputs})
        for tensor in (*read, *operation.outputs):
            if tensor.bytes is None:
                return None
            root = home.get(tensor.name, tensor.name)
            size.setdefault(root, tensor.bytes)
            born.setdefault(root, index)
            last[root] = index
    alive = (sum(size[name] for name in size if born[name] <= at <= last[name]) for at in range(len(operations)))
    return max(alive, default=0)


def _weights(operation: Operation) -> list[Tensor]:
    """Stored tensors that are parameters: a scalar (an epsilon) or the shape for a reshape is none."""
    if operation.kind in PARAMETRIC:
        return [tensor for tensor in operation.inputs if tensor.stored]
    if operation.kind in ("elementwise", "rsqrt"):
        return [tensor for tensor in operation.inputs if tensor.stored and (tensor.values or 0) > 1]
    return []


def _why_not(operation: Operation) -> str | None:
    if operation.kind not in RULES:
        return f"no rule for {operation.source}"
    if operation.activation not in ACTIVATIONS:
        return f"no rule for the fused activation {operation.activation}"
    if operation.kind == "shape":
        return None
    for tensor in (*operation.inputs, *operation.outputs):
        if tensor.values is None:
            return f"the file gives no shape for {tensor.name}"
        if tensor.bytes is None:
            return f"no size for values of type {tensor.dtype}"
    return None


def _window(operation: Operation) -> Window:
    if operation.window is None:
        raise MalformedTraceError(f"{operation.name}: a {operation.kind} without its window")
    return operation.window


def _ends(operations: Sequence[Operation]) -> int:
    """Bytes of the activations that nothing in the list writes, and of those that nothing reads."""
    written = {tensor.name for operation in operations for tensor in operation.outputs}
    read = {tensor.name for operation in operations for tensor in operation.inputs}
    ends: dict[str, int] = {}
    for operation in operations:
        given = [tensor for tensor in operation.inputs if not tensor.stored and tensor.name not in written]
        gives = [tensor for tensor in operation.outputs if tensor.name not in read]
        ends.update({tensor.name: tensor.bytes or 0 for tensor in (*given, *gives)})
    return sum(ends.values())
