"""A stand-in for the ``onnxruntime`` package: providers that start, fall back in silence, or fail at first use."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

ALL = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


class Failed(Exception):
    """As ONNX Runtime's own: of no class but Exception."""


class OrtValue:
    def __init__(self, shape: list[int], device: str) -> None:
        self.array, self.device = np.zeros(shape, np.float32), device

    @classmethod
    def ortvalue_from_shape_and_type(cls, shape: list[int], dtype: Any, device: str, number: int) -> OrtValue:
        assert (dtype, number) == (np.float32, 0)
        return cls(shape, device)

    def update_inplace(self, array: np.ndarray) -> None:
        assert array.shape == self.array.shape
        self.array[...] = array

    def numpy(self) -> np.ndarray:
        return self.array


WORDS = {
    "device_id": {"0"},
    "enable_cuda_graph": {"0", "1", "True", "False", "true", "false"},
    "trt_cuda_graph_enable": {"True", "False", "true", "false"},
}
"""What the options that we give take, by onnxruntime-gpu 1.31.1's own messages."""


class FakeOnnxRuntime(types.ModuleType):
    """
    ``falls_back`` start as the CPU's, ``fails`` raise at their first inference, ``absent`` cannot load their
    libraries; the answer is always class 5.
    """

    __version__ = "9"
    capi = types.SimpleNamespace(onnxruntime_pybind11_state=types.SimpleNamespace(EPFail=Failed))
    OrtValue = OrtValue

    def __init__(
        self, falls_back: str = "", fails: str = "", providers: tuple[str, ...] = ALL, absent: str = ""
    ) -> None:
        super().__init__("onnxruntime")
        self.falls_back, self.fails, self.providers, self.absent = falls_back, fails, providers, absent
        self.preloaded = 0
        self.__file__ = "/nowhere/onnxruntime/__init__.py"
        self.settings: dict[str, str] = {}
        self.entries: dict[str, str] = {}

    def get_available_providers(self) -> list[str]:
        return list(self.providers)

    def SessionOptions(self) -> Any:
        return types.SimpleNamespace(add_session_config_entry=self.entries.__setitem__)

    def preload_dlls(self) -> None:
        self.preloaded += 1

    def InferenceSession(
        self, model: bytes, options: Any, providers: list[tuple[str, dict[str, str]]], enable_fallback: int = 1
    ) -> Any:
        ((wanted, self.settings),) = providers
        for option, word in self.settings.items():
            if word not in WORDS[option]:
                raise RuntimeError(f"The value for the key '{option}' should be one of {WORDS[option]}")
        if wanted == self.absent:
            said = (
                "nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled"
            )
            raise Failed("Conflicting session configuration" if enable_fallback else said)
        return Session(self, wanted)


class Session:
    def __init__(self, runtime: FakeOnnxRuntime, wanted: str) -> None:
        self._runtime, self._wanted = runtime, wanted
        self._given: Any = None
        self._gives: Any = None

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider" if self._wanted == self._runtime.falls_back else self._wanted]

    def get_inputs(self) -> list[Any]:
        return [types.SimpleNamespace(name="x")]

    def get_outputs(self) -> list[Any]:
        return [types.SimpleNamespace(name="y")]

    def io_binding(self) -> Any:
        return types.SimpleNamespace(
            bind_ortvalue_input=lambda _, value: setattr(self, "_given", value),
            bind_ortvalue_output=lambda _, value: setattr(self, "_gives", value),
        )

    def run_with_iobinding(self, _: Any) -> None:
        if self._wanted == self._runtime.fails:
            raise Failed("no engine\nmore")
        assert self._given.device == ("cpu" if self._wanted.startswith("CPU") else "cuda")
        self._gives.array[...] = np.eye(12)[[5]]

    def run(self, outputs: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        batch, rest = divmod(feeds["x"].size, 490)
        assert (outputs, rest) == (["y"], 0)
        return [np.eye(12, dtype=np.float32)[[5] * batch]]
