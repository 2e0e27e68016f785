"""
A stand-in for NVIDIA's ``tensorrt``: an engine is of one GPU and version.

Names and arguments were held against the signatures of ``tensorrt_cu12_bindings`` 11.4.
"""

from __future__ import annotations

import ctypes
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fake_cuda import FakeCuda


class FakeTensorRt(types.ModuleType):
    """
    Its engine answers with the class that is the input's first value.

    Args:
        cuda: whose memory and stream it works on.
        gpu: what its engines are of.
        refuses: what the parser says of each model, where it says anything.
        ends: names, modes and shapes of the engine's tensors.
    """

    def __init__(self, cuda: FakeCuda, gpu: str = "A", version: str = "10.3.0", refuses: str = "") -> None:
        super().__init__("tensorrt")
        self.__version__ = version
        self.cuda, self.gpu, self.refuses, self.built = cuda, gpu, refuses, 0
        self.ends: list[tuple[str, int, tuple[int, ...]]] = [("x", 1, (1, 49, 10, 1)), ("y", 2, (1, 12))]
        self.Logger: Any = lambda severity: severity
        self.Logger.ERROR = 1
        self.TensorIOMode = types.SimpleNamespace(INPUT=1, OUTPUT=2)

    def Builder(self, logger: int) -> Any:
        return types.SimpleNamespace(
            create_network=lambda flags: Network() if flags == 0 else None,
            create_builder_config=lambda: "config",
            build_serialized_network=self._build,
        )

    def _build(self, network: Network, config: str) -> bytes | None:
        assert network.parsed
        assert config == "config"
        assert network.input.shape is not None
        self.built += 1
        return f"engine of {self.gpu} {self.__version__}".encode()

    def OnnxParser(self, network: Network, logger: int) -> Any:
        def parse(serialized: bytes) -> bool:
            network.parsed = not self.refuses
            return network.parsed

        return types.SimpleNamespace(parse=parse, num_errors=1, get_error=lambda number: ParserError(self.refuses))

    def Runtime(self, logger: int) -> Any:
        return types.SimpleNamespace(deserialize_cuda_engine=self._load)

    def _load(self, plan: bytes) -> Any:
        if plan != f"engine of {self.gpu} {self.__version__}".encode():
            return None
        known = {name: (mode, shape) for name, mode, shape in self.ends}
        return types.SimpleNamespace(
            num_io_tensors=len(self.ends),
            get_tensor_name=lambda number: self.ends[number][0],
            get_tensor_mode=lambda name: known[name][0],
            get_tensor_shape=lambda name: known[name][1],
            create_execution_context=lambda: Context(self.cuda),
        )


class ParserError:
    """As the real one: no text, and no exception."""

    def __init__(self, said: str) -> None:
        self._said = said

    def __str__(self) -> str:
        return self._said


class Network:
    def __init__(self) -> None:
        self.parsed = False
        self.input = types.SimpleNamespace(shape=None)

    def get_input(self, number: int) -> Any:
        assert number == 0
        return self.input


class Context:
    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self._at: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._at[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 77
        launch: Callable[[], Any] = self._answer if self._cuda.captured is None else self._note
        launch()
        return True

    def _note(self) -> None:
        assert self._cuda.captured is not None
        self._cuda.captured.append(self._answer)

    def _answer(self) -> None:
        value = int(ctypes.cast(self._at["x"], ctypes.POINTER(ctypes.c_float))[0])
        answer = np.eye(12, dtype=np.float32)[value]
        ctypes.memmove(self._at["y"], answer.ctypes.data, answer.nbytes)
