"""SavedModels of single nodes, written by hand: what each type becomes, and graphs that cannot be followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.model_graphs.reader import read_operations
from tracer.errors import ModelError
from tracer.model.model_cost import count_model
from tracer.model.model_operations import Window


def varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def chunk(field: int, *content: bytes | str) -> bytes:
    data = b"".join(part.encode() if isinstance(part, str) else part for part in content)
    return varint(field << 3 | 2) + varint(len(data)) + data


def shape(*sizes: int) -> bytes:
    return b"".join(chunk(2, number(1, size)) for size in sizes)


def attribute(name: str, value: bytes) -> bytes:
    return chunk(5, chunk(1, name), chunk(2, value))


def node(name: str, op: str, inputs: Sequence[str] = (), out: Sequence[int] | None = None, *more: bytes) -> bytes:
    shapes = [] if out is None else [attribute("_output_shapes", chunk(1, chunk(7, shape(*out))))]
    return b"".join(
        [
            chunk(1, name),
            chunk(2, op),
            *(chunk(3, one) for one in inputs),
            attribute("dtype", number(6, 1)),
            *shapes,
            *more,
        ]
    )


def variable(name: str, *sizes: int) -> bytes:
    return node(name, "VarHandleOp", (), None, attribute("shape", chunk(7, shape(*sizes))))


X = node("x", "Placeholder", (), (-1, 4, 4, 3))


def saved_model(folder: Path, wanted: str, *nodes: bytes, library: bytes = b"") -> Path:
    graph = b"".join(chunk(1, one) for one in nodes) + chunk(2, library)
    signature = chunk(1, "serving_default") + chunk(2, chunk(2, chunk(1, "y"), chunk(2, chunk(1, wanted))))
    meta = chunk(1, chunk(4, "serve")) + chunk(2, graph) + chunk(5, signature)
    (folder / "saved_model.pb").write_bytes(chunk(2, meta))
    return folder


def test_a_convolution_reads_its_filter_s_shape_through_the_variable(tmp_path: Path) -> None:
    nodes = [
        X,
        variable("w", 3, 3, 3, 8),
        node("w/Read", "ReadVariableOp", ["w"], (3, 3, 3, 8)),
        node("y", "Conv2D", ["x", "w/Read", "^w"], (-1, 2, 2, 8)),
    ]
    (one,) = read_operations(saved_model(tmp_path, "y:0", *nodes))
    assert (one.kind, one.window) == ("conv2d", Window(3, 3, 3))
    assert count_model([one]).macs == 2 * 2 * 8 * 27


def test_a_matrix_product_may_have_its_weights_transposed(tmp_path: Path) -> None:
    flag = attribute("transpose_b", number(5, 1))
    nodes = [
        node("x", "Placeholder", (), (-1, 64)),
        variable("w", 12, 64),
        node("r", "ReadVariableOp", ["w"], (12, 64)),
        node("y", "MatMul", ["x", "r"], (-1, 12), flag),
    ]
    assert count_model(read_operations(saved_model(tmp_path, "y:0", *nodes))).macs == 768


def test_a_pool_s_window_goes_by_its_layout(tmp_path: Path) -> None:
    for layout, sizes in (("NHWC", (1, 2, 3, 1)), ("NCHW", (1, 1, 2, 3))):
        ksize = attribute("ksize", chunk(1, chunk(3, *map(varint, sizes))))
        pool = node("y", "MaxPool", ["x"], (-1, 2, 2, 3), ksize, attribute("data_format", chunk(2, layout)))
        (one,) = read_operations(saved_model(tmp_path, "y:0", X, pool))
        assert one.window == Window(2, 3)


def test_an_operation_without_a_rule_or_a_shape_is_listed(tmp_path: Path) -> None:
    nodes = [X, node("a", "Einsum", ["x"], (-1, 4)), node("y", "Relu", ["a"])]
    cost = count_model(read_operations(saved_model(tmp_path, "y:0", *nodes)))
    assert [(one.operation.source, one.why) for one in cost.not_counted] == [
        ("Einsum", "no rule for Einsum"),
        ("Relu", "the file gives no shape for y"),
    ]
    assert cost.operations == 0


def test_a_weight_that_is_reshaped_stays_that_weight(tmp_path: Path) -> None:
    nodes = [
        X,
        variable("b", 3),
        node("r", "ReadVariableOp", ["b"], (3,)),
        node("s", "Const", (), (4,)),
        node("t", "Reshape", ["r", "s"], (1, 1, 1, 3)),
        node("y", "BiasAdd", ["x", "t"], (-1, 4, 4, 3)),
    ]
    cost = count_model(read_operations(saved_model(tmp_path, "y:0", *nodes)))
    assert [one.operation.source for one in cost.costs] == ["BiasAdd"]
    assert cost.parameters == 3


def function(name: str, *nodes: bytes, returns: str) -> bytes:
    signature = chunk(1, name) + chunk(2, chunk(1, "arg")) + chunk(3, chunk(1, "out"))
    body = b"".join(chunk(3, one) for one in nodes)
    return chunk(1, chunk(1, signature), body, chunk(4, chunk(1, "out"), chunk(2, returns)))


def call(name: str, inputs: Sequence[str], called: str) -> bytes:
    return node(name, "PartitionedCall", inputs, (-1, 4, 4, 3), attribute("f", chunk(10, chunk(1, called))))


def test_a_function_that_is_called_twice_counts_twice(tmp_path: Path) -> None:
    library = function("f", node("relu", "Relu", ["arg"], (-1, 4, 4, 3)), returns="relu:activations:0")
    nodes = [X, call("a", ["x"], "f"), call("y", ["a"], "f")]
    operations = read_operations(saved_model(tmp_path, "y:0", *nodes, library=library))
    assert [one.outputs[0].name for one in operations] == ["a>relu", "y>relu"]
    assert count_model(operations).operations == 2 * 48


@pytest.mark.parametrize(
    ("nodes", "library", "problem"),
    [
        ([call("y", ["x"], "f")], b"", "function f is not in the file"),
        ([call("y", ["x"], "f")], function("f", call("g", ["arg"], "f"), returns="g:output:0"), "calls itself"),
        ([node("y", "Relu", ["z"], (1,))], b"", "lacks the node z"),
        ([node("y", "Relu", ["a"], (1,)), node("a", "Relu", ["y"], (1,))], b"", "depends on itself"),
        ([node("y", "Relu", ["x:7"], (1,))], b"", "lacks the tensor x:7"),
    ],
)
def test_a_graph_that_cannot_be_followed_is_told(
    tmp_path: Path, nodes: list[bytes], library: bytes, problem: str
) -> None:
    with pytest.raises(ModelError, match=problem):
        read_operations(saved_model(tmp_path, "y:0", X, *nodes, library=library))
