"""TensorRT as DUT, which no GPU has run yet: NVIDIA's package and CUDA's driver are played."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.inference.backends import tensorrt_engine
from runner.inference.backends.tensorrt_engine import TensorRtBackend, engine_path
from runner.inference.models import ModelChoice, load_pipeline
from tests.fake_cuda import FakeCuda
from tests.fake_tensorrt import FakeTensorRt
from tests.test_onnx_backend import onnx_model
from tracer.errors import DeviceError, ModelError, NotInstalledError, UsageError


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeCuda:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = FakeCuda()
    monkeypatch.setattr(tensorrt_engine, "load_library", lambda: found)
    return found


def played(monkeypatch: pytest.MonkeyPatch, cuda: FakeCuda, **settings: str) -> FakeTensorRt:
    fake = FakeTensorRt(cuda, **settings)
    monkeypatch.setitem(sys.modules, "tensorrt", fake)
    return fake


@pytest.mark.parametrize("cuda_graph", [False, True])
def test_split_and_fused_answer_and_a_graph_replays_what_the_engine_launched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: FakeCuda, cuda_graph: bool
) -> None:
    played(monkeypatch, cuda)
    model = onnx_model(tmp_path / "m.onnx", ["batch", 49, 10, 1])
    backend = load_pipeline(ModelChoice(model, runtime="tensorrt", cuda_graph=cuda_graph)).backend
    assert (backend.name, backend.version, backend.way) == ("tensorrt", "10.3.0", "CUDA graph" if cuda_graph else "")
    warmed = cuda.graph_launches
    for number, stages in ((5, ("host_to_device", "session_run", "readback")), (7, ("fused",))):
        backend.host_input[0, 0, 0, 0] = number
        for stage in stages:
            getattr(backend, stage)()
        assert backend.probabilities().argmax() == number
    assert cuda.graph_launches - warmed == (2 if cuda_graph else 0)
    backend.close()
    assert (cuda.held, cuda.contexts) == ({}, 0)


def test_an_engine_is_built_once_for_a_gpu_a_version_and_a_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: FakeCuda
) -> None:
    model, other = (onnx_model(tmp_path / f"{one}.onnx", [1, 490], notes={"n": one}) for one in "ab")
    fake = played(monkeypatch, cuda)
    for path, built in ((model, 1), (model, 1), (other, 2)):
        TensorRtBackend(path)
        assert fake.built == built
    newer = played(monkeypatch, cuda, version="10.9.0")
    TensorRtBackend(model)
    assert newer.built == 1


def test_an_engine_of_another_gpu_in_the_cache_is_refused_with_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: FakeCuda
) -> None:
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    played(monkeypatch, cuda)
    TensorRtBackend(model)
    played(monkeypatch, cuda, gpu="B")
    kept = engine_path(model.read_bytes(), "", "10.3.0")
    with pytest.raises(ModelError, match="it is of another GPU or version, or damaged; remove it") as told:
        TensorRtBackend(model)
    assert str(kept) in str(told.value)


def test_what_is_not_there_or_too_old_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: FakeCuda
) -> None:
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(
        NotInstalledError, match=r"apt install python3-libnvinfer.*on a PC: pip install 'tensorrt>=10'"
    ):
        TensorRtBackend(model)
    played(monkeypatch, cuda, version="8.6.1")
    with pytest.raises(NotInstalledError, match=r"8\.6\.1 is too old; install 10"):
        TensorRtBackend(model)
    played(monkeypatch, cuda)
    monkeypatch.setattr(tensorrt_engine, "load_library", lambda: FakeCuda(devices=0))
    with pytest.raises(DeviceError, match="the driver sees no device; it runs on NVIDIA's GPUs alone"):
        TensorRtBackend(model)


def test_a_model_of_another_shape_and_one_that_tensorrt_does_not_read_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: FakeCuda
) -> None:
    fake = played(monkeypatch, cuda)
    with pytest.raises(ModelError, match="are not the keyword-spotting model's"):
        TensorRtBackend(onnx_model(tmp_path / "wide.onnx", [1, 96, 96, 3]))
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    fake.ends.append(("z", 2, (1, 12)))
    with pytest.raises(ModelError, match="takes 1 inputs and gives 2"):
        TensorRtBackend(model)
    other = onnx_model(tmp_path / "n.onnx", [1, 490], notes={"n": "b"})
    played(monkeypatch, cuda, refuses="no importer for Foo\nline 2")
    with pytest.raises(ModelError, match=r"TensorRT does not read it \(no importer for Foo\)"):
        TensorRtBackend(other)


def test_options_that_contradict_tensorrt_are_told_before_anything_is_imported(tmp_path: Path) -> None:
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    assert ModelChoice.of(model, runtime="tensorrt", cuda_graph=True).kind == "tensorrt"
    with pytest.raises(UsageError, match="no ONNX model is shipped"):
        ModelChoice.of(None, runtime="tensorrt")
    with pytest.raises(UsageError, match="TensorRT without ONNX Runtime"):
        ModelChoice.of(model, runtime="tensorrt", provider="cuda")
