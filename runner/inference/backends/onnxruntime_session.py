"""
An ONNX model in ONNX Runtime, on one execution provider, with input and output bound to the device's memory.

Bound, the copies are calls of their own: ``OrtValue.update_inplace`` to the device, ``OrtValue.numpy`` from it. A run
ends with the provider's stream synchronised. An operation that the provider does not take would silently go to the
CPU: with another provider than the CPU's a session is made that refuses this.
"""

from __future__ import annotations

import ctypes
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES, FloatBackend, input_shape
from runner.inference.backends.onnx_file import read_onnx
from tracer.errors import DeviceError, ModelError, first_line, not_installed

Provider = Literal["cpu", "cuda", "tensorrt"]

PROVIDERS: dict[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
GRAPH_OPTIONS = {"cuda": ("enable_cuda_graph", "1"), "tensorrt": ("trt_cuda_graph_enable", "True")}
"""
The provider's option that captures a session's work as one CUDA graph and replays it, and the word that turns it on:
the TensorRT provider refuses another than ``True`` and ``False``.
"""

GPU_REMEDY = (
    "take the GPU build in place of the CPU one: pip uninstall onnxruntime, then pip install "
    "'onnxruntime-gpu[cuda,cudnn]' (on a Jetson NVIDIA's wheel)"
)
LIBRARY_REMEDIES = {
    "cuda": "pip install 'onnxruntime-gpu[cuda,cudnn]' brings it, since 1.27 that of CUDA 13 (driver 580 or newer); "
    "with an older driver, or beside tensorflow[and-cuda], take 'onnxruntime-gpu[cuda,cudnn]<1.27', of CUDA 12",
    "tensorrt": "pip install 'onnxruntime-gpu[cuda,cudnn]' and the TensorRT it was built for: libnvinfer.so.10 is "
    "in 'tensorrt-cu13<11', and for CUDA 12 in 'tensorrt-cu12<11'",
}


class OnnxRuntimeBackend(FloatBackend):
    """
    A session over one provider.

    ``threads`` are of one operation, on the CPU; None leaves ONNX Runtime's own choice. A
    ``cuda_graph`` is not of the CPU. ``batch`` is how many inputs the model takes at a time.

    Raises:
        DeviceError: if this ONNX Runtime lacks the provider, or does not run the whole model on it.
        ModelError: if the file is no model of the benchmark, or ONNX Runtime does not load it.
        NotInstalledError: if ``onnxruntime`` is not installed.
    """

    name = "onnxruntime"

    def __init__(
        self,
        path: Path,
        provider: Provider = "cpu",
        threads: int | None = None,
        *,
        cuda_graph: bool = False,
        batch: int = 1,
    ) -> None:
        serialized, shape, gives = read_onnx(path, batch)
        self._runtime = ort = _import_onnxruntime()
        self.version: str = ort.__version__
        self.threads = threads
        self.way = f"{provider}, CUDA graph" if cuda_graph else str(provider)
        self.device = "CPU" if provider == "cpu" else "GPU:0"
        self.host_input: NDArray[Any] = np.zeros(input_shape(batch), np.float32)
        # A view: what is written into the one is in the other.
        self._host = self.host_input.reshape(shape)
        self._output: Any = np.zeros((batch, CLASSES), np.float32)
        self._session = _session(ort, path, serialized, provider, threads, cuda_graph=cuda_graph)
        self._input_name = self._session.get_inputs()[0].name
        self._output_names = [self._session.get_outputs()[0].name]
        self._bound = provider != "cpu"
        self._bind(shape, gives)
        try:
            # Some providers fail only at their first inference; and a CUDA graph is captured by it.
            self.host_to_device()
            self.session_run()
            self.readback()
        except _errors(ort) as error:
            raise _refused(provider, error) from None
        self._fused_bound = cuda_graph

    def host_to_device(self) -> None:
        """Copy the host's array into the bound input."""
        self._input_value.update_inplace(self._host)

    def session_run(self) -> None:
        """Run from the bound input to the bound output; returns when the provider's stream is done."""
        self._session.run_with_iobinding(self._binding)

    def readback(self) -> None:
        """Copy the bound output into an array."""
        self._output = self._output_value.numpy()

    def fused(self) -> None:
        """``InferenceSession.run``; a CUDA graph needs the bound memory, so there it is the three."""
        if self._fused_bound:
            self._input_value.update_inplace(self._host)
            self._session.run_with_iobinding(self._binding)
            self._output = self._output_value.numpy()
        else:
            self._output = self._session.run(self._output_names, {self._input_name: self._host})[0]

    def close(self) -> None:
        """Let the session and its memory go."""
        del self._binding, self._input_value, self._output_value, self._session

    def _bind(self, shape: tuple[int, ...], gives: tuple[int, ...]) -> None:
        kind = "cuda" if self._bound else "cpu"
        make = self._runtime.OrtValue.ortvalue_from_shape_and_type
        # Memory of the runtime's own also on the CPU: over the host's array a copy would be none.
        self._input_value: Any = make(list(shape), np.float32, kind, 0)
        self._output_value: Any = make(list(gives), np.float32, kind, 0)
        self._input_value.update_inplace(self._host)
        self._binding: Any = self._session.io_binding()
        self._binding.bind_ortvalue_input(self._input_name, self._input_value)
        self._binding.bind_ortvalue_output(self._output_names[0], self._output_value)


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise not_installed("ONNX Runtime", "kws-trace[onnx]") from None
    return onnxruntime


def _session(
    ort: Any, path: Path, serialized: bytes, provider: Provider, threads: int | None, *, cuda_graph: bool
) -> Any:
    wanted, there = PROVIDERS[provider], ort.get_available_providers()
    if wanted not in there:
        raise DeviceError(f"onnxruntime {ort.__version__}", f"it has no {wanted}", GPU_REMEDY)
    options = ort.SessionOptions()
    if threads:
        options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    settings: dict[str, str] = {}
    if provider != "cpu":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        settings = {"device_id": "0", **dict([GRAPH_OPTIONS[provider]] if cuda_graph else [])}
        _load_libraries(ort, provider)
    try:
        # Its fallback, of Python, would try the CPU and raise that failure in place of the provider's own.
        session = ort.InferenceSession(serialized, options, providers=[(wanted, settings)], enable_fallback=0)
    except _errors(ort) as error:
        if provider != "cpu":
            raise _not_started(ort, provider, error) from None
        problem = f"ONNX Runtime does not load it ({first_line(error)})"
        raise ModelError(path, problem, "make it again with `kws-trace convert`") from None
    if (used := session.get_providers()[0]) != wanted:
        # It falls back in silence; a figure under the wrong name would be worse than none.
        raise DeviceError(wanted, f"it did not start; {used} took its place", GPU_REMEDY)
    return session


def providers_there(ort: Any) -> dict[str, str | None]:
    """Of each provider that this ONNX Runtime has the library that it does not find; None where it starts."""
    there = [one for one, name in PROVIDERS.items() if name in ort.get_available_providers()]
    found: dict[str, str | None] = {}
    for provider in there:
        if provider != "cpu":
            _load_libraries(ort, provider)
        library = Path(ort.__file__ or "").parent / "capi" / f"libonnxruntime_providers_{provider}.so"
        found[provider] = _missing_library(library)
    return found


def _load_libraries(ort: Any, provider: str) -> None:
    """Load what Python packages bring of CUDA, cuDNN and TensorRT: the provider looks where the system does."""
    # Absent before 1.21. It says on standard output what it does not find.
    if (preload := getattr(ort, "preload_dlls", None)) is not None:
        preload()
    if provider == "tensorrt":
        with suppress(ImportError, OSError):
            import tensorrt  # noqa: F401 -- loads its libraries


def _not_started(ort: Any, provider: Provider, error: BaseException) -> DeviceError:
    """
    Why there is no session on a provider.

    One that cannot load its libraries is left out, and ONNX Runtime then says that the CPU was forbidden.
    """
    missing = providers_there(ort).get(provider)
    if missing is None:
        return _refused(provider, error)
    return DeviceError(PROVIDERS[provider], f"it does not start: {missing} is not found", LIBRARY_REMEDIES[provider])


def _missing_library(path: Path) -> str | None:
    """The library that ``path`` needs and the loader does not find; None where it loads or fails otherwise."""
    if not path.is_file():
        return None
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        found = re.match(r"(\S+\.so[.\d]*): cannot open shared object file", str(error))
        return found[1] if found else None
    return None


def _refused(provider: Provider, error: BaseException) -> DeviceError:
    problem = f"it does not run the model: {first_line(error)}"
    return DeviceError(PROVIDERS[provider], problem, "see the versions of CUDA and cuDNN that this onnxruntime wants")


def _errors(ort: Any) -> tuple[type[Exception], ...]:
    """What a provider may raise; ONNX Runtime's own have no class in common but Exception."""
    names = (
        "Fail",
        "RuntimeException",
        "EPFail",
        "InvalidGraph",
        "InvalidProtobuf",
        "InvalidArgument",
        "NotImplemented",
        "EngineError",
        "NoSuchFile",
    )
    state = ort.capi.onnxruntime_pybind11_state
    own = [getattr(state, name) for name in names if hasattr(state, name)]
    return (*own, RuntimeError, ValueError)
