"""Every formula of the cost of a model against values worked out by hand."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tracer.errors import MalformedTraceError
from tracer.model.model_cost import count_model, count_operation, peak_activations
from tracer.model.model_operations import ITEM_BYTES, Operation, Tensor, Window, kind_by_window
from tracer.reports.model_cost_report import build_cost, render_cost


def value(name: str, *shape: int, dtype: str = "float32") -> Tensor:
    return Tensor(name, shape, dtype)


def weight(name: str, *shape: int, dtype: str = "float32") -> Tensor:
    return Tensor(name, shape, dtype, stored=True)


def operation(kind, inputs, outputs, window=None, activation=None, name="one", layer="layer"):
    return Operation(kind, name, layer, kind.upper(), tuple(inputs), tuple(outputs), window, activation)


def test_the_first_convolution_of_the_benchmark_is_320_000_multiply_accumulates() -> None:
    inputs = [value("x", 1, 49, 10, 1), weight("w", 10, 4, 1, 64)]
    cost = count_operation(operation("conv2d", inputs, [value("y", 1, 25, 5, 64)], Window(10, 4, 1)))
    # 25 x 5 x 64 outputs, each of 10 x 4 x 1 products.
    assert (cost.macs, cost.operations, cost.parameters) == (320_000, 640_000, 2560)
    # 490 inputs, 2560 weights and 8000 outputs of 4 bytes.
    assert (cost.weight_bytes, cost.output_bytes, cost.moved_bytes) == (10_240, 32_000, 44_200)


def test_a_bias_adds_one_and_a_fused_activation_its_own_to_each_output() -> None:
    inputs = [value("x", 1, 5, 5, 2), weight("w", 1, 1, 2, 3), weight("b", 3)]
    outputs = [value("y", 1, 5, 5, 3)]
    plain = count_operation(operation("conv2d", inputs, outputs, Window(1, 1, 2)))
    fused = count_operation(operation("conv2d", inputs, outputs, Window(1, 1, 2), "relu6"))
    # 75 outputs of 2 products: 150 multiply-accumulates; + 75 for the bias; + 150 for relu6's two comparisons.
    assert (plain.macs, plain.operations, plain.parameters) == (150, 375, 9)
    assert (fused.macs, fused.operations) == (150, 525)


def test_a_depthwise_convolution_sums_no_channels() -> None:
    inputs = [value("x", 1, 25, 5, 64), weight("w", 3, 3, 64, 1)]
    cost = count_operation(operation("depthwise_conv2d", inputs, [value("y", 1, 25, 5, 64)], Window(3, 3)))
    assert (cost.macs, cost.operations, cost.parameters) == (72_000, 144_000, 576)


def test_a_pointwise_convolution_and_a_dense_layer() -> None:
    inputs = [value("x", 1, 25, 5, 64), weight("w", 1, 1, 64, 64)]
    pointwise = count_operation(operation("conv2d", inputs, [value("y", 1, 25, 5, 64)], Window(1, 1, 64)))
    inputs = [value("x", 1, 64), weight("w", 64, 12), weight("b", 12)]
    dense = count_operation(operation("dense", inputs, [value("y", 1, 12)], Window(1, 1, 64)))
    assert pointwise.macs == 512_000
    assert (dense.macs, dense.operations, dense.parameters, dense.weight_bytes) == (768, 1548, 780, 3120)


@pytest.mark.parametrize(
    ("kind", "window", "operations"),
    [
        ("average_pool", Window(25, 5), 64 * 125),
        ("max_pool", Window(25, 5), 64 * 124),
        ("mean", None, 8000),
        ("bias", None, 64),
        ("elementwise", None, 64),
        ("relu6", None, 128),
        ("rsqrt", None, 128),
        ("batch_norm", None, 128),
        ("quantize", None, 128),
        ("softmax", None, 320),
        ("view", None, 0),
        ("copy", None, 0),
        ("shape", None, 0),
    ],
)
def test_what_is_no_multiply_accumulate_is_counted_as_operations(kind, window, operations) -> None:
    cost = count_operation(operation(kind, [value("x", 1, 25, 5, 64)], [value("y", 1, 64)], window))
    assert (cost.macs, cost.operations, cost.parameters) == (0, operations, 0)
    still = kind in ("view", "shape")
    assert (cost.output_bytes, cost.moved_bytes) == ((0, 0) if still else (256, 32_256))


@pytest.mark.parametrize(
    ("kind", "activation", "operations"),
    [
        ("average_pool", "relu", 64 * (125 + 1)),
        ("max_pool", "relu6", 64 * (124 + 2)),
        ("mean", "relu_n1_to_1", 8000 + 64 * 2),
        ("elementwise", "tanh", 64 * (1 + 1)),
        ("batch_norm", "relu6", 64 * (2 + 2)),
    ],
)
def test_a_fused_activation_is_counted_for_each_value_that_is_written(
    kind: str, activation: str, operations: int
) -> None:
    window = Window(25, 5) if "pool" in kind else None
    cost = count_operation(
        operation(kind, [value("x", 1, 25, 5, 64)], [value("y", 1, 64)], window, activation=activation)
    )
    assert (cost.macs, cost.operations, cost.why) == (0, operations, None)


def test_what_is_counted_by_a_window_is_unknown_without_one() -> None:
    kinds = ("conv2d", "depthwise_conv2d", "dense", "average_pool", "max_pool", "relu6")
    assert [kind_by_window(kind, None) for kind in kinds] == ["unknown"] * 5 + ["relu6"]
    assert [kind_by_window(kind, Window.of(1, 1)) for kind in kinds] == list(kinds)
    assert [Window.of(*sizes) for sizes in ((0, 1, 1), (1, 0, 1), (1, 1, 0))] == [None] * 3
    assert Window.of(2, 3) == Window(2, 3, 1)


def test_int8_values_take_a_byte_and_int32_biases_four() -> None:
    inputs = [value("x", 1, 64, dtype="int8"), weight("w", 12, 64, dtype="int8"), weight("b", 12, dtype="int32")]
    cost = count_operation(operation("dense", inputs, [value("y", 1, 12, dtype="int8")], Window(1, 1, 64)))
    assert (cost.weight_bytes, cost.output_bytes, cost.moved_bytes) == (768 + 48, 12, 64 + 816 + 12)


def test_a_value_takes_as_many_bytes_as_numpy_s_and_half_of_a_float_as_a_bfloat16() -> None:
    known = {name: Tensor("x", (3, 5), name).bytes for name in ITEM_BYTES}
    assert known.pop("bfloat16") == 15 * 2
    assert known == {name: 15 * np.dtype(name).itemsize for name in known}
    assert known.keys() >= {"bool", "int8", "uint8", "int16", "float16", "int32", "float32", "int64", "float64"}
    assert (Tensor("x", None, "int8").bytes, Tensor("x", (1,), "string").bytes) == (None, None)


def test_two_stored_values_are_parameters_and_one_or_an_unknown_number_is_none() -> None:
    stored = [weight("two", 2), weight("one", 1), weight("shape")]
    cost = count_operation(operation("rsqrt", [value("x", 2), *stored], [value("y", 2)]))
    assert (cost.parameters, cost.weight_bytes, cost.moved_bytes) == (2, 8, 8 + 8 + 4 + 4 + 8)
    # What is not counted for its unknown size has no ends either.
    odd = operation("other", [value("x", 4), value("text", 4, dtype="string")], [value("y", 4, dtype="string")])
    assert count_model([odd]).least_moved_bytes == 16


def test_a_tensor_without_values_costs_nothing() -> None:
    nothing = operation("bias", [value("x", 1, 0), weight("b", 0)], [value("y", 1, 0)])
    cost = count_model([nothing])
    sizes = {name: getattr(cost.costs[0], name) for name in ("parameters", "macs", "operations", "weight_bytes")}
    assert sizes == dict.fromkeys(sizes, 0)
    assert (cost.costs[0].output_bytes, cost.moved_bytes, cost.least_moved_bytes) == (0, 0, 0)
    assert (cost.parameters, cost.activation_bytes, cost.peak_activation_bytes) == (0, 0, 0)


def test_an_epsilon_and_a_shape_are_no_parameters() -> None:
    epsilon = count_operation(operation("elementwise", [weight("v", 64), weight("epsilon")], [value("y", 64)]))
    reshape = count_operation(operation("view", [value("x", 1, 1, 64), weight("shape", 2)], [value("y", 1, 64)]))
    assert (epsilon.parameters, reshape.parameters) == (64, 0)


def test_a_weight_that_two_operations_read_is_one_parameter_and_moves_twice() -> None:
    shared = weight("w", 8, 8)
    first = operation("dense", [value("x", 1, 8), shared], [value("h", 1, 8)], Window(1, 1, 8), name="first")
    second = operation("dense", [value("h", 1, 8), shared], [value("y", 1, 8)], Window(1, 1, 8), name="second")
    cost = count_model([first, second])
    assert (cost.parameters, cost.weight_bytes, cost.macs) == (64, 256, 128)
    assert cost.moved_bytes == 2 * (32 + 256 + 32)
    assert cost.least_moved_bytes == 256 + 32 + 32


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (operation("unknown", [value("x", 4)], [value("y", 4)]), "no rule for UNKNOWN"),
        (operation("bias", [Tensor("x", None, "float32")], [value("y", 4)]), "the file gives no shape for x"),
        (operation("bias", [value("x", 4)], [value("y", 4, dtype="string")]), "no size for values of type string"),
        (
            operation("average_pool", [value("x", 4)], [value("y", 4)], Window(1, 1), "gelu"),
            "no rule for the fused activation gelu",
        ),
    ],
)
def test_what_cannot_be_counted_is_listed_and_never_zero(what: Operation, why: str) -> None:
    cost = count_model([what])
    assert [one.why for one in cost.not_counted] == [why]
    assert (cost.costs[0].macs, cost.costs[0].operations, cost.costs[0].moved_bytes) == (None, None, None)
    figures = build_cost(cost)
    assert figures["layers"][0]["macs"] is None
    assert figures["not_counted"] == [{"name": "one", "why": why}]
    assert "1 operation not counted: the totals are without them" in figures["notes"]


def test_a_convolution_without_a_window_is_refused() -> None:
    with pytest.raises(MalformedTraceError, match="without its window"):
        count_operation(operation("conv2d", [value("x", 4), weight("w", 4)], [value("y", 4)]))
    with pytest.raises(MalformedTraceError, match="at least 1"):
        Window(0, 1)


def test_activations_live_until_they_are_last_read_and_views_share_their_bytes() -> None:
    x, a, b, c, y = value("x", 10), value("a", 100), value("b", 100), value("c", 1), value("y", 10)
    chain = [
        operation("elementwise", [x], [a]),
        operation("view", [a], [b]),
        operation("elementwise", [b], [c]),
        # x is read once more: it has lived beside a, and beside c.
        operation("elementwise", [x, c], [y]),
    ]
    assert peak_activations(chain) == 4 * (10 + 100 + 1)
    assert peak_activations([]) == 0
    assert peak_activations([operation("view", [Tensor("x", None, "float32")], [y])]) is None


sizes = st.integers(1, 12)


@given(st.lists(st.tuples(sizes, sizes, sizes, sizes), min_size=1, max_size=8))
def test_the_layers_sum_to_the_totals(shapes: list[tuple[int, int, int, int]]) -> None:
    chain = []
    for index, (height, width, given_channels, out) in enumerate(shapes):
        inputs = [
            value(f"x{index}", 1, 9, 9, given_channels),
            weight(f"w{index}", height, width, given_channels, out),
        ]
        window = Window(height, width, given_channels)
        made = [value(f"y{index}", 1, 7, 7, out)]
        chain.append(operation("conv2d", inputs, made, window, name=str(index), layer=str(index % 3)))
    figures = build_cost(count_model(chain))
    for key in ("parameters", "macs", "operations", "weight_bytes", "moved_bytes"):
        assert figures["total"][key] == sum(layer[key] for layer in figures["layers"])
    assert figures["total"]["macs"] == sum(49 * math.prod(shape) for shape in shapes)
    assert figures["total"]["activation_bytes"] == sum(layer["output_bytes"] for layer in figures["layers"])


def test_a_cost_of_what_is_counted_and_what_is_not_is_told_whole() -> None:
    inputs = [
        value("x", 1, 5, 5, 2, dtype="int8"),
        weight("w", 1, 1, 2, 3, dtype="int8"),
        weight("b", 3, dtype="int32"),
    ]
    outputs = [value("y", 1, 5, 5, 3, dtype="int8")]
    known = operation("conv2d", inputs, outputs, Window(1, 1, 2), name="conv", layer="first")
    odd = operation("other", outputs, [value("z", 1, 5, 5, 3, dtype="int8")], name="odd", layer="second")
    cost = build_cost(count_model([known, odd]))
    # 75 outputs of 2 products and a bias; 6 bytes of weights and 12 of biases; 50 bytes in, 75 out.
    sums = {"parameters": 9, "macs": 150, "operations": 375, "weight_bytes": 18}
    figures = {**sums, "output_bytes": 75, "moved_bytes": 143}
    told = {"name": "conv", "type": "CONV2D", "kind": "conv2d", "fused_activation": None}
    why = "no rule for OTHER"
    none = dict.fromkeys(figures)
    unknown = {"name": "odd", "type": "OTHER", "kind": "other", "fused_activation": None, **none, "not_counted": why}
    moved = {"activation_bytes": 75, "moved_bytes": 143, "least_moved_bytes": 143, "peak_activation_bytes": 150}
    notes = [
        "1 operation not counted: the totals are without them",
        "its arithmetic is int8, the limits are float32's: int8 units may be faster, and a utilisation pass 100 %",
    ]
    assert cost == {
        "total": {**sums, **moved},
        "layers": [
            {"layer": "first", **figures, "operations_of_it": [{**told, **figures, "not_counted": None}]},
            {"layer": "second", **none, "operations_of_it": [unknown]},
        ],
        "not_counted": [{"name": "odd", "why": why}],
        "notes": notes,
    }
    console = Console(width=120, file=io.StringIO())
    about = {"model": {"path": "m.tflite", "format": "tflite"}, "cost": cost, "limits": None, "notes": ["own"]}
    render_cost({**about, "published": None, "why_no_place": "no latency"}, console)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert [line for line in lines if line.strip("\u2500")] == [
        "m.tflite tflite",
        "Cost of one inference",
        "layer params MACs weights B output B moved B",
        "first 9 150 18 75 143",
        "second" + " not counted" * 5,
        "in all 9 150 18 75 143",
        "Memory held at most: 168 bytes (weights and live activations)",
        "Moved at least: 143 bytes (weights once, input and output)",
        "Not counted: odd: no rule for OTHER",
        "Published results: no place (no latency)",
        *(f"Note: {note}" for note in (*notes, "own")),
    ]
