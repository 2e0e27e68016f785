"""
Peak rates of the devices that the benchmark is run on, from the cores and clocks of ``devices.csv``, with sources.

Peaks are of the CUDA cores (a fused multiply-add a core and cycle is two operations); tensor cores and the deep
learning accelerators are not in them. ``fp16_ratio`` is how many times the float32 rate the cores reach on pairs of
float16: CUDA C++ programming guide, "Throughput of native arithmetic instructions", by compute capability.

Clocks of Nano, TX2 and Xavier NX were read in NVIDIA's guide. Of the Orin modules, those of the Orin Nano, the Orin
NX 16GB and the AGX Orin 64GB were checked against excerpts of the sheets, a ``deviceQuery`` and the printed 5.3
TFLOP/s; the 765 MHz of the Orin NX 8GB and the 930 MHz of the AGX Orin 32GB are as commonly quoted, not checked;
a Thor's are from reports of its users.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tracer.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Device:
    """
    One module at its highest clocks.

    Args:
        key: what ``--device`` takes.
        modules: numbers of the module in the device tree's ``compatible`` (as ``p3448-0000``), or beginnings of them.
        cores: CUDA cores.
        gpu_hz, memory_hz: highest clocks; the memory moves two values a line and cycle.
        bus_bits: width of the memory.
        fp16_ratio: float16 rate over float32 rate; None where the guide does not say.
        source: where cores, clocks and width are from.
    """

    key: str
    name: str
    modules: tuple[str, ...]
    model_text: str
    cores: int
    gpu_hz: float
    memory_hz: float
    bus_bits: int
    fp16_ratio: float | None
    source: str

    def limits(self, gpu_hz: float | None = None, memory_hz: float | None = None) -> Limits:
        """What it can do at the clocks that were measured; at its highest where none is given."""
        clock = gpu_hz or self.gpu_hz
        fp32 = 2.0 * self.cores * clock
        return Limits(
            name=self.name,
            cores=self.cores,
            clock_hz=clock,
            fp32_per_s=fp32,
            fp16_per_s=None if self.fp16_ratio is None else fp32 * self.fp16_ratio,
            bytes_per_s=2.0 * (memory_hz or self.memory_hz) * self.bus_bits / 8,
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a device can do in a second: operations, and bytes to and from memory.

    ``gentle_per_s`` is the 2021 report's measure: one operation a core and cycle; None where the clock is not known.
    """

    name: str
    cores: int
    clock_hz: float | None
    fp32_per_s: float
    fp16_per_s: float | None
    bytes_per_s: float
    source: str

    @property
    def gentle_per_s(self) -> float | None:
        """One operation a core and cycle."""
        return None if self.clock_hz is None else self.cores * self.clock_hz

    @property
    def ridge(self) -> float:
        """Operations a byte at which the memory is just fast enough for the float32 peak."""
        return self.fp32_per_s / self.bytes_per_s


@cache
def devices() -> tuple[Device, ...]:
    """Every device of ``devices.csv``, in the order in which a device tree is matched: the more particular first."""
    with Path(__file__).with_name("devices.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Device(
                modules=tuple(row["modules"].split()),
                cores=int(row["cores"]),
                gpu_hz=float(row["gpu_mhz"]) * 1e6,
                memory_hz=float(row["memory_mhz"]) * 1e6,
                bus_bits=int(row["bus_bits"]),
                fp16_ratio=float(row["fp16_ratio"]) if row["fp16_ratio"] else None,
                **{name: row[name] for name in ("key", "name", "model_text", "source")},
            )
            for row in csv.DictReader(file)
        )


def find_device(name: str) -> Device:
    """
    A device by its key; case and underscores do not matter.

    Raises:
        DeviceError: if there is none.
    """
    wanted = name.lower().replace("_", "-").replace(" ", "-").removeprefix("jetson-")
    for device in devices():
        if device.key == wanted:
            return device
    known = ", ".join(device.key for device in devices())
    raise DeviceError(f"no device {name}; there are {known}, and `cpu`, which is measured here")


def match_device(model: str, compatible: Sequence[str]) -> Device | None:
    """
    The device that a device tree describes, None for another machine.

    Args:
        model: content of ``/proc/device-tree/model``.
        compatible: strings of ``/proc/device-tree/compatible``; a module's number there (``nvidia,p3767-0003``)
            decides, because the developer kits of two modules call themselves alike. A Super kit says so in ``model``
            only.
    """
    for device in devices():
        if not device.modules and device.model_text in model:
            return device
    for device in devices():
        if any(f",{number}" in f",{text}".replace("+", ",") for number in device.modules for text in compatible):
            return device
    return next((device for device in devices() if device.model_text in model), None)


def detect_device(root: Path = Path("/")) -> Device | None:
    """The device that this machine is, by its device tree; None where there is none or another board's."""
    tree = root / "proc/device-tree"
    try:
        model = (tree / "model").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
        compatible = (tree / "compatible").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return match_device(model, compatible)
