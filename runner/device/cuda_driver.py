"""
CUDA's driver by ctypes: no more than copying and streams need, and no dependency.

Function names carry the suffix ``_v2`` where the header ``cuda.h`` maps the plain name to it; the plain symbols are
those of CUDA 3.1 and take 32-bit sizes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from types import MappingProxyType
from typing import Any

from tracer.command_line import command_line
from tracer.errors import DeviceError
from tracer.profiles.gpu_facts import cuda_version_text

LIBRARY = "libcuda.so.1"

_INTEGRATED = 18
"""``CU_DEVICE_ATTRIBUTE_INTEGRATED``: the GPU shares the system's memory, as on a Jetson."""

_SIGNATURES: dict[str, Sequence[Any]] = {
    "cuInit": (c_uint,),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxSetCurrent": (c_void_p,),
    "cuCtxSynchronize": (),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoD_v2": (c_uint64, c_void_p, c_size_t),
    "cuMemcpyDtoH_v2": (c_void_p, c_uint64, c_size_t),
    "cuMemcpyDtoD_v2": (c_uint64, c_uint64, c_size_t),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
}

STREAMS: dict[str, Sequence[Any]] = {
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
}
"""What streams and graphs need besides; CUDA 11.4 and later."""

_NOTHING_MORE: Mapping[str, Sequence[Any]] = MappingProxyType({})


class NoGpuError(DeviceError):
    """There is no CUDA driver, or it sees no device."""

    exit_code = 1

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no GPU: {reason}; `--device cpu` measures this machine's memory")


class CudaError(DeviceError):
    """A call of the driver failed."""

    exit_code = 1

    def __init__(self, call: str, name: str) -> None:
        remedy = "free memory, or give a smaller --largest" if "MEMORY" in name else f"see `{command_line('doctor')}`"
        super().__init__(f"CUDA driver: {call} gives {name}; {remedy}")
        self.name = name


def load_library() -> Any:
    """The driver's library."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NoGpuError(f"{LIBRARY} does not load ({error})") from None


class CudaDriver:
    """
    A device, its context current in this thread.

    ``library`` has the driver's functions as attributes; ``load_library`` gives the real one. ``more`` are functions
    that are needed besides those of copies.

    Raises:
        NoGpuError: if the driver sees none, or lacks a function that we need.
        DeviceError: if there is no device of that number.
        CudaError: if the context cannot be made.
    """

    def __init__(self, library: Any, number: int = 0, more: Mapping[str, Sequence[Any]] = _NOTHING_MORE) -> None:
        wanted = {**_SIGNATURES, **more}
        self._functions = {name: _function(library, name, signature) for name, signature in wanted.items()}
        try:
            self.call("cuInit", 0)
            count = c_int()
            self.call("cuDeviceGetCount", byref(count))
        except CudaError as error:
            raise NoGpuError(f"the driver is here and says {error.name}") from None
        if not count.value:
            raise NoGpuError("the driver sees no device")
        if not 0 <= number < count.value:
            seen = f"the driver sees {count.value}, numbered from 0"
            raise DeviceError(f"no device GPU:{number}; {seen}: name one with --device")
        device, integrated, version = c_int(), c_int(), c_int()
        self.call("cuDeviceGet", byref(device), number)
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, len(name), device)
        self.call("cuDeviceGetAttribute", byref(integrated), _INTEGRATED, device)
        self.call("cuDriverGetVersion", byref(version))
        self.name = name.value.decode(errors="replace")
        self.integrated = bool(integrated.value)
        self.version = cuda_version_text(version.value)
        self._device = device
        context = c_void_p()
        self.call("cuDevicePrimaryCtxRetain", byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver."""
        self.check(name, self._functions[name](*arguments))

    def function(self, name: str) -> Any:
        """A function itself, for a loop that checks its status afterwards."""
        return self._functions[name]

    def check(self, name: str, status: int) -> None:
        """Refuse a status that is not success."""
        if status:
            said = c_char_p()
            known = not self._functions["cuGetErrorName"](status, byref(said)) and said.value
            raise CudaError(name, said.value.decode() if known and said.value else f"error {status}")

    @contextmanager
    def device_memory(self, size: int) -> Iterator[int]:
        """Bytes on the device, by their address."""
        address = c_uint64()
        self.call("cuMemAlloc_v2", byref(address), size)
        try:
            yield int(address.value)
        finally:
            self.call("cuMemFree_v2", address)

    @contextmanager
    def pinned_memory(self, size: int) -> Iterator[int]:
        """Page-locked bytes of the host, by their address."""
        address = c_void_p()
        self.call("cuMemHostAlloc", byref(address), size, 0)
        try:
            yield int(address.value or 0)
        finally:
            self.call("cuMemFreeHost", address)

    def close(self) -> None:
        """Let the context go."""
        self.call("cuCtxSetCurrent", None)
        self.call("cuDevicePrimaryCtxRelease_v2", self._device)


def _function(library: Any, name: str, signature: Sequence[Any]) -> Any:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise NoGpuError(f"{LIBRARY} has no {name}; it is older than CUDA 11.4") from None
    function.argtypes = list(signature)
    function.restype = c_int
    return function
