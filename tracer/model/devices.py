"""
Peak rates of the devices that the benchmark is run on, from cores and clocks, each with its source.

Peaks are of the CUDA cores (a fused multiply-add a core and cycle is two operations); tensor cores and the deep
learning accelerators are not in them. ``fp16_ratio`` is how many times the float32 rate the cores reach on pairs of
float16: CUDA C++ programming guide, "Throughput of native arithmetic instructions", by compute capability.

Clocks of Nano, TX2 and Xavier NX were read in NVIDIA's guide. Of the Orin modules, those of the Orin Nano, the Orin
NX 16GB and the AGX Orin 64GB were checked against excerpts of the sheets, a ``deviceQuery`` and the printed 5.3
TFLOP/s; the 765 MHz of the Orin NX 8GB and the 930 MHz of the AGX Orin 32GB are as commonly quoted, not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import DeviceError

L4T = "NVIDIA L4T 32.6 developer guide, clock frequency and power management, nvpmodel clock configuration"
MODULES = "NVIDIA Jetson module data sheets"


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


MHZ = 1e6
DEVICES = (
    Device(
        "nano",
        "Jetson Nano",
        ("p3448",),
        "Jetson Nano",
        128,
        921.6 * MHZ,
        1600 * MHZ,
        64,
        2.0,
        f"{L4T} (MAXN); DS-09366-001: 128 cores, 64-bit LPDDR4; compute capability 5.3",
    ),
    Device(
        "tx2",
        "Jetson TX2",
        ("p3310",),
        "Jetson TX2",
        256,
        1300 * MHZ,
        1866 * MHZ,
        128,
        2.0,
        f"{L4T} (MAXN); {MODULES}: 256 cores, 128-bit LPDDR4; compute capability 6.2",
    ),
    Device(
        "xavier-nx",
        "Jetson Xavier NX",
        ("p3668",),
        "Jetson Xavier NX",
        384,
        1100 * MHZ,
        1866 * MHZ,
        128,
        2.0,
        f"{L4T} (20 W modes; at 10 and 15 W the memory has 1600 MHz); {MODULES}: 384 cores, 128-bit LPDDR4x; "
        "compute capability 7.2",
    ),
    Device(
        "orin-nano-4gb",
        "Jetson Orin Nano 4GB",
        ("p3767-0004",),
        "Orin Nano 4GB",
        512,
        625 * MHZ,
        2133 * MHZ,
        64,
        None,
        f"{MODULES} (DS-11105-001): 512 cores at 625 MHz, 64-bit LPDDR5, 34 GB/s",
    ),
    Device(
        "orin-nano-super",
        "Jetson Orin Nano 8GB (Super)",
        (),
        "Orin Nano Engineering Reference Developer Kit Super",
        1024,
        1020 * MHZ,
        3200 * MHZ,
        128,
        None,
        "NVIDIA Jetson Orin Nano Super Developer Kit data sheet: 1024 cores at 1020 MHz, 102 GB/s",
    ),
    Device(
        "orin-nano",
        "Jetson Orin Nano 8GB",
        ("p3767-0003", "p3767-0005"),
        "Orin Nano",
        1024,
        625 * MHZ,
        2133 * MHZ,
        128,
        None,
        f"{MODULES} (DS-11105-001): 1024 cores at 625 MHz, 128-bit LPDDR5, 68 GB/s",
    ),
    Device(
        "orin-nx-8gb",
        "Jetson Orin NX 8GB",
        ("p3767-0001",),
        "Orin NX 8GB",
        1024,
        765 * MHZ,
        3200 * MHZ,
        128,
        None,
        f"{MODULES} (DS-10712-001): 1024 cores at 765 MHz, 128-bit LPDDR5, 102.4 GB/s",
    ),
    Device(
        "orin-nx",
        "Jetson Orin NX 16GB",
        ("p3767-0000",),
        "Orin NX",
        1024,
        918 * MHZ,
        3200 * MHZ,
        128,
        None,
        f"{MODULES} (DS-10712-001): 1024 cores at 918 MHz, 128-bit LPDDR5, 102.4 GB/s",
    ),
    Device(
        "agx-orin-32gb",
        "Jetson AGX Orin 32GB",
        ("p3701-0004",),
        "AGX Orin 32GB",
        1792,
        930 * MHZ,
        3200 * MHZ,
        256,
        None,
        f"{MODULES} (DS-10662-001): 1792 cores at 930 MHz, 256-bit LPDDR5, 204.8 GB/s",
    ),
    Device(
        "agx-orin",
        "Jetson AGX Orin 64GB",
        ("p3701-0005", "p3701-0000"),
        "AGX Orin",
        2048,
        1300 * MHZ,
        3200 * MHZ,
        256,
        None,
        f"{MODULES} (DS-10662-001): 2048 cores at 1.3 GHz, 256-bit LPDDR5, 204.8 GB/s",
    ),
)  # fmt: skip -- one device a paragraph
"""In the order in which a device tree is matched: the more particular first."""


def find_device(name: str) -> Device:
    """
    A device by its key; case and underscores do not matter.

    Raises:
        DeviceError: if there is none.
    """
    wanted = name.lower().replace("_", "-").replace(" ", "-").removeprefix("jetson-")
    for device in DEVICES:
        if device.key == wanted:
            return device
    known = ", ".join(device.key for device in DEVICES)
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
    for device in DEVICES:
        if not device.modules and device.model_text in model:
            return device
    for device in DEVICES:
        if any(f",{number}" in f",{text}".replace("+", ",") for number in device.modules for text in compatible):
            return device
    return next((device for device in DEVICES if device.model_text in model), None)


def detect_device(root: Path = Path("/")) -> Device | None:
    """The device that this machine is, by its device tree; None where there is none or another board's."""
    tree = root / "proc/device-tree"
    try:
        model = (tree / "model").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
        compatible = (tree / "compatible").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return match_device(model, compatible)
