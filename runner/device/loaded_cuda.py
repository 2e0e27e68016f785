"""
What the CUDA libraries that a runtime has loaded into this process say of themselves and of the GPU that it uses.

Nothing is loaded: a library is asked only where it is in this process already, and none of these calls makes a
context. Source: NVIDIA's CUDA driver API, CUDA runtime API and cuDNN API references.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from tracer.profiles.gpu_facts import cuda_version_text

MAPS = Path("/proc/self/maps")
_MAJOR, _MINOR, _ECC = 75, 76, 32
"""``CUdevice_attribute``: the two parts of the compute capability, and whether ECC is on."""


def loaded_cuda(ordinal: int, library: Callable[[str], Any] | None = None) -> dict[str, Any]:
    """
    Facts of the loaded CUDA, None for what no loaded library says.

    Args:
        ordinal: of the GPU that the runtime uses, as CUDA counts those that it may see.
        library: gives the loaded library of a name, or None.

    Returns:
        ``driver_version``, ``runtime_version`` (as ``13.0``), ``cudnn`` (as ``9.3.0``); of the GPU ``name``,
        ``uuid``, ``compute_capability``, ``memory_bytes``, ``ecc`` (``on``, ``off``).
    """
    find = library or loaded_library
    driver, runtime, cudnn = (find(name) for name in ("libcuda", "libcudart", "libcudnn"))
    return {
        "driver_version": _version(driver, "cuDriverGetVersion"),
        "runtime_version": _version(runtime, "cudaRuntimeGetVersion"),
        "cudnn": _cudnn_version(cudnn),
        **_gpu(driver, ordinal),
    }


def loaded_library(name: str) -> Any:
    """``name.so...`` as it lies in this process; None where it does not."""
    try:
        maps = MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(rf"(?m)\s(/\S*/{re.escape(name)}\.so[.\d]*)$", maps)
    if found is None:
        return None
    try:
        return ctypes.CDLL(found[1], mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError:
        return None


def _version(library: Any, call: str) -> str | None:
    number = _number(library, call)
    return None if not number else cuda_version_text(number)


def _cudnn_version(library: Any) -> str | None:
    """Version 9 writes 9.3.0 as 90300, those before it 8.9.7 as 8907."""
    ask = getattr(library, "cudnnGetVersion", None)
    if ask is None:
        return None
    ask.restype = ctypes.c_size_t
    number = int(ask())
    unit = 10_000 if number >= 90_000 else 1000
    return f"{number // unit}.{number % unit // 100}.{number % 100}"


def _gpu(driver: Any, ordinal: int) -> dict[str, Any]:
    device = _number(driver, "cuDeviceGet", ordinal)
    if device is None:
        return {"name": None, "uuid": None, "compute_capability": None, "memory_bytes": None, "ecc": None}
    name, identity, memory = ctypes.create_string_buffer(256), ctypes.create_string_buffer(16), ctypes.c_size_t()
    named = _asked(driver, "cuDeviceGetName", name, len(name), device)
    # The first version of the call names the whole GPU, also where the process sees a MIG instance of it.
    known = _asked(driver, "cuDeviceGetUuid", identity, device)
    sized = _asked(driver, "cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    parts = [_number(driver, "cuDeviceGetAttribute", one, device) for one in (_MAJOR, _MINOR)]
    ecc = _number(driver, "cuDeviceGetAttribute", _ECC, device)
    return {
        "name": name.value.decode("utf-8", "replace") if named else None,
        "uuid": f"GPU-{UUID(bytes=identity.raw)}" if known else None,
        "compute_capability": None if None in parts else ".".join(map(str, parts)),
        "memory_bytes": int(memory.value) if sized else None,
        "ecc": None if ecc is None else "on" if ecc else "off",
    }


def _number(library: Any, call: str, *arguments: int) -> int | None:
    value = ctypes.c_int()
    return value.value if _asked(library, call, ctypes.byref(value), *arguments) else None


def _asked(library: Any, call: str, *arguments: Any) -> bool:
    """Whether the library has the call, and it succeeded."""
    ask = getattr(library, call, None)
    return ask is not None and ask(*arguments) == 0
