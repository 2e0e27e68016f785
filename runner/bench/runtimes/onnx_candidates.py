"""ONNX Runtime over the SavedModel's float weights: the frozen graph goes through tf2onnx, in this process."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import Absent, Candidate, FloatInput, Found
from runner.bench.runtimes.saved_model import SessionModel
from runner.inference.backends.backend import CLASSES
from tracer.errors import first_line

NAME = "ONNX Runtime"
OPSET = 17
"""Known to every ONNX Runtime since 1.12 (2022), those of JetPack among them."""

PROVIDERS = {"CPUExecutionProvider": "CPU", "CUDAExecutionProvider": "CUDA", "TensorrtExecutionProvider": "TensorRT"}
GPU_REMEDY = "install a GPU build of onnxruntime (on a Jetson: NVIDIA's wheel) in place of the CPU one"


def missing_modules() -> list[str]:
    """Which of the modules that these candidates need are not installed."""
    return [name for name in ("onnxruntime", "tf2onnx", "onnx") if importlib.util.find_spec(name) is None]


def onnx_candidates(model: SessionModel, frozen: Any, given: FloatInput) -> Found:
    """One candidate an execution provider that this ONNX Runtime has."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    found = Found([], [])
    try:
        serialized = convert(frozen, model)
    except (ValueError, RuntimeError, KeyError) as error:
        return Found([], [Absent(NAME, f"tf2onnx does not convert the model: {error}", "try another tf2onnx")])
    for provider, short in PROVIDERS.items():
        made = _candidate(onnxruntime, serialized, provider, short, model, given)
        if isinstance(made, Candidate):
            found.candidates.append(made)
        else:
            found.absent.append(Absent(f"{NAME} {short}", made, GPU_REMEDY))
    return found


def convert(frozen: Any, model: SessionModel) -> bytes:
    """The frozen graph as a serialized ONNX model for a batch of one."""
    import logging

    tf2onnx: Any = importlib.import_module("tf2onnx")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    proto, _ = tf2onnx.convert.from_graph_def(
        frozen, input_names=[model.input_name], output_names=[model.output_name], opset=OPSET
    )
    # A batch of unknown size keeps shapes from being folded.
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    serialized: bytes = proto.SerializeToString()
    return serialized


def _errors(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """What a provider may raise; ONNX Runtime's own have no class in common but Exception."""
    names = ("Fail", "RuntimeException", "EPFail", "InvalidGraph", "InvalidArgument", "NotImplemented", "EngineError")
    state = onnxruntime.capi.onnxruntime_pybind11_state
    own = [getattr(state, name) for name in names if hasattr(state, name)]
    return (*own, RuntimeError, ValueError)


def _session(onnxruntime: Any, serialized: bytes, provider: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(serialized, options, providers=[provider])


def _candidate(
    onnxruntime: Any, serialized: bytes, provider: str, short: str, model: SessionModel, given: FloatInput
) -> Candidate | str:
    """The candidate of one provider, or why there is none."""
    if provider not in onnxruntime.get_available_providers():
        return f"{onnxruntime.__version__} here has no {provider}"
    host = given.array.reshape(model.shape)
    device = "CPU" if short == "CPU" else "GPU:0"
    try:
        session = _session(onnxruntime, serialized, provider, model.threads)
        key, outputs, run = session.get_inputs()[0].name, [session.get_outputs()[0].name], session.run

        def call() -> Any:
            return run(outputs, {key: host})

        def probabilities() -> NDArray[np.float32]:
            return np.asarray(call()[0], np.float32).reshape(CLASSES)

        # Some providers fail only at their first inference.
        probabilities()
    except _errors(onnxruntime) as error:
        return f"{provider} does not run the model: {first_line(error)}"
    if (used := session.get_providers()[0]) != provider:
        # It falls back in silence; a figure under the wrong name would be worse than none.
        return f"{provider} did not start; {used} took its place"
    version = onnxruntime.__version__
    return Candidate(f"{NAME} {short}", version, "float32", device, given.load, call, probabilities, lambda: None)
