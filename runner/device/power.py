"""
Power rails of the INA3221 monitors on a Jetson, in milliwatts.

Two drivers: the kernel's ``ina3221`` under hwmon (``Documentation/hwmon/ina3221.rst``: ``in[123]_label``, bus
voltage in mV, ``curr[123]_input`` in mA; ``in[456]`` are shunt voltages and ``in7`` is their sum, no rails), and
NVIDIA's older ``ina3221x`` under iio (``rail_name_N``, ``in_powerN_input`` in mW, voltage in mV, current in mA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.device.sysfs import Sensor, numbered, read_int, read_text
from tracer.device.device_samples import POWER_MW

HWMON = Path("sys/class/hwmon")
IIO = Path("sys/bus/i2c/drivers/ina3221x")


@dataclass(frozen=True, slots=True)
class Files:
    """A driver's files of a channel: label, switch, power, bus voltage (mV), current (mA); and its power's unit."""

    names: tuple[str, str, str, str, str]
    per_mw: int


HWMON_FILES = Files(("in{}_label", "in{}_enable", "power{}_input", "in{}_input", "curr{}_input"), 1000)
IIO_FILES = Files(("rail_name_{}", "no switch", "in_power{}_input", "in_voltage{}_input", "in_current{}_input"), 1)


def rail_sensors(root: Path) -> list[Sensor]:
    """One sensor a rail that is connected, ``rail:NAME``; by the newer driver where both are there."""
    sensors: list[Sensor] = []
    for folder in numbered(root / HWMON, "hwmon[0-9]*"):
        if (read_text(folder / "name") or "").startswith("ina3221"):
            sensors += _rails(folder, (1, 2, 3), HWMON_FILES)
    if sensors:
        return sensors
    for folder in sorted((root / IIO).glob("*/iio*device*")):
        sensors += _rails(folder, (0, 1, 2), IIO_FILES)
    return sensors


def _rails(folder: Path, channels: Sequence[int], files: Files) -> list[Sensor]:
    rails = []
    for channel in channels:
        label, enable, watts, volts, amperes = (folder / name.format(channel) for name in files.names)
        name = _rail_name(read_text(label))
        if name is None or read_int(enable) == 0:
            continue
        if watts.exists():
            rails.append(Sensor(name, POWER_MW, watts, divide=files.per_mw))
        else:
            rails.append(Sensor(name, POWER_MW, volts, amperes, divide=1000))
    return rails


def _rail_name(label: str | None) -> str | None:
    """``NC`` is a channel that is not connected; a label may be written with blanks (``VDD IN``)."""
    if not label or label.upper() == "NC":
        return None
    return "rail:" + label.replace(" ", "_")
