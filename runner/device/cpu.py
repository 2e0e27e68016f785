"""
The CPU: frequencies, governors and counts of throttling.

Source: the kernel's ``Documentation/admin-guide/pm/cpufreq.rst`` (kHz) and, for x86, ``thermal_throttle`` of
``Documentation/ABI/testing/sysfs-devices-system-cpu``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.device.sysfs import Sensor, held, numbered, read_int, read_text
from tracer.device.device_samples import FREQUENCY_HZ, THROTTLE_COUNT

CPU = Path("sys/devices/system/cpu")


@dataclass(frozen=True, slots=True)
class CpuPolicy:
    """CPUs that share a frequency; hertz, None where the kernel does not say."""

    number: int
    governor: str | None
    current_hz: int | None
    lowest_hz: int | None
    highest_hz: int | None

    @property
    def pinned(self) -> bool:
        """Whether the frequency is ``held``."""
        return held(self.lowest_hz, self.highest_hz, self.governor)


def cpu_policies(root: Path) -> tuple[CpuPolicy, ...]:
    """The cpufreq policies under ``root``; empty on a virtual machine, which has none."""
    return tuple(_policy(folder) for folder in numbered(root / CPU / "cpufreq", "policy[0-9]*"))


def cpu_sensors(root: Path) -> list[Sensor]:
    """A frequency a policy, and on x86 what each package and core counted of throttling."""
    sensors = [
        Sensor(folder.name.replace("policy", "cpu"), FREQUENCY_HZ, folder / "scaling_cur_freq", multiply=1000)
        for folder in numbered(root / CPU / "cpufreq", "policy[0-9]*")
    ]
    for folder in numbered(root / CPU, "cpu[0-9]*"):
        for kind in ("core", "package"):
            path = folder / "thermal_throttle" / f"{kind}_throttle_count"
            # A package's count is the same on all of its CPUs.
            if path.exists() and (kind == "core" or folder.name == "cpu0"):
                sensors.append(Sensor(f"throttle:{folder.name}:{kind}", THROTTLE_COUNT, path))
    return sensors


def _policy(folder: Path) -> CpuPolicy:
    def hertz(name: str) -> int | None:
        khz = read_int(folder / name)
        return None if khz is None else khz * 1000

    return CpuPolicy(
        number=int(folder.name.removeprefix("policy")),
        governor=read_text(folder / "scaling_governor"),
        current_hz=hertz("scaling_cur_freq"),
        lowest_hz=hertz("scaling_min_freq"),
        highest_hz=hertz("scaling_max_freq"),
    )
