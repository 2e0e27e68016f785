"""What each type of a TensorFlow node computes, as the kinds of ``tracer.model.model_cost``."""

from __future__ import annotations

from collections.abc import Sequence

from runner.model_graphs.graph_nodes import Node
from tracer.model.model_operations import Operation, Tensor, Window, kind_by_window

KINDS = {
    "Conv2D": "conv2d",
    "DepthwiseConv2dNative": "depthwise_conv2d",
    "MatMul": "dense",
    "AvgPool": "average_pool",
    "MaxPool": "max_pool",
    "Mean": "mean",
    "BiasAdd": "bias",
    "FusedBatchNorm": "batch_norm",
    "FusedBatchNormV2": "batch_norm",
    "FusedBatchNormV3": "batch_norm",
    "Softmax": "softmax",
    "Relu6": "relu6",
    "Rsqrt": "rsqrt",
    **dict.fromkeys(
        ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference", "Neg", "Square", "Sqrt"),
        "elementwise",
    ),
    **dict.fromkeys(("Relu", "Exp", "Log", "Tanh", "Sigmoid", "Elu", "LeakyRelu", "Abs"), "elementwise"),
    **dict.fromkeys(
        ("Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "Snapshot"), "view"
    ),
    **dict.fromkeys(("Pad", "PadV2", "Cast", "Transpose", "ConcatV2", "Pack", "StridedSlice", "Slice"), "copy"),
    "Shape": "shape",
}


def hands_on(node: Node, inputs: Sequence[Tensor]) -> bool:
    """Whether a node is its first input under another name: a variable's read, a weight that is reshaped."""
    if not inputs:
        return False
    return node.op == "ReadVariableOp" or (KINDS.get(node.op) == "view" and all(one.stored for one in inputs))


def node_operation(node: Node, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> Operation:
    """One node as an operation; its layer is filled in later."""
    kind = KINDS.get(node.op, "unknown")
    window = _window(node, kind, inputs)
    return Operation(kind_by_window(kind, window), node.name, "", node.op, inputs, outputs, window)


def _window(node: Node, kind: str, inputs: tuple[Tensor, ...]) -> Window | None:
    """A filter is (height, width, in, out), of a depthwise one (height, width, in, multiplier)."""
    shape = inputs[1].shape if len(inputs) > 1 else None
    if kind in ("conv2d", "depthwise_conv2d") and shape is not None and len(shape) == 4:
        return Window.of(shape[0], shape[1], shape[2] if kind == "conv2d" else 1)
    if kind == "dense" and shape is not None and len(shape) == 2:
        return Window.of(1, 1, shape[1] if node.attribute("transpose_b").flag else shape[0])
    if kind in ("average_pool", "max_pool"):
        sizes = node.attribute("ksize").list.integers
        if len(sizes) == 4:
            return Window.of(*(sizes[2:4] if node.attribute("data_format").text == b"NCHW" else sizes[1:3]))
    return None
