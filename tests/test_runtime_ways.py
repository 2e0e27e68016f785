"""Each ``--runtime`` as DUT: its answers, its refusals, and the C library without Python's TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.dataset import shipped_dataset
from runner.inference.backends.tensorflow_c import TensorFlowCBackend
from runner.inference.backends.tensorflow_c_library import config_bytes
from runner.inference.known_answers import check_known_answers
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice, known_answers_of, load_pipeline
from tracer.errors import ModelError, NotInstalledError, UsageError

KNOWN = known_answers_of(SHIPPED_SAVED_MODEL)


def wheel_library() -> str:
    """The shared library in TensorFlow's package, which stands in for libtensorflow.so; found without an import."""
    found = importlib.util.find_spec("tensorflow")
    folder = Path(str(found.origin)).parent if found else Path("/nowhere")
    libraries = sorted(folder.glob("libtensorflow_cc.so*"))
    if not libraries:
        pytest.skip("no libtensorflow_cc.so is in the tensorflow package")
    return str(libraries[0])


def test_the_shipped_answers_are_one_of_each_class_and_those_of_the_int8_model_lie_near() -> None:
    assert KNOWN is not None
    assert KNOWN.answers.argmax(axis=1).tolist() == list(range(12))
    np.testing.assert_allclose(KNOWN.answers.sum(axis=1), 1, atol=1e-5)
    checked = check_known_answers(load_pipeline(ModelChoice(SHIPPED_TFLITE)), KNOWN)
    assert 1e-4 < checked["largest_difference"] < checked["allowed"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["session", "callable", "inline", "frozen", "xla", "loaded"])
def test_every_way_of_tensorflow_answers_as_the_reference_split_and_fused(way: str) -> None:
    pytest.importorskip("tensorflow")
    assert KNOWN is not None
    pipeline = load_pipeline(ModelChoice(SHIPPED_SAVED_MODEL, threads=1, runtime=way))
    assert check_known_answers(pipeline, KNOWN)["largest_difference"] < 1e-5
    assert (pipeline.backend.name, pipeline.backend.way) == ("tensorflow", way)
    pipeline.backend.close()


@pytest.mark.slow
def test_the_c_library_answers_as_the_reference_in_a_process_without_pythons_tensorflow(tmp_path: Path) -> None:
    words = ["infer", "--runtime", "capi", "--library", wheel_library(), "--threads", "1", "--name", "c", "--json"]
    files = [tmp_path / f"{index}.bin" for index in range(3)]
    for index, file in enumerate(files):
        file.write_bytes(shipped_dataset().input(index * 100))
    program = (
        "import sys, runner.cli\n"
        "try:\n    runner.cli.main()\nfinally:\n    sys.stderr.write(str('tensorflow' in sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, *words, "--traces", str(tmp_path / "traces"), *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr.endswith("False")
    backend = json.loads((tmp_path / "traces/c/run.json").read_text())["backend"]
    assert (backend["name"], backend["way"], backend["threads"]) == ("tensorflow-c", "capi", 1)
    assert backend["known_answers"]["largest_difference"] < 1e-5
    classes = [one["class"] for one in json.loads(said.stdout)["predictions"]]
    assert classes == shipped_dataset().labels[[0, 100, 200]].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "threads", "count"),
    [(None, None, 0), (None, 1, 0), ("CPU:1", 300, 2), ("cpu", 1, 1), ("/device:CPU:0", None, 1), ("GPU:0", 2, 0)],
)
def test_the_c_librarys_configuration_is_the_sessions(device: str | None, threads: int | None, count: int) -> None:
    tf = pytest.importorskip("tensorflow")
    from runner.inference.backends.tensorflow_graph import session_config

    config = session_config(tf, device, threads)
    assert tf.compat.v1.ConfigProto.FromString(config_bytes(device, threads)) == config
    # On a machine with a GPU what is to run on the CPU would be placed on it, and its memory taken.
    assert dict(config.device_count) == ({"CPU": count, "GPU": 0} if count else {})


def test_another_library_is_told_with_what_to_give(tmp_path: Path) -> None:
    for library in (tmp_path / "none.so", Path("libc.so.6")):
        with pytest.raises(NotInstalledError, match=r"no TensorFlow C library .*libtensorflow_cc\.so\.2"):
            TensorFlowCBackend(SHIPPED_SAVED_MODEL, library)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (None, {"backend": "onnxruntime"}, "no ONNX model is shipped; make one with `kws-trace convert"),
        (None, {"backend": "litert", "runtime": "frozen"}, "it does not run kws_ds_cnn_int8.tflite"),
        (SHIPPED_TFLITE, {"runtime": "session"}, "tensorflow does not run this kind of model"),
        (None, {"runtime": "capi"}, "give both: the path of libtensorflow.so"),
        (None, {"runtime": "session", "library": "x"}, "--runtime capi, --library"),
        (None, {"provider": "cuda"}, "it is of ONNX Runtime; name an .onnx file"),
        (None, {"runtime": "loaded", "device": "CPU"}, "it is of a TensorFlow session"),
        (None, {"cuda_graph": True}, "give --provider cuda or tensorrt"),
    ],
)
def test_options_that_no_runtime_could_obey_are_told_before_one_is_imported(
    model: Path | None, options: dict[str, Any], said: str
) -> None:
    before = set(sys.modules)
    with pytest.raises((UsageError, ModelError), match=said):
        ModelChoice.of(model, **options)
    assert not {"tensorflow", "onnxruntime"} & (set(sys.modules) - before)


@pytest.mark.slow
def test_a_converted_model_runs_as_the_model_that_it_was_made_of(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf2onnx")
    from runner.inference.onnx_conversion import write_onnx

    path = tmp_path / "kws.onnx"
    made = write_onnx(ModelChoice(SHIPPED_SAVED_MODEL, runtime="session"), path)
    assert made["known_answers"]["largest_difference"] < 1e-5
    known = known_answers_of(path)
    assert known is not None
    assert KNOWN is not None
    np.testing.assert_allclose(known.answers, KNOWN.answers, atol=1e-5)
    assert load_pipeline(ModelChoice(path)).quantization == KNOWN.quantization
    with pytest.raises(UsageError, match=r"ends in \.onnx"):
        write_onnx(ModelChoice(SHIPPED_SAVED_MODEL), tmp_path / "kws.bin")
