"""Models' files as lists of operations: what the shipped and the reference model are made of, and damaged files."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.inference.backends.onnx_file import onnx_notes
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE
from runner.model_graphs.reader import read_operations
from tracer.errors import ModelError
from tracer.model.model_cost import ModelCost, count_model
from tracer.reports.model_cost_report import REPORT_2021, build_cost

BY_KIND = {"conv2d": 320_000 + 4 * 512_000, "depthwise_conv2d": 4 * 72_000, "dense": 768}


def macs_by_kind(cost: ModelCost) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in cost.costs:
        found[one.operation.kind] += one.macs or 0
    return {kind: macs for kind, macs in found.items() if macs}


@pytest.mark.parametrize("path", [SHIPPED_SAVED_MODEL, SHIPPED_TFLITE], ids=["SavedModel", "tflite"])
def test_the_shipped_model_has_the_benchmark_s_multiply_accumulates(path: Path) -> None:
    cost = count_model(read_operations(path))
    assert macs_by_kind(cost) == BY_KIND
    assert cost.macs == 2_656_768
    assert not cost.not_counted


def test_a_saved_model_keeps_its_batch_norms_and_a_tflite_file_has_them_folded() -> None:
    saved, lite = (count_model(read_operations(path)) for path in (SHIPPED_SAVED_MODEL, SHIPPED_TFLITE))
    assert (saved.parameters, saved.weight_bytes) == (24_908, 99_632)
    # Nine batch norms of 64 channels have four vectors each; folding takes them into weights and biases.
    assert saved.parameters - lite.parameters == 9 * 4 * 64
    assert {one.operation.activation for one in lite.costs if one.operation.kind == "conv2d"} == {"relu"}


def test_a_layer_has_its_bias_and_its_parameters() -> None:
    layers = {
        layer["layer"]: layer for layer in build_cost(count_model(read_operations(SHIPPED_SAVED_MODEL)))["layers"]
    }
    norm = next(layer for name, layer in layers.items() if name.startswith("batch_normalization"))
    dense = next(layer for name, layer in layers.items() if name.startswith("dense"))
    assert (norm["parameters"], norm["macs"]) == (256, 0)
    assert (dense["parameters"], dense["macs"]) == (780, 768)


def test_the_reference_model_has_24_908_parameters_and_2_656_768_multiply_accumulates(shared_data: Path) -> None:
    models = shared_data / "mlperf-tiny-kws" / "model"
    saved = count_model(read_operations(models / "kws_ref_model"))
    assert (saved.parameters, saved.macs, saved.weight_bytes) == (24_908, 2_656_768, 99_632)
    assert macs_by_kind(saved) == BY_KIND
    assert REPORT_2021 in build_cost(saved)["notes"]
    # Dropout is there, and is nothing at inference.
    dropout = [one for one in saved.costs if one.operation.layer.startswith("dropout")]
    assert len(dropout) == 2
    assert {(one.operations, one.moved_bytes) for one in dropout} == {(0, 0)}
    for name in ("kws_ref_model.tflite", "kws_ref_model_float32.tflite"):
        lite = count_model(read_operations(models / name))
        assert (lite.parameters, lite.macs) == (22_604, 2_656_768)


def test_the_slip_of_the_2021_report_is_a_million_less_the_pool_s_additions() -> None:
    counted = count_model(read_operations(SHIPPED_TFLITE))
    pool = next(one for one in counted.costs if one.operation.kind == "average_pool")
    assert counted.macs + (pool.operations or 0) - 1_000_000 == 1_664_768


def test_operations_come_after_what_they_read() -> None:
    operations = read_operations(SHIPPED_SAVED_MODEL)
    written: set[str] = set()
    for one in operations:
        read = {tensor.name for tensor in one.inputs if not tensor.stored}
        assert read - written <= {"serving_default_input_1", *_given(operations)}
        written |= {tensor.name for tensor in one.outputs}


def _given(operations) -> set[str]:
    written = {tensor.name for one in operations for tensor in one.outputs}
    return {tensor.name for one in operations for tensor in one.inputs if tensor.name not in written}


def test_a_model_that_is_not_there_or_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    (tmp_path / "model.tflite").write_bytes(b"\0" * 64)
    (tmp_path / "empty").mkdir()
    for path, problem in (
        (tmp_path / "none", "no such model"),
        (tmp_path / "model.onnx", "neither"),
        (tmp_path / "model.tflite", "no tflite file"),
        (tmp_path / "empty", "no saved_model.pb"),
    ):
        with pytest.raises(ModelError, match=problem):
            read_operations(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_tflite_file_is_told_or_read_never_a_crash(tmp_path_factory, data: st.DataObject) -> None:
    content = bytearray(SHIPPED_TFLITE.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "model.tflite"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    _counts_or_tells(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_saved_model_is_told_or_read_never_a_crash(tmp_path_factory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray((SHIPPED_SAVED_MODEL / "saved_model.pb").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "saved_model.pb").write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    _counts_or_tells(folder)


def _counts_or_tells(path: Path) -> None:
    try:
        build_cost(count_model(read_operations(path)))
    except ModelError:
        return


def test_a_saved_model_without_a_serving_signature_is_told(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED_SAVED_MODEL, tmp_path / "model")
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match="no signature serving_default"):
        read_operations(tmp_path / "model")


@pytest.mark.parametrize(
    "data",
    [b"\x08", b"\x12\x05hi", b"\x00\x01", b"\x08" + b"\xff" * 11, b"\x12\xff\xff\xff\xff\x0f", b"\x0b" * 100_000],
    ids=["cut number", "cut message", "field 0", "long number", "length past the end", "groups in groups"],
)
def test_bytes_that_are_no_protobuf_are_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "saved_model.pb").write_bytes(data)
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"its saved_model\.pb is damaged or none; export the model again"):
        read_operations(tmp_path)
    with pytest.raises(ModelError, match=r"model\.onnx: it is no ONNX model \(it is damaged"):
        onnx_notes(tmp_path / "model.onnx")


def test_names_that_are_no_utf_8_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x3a\x00" + b"\x72\x06\x0a\x01\xff\x12\x01\xfe")
    assert onnx_notes(tmp_path / "model.onnx") == {"\ufffd": "\ufffd"}
