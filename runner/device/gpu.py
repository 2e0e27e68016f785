"""
A Jetson's GPU and memory frequencies, which devfreq and the clock driver give in hertz.

The GPU's folder is named by its address and chip: ``57000000.gpu`` (Nano), ``17000000.gp10b`` (TX2), ``.gv11b``
(Xavier), ``.ga10b`` or, since JetPack 6, ``17000000.gpu`` (Orin). A Thor's is ``gpu-gpc-0``, of its processing
clusters; ``gpu-nvd-0`` beside it is the clock of the video engines. Its memory's is ``bwmgr``. Source: NVIDIA's
Jetson Linux Developer Guide; for Thor what its kernel shows (jetson_stats, issue 885 and pull request 825).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from runner.device.sysfs import Sensor, held, read_int, read_text
from tracer.device.device_samples import FREQUENCY_HZ

DEVFREQ = Path("sys/class/devfreq")
GPU_NAME = re.compile(r"(^|[.\-])(gpu(?!-nvd)|gp10b|gv11b|ga10b|gb10b)")
MEMORY_NAME = re.compile(r"emc|actmon|external-memory-controller|^bwmgr$")
MEMORY_RATES = (
    Path("sys/kernel/debug/bpmp/debug/clk/emc/rate"),
    Path("sys/kernel/debug/clk/emc/clk_rate"),
    Path("sys/kernel/debug/tegra_bwmgr/emc_rate"),
)
"""Root's alone: debugfs. The first since the TX2, the others on the Nano."""


NVIDIA_GPUS = Path("proc/driver/nvidia/gpus")
"""A folder a GPU, of NVIDIA's driver on a PC; a Jetson has none."""


def nvidia_gpus(root: Path = Path("/")) -> list[dict[str, str]]:
    """``name`` and ``uuid`` of the GPUs that NVIDIA's driver lists, by their buses; empty without one."""
    found = []
    for file in sorted((root / NVIDIA_GPUS).glob("*/information")):
        told = dict(line.partition(":")[::2] for line in (read_text(file) or "").splitlines())
        facts = {key.strip(): value.strip() for key, value in told.items()}
        if facts.get("GPU UUID"):
            found.append({"name": facts.get("Model", ""), "uuid": facts["GPU UUID"]})
    return found


@dataclass(frozen=True, slots=True)
class GpuState:
    """Hertz of one GPU, None where the kernel does not say; ``railgated``: it may switch itself off."""

    name: str
    governor: str | None
    current_hz: int | None
    lowest_hz: int | None
    highest_hz: int | None
    railgated: bool | None

    @property
    def pinned(self) -> bool:
        """Whether the frequency is ``held``."""
        return held(self.lowest_hz, self.highest_hz, self.governor)


def gpu_states(root: Path) -> tuple[GpuState, ...]:
    """The GPUs that devfreq knows; empty on a PC, whose driver does not use it."""
    return tuple(
        GpuState(
            name=folder.name,
            governor=read_text(folder / "governor"),
            current_hz=read_int(folder / "cur_freq"),
            lowest_hz=read_int(folder / "min_freq"),
            highest_hz=read_int(folder / "max_freq"),
            railgated=_railgated(folder),
        )
        for folder in _folders(root, GPU_NAME)
    )


def gpu_sensors(root: Path) -> list[Sensor]:
    """``gpu``, and ``gpu:NAME`` for any more."""
    return [
        Sensor("gpu" if number == 0 else f"gpu:{folder.name}", FREQUENCY_HZ, folder / "cur_freq")
        for number, folder in enumerate(_folders(root, GPU_NAME))
    ]


def memory_sensors(root: Path) -> list[Sensor]:
    """``emc``: the first place that may be read."""
    places = [
        *(folder / "cur_freq" for folder in _folders(root, MEMORY_NAME)),
        *(root / path for path in MEMORY_RATES),
    ]
    readable = next((path for path in places if read_int(path) is not None), None)
    return [] if readable is None else [Sensor("emc", FREQUENCY_HZ, readable)]


def _folders(root: Path, name: re.Pattern[str]) -> list[Path]:
    return sorted(folder for folder in (root / DEVFREQ).glob("*") if name.search(folder.name))


def _railgated(folder: Path) -> bool | None:
    enabled = read_int(folder / "device" / "railgate_enable")
    return None if enabled is None else enabled != 0
