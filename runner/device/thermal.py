"""
Temperatures, and what the kernel does about them.

Source: the kernel's ``Documentation/driver-api/thermal/sysfs-api.rst`` (thousandths of a degree), and NVIDIA's Jetson
Linux Developer Guide for ``soctherm_oc``, whose counts are of over-current and under-voltage events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from runner.device.sysfs import Sensor, numbered, read_int, read_text
from tracer.device.device_samples import TEMPERATURE_MC, THROTTLE_COUNT, THROTTLE_LEVEL

THERMAL = Path("sys/class/thermal")
HWMON = Path("sys/class/hwmon")
LIMITS_SPEED = re.compile(r"cpufreq|devfreq|throttle|hot-surface|balanced|^processor$|powerclamp", re.IGNORECASE)
"""Types of cooling devices that slow something down; a fan (``pwm-fan``, ``Fan``) does not."""

COLDEST_MC = -40_000
"""A sensor of a part that is switched off says -256 degrees."""


@dataclass(frozen=True, slots=True)
class ThermalZone:
    """One zone; ``throttles_at_mc`` is the lowest passive trip point, None without one."""

    name: str
    temperature_mc: int | None
    throttles_at_mc: int | None


@dataclass(frozen=True, slots=True)
class Throttle:
    """Something that limits speed: a cooling device's level, or a count of events since boot."""

    name: str
    is_count: bool
    value: int


def thermal_zones(root: Path) -> tuple[ThermalZone, ...]:
    """All zones but ``PMIC``, which says a constant 100 degrees on the Nano."""
    zones = []
    for folder in numbered(root / THERMAL, "thermal_zone[0-9]*"):
        name = read_text(folder / "type") or folder.name
        if name.startswith("PMIC"):
            continue
        temperature = read_int(folder / "temp")
        if temperature is not None and temperature < COLDEST_MC:
            temperature = None
        zones.append(ThermalZone(name, temperature, _passive_trip(folder)))
    return tuple(zones)


def throttles(root: Path) -> tuple[Throttle, ...]:
    """What limits speed now, and counts of events since boot, zeros included."""
    return tuple(
        Throttle(sensor.source.removeprefix("throttle:"), sensor.quantity == THROTTLE_COUNT, value)
        for sensor in throttle_sensors(root)
        if (value := read_int(sensor.path)) is not None
    )


def thermal_sensors(root: Path) -> list[Sensor]:
    """A temperature a zone; zones of one name are told apart by their number."""
    folders = numbered(root / THERMAL, "thermal_zone[0-9]*")
    names = _distinct([read_text(folder / "type") or folder.name for folder in folders])
    return [
        Sensor(f"thermal:{name}", TEMPERATURE_MC, folder / "temp", floor=COLDEST_MC)
        for name, folder in zip(names, folders, strict=True)
    ]


def throttle_sensors(root: Path) -> list[Sensor]:
    """Levels of cooling devices that limit speed, and counts of over-current events."""
    folders = [
        (read_text(folder / "type") or folder.name, folder)
        for folder in numbered(root / THERMAL, "cooling_device[0-9]*")
    ]
    slowing = [(name, folder) for name, folder in folders if LIMITS_SPEED.search(name)]
    names = _distinct([name for name, _ in slowing])
    sensors = [
        Sensor(f"throttle:{name}", THROTTLE_LEVEL, folder / "cur_state")
        for name, (_, folder) in zip(names, slowing, strict=True)
    ]
    for folder in numbered(root / HWMON, "hwmon[0-9]*"):
        sensors += [
            Sensor(f"throttle:{path.name.partition('_')[0]}", THROTTLE_COUNT, path)
            for path in sorted(folder.glob("oc[0-9]_event_cnt"))
        ]
    return sensors


def _passive_trip(folder: Path) -> int | None:
    trips = []
    for kind in folder.glob("trip_point_*_type"):
        if read_text(kind) == "passive":
            temperature = read_int(kind.with_name(kind.name.replace("_type", "_temp")))
            if temperature is not None and temperature > 0:
                trips.append(temperature)
    return min(trips, default=None)


def _distinct(names: list[str]) -> list[str]:
    return [f"{name}:{number}" if names.count(name) > 1 else name for number, name in enumerate(names)]
