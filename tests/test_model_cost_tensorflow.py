"""The counts against TensorFlow's own profiler, and Keras files through Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.inference.models import SHIPPED_SAVED_MODEL
from runner.model_graphs.reader import read_operations
from tracer.errors import ModelError
from tracer.model.model_cost import count_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tf() -> Any:
    return pytest.importorskip("tensorflow")


def tensorflow_float_operations(tf: Any, path: Path) -> int:
    """``float_operation`` of ``tf.compat.v1.profiler.profile`` over the frozen, inlined graph."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        signature = v1.saved_model.loader.load(session, ["serve"], str(path)).signature_def["serving_default"]
        given, gives = (next(iter(ends.values())).name for ends in (signature.inputs, signature.outputs))
        frozen = v1.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(add_shapes=True), [gives.split(":")[0]]
        )
    wrapped = v1.wrap_function(
        lambda x: tf.import_graph_def(frozen, input_map={given: x}, return_elements=[gives]),
        [tf.TensorSpec((1, 49, 10, 1))],
    )
    builder = v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    return v1.profiler.profile(convert_variables_to_constants_v2(wrapped).graph, options=options).total_float_ops


def counted_by_both(path: Path) -> int:
    """Our operations without those of the types that TensorFlow's profiler has no rule for."""
    costs = count_model(read_operations(path)).costs
    unknown_to_tensorflow = {"Relu", "FusedBatchNormV3"}
    return sum(one.operations or 0 for one in costs if one.operation.source not in unknown_to_tensorflow)


def test_the_shipped_model_counts_as_tensorflow_counts_it(tf: Any) -> None:
    assert counted_by_both(SHIPPED_SAVED_MODEL) == tensorflow_float_operations(tf, SHIPPED_SAVED_MODEL)


def test_the_reference_model_counts_as_tensorflow_counts_it(tf: Any, shared_data: Path) -> None:
    path = shared_data / "mlperf-tiny-kws" / "model" / "kws_ref_model"
    assert counted_by_both(path) == tensorflow_float_operations(tf, path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_keras_file_is_counted_as_it_runs_at_inference(tf: Any, tmp_path: Path, suffix: str) -> None:
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.4),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    path = tmp_path / f"model{suffix}"
    model.save(path)
    cost = count_model(read_operations(path))
    # 4 x 4 x 4 outputs of 3 x 3 x 2 products, the same outputs of 3 x 3, and 4 x 5.
    assert cost.macs == 64 * 18 + 64 * 9 + 20
    assert cost.parameters == model.count_params() == (18 * 4 + 4) + 4 * 4 + 36 + 25
    assert not cost.not_counted
    assert not any("dropout" in one.operation.name.lower() and one.operations for one in cost.costs)


def test_a_file_that_keras_does_not_load_is_told(tf: Any, tmp_path: Path) -> None:
    assert tf
    path = tmp_path / "model.keras"
    path.write_bytes(b"no zip")
    with pytest.raises(ModelError, match="Keras does not load it"):
        read_operations(path)
