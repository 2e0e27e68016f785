"""
Power rails of the INA3221 monitors on a Jetson, in milliwatts.

Two drivers: the kernel's ``ina3221`` under hwmon (``Documentation/hwmon/ina3221.rst``: ``in[123]_label``, bus
voltage in mV, ``curr[123]_input`` in mA; ``in[456]`` are shunt voltages and ``in7`` is their sum, no rails), and
NVIDIA's older ``ina3221x`` under iio (``rail_name_N``, ``in_powerN_input`` in mW, voltage in mV, current in mA).
"""

from __future__ import annotations

from pathlib import Path

from runner.device.sysfs import Sensor, numbered, read_int, read_text
from tracer.device.device_samples import POWER_MW

HWMON = Path("sys/class/hwmon")
IIO = Path("sys/bus/i2c/drivers/ina3221x")
CHANNELS = (1, 2, 3)


def rail_sensors(root: Path) -> list[Sensor]:
    """One sensor a rail that is connected, ``rail:NAME``; by the newer driver where both are there."""
    sensors: list[Sensor] = []
    for folder in numbered(root / HWMON, "hwmon[0-9]*"):
        if (read_text(folder / "name") or "").startswith("ina3221"):
            sensors += _hwmon_rails(folder)
    if sensors:
        return sensors
    for folder in sorted((root / IIO).glob("*/iio*device*")):
        sensors += _iio_rails(folder)
    return sensors


def _hwmon_rails(folder: Path) -> list[Sensor]:
    rails = []
    for channel in CHANNELS:
        name = _rail_name(read_text(folder / f"in{channel}_label"))
        if name is None or read_int(folder / f"in{channel}_enable") == 0:
            continue
        watts = folder / f"power{channel}_input"
        if watts.exists():
            rails.append(Sensor(name, POWER_MW, watts, divide=1000))
        else:
            volts, amperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
            rails.append(Sensor(name, POWER_MW, volts, amperes, divide=1000))
    return rails


def _iio_rails(folder: Path) -> list[Sensor]:
    rails = []
    for channel in (0, 1, 2):
        name = _rail_name(read_text(folder / f"rail_name_{channel}"))
        if name is None:
            continue
        watts = folder / f"in_power{channel}_input"
        if watts.exists():
            rails.append(Sensor(name, POWER_MW, watts))
        else:
            volts, amperes = folder / f"in_voltage{channel}_input", folder / f"in_current{channel}_input"
            rails.append(Sensor(name, POWER_MW, volts, amperes, divide=1000))
    return rails


def _rail_name(label: str | None) -> str | None:
    """``NC`` is a channel that is not connected; a label may be written with blanks (``VDD IN``)."""
    if not label or label.upper() == "NC":
        return None
    return "rail:" + label.replace(" ", "_")
