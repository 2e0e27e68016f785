"""The same stages on both runtimes; a second logical CPU stands for a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.dataset import shipped_dataset
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice, load_pipeline
from tracer.errors import DeviceError, ModelError


def outputs(choice: ModelChoice, count: int = 5) -> np.ndarray:
    pipeline, data = load_pipeline(choice), shipped_dataset()
    vectors = []
    for index in range(count):
        pipeline.load(data.input(index))
        for _, stage in pipeline.stages():
            stage()
        split = pipeline.backend.probabilities()
        pipeline.backend.fused()
        np.testing.assert_allclose(split, pipeline.backend.probabilities(), atol=1e-6)
        vectors.append(split)
    pipeline.backend.close()
    return np.stack(vectors)


@pytest.mark.parametrize("device", [None, "CPU:1"])
@pytest.mark.parametrize("timed", ["reference", "end-to-end"])
def test_tensorflow_gives_the_same_split_and_fused_on_any_device(device: str | None, timed: str) -> None:
    pytest.importorskip("tensorflow")
    found = outputs(ModelChoice(SHIPPED_SAVED_MODEL, device=device, timed=timed))
    np.testing.assert_allclose(found, outputs(ModelChoice(SHIPPED_TFLITE)), atol=0.1)
    assert (found.argmax(axis=1) == shipped_dataset().labels[:5]).all()


def test_the_reference_model_loads_and_a_device_that_is_not_there_is_told(shared_data: Path) -> None:
    pytest.importorskip("tensorflow")
    model = shared_data / "mlperf-tiny-kws" / "model" / "kws_ref_model"
    assert load_pipeline(ModelChoice(model)).quantization is not None
    with pytest.raises(DeviceError, match="CPU:0"):
        load_pipeline(ModelChoice(model, device="GPU:7"))


def test_a_float_tflite_takes_both_sizes(shared_data: Path) -> None:
    path = shared_data / "mlperf-tiny-kws" / "model" / "kws_ref_model_float32.tflite"
    pipeline = load_pipeline(ModelChoice(path))
    assert pipeline.buffer_sizes == (490, 1960)
    counts = np.frombuffer((shared_data / "mlperf-tiny-kws/kws01/tst_000000_Stop_7.bin").read_bytes(), np.int8)
    vectors = []
    for data in (counts.tobytes(), ((counts.astype("<f4") - 83) * np.float32(0.5847029089927673)).tobytes()):
        pipeline.load(data)
        pipeline.backend.fused()
        vectors.append(pipeline.backend.probabilities())
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert vectors[0].argmax() == 7


@pytest.mark.parametrize("name", ["nothing", "empty.tflite", "text.txt", "folder"])
def test_what_is_no_model_is_told_by_name(tmp_path: Path, name: str) -> None:
    for made in ("empty.tflite", "text.txt"):
        (tmp_path / made).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=name):
        load_pipeline(ModelChoice(tmp_path / name))


def test_a_model_of_another_task_is_refused_with_both_shapes(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")

    class Other(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32)])
        def __call__(self, x: object) -> object:
            return tf.identity(x)

    tf.saved_model.save(Other(), str(tmp_path / "other"))
    with pytest.raises(ModelError, match=r"\(1, 8\)"):
        load_pipeline(ModelChoice(tmp_path / "other"))


def test_a_damaged_saved_model_is_told_by_name(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff not a protobuf")
    with pytest.raises(ModelError, match="damaged"):
        load_pipeline(ModelChoice(tmp_path))
