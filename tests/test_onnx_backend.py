"""An ONNX model as DUT: on the real ONNX Runtime's CPU, and on GPU providers that a stand-in plays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.dataset import shipped_dataset
from runner.inference.backends.onnxruntime_session import OnnxRuntimeBackend
from runner.inference.known_answers import NOTE, KnownAnswers, check_known_answers, reference_answers
from runner.inference.models import ModelChoice, known_answers_of, load_pipeline, model_facts, quantization_of
from tests.fake_onnxruntime import FakeOnnxRuntime
from tracer.errors import DeviceError, ModelError, NotInstalledError
from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization

WEIGHTS = np.random.default_rng(0).normal(0, 0.02, (490, 12)).astype(np.float32)


def onnx_model(
    path: Path, given: list[Any], gives: int = 12, notes: dict[str, str] | None = None, kind: int = 1
) -> Path:
    """A dense layer and a softmax over the input, whatever its shape."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    count = int(np.prod([size for size in given if isinstance(size, int)]))
    weights = np.resize(WEIGHTS, (count, gives))
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["features"]),
        helper.make_node("Cast", ["features"], ["floats"], to=1),
        helper.make_node("MatMul", ["floats", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    ]
    stored = [
        helper.make_tensor("flat", 7, [2], [1, count]),
        helper.make_tensor("weights", 1, weights.shape, weights.ravel().tolist()),
    ]
    ends = [helper.make_tensor_value_info(*end) for end in (("x", kind, given), ("y", 1, ["N", gives]))]
    graph = helper.make_graph(nodes, "kws", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, notes or {})
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_the_wheel_for_the_cpu_refuses_a_gpu_in_place_of_falling_back(tmp_path: Path, provider: Any) -> None:
    ort = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this onnxruntime has the providers of a GPU")
    with pytest.raises(DeviceError, match=r"onnxruntime .*: it has no \w+ExecutionProvider; take the GPU build"):
        OnnxRuntimeBackend(onnx_model(tmp_path / "m.onnx", [1, 490]), provider)


@pytest.mark.parametrize("given", [[1, 49, 10, 1], ["batch", 490]])
def test_split_and_fused_answer_as_the_models_arithmetic_says(tmp_path: Path, given: list[Any]) -> None:
    pytest.importorskip("onnxruntime")
    pipeline = load_pipeline(ModelChoice(onnx_model(tmp_path / "m.onnx", given), threads=1))
    backend, data = pipeline.backend, shipped_dataset()
    seen = []
    for index in (0, 400, 900):
        pipeline.load(data.input(index))
        logits = pipeline.backend.host_input.reshape(1, 490).astype(np.float64) @ WEIGHTS
        expected = np.exp(logits - logits.max())
        for run in ((backend.host_to_device, backend.session_run, backend.readback), (backend.fused,)):
            for stage in run:
                stage()
            np.testing.assert_allclose(backend.probabilities(), (expected / expected.sum())[0], atol=1e-5)
            seen.append(backend.probabilities())
    assert not np.allclose(seen[0], seen[2])
    assert (backend.name, backend.way, backend.device) == ("onnxruntime", "cpu", "CPU")
    backend.close()


@pytest.mark.parametrize(
    ("given", "gives", "kind", "said"),
    [
        ([1, 8], 12, 1, r"input \(1, 8\) and output \('N', 12\) are not"),
        ([1, 49, 10, 1], 10, 1, r"output \('N', 10\)"),
        ([7, 70], 3, 1, "490 values"),
        ([1, 490], 12, 3, r"of ONNX's types 3 and 1; give one that takes and gives float32"),
    ],
)
def test_a_model_of_another_task_or_type_is_refused_before_the_runtime_is_asked(
    tmp_path: Path, given: list[Any], gives: int, kind: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = onnx_model(tmp_path / "m.onnx", given, gives, kind=kind)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=said):
        OnnxRuntimeBackend(model)


@pytest.mark.parametrize("content", [b"", b"\x00\x01 text", b"\x3a\xff\xff\xff\x7f"])
def test_a_file_that_is_no_onnx_model_is_told_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx: it is no ONNX model .*kws-trace convert"):
        load_pipeline(ModelChoice(tmp_path / "m.onnx"))


def test_without_onnx_runtime_the_extra_that_brings_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NotInstalledError, match=r"kws-trace\[onnx\]"):
        OnnxRuntimeBackend(onnx_model(tmp_path / "m.onnx", [1, 490]))


@pytest.mark.parametrize(
    ("runtime", "provider", "said"),
    [
        (FakeOnnxRuntime(falls_back="CUDAExecutionProvider"), "cuda", "CPUExecutionProvider took its place"),
        (FakeOnnxRuntime(fails="TensorrtExecutionProvider"), "tensorrt", "does not run the model: no engine;"),
        (FakeOnnxRuntime(providers=("CPUExecutionProvider",)), "cuda", "it has no CUDAExecutionProvider.*GPU build"),
    ],
)
def test_a_provider_that_does_not_do_the_work_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: FakeOnnxRuntime, provider: Any, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.raises(DeviceError, match=said):
        OnnxRuntimeBackend(onnx_model(tmp_path / "m.onnx", [1, 490]), provider)


@pytest.mark.parametrize(
    ("provider", "option", "word"),
    [("cuda", "enable_cuda_graph", "1"), ("tensorrt", "trt_cuda_graph_enable", "True")],
)
def test_on_a_gpu_memory_is_bound_there_no_operation_may_fall_back_and_a_graph_is_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: Any, option: str, word: str
) -> None:
    runtime = FakeOnnxRuntime()
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    backend = OnnxRuntimeBackend(model, provider, cuda_graph=True)
    assert runtime.settings == {"device_id": "0", option: word}
    assert runtime.preloaded == 1
    assert runtime.entries == {"session.disable_cpu_ep_fallback": "1"}
    assert (backend.way, backend.device) == (f"{provider}, CUDA graph", "GPU:0")
    monkeypatch.setattr("tests.fake_onnxruntime.Session.run", None)  # a CUDA graph replays over bound memory alone
    backend.fused()
    assert backend.probabilities().argmax() == 5
    OnnxRuntimeBackend(model, provider)
    assert option not in runtime.settings


def test_a_provider_without_its_libraries_is_told_by_the_library_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = FakeOnnxRuntime(absent="CUDAExecutionProvider")
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    model = onnx_model(tmp_path / "m.onnx", [1, 490])
    with pytest.raises(
        DeviceError, match=r"does not run the model: .*fallback to CPU EP has been explicitly disabled"
    ):
        OnnxRuntimeBackend(model, "cuda")
    folder = tmp_path / "onnxruntime" / "capi"
    folder.mkdir(parents=True)
    build = ["gcc", "-shared", "-x", "c", "/dev/null", "-o"]
    if shutil.which("gcc") is None:
        pytest.skip("no compiler is here to make a library that needs another")
    subprocess.run([*build, str(folder / "libneeded.so.13")], check=True)
    needs = [
        str(folder / "libonnxruntime_providers_cuda.so"),
        "-Wl,--no-as-needed",
        f"-L{folder}",
        "-l:libneeded.so.13",
    ]
    subprocess.run([*build, *needs], check=True)
    (folder / "libneeded.so.13").unlink()
    runtime.__file__ = str(folder.parent / "__init__.py")
    with pytest.raises(
        DeviceError, match=r"CUDA\w+: it does not start: libneeded\.so\.13 is not found; .*\[cuda,cudnn\]"
    ):
        OnnxRuntimeBackend(model, "cuda")


def test_a_runtime_that_answers_otherwise_than_the_reference_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    bare = load_pipeline(ModelChoice(onnx_model(tmp_path / "bare.onnx", [1, 490])))
    known = reference_answers(bare, Quantization(0.25, -3), shipped_dataset())
    path = onnx_model(tmp_path / "m.onnx", [1, 490], notes={NOTE: known.text()})
    found = known_answers_of(path)
    assert found is not None
    checked = check_known_answers(load_pipeline(ModelChoice(path)), found)
    assert checked["inputs"] == 12
    assert checked["largest_difference"] < 1e-6
    other = KnownAnswers(known.counts, known.quantization, known.answers[::-1])
    with pytest.raises(ModelError, match=r"onnxruntime .* cpu: its answers to known inputs differ"):
        check_known_answers(bare, other)
    with pytest.raises(ModelError, match="differ"):
        check_known_answers(bare, KnownAnswers(known.counts, known.quantization, known.answers * np.float32(np.nan)))


def test_an_onnx_file_carries_its_own_scale_and_options_come_before_it(tmp_path: Path) -> None:
    known = KnownAnswers(np.zeros((1, 490), np.int8), Quantization(0.25, -3), np.zeros((1, 12), np.float32))
    path = onnx_model(tmp_path / "m.onnx", [1, 490], notes={NOTE: known.text()})
    assert quantization_of(ModelChoice(path)) == Quantization(0.25, -3)
    assert quantization_of(ModelChoice(path, input_scale=1.0, input_zero_point=2)) == Quantization(1.0, 2)
    assert quantization_of(ModelChoice(onnx_model(tmp_path / "bare.onnx", [1, 490]))) == BENCHMARK_QUANTIZATION
    assert model_facts(path)["format"] == "onnx"


@pytest.mark.parametrize("text", ["", "[]", '{"inputs": ["00"], "scale": 1, "zero_point": 0, "answers": [[1]]}'])
def test_known_answers_that_are_damaged_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="known answers are damaged"):
        known_answers_of(onnx_model(tmp_path / "m.onnx", [1, 490], notes={NOTE: text}))
