"""
Peak rates of the devices that the benchmark is run on, from the cores and clocks of ``devices.csv`` (Jetsons) and
``gpus.csv`` (GPUs in a PC), with sources.

Peaks are of the CUDA cores (a fused multiply-add a core and cycle is two operations); tensor cores and the deep
learning accelerators are not in them. ``fp16_ratio`` is how many times the float32 rate the cores reach on pairs of
float16: CUDA C++ programming guide, "Throughput of native arithmetic instructions", by compute capability.

Clocks of Nano, TX2 and Xavier NX were read in NVIDIA's guide. Of the Orin modules, those of the Orin Nano, the Orin
NX 16GB and the AGX Orin 64GB were checked against excerpts of the sheets, a ``deviceQuery`` and the printed 5.3
TFLOP/s; the 765 MHz of the Orin NX 8GB and the 930 MHz of the AGX Orin 32GB are as commonly quoted, not checked;
a Thor's are from reports of its users.

Of a GPU in a PC the dense peaks of the tensor cores stand beside those of the CUDA cores, as printed, whatever the
clock: theirs may be another one (an H100's is 1.83 GHz). For float16 a GeForce's is that of sums in float16. The
names are those that the driver gives, and match as wholes: a laptop's GPU has another. Where the driver gives two
cards one name, ``memory_gb`` decides. The figures of L40, L40S, H100 SXM and H100 PCIe were checked against printed
tables; the others are as commonly quoted of NVIDIA's sheets, not checked.
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
        tensor_fp16_per_s, tf32_per_s: dense peaks of a PC's tensor cores; None where they are not in the table.
        bytes_per_s: of a PC's GPU, whose memory's clock says nothing that ``bus_bits`` would; None for a Jetson.
        memory_bytes: of a PC's GPU that shares its name with another.
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
    tensor_fp16_per_s: float | None = None
    tf32_per_s: float | None = None
    bytes_per_s: float | None = None
    memory_bytes: float | None = None

    @property
    def is_jetson(self) -> bool:
        """Whether it is a board, whose device tree names it; else a GPU in a PC."""
        return self.bytes_per_s is None

    def limits(self, gpu_hz: float | None = None, memory_hz: float | None = None) -> Limits:
        """What it can do at the clocks that were measured; at its highest where none is given."""
        clock = gpu_hz or self.gpu_hz
        fp32 = 2.0 * self.cores * clock
        return Limits(
            name=self.name,
            cores=self.cores,
            clock_hz=clock,
            fp32_per_s=fp32,
            fp16_per_s=self.tensor_fp16_per_s if self.fp16_ratio is None else fp32 * self.fp16_ratio,
            bytes_per_s=self.bytes_per_s or 2.0 * (memory_hz or self.memory_hz) * self.bus_bits / 8,
            source=self.source,
            tf32_per_s=self.tf32_per_s,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a device can do in a second: operations, and bytes to and from memory.

    ``gentle_per_s`` is the 2021 report's measure: one operation a core and cycle; None where the clock is not known.
    ``tf32_per_s`` is what the tensor cores make of float32 values cut to TF32; None where there are none.
    """

    name: str
    cores: int
    clock_hz: float | None
    fp32_per_s: float
    fp16_per_s: float | None
    bytes_per_s: float
    source: str
    tf32_per_s: float | None = None

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
    """
    The boards of ``devices.csv``, in the order in which a device tree is matched, the more particular first; then the
    GPUs of ``gpus.csv``.
    """
    return (*_boards(), *gpus())


def _boards() -> tuple[Device, ...]:
    with Path(__file__).with_name("devices.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Device(
                modules=tuple(row["modules"].split()),
                cores=int(row["cores"]),
                gpu_hz=float(row["gpu_mhz"]) * 1e6,
                memory_hz=float(row["memory_mhz"]) * 1e6,
                bus_bits=int(row["bus_bits"]),
                fp16_ratio=float(row["fp16_ratio"]) if row["fp16_ratio"] else None,
                key=row["key"],
                name=row["name"],
                model_text=row["model_text"],
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )


@cache
def gpus() -> tuple[Device, ...]:
    """The GPUs of ``gpus.csv``; ``modules`` are the names that the driver gives."""
    with Path(__file__).with_name("gpus.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Device(
                key=row["key"],
                name=row["name"],
                modules=tuple(row["told_as"].split("|")),
                model_text="",
                cores=int(row["cores"]),
                gpu_hz=float(row["gpu_mhz"]) * 1e6,
                memory_hz=0.0,
                bus_bits=0,
                fp16_ratio=None,
                source=row["source"],
                tensor_fp16_per_s=_number(row["tensor_fp16_tflops"], 1e12),
                tf32_per_s=_number(row["tf32_tflops"], 1e12),
                bytes_per_s=float(row["memory_gb_s"]) * 1e9,
                memory_bytes=_number(row["memory_gb"], 2.0**30),
            )
            for row in csv.DictReader(file)
        )


def match_gpu(name: str, memory_bytes: int | None = None) -> Device | None:
    """
    The GPU of a PC by its whole name and, where two cards have one name, by its memory; None where it is not known.

    ``memory_bytes`` is what the driver tells, somewhat less than the printed size.
    """
    device = next((one for one in gpus() if name in one.modules), None)
    if device is None or device.memory_bytes is None:
        return device
    return device if memory_bytes and 0.9 < memory_bytes / device.memory_bytes < 1.1 else None


def _number(text: str, unit: float) -> float | None:
    return float(text) * unit if text else None


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
    boards = [device for device in devices() if device.is_jetson]
    for device in boards:
        if not device.modules and device.model_text in model:
            return device
    for device in boards:
        if any(f",{number}" in f",{text}".replace("+", ",") for number in device.modules for text in compatible):
            return device
    return next((device for device in boards if device.model_text in model), None)


def detect_device(root: Path = Path("/")) -> Device | None:
    """The device that this machine is, by its device tree; None where there is none or another board's."""
    tree = root / "proc/device-tree"
    try:
        model = (tree / "model").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
        compatible = (tree / "compatible").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return match_device(model, compatible)
