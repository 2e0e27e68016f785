"""CUDA's driver as far as copies go: a device whose memory is this process's, on a clock of its own."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

OUT_OF_MEMORY, NO_DEVICE, INVALID_VALUE = 2, 100, 1
NAMES = {1: b"CUDA_ERROR_INVALID_VALUE", 2: b"CUDA_ERROR_OUT_OF_MEMORY", 100: b"CUDA_ERROR_NO_DEVICE"}

SPEEDS = {"cuMemcpyHtoD_v2": 4, "cuMemcpyDtoH_v2": 8, "cuMemcpyDtoD_v2": 16}
"""Bytes a nanosecond, of pinned memory."""


class Function:
    """As ctypes gives it: checks and converts its arguments by ``argtypes``."""

    def __init__(self, call: Callable[..., int]) -> None:
        self._call = call
        self.argtypes: list[Any] = []
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        # What ctypes itself does: a prototype of the declared types round the function.
        return ctypes.CFUNCTYPE(self.restype, *self.argtypes)(self._call)(*arguments)


class FakeCuda:
    """
    Copies are real, between addresses of this process; each kind has a speed in bytes a nanosecond.

    Args:
        devices: how many.
        fails: status of a function, by its name.
        integrated: whether the GPU shares the system's memory.
    """

    def __init__(self, devices: int = 1, fails: dict[str, int] | None = None, *, integrated: bool = False) -> None:
        self.now = 0
        self.held: dict[int, Any] = {}
        self.pinned: set[int] = set()
        self.contexts = 0
        self.waited = True
        self.captured: list[Callable[[], None]] | None = None
        self.graph: list[Callable[[], None]] = []
        self.graph_launches = 0
        self._pending = 0
        self._fails = fails or {}
        self._devices, self._integrated = devices, integrated
        for name in dir(type(self)):
            if name.startswith("_cu"):
                setattr(self, name[1:], Function(self._guarded(name[1:])))
        for name in SPEEDS:
            setattr(self, name, Function(self._copier(name)))

    def clock(self) -> int:
        """Time that passes when a copy is waited for."""
        assert self.waited, "the clock was read before the device had finished"
        return self.now

    def _guarded(self, name: str) -> Callable[..., int]:
        call = getattr(self, f"_{name}")
        return lambda *arguments: self._fails.get(name) or call(*arguments) or 0

    def _copier(self, name: str) -> Callable[..., int]:
        def copy(target: int, source: int, size: int) -> int:
            if name in self._fails:
                return self._fails[name]
            ctypes.memmove(target, source, size)
            host = source if name == "cuMemcpyHtoD_v2" else target
            slower = 1 if host in self.pinned or name == "cuMemcpyDtoD_v2" else 2
            self._pending += slower * size // SPEEDS[name] + 100
            self.waited = False
            return 0

        return copy

    def _cuInit(self, flags: int) -> int:
        return INVALID_VALUE if flags else 0

    def _cuDeviceGetCount(self, count: Any) -> None:
        count[0] = self._devices

    def _cuDeviceGet(self, device: Any, number: int) -> None:
        device[0] = number

    def _cuDeviceGetName(self, name: Any, size: int, device: int) -> int:
        return 0

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> None:
        value[0] = int(self._integrated) if attribute == 18 else -1

    def _cuDriverGetVersion(self, version: Any) -> None:
        version[0] = 12020

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:
        self.contexts += 1
        context[0] = 1

    def _cuDevicePrimaryCtxRelease_v2(self, device: int) -> None:
        self.contexts -= 1

    def _cuCtxSetCurrent(self, context: Any) -> int:
        return 0

    def _cuCtxSynchronize(self) -> None:
        self.now, self._pending, self.waited = self.now + self._pending, 0, True

    def _cuMemAlloc_v2(self, address: Any, size: int) -> None:
        memory = ctypes.create_string_buffer(size)
        self.held[ctypes.addressof(memory)] = memory
        address[0] = ctypes.addressof(memory)

    def _cuMemFree_v2(self, address: int) -> None:
        del self.held[address]

    def _cuMemHostAlloc(self, address: Any, size: int, flags: int) -> None:
        self._cuMemAlloc_v2(address, size)
        self.pinned.add(address[0])

    def _cuMemFreeHost(self, address: int) -> None:
        self.pinned.remove(address)
        del self.held[address]

    def _cuStreamCreate(self, stream: Any, flags: int) -> None:
        stream[0] = 77

    def _cuStreamSynchronize(self, stream: int) -> None:
        assert stream == 77
        self._cuCtxSynchronize()

    def _cuMemcpyHtoDAsync_v2(self, target: int, source: int, size: int, stream: int) -> None:
        assert stream == 77
        assert target in self.held
        ctypes.memmove(target, source, size)

    def _cuMemcpyDtoHAsync_v2(self, target: int, source: int, size: int, stream: int) -> None:
        assert stream == 77
        assert source in self.held
        ctypes.memmove(target, source, size)

    def _cuStreamBeginCapture_v2(self, stream: int, mode: int) -> None:
        self.captured = []

    def _cuStreamEndCapture(self, stream: int, graph: Any) -> None:
        graph[0] = 88

    def _cuGraphInstantiateWithFlags(self, ready: Any, graph: int, flags: int) -> None:
        assert (graph, flags) == (88, 0)
        ready[0], self.graph, self.captured = 99, self.captured, None

    def _cuGraphLaunch(self, ready: int, stream: int) -> None:
        assert (ready, stream) == (99, 77)
        self.graph_launches += 1
        for work in self.graph:
            work()

    def _cuGetErrorName(self, status: int, name: Any) -> int:
        if status not in NAMES:
            return INVALID_VALUE
        name[0] = NAMES[status]
        return 0
