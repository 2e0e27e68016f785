"""
A module ``pynvml`` for another process, put before the real one on its path: it answers from a JSON file, which a
test may change while it is asked.

The file has ``init`` (an error's code), ``driver``, ``cuda`` and ``gpus``: of each what its calls give, an
``{"error": code}`` where a call fails; ``lost`` makes every call of a GPU fail with the code 15.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MODULE = """
import json, os
from types import SimpleNamespace

NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
TEXTS = {3: "Not Supported", 4: "Insufficient Permissions", 12: "NVML Shared Library Not Found", 15: "GPU is lost"}


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(TEXTS.get(value, f"error {value}"))
        self.value = value


def told():
    with open(os.environ["FAKE_NVML"], encoding="utf-8") as file:
        return json.load(file)


def answer(place, name):
    gpu = told()["gpus"][place]
    value = {"error": 15} if gpu.get("lost") else gpu[name]
    if isinstance(value, dict) and "error" in value:
        raise NVMLError(value["error"])
    return value


def nvmlInit():
    if told().get("init"):
        raise NVMLError(told()["init"])


nvmlSystemGetDriverVersion = lambda: told()["driver"]
nvmlSystemGetCudaDriverVersion = lambda: told()["cuda"]
nvmlDeviceGetCount = lambda: len(told()["gpus"])
nvmlDeviceGetHandleByIndex = lambda place: place
nvmlDeviceGetName = lambda gpu: answer(gpu, "name")
nvmlDeviceGetUUID = lambda gpu: answer(gpu, "uuid").encode()
nvmlDeviceGetHandleByUUID = lambda uuid: uuid
nvmlDeviceGetDeviceHandleFromMigDeviceHandle = lambda part: 1
nvmlDeviceGetCudaComputeCapability = lambda gpu: tuple(answer(gpu, "capability"))
nvmlDeviceGetMemoryInfo = lambda gpu: SimpleNamespace(total=answer(gpu, "memory"))
nvmlDeviceGetEccMode = lambda gpu: [answer(gpu, "ecc"), 0]
nvmlDeviceGetPersistenceMode = lambda gpu: answer(gpu, "persistence")
nvmlDeviceGetMigMode = lambda gpu: [answer(gpu, "mig"), 0]
nvmlDeviceGetClockInfo = lambda gpu, clock: answer(gpu, "clocks")[clock - 1]
nvmlDeviceGetEnforcedPowerLimit = lambda gpu: answer(gpu, "power_limit")
nvmlDeviceGetPowerUsage = lambda gpu: answer(gpu, "power")
nvmlDeviceGetTemperature = lambda gpu, sensor: answer(gpu, "temperature")
nvmlDeviceGetCurrentClocksThrottleReasons = lambda gpu: answer(gpu, "reasons")
nvmlDeviceGetUtilizationRates = lambda gpu: SimpleNamespace(gpu=answer(gpu, "utilisation"))
"""
NOT_INSTALLED = "raise ModuleNotFoundError('No module named pynvml')\n"

H200 = {
    "name": "NVIDIA H200",
    "uuid": "GPU-8cfd9375-223d-08fa-99e2-54b8a71a358d",
    "capability": [9, 0],
    "memory": 150_754_820_096,
    "ecc": 1,
    "persistence": 1,
    "mig": 0,
    "clocks": [1980, 3201],
    "power": 118_500,
    "power_limit": 700_000,
    "temperature": 41,
    "reasons": 0,
    "utilisation": 7,
}
T4 = {
    **H200,
    "name": "Tesla T4",
    "uuid": "GPU-1b5e2c4d-0000-4000-8000-0000000000a1",
    "capability": [7, 5],
    "memory": 16_106_127_360,
    "mig": {"error": 3},
    "clocks": [1590, 5000],
}


class FakeNvml:
    """``environment`` is that of a process which finds the module; ``gpus`` can be told anew."""

    def __init__(self, folder: Path, *gpus: dict[str, Any], module: str = MODULE, **facts: Any) -> None:
        self.folder, self._told = folder, folder / "nvml.json"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pynvml.py").write_text(module, encoding="utf-8")
        self._facts = {"driver": "580.159.04", "cuda": 13_000, **facts}
        self.tell(*gpus)

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder), "FAKE_NVML": str(self._told)}

    def tell(self, *gpus: dict[str, Any]) -> None:
        """Whole or not at all: a process may be reading."""
        fresh = self.folder / "fresh.json"
        fresh.write_text(json.dumps({**self._facts, "gpus": gpus}), encoding="utf-8")
        os.replace(fresh, self._told)
