"""
An ONNX model as an engine of TensorRT 10, built on this GPU and kept in the cache folder.

An engine is of one GPU, one version of TensorRT and one model: its file is named for the three. Copies and graphs go
through CUDA's driver by ctypes, so that nothing but NVIDIA's ``tensorrt`` is needed. Names: TensorRT's Python API
reference (``Builder``, ``OnnxParser``, ``Runtime``, ``ICudaEngine``, ``IExecutionContext``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from ctypes import byref, c_void_p
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.device.cuda_driver import STREAMS, CudaDriver, NoGpuError, load_library
from runner.inference.backends.backend import CLASSES, INPUT_SHAPE, FloatBackend, checked_ends
from runner.inference.backends.onnx_file import read_onnx
from tracer.errors import DeviceError, ModelError, NotInstalledError, first_line, told_unreadable
from tracer.runs.run_index import cache_folder
from tracer.whole_files import written_whole

TENSORRT_REMEDY = (
    "on a Jetson: sudo apt install python3-libnvinfer, in an environment made with --system-site-packages; on a PC: "
    "pip install 'tensorrt>=10', of CUDA 13 (driver 580 or newer), or 'tensorrt-cu12>=10'"
)

THREAD_LOCAL = 1
"""``CU_STREAM_CAPTURE_MODE_THREAD_LOCAL``: other threads may call what they like meanwhile."""

NON_BLOCKING = 1
"""``CU_STREAM_NON_BLOCKING``."""


class TensorRtBackend(FloatBackend):
    """
    An engine with one context on a stream of its own; with ``cuda_graph`` its work is replayed as one graph.

    Raises:
        DeviceError: if there is no GPU, or the engine does not run on it.
        ModelError: if the file is no model of the benchmark, TensorRT does not build it, or what lies in the cache is
            no engine of this GPU.
        NotInstalledError: if ``tensorrt`` is not installed, or is older than 10.
    """

    name = "tensorrt"
    device = "GPU:0"
    threads: int | None = None

    def __init__(self, path: Path, *, cuda_graph: bool = False) -> None:
        serialized, given, gives = read_onnx(path)
        trt = _import_tensorrt()
        self.version: str = trt.__version__
        self.way = "CUDA graph" if cuda_graph else ""
        self._driver = _driver()
        self._engine = _engine(trt, path, serialized, given, self._driver.name)
        self._check_ends(trt, path)
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise DeviceError("TensorRT", "it makes no context of the engine", "free memory of the GPU")
        self._copies = {name: self._driver.function(name) for name in STREAMS}
        self._memory = [self._driver.device_memory(4 * int(np.prod(shape))) for shape in (given, gives)]
        self._input, self._gives = (one.__enter__() for one in self._memory)
        for name, address in zip(self._names, (self._input, self._gives), strict=True):
            self._context.set_tensor_address(name, address)
        self.host_input: NDArray[Any] = np.zeros(INPUT_SHAPE, np.float32)
        self._output: NDArray[np.float32] = np.zeros(CLASSES, np.float32)
        stream = c_void_p()
        self._driver.call("cuStreamCreate", byref(stream), NON_BLOCKING)
        self._stream = int(stream.value or 0)
        self._execute: Callable[[], None] = self._run_engine
        # What is made at the first inference must not fall into a capture.
        self.fused()
        if cuda_graph:
            self._capture()

    def host_to_device(self) -> None:
        """Copy the host's array to the engine's input."""
        self._copy_in()
        self._wait()

    def session_run(self) -> None:
        """Run the engine, or replay its graph; returns when the stream is done."""
        self._execute()
        self._wait()

    def readback(self) -> None:
        """Copy the engine's output to the host."""
        self._copy_out()
        self._wait()

    def fused(self) -> None:
        """All three on one stream, with one synchronisation at the end."""
        self._copy_in()
        self._execute()
        self._copy_out()
        self._wait()

    def close(self) -> None:
        """Let the engine and its memory go."""
        del self._context, self._engine
        for memory in self._memory:
            memory.__exit__(None, None, None)
        self._driver.close()

    def _copy_in(self) -> None:
        array = self.host_input
        self._call("cuMemcpyHtoDAsync_v2", self._input, array.ctypes.data, array.nbytes, self._stream)

    def _copy_out(self) -> None:
        array = self._output
        self._call("cuMemcpyDtoHAsync_v2", array.ctypes.data, self._gives, array.nbytes, self._stream)

    def _run_engine(self) -> None:
        if not self._context.execute_async_v3(self._stream):
            raise DeviceError("TensorRT", "the engine did not run", "see what it wrote above")

    def _wait(self) -> None:
        self._call("cuStreamSynchronize", self._stream)

    def _call(self, name: str, *arguments: Any) -> None:
        if status := self._copies[name](*arguments):
            self._driver.check(name, status)

    def _capture(self) -> None:
        graph, ready = c_void_p(), c_void_p()
        self._driver.call("cuStreamBeginCapture_v2", self._stream, THREAD_LOCAL)
        self._run_engine()
        self._driver.call("cuStreamEndCapture", self._stream, byref(graph))
        self._driver.call("cuGraphInstantiateWithFlags", byref(ready), graph, 0)
        self._execute = partial(self._call, "cuGraphLaunch", ready, self._stream)
        self.fused()

    def _check_ends(self, trt: Any, path: Path) -> None:
        """One input and one output of the benchmark's sizes; their names, in that order."""
        engine = self._engine
        names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
        ends = [
            [one for one in names if engine.get_tensor_mode(one) == mode]
            for mode in (trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT)
        ]
        if [len(one) for one in ends] != [1, 1]:
            raise ModelError(
                path,
                f"its engine takes {len(ends[0])} inputs and gives {len(ends[1])}",
                "the keyword-spotting model takes one and gives one",
            )
        self._names = [one[0] for one in ends]
        given, gives = (tuple(engine.get_tensor_shape(name)) for name in self._names)
        checked_ends(path, given, gives)


def _import_tensorrt() -> Any:
    try:
        import tensorrt
    except ImportError:
        raise NotInstalledError("TensorRT", "it is not installed", TENSORRT_REMEDY) from None
    if int(str(tensorrt.__version__).partition(".")[0]) < 10:
        raise NotInstalledError("TensorRT", f"{tensorrt.__version__} is too old", "install 10 (JetPack 6.1)")
    return tensorrt


def _driver() -> CudaDriver:
    try:
        return CudaDriver(load_library(), 0, STREAMS)
    except NoGpuError as error:
        raise DeviceError("--runtime tensorrt", error.reason, "it runs on NVIDIA's GPUs alone") from None


def engine_path(serialized: bytes, gpu: str, version: str) -> Path | None:
    """Where the engine of a model is kept for a GPU and a version of TensorRT; None without a cache folder."""
    folder, words = cache_folder(), re.sub(r"[^\w.]+", "-", f"{gpu} {version}")
    name = f"{hashlib.sha256(serialized).hexdigest()[:32]}-{words}.engine"
    return None if folder is None else folder / "engines" / name


def _engine(trt: Any, path: Path, serialized: bytes, given: tuple[int, ...], gpu: str) -> Any:
    """The engine of the cache, else one that is built and kept there."""
    logger, kept = trt.Logger(trt.Logger.ERROR), engine_path(serialized, gpu, trt.__version__)
    plan, known = None, kept is not None and kept.is_file()
    if kept is not None and known:
        with told_unreadable(ModelError, kept, "remove it: it is built again"):
            plan = kept.read_bytes()
    else:
        plan = _built(trt, logger, path, serialized, given)
        _keep(kept, plan)
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    if engine is None and known:
        problem = f"TensorRT {trt.__version__} does not load it on {gpu}: it is of another GPU or version, or damaged"
        raise ModelError(str(kept), problem, "remove it: it is built again")
    if engine is None:
        raise DeviceError("TensorRT", f"it does not load what it built on {gpu}", "see what it wrote above")
    return engine


def _built(trt: Any, logger: Any, path: Path, serialized: bytes, given: tuple[int, ...]) -> bytes:
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(serialized):
        said = first_line(parser.get_error(0)) if parser.num_errors else "it does not say why"
        raise ModelError(path, f"TensorRT does not read it ({said})", "make it again with `kws-trace convert`")
    # An open first dimension would need a profile: one inference at a time is what the benchmark asks.
    network.get_input(0).shape = given
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    if plan is None:
        raise ModelError(path, "TensorRT builds no engine of it", "see what it wrote above; try --provider tensorrt")
    return bytes(plan)


def _keep(path: Path | None, plan: bytes) -> None:
    """Keep an engine; where that is not possible it is built each time."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, shared=True, lasting=False) as temporary:
            temporary.write_bytes(plan)
    except OSError:
        return
