"""
The GPU of a PC, by NVML, the driver's management library, through the package ``nvidia-ml-py`` (module ``pynvml``).

It is loaded in the sampler's process and in that of ``python -m runner.device.nvml``, which prints ``facts`` as JSON;
never in the DUT's, whose calls would wait for the driver's locks. A Jetson is read under ``/sys``: an Orin's NVML
answers Not Supported. Standard library only, but for ``pynvml``. Source: NVIDIA's NVML API reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tracer.device.device_samples import (
    FREQUENCY_HZ,
    POWER_MW,
    TEMPERATURE_MC,
    THROTTLE_REASONS,
    UTILISATION_PERCENT,
)
from tracer.profiles.gpu_facts import cuda_version_text
from tracer.terminal_text import say

NOT_SUPPORTED, NO_PERMISSION, GPU_IS_LOST, RESET_REQUIRED = 3, 4, 15, 16

NO_PACKAGE = "the package nvidia-ml-py is not installed: pip install 'kws-trace[nvml]'"
REMEDIES = {
    NO_PERMISSION: "this user may not ask the driver: see `ls -l /dev/nvidia*`, or measure as root",
    9: "the driver is not loaded: sudo modprobe nvidia",
    12: "install NVIDIA's driver; in a container pass the GPU through with the driver's `utility` capability "
    "(NVIDIA_DRIVER_CAPABILITIES=compute,utility)",
    18: "the driver was updated and not loaded anew: reboot",
}
"""By NVML's error code."""

LOST = "`sudo dmesg` names its Xid; a reboot or `sudo nvidia-smi --gpu-reset` brings it back"

READINGS: tuple[tuple[str, str, Callable[[Any, Any], int]], ...] = (
    ("gpu", FREQUENCY_HZ, lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM) * 1_000_000),
    ("gpu_memory", FREQUENCY_HZ, lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM) * 1_000_000),
    ("gpu", POWER_MW, lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu)),
    ("thermal:gpu", TEMPERATURE_MC, lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, 0) * 1000),
    ("gpu", THROTTLE_REASONS, lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu)),
    ("gpu", UTILISATION_PERCENT, lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
)
"""Source, quantity and how NVML is asked: MHz, mW, degrees, a mask, percent. Sensor 0 is the GPU's own."""


@dataclass
class Gpu:
    """One GPU as NVML has it; ``problems`` are sentences that nobody was told yet."""

    nvml: Any
    handle: Any
    lost: bool = False
    problems: list[str] = field(default_factory=list)

    def ask(self, reading: Callable[[Any, Any], int]) -> int | None:
        """A reading, None where there is none now; a GPU that is lost is told once and asked no more."""
        if self.lost:
            return None
        try:
            return int(reading(self.nvml, self.handle))
        except self.nvml.NVMLError as error:
            if error.value in (GPU_IS_LOST, RESET_REQUIRED):
                self.lost = True
                self.problems.append(f"the GPU was lost ({error}), its samples end there: {LOST}")
            return None


@dataclass(frozen=True, slots=True)
class NvmlSensor:
    """One quantity of one GPU."""

    source: str
    quantity: str
    gpu: Gpu
    reading: Callable[[Any, Any], int]

    @property
    def gone(self) -> bool:
        """Whether it can give no more: the GPU is lost, which was told."""
        return self.gpu.lost

    def read(self) -> int | None:
        """The value in the quantity's unit; None where NVML gives none now."""
        return self.gpu.ask(self.reading)


def open_nvml() -> Any:
    """``pynvml`` with the library open, or in a sentence why not and what to do."""
    try:
        import pynvml
    except ImportError:
        return NO_PACKAGE
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return f"NVML does not open ({error}): {_remedy(error)}"
    except (AttributeError, OSError) as error:
        return (
            f"NVML does not open ({error}): the installed pynvml is not nvidia-ml-py's; pip install 'kws-trace[nvml]'"
        )
    return pynvml


def open_sensors(uuid: str) -> tuple[list[NvmlSensor], list[str]]:
    """
    What NVML tells of a GPU.

    Args:
        uuid: of the GPU that the DUT uses, or of its MIG instance; empty where it is not known, which is enough where
            there is one.

    Returns:
        The quantities that can be read, and in sentences what cannot.
    """
    nvml = open_nvml()
    if isinstance(nvml, str):
        return [], [f"GPU frequencies: {nvml}"]
    try:
        handle = _find(nvml, uuid)
    except nvml.NVMLError as error:
        return [], [f"GPU frequencies: NVML says {error}: {_remedy(error)}"]
    if handle is None:
        asked = f"NVML knows no GPU {uuid}" if uuid else "which of several GPUs the DUT uses is not known"
        return [], [f"GPU frequencies: {asked}; name one to the DUT: CUDA_VISIBLE_DEVICES=GPU-..."]
    return readable_sensors(Gpu(nvml, handle))


def readable_sensors(gpu: Gpu) -> tuple[list[NvmlSensor], list[str]]:
    """Those that answer now, and which do not and why."""
    found: list[NvmlSensor] = []
    missing: dict[tuple[int, str], list[str]] = {}
    for source, quantity, reading in READINGS:
        try:
            reading(gpu.nvml, gpu.handle)
        except gpu.nvml.NVMLError as error:
            missing.setdefault((error.value, str(error)), []).append(f"{source} {quantity}")
        else:
            found.append(NvmlSensor(source, quantity, gpu, reading))
    split = " of a GPU in MIG mode" if missing and _mig(gpu.nvml, gpu.handle) == "on" else ""
    problems = [
        f"{', '.join(names)}: NVML does not tell it{split} ({text})"
        + (f": {REMEDIES[code]}" if code in REMEDIES else "")
        for (code, text), names in missing.items()
    ]
    return found, problems


def facts() -> dict[str, Any]:
    """
    What NVML says of the machine, for ``run.json`` and the doctor.

    Returns:
        ``problem`` (why it says nothing, with the remedy, or None), ``driver``, ``cuda_driver`` and ``gpus``: of each
        ``name``, ``uuid``, ``compute_capability``, ``memory_bytes``, ``ecc``, ``persistence``, ``mig`` (``on``,
        ``off``, ``not supported``; None where it does not say), ``power_limit_mw`` (the one in force),
        ``reasons`` (the mask of now), ``sampled`` (source and quantity) and ``unsampled`` (sentences).
    """
    nvml = open_nvml()
    if isinstance(nvml, str):
        return {"problem": nvml, "driver": None, "cuda_driver": None, "gpus": []}
    number = _asked(nvml, nvml.nvmlSystemGetCudaDriverVersion)
    count = _asked(nvml, nvml.nvmlDeviceGetCount) or 0
    handles = [_asked(nvml, nvml.nvmlDeviceGetHandleByIndex, place) for place in range(count)]
    return {
        "problem": None,
        "driver": _text(_asked(nvml, nvml.nvmlSystemGetDriverVersion)),
        "cuda_driver": None if number is None else cuda_version_text(number),
        "gpus": [_gpu_facts(nvml, handle) for handle in handles if handle is not None],
    }


def _gpu_facts(nvml: Any, handle: Any) -> dict[str, Any]:
    capability = _asked(nvml, nvml.nvmlDeviceGetCudaComputeCapability, handle)
    memory = _asked(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    sensors, problems = readable_sensors(Gpu(nvml, handle))
    return {
        "name": _text(_asked(nvml, nvml.nvmlDeviceGetName, handle)),
        "uuid": _text(_asked(nvml, nvml.nvmlDeviceGetUUID, handle)),
        "compute_capability": None if capability is None else ".".join(map(str, capability)),
        "memory_bytes": None if memory is None else int(memory.total),
        "ecc": _state(nvml, lambda: nvml.nvmlDeviceGetEccMode(handle)[0]),
        "persistence": _state(nvml, lambda: nvml.nvmlDeviceGetPersistenceMode(handle)),
        "mig": _mig(nvml, handle),
        "power_limit_mw": _asked(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle),
        "reasons": _asked(nvml, nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle),
        "sampled": [[one.source, one.quantity] for one in sensors],
        "unsampled": problems,
    }


def _find(nvml: Any, uuid: str) -> Any:
    """The GPU of ``uuid``, which may be a part's; the only one where none is named; None where there is no such."""
    if uuid.startswith("MIG-"):
        part = nvml.nvmlDeviceGetHandleByUUID(uuid)
        return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part)
    handles = [nvml.nvmlDeviceGetHandleByIndex(place) for place in range(nvml.nvmlDeviceGetCount())]
    if not uuid:
        return handles[0] if len(handles) == 1 else None
    # CUDA_VISIBLE_DEVICES takes the beginning of a UUID too.
    found = [handle for handle in handles if str(_text(nvml.nvmlDeviceGetUUID(handle))).startswith(uuid)]
    return found[0] if len(found) == 1 else None


def _mig(nvml: Any, handle: Any) -> str | None:
    return _state(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle)[0])


def _state(nvml: Any, ask: Callable[[], int]) -> str | None:
    try:
        return "on" if ask() else "off"
    except nvml.NVMLError as error:
        return "not supported" if error.value == NOT_SUPPORTED else None


def _asked(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return ask(*arguments)
    except nvml.NVMLError:
        return None


def _text(value: Any) -> str | None:
    """Older releases of the package give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _remedy(error: Any) -> str:
    return REMEDIES.get(error.value, "does `nvidia-smi` work here?")


if __name__ == "__main__":
    say(json.dumps(facts()))
