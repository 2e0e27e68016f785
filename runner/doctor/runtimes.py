"""The runtimes: which are installed and which devices they see, asked in a process of their own."""

from __future__ import annotations

import json
import sys
from typing import Any

from runner.children import code_command
from runner.device.board import Board
from runner.device.gpu_facts import pc_has_gpu
from runner.doctor.checks import ERROR, FINE, WARNING, Check
from runner.doctor.machine import Machine
from runner.inference.backends.onnxruntime_session import GPU_REMEDY, LIBRARY_REMEDIES
from tracer.errors import last_line

IMPORT_LIMIT_S = 180.0
"""TensorFlow's import takes 8 to 14 s on a PC, and several times that from a Jetson's SD card."""

ASK_TENSORFLOW = """
import json, os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf
devices = [device.name.replace("/physical_device:", "") for device in tf.config.list_physical_devices()]
cuda = bool(tf.test.is_built_with_cuda())
print("\\n" + json.dumps({"version": tf.__version__, "devices": devices, "cuda": cuda}))
"""
ASK_LITERT = """
import json
from importlib import metadata
from ai_edge_litert.interpreter import Interpreter
print("\\n" + json.dumps({"version": metadata.version("ai-edge-litert"), "name": Interpreter.__name__}))
"""
ASK_ONNXRUNTIME = """
import json
import onnxruntime
from runner.inference.backends.onnxruntime_session import providers_there
print("\\n" + json.dumps({"version": onnxruntime.__version__, "providers": providers_there(onnxruntime)}))
"""
NVIDIA_WHEEL = (
    "install NVIDIA's own TensorFlow wheel for this JetPack first (its guide: Installing TensorFlow for Jetson "
    "Platform), then kws-trace without its tensorflow extra"
)
CUDA_WHEEL = (
    "pip install 'tensorflow[and-cuda]', or unset CUDA_VISIBLE_DEVICES where it hides the GPU; it says why after "
    "TF_CPP_MIN_LOG_LEVEL=0 python3 -c 'import tensorflow; tensorflow.config.list_physical_devices()'"
)
NO_WHEEL = {
    4: "NVIDIA's TensorFlow wheels for JetPack 4 are for Python 3.6, which kws-trace does not run on",
    5: "NVIDIA's TensorFlow wheels for JetPack 5 are for Python 3.8, which kws-trace does not run on",
    7: "no TensorFlow wheel that uses the GPU of JetPack 7 is known",
}
"""By JetPack: why TensorFlow cannot use the GPU there."""

NO_TENSORFLOW_GPU = 7
"""The JetPack on which ONNX Runtime is what can."""


def check_tensorflow(machine: Machine, board: Board) -> Check:
    """
    TensorFlow and its devices; on a Jetson whose JetPack has one for the GPU, another is an error, on a PC with
    NVIDIA's GPU a warning.
    """
    facts, problem = _ask(machine, ASK_TENSORFLOW)
    without_gpu = NO_WHEEL.get(board.jetpack or 0)
    if facts is None:
        on_cpu = "pip install 'kws-trace[tensorflow]', or keep to .tflite models"
        remedy = f"{without_gpu}; for the CPU: {on_cpu}" if without_gpu else on_cpu
        return Check("TensorFlow", WARNING, problem, remedy if without_gpu or not board.is_jetson else NVIDIA_WHEEL)
    version, devices = facts["version"], facts["devices"]
    seen = f"{version} sees {', '.join(devices) or 'no device'}"
    if any(device.startswith("GPU") for device in devices) or not (board.is_jetson or pc_has_gpu(machine.root)):
        return Check("TensorFlow", FINE, seen)
    if not board.is_jetson:
        why = "and not NVIDIA's GPU that is here"
        return Check("TensorFlow", WARNING, f"{seen}, {why}", CUDA_WHEEL)
    if without_gpu:
        return Check("TensorFlow", WARNING, f"{seen}: {without_gpu}", "measure it as what it is, a run on the CPU")
    why = "built without CUDA" if not facts["cuda"] else "built with CUDA, which finds no GPU"
    remedy = f"does its CUDA match this JetPack? {NVIDIA_WHEEL}" if facts["cuda"] else NVIDIA_WHEEL
    return Check("TensorFlow", ERROR, f"{seen}, on a Jetson: {why}", remedy)


def check_litert(machine: Machine) -> Check:
    """LiteRT, which runs the shipped int8 model."""
    facts, problem = _ask(machine, ASK_LITERT)
    if facts is None:
        return Check("LiteRT", ERROR, problem, "pip install ai-edge-litert")
    return Check("LiteRT", FINE, f"{facts['version']}")


def check_onnxruntime(machine: Machine, board: Board) -> Check:
    """ONNX Runtime and the providers that start; without the GPU's a warning where NVIDIA's GPU is there."""
    facts, problem = _ask(machine, ASK_ONNXRUNTIME)
    if facts is None:
        if problem == "not installed" and board.jetpack != NO_TENSORFLOW_GPU:
            return Check("ONNX Runtime", FINE, f"{problem} (extra onnx, for .onnx models)")
        why = ": no other runtime that kws-trace installs reaches this board's GPU" if board.is_jetson else ""
        return Check("ONNX Runtime", WARNING, f"{problem}{why}", "pip install 'kws-trace[onnx]', or NVIDIA's wheel")
    providers = facts["providers"]
    told = [f"{one} lacks {missing}" if missing else one for one, missing in providers.items()]
    said = f"{facts['version']}: {', '.join(told)}"
    if not (board.is_jetson or pc_has_gpu(machine.root)) or providers.get("cuda", "absent") is None:
        return Check("ONNX Runtime", FINE, said)
    return Check("ONNX Runtime", WARNING, said, LIBRARY_REMEDIES["cuda"] if "cuda" in providers else GPU_REMEDY)


def _ask(machine: Machine, program: str) -> tuple[dict[str, Any] | None, str]:
    """The facts, or None and what went wrong."""
    ran = machine.run(code_command(program), IMPORT_LIMIT_S)
    if ran is None:
        return None, f"{sys.executable} cannot be run"
    if ran.code is None:
        return None, f"its import did not end within {IMPORT_LIMIT_S:g} s"
    if not ran.fine:
        if "ModuleNotFoundError" in ran.errors:
            return None, "not installed"
        return None, f"it does not import: {last_line(ran.errors, f'ended with {ran.code}')}"
    try:
        facts: dict[str, Any] = json.loads(last_line(ran.output))
    except ValueError:
        return None, "its import ended without an answer"
    return facts, ""
