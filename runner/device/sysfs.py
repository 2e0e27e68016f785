"""Small files of the kernel: read once, or held open and read again; standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def read_text(path: Path) -> str | None:
    """The file's text without a trailing NUL or blank; None where it is absent, forbidden or gives no answer now."""
    try:
        return path.read_bytes().decode("utf-8", "replace").strip("\0 \t\n")
    except OSError:
        return None


def read_int(path: Path) -> int | None:
    """The file's integer; None as ``read_text``, and where it holds none."""
    text = read_text(path)
    try:
        return int(text) if text else None
    except ValueError:
        return None


def held(lowest_hz: int | None, highest_hz: int | None, governor: str | None) -> bool:
    """
    Whether a frequency stays: by limits that are one, or by the governor ``performance``, which asks for the highest.

    The same of cpufreq and of devfreq (``drivers/devfreq/governor_performance.c`` of the kernel).
    """
    return (lowest_hz is not None and lowest_hz == highest_hz) or governor == "performance"


def numbered(folder: Path, pattern: str) -> list[Path]:
    """Paths that match, in the order of the numbers in their names: ``policy2`` before ``policy10``."""

    def key(path: Path) -> tuple[str, int]:
        digits = "".join(character for character in path.name if character.isdigit())
        return path.name.rstrip("0123456789"), int(digits or 0)

    return sorted(folder.glob(pattern), key=key)


@dataclass(frozen=True, slots=True)
class Sensor:
    """
    One file to sample, or two whose product is wanted (millivolts and milliamperes), and the way to its unit.

    ``value = path [* factor] * multiply // divide``; nothing below ``floor`` is a reading (a sensor that is off says
    -256 degrees).
    """

    source: str
    quantity: str
    path: Path
    factor: Path | None = None
    multiply: int = 1
    divide: int = 1
    floor: int = 0


class OpenSensor:
    """A sensor whose files stay open: reading again costs one call of the kernel a file."""

    gone = False
    """A file may answer again later: what it did not is counted."""

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.source, self.quantity = sensor.source, sensor.quantity
        self._files: list[int] = []
        try:
            for path in (sensor.path, sensor.factor):
                if path is not None:
                    self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def read(self) -> int | None:
        """The value in the quantity's unit; None where the sensor gives none now."""
        value = 1
        try:
            for file in self._files:
                value *= int(os.pread(file, 64, 0))
        except (OSError, ValueError):
            # A zone whose part is switched off answers EAGAIN, a core that went offline ENODEV or EBUSY.
            return None
        value = value * self.sensor.multiply // self.sensor.divide
        return value if value >= self.sensor.floor else None

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            os.close(file)
        self._files.clear()


def open_sensors(sensors: list[Sensor]) -> list[OpenSensor]:
    """Those that may be opened: memory's frequency, for one, is root's alone."""
    found = []
    for sensor in sensors:
        try:
            found.append(OpenSensor(sensor))
        except OSError:
            continue
    return found
