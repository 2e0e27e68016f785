"""
A module ``gpiod`` (libgpiod 2) for another process, put before the real one on its path: a chip that is a text file.

``FAKE_GPIOD`` names a folder: a file there whose name is a chip's is that chip, each line of it one of its lines as
``NAME[ CONSUMER]``. Each level that is set is appended to ``levels.txt``, as ``NANOSECONDS OFFSET LEVEL``.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

INIT = """
import errno, os, time
from types import SimpleNamespace
from gpiod.line import Value

FOLDER = os.environ["FAKE_GPIOD"]


class LineSettings:
    def __init__(self, *, direction, output_value):
        self.output_value = output_value


class LineRequest:
    def __init__(self, offset, level):
        self.offset = offset
        self.set_value(offset, level)

    def set_value(self, line, value):
        if os.path.exists(f"{FOLDER}/unplugged"):
            raise OSError(errno.ENODEV, "No such device")
        assert line == self.offset
        with open(f"{FOLDER}/levels.txt", "a") as file:
            file.write(f"{time.perf_counter_ns()} {line} {int(value is Value.ACTIVE)}\\n")

    def release(self):
        with open(f"{FOLDER}/levels.txt", "a") as file:
            file.write(f"{time.perf_counter_ns()} {self.offset} released\\n")


class Chip:
    def __init__(self, path):
        with open(f"{FOLDER}/{os.path.basename(path)}") as file:
            self.lines = [row.split() for row in file]
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def line_offset_from_id(self, line):
        names = [row[0] for row in self.lines]
        if isinstance(line, str):
            if line not in names:
                raise FileNotFoundError(errno.ENOENT, "No such file or directory")
            return names.index(line)
        if line >= len(names):
            raise ValueError("line offset of out range")
        return line

    def get_info(self):
        return SimpleNamespace(label="tegra234-gpio", name=os.path.basename(self.path))

    def get_line_info(self, line):
        name, *consumer = self.lines[line]
        return SimpleNamespace(name=name, used=bool(consumer), consumer=(consumer or [""])[0])

    def request_lines(self, config, consumer=None):
        ((offset, settings),) = config.items()
        return LineRequest(offset, settings.output_value)
"""
LINE = """
import enum

Direction = enum.Enum("Direction", "INPUT OUTPUT")
Value = enum.Enum("Value", "INACTIVE ACTIVE")
"""


def fake_gpiod(folder: Path, **chips: str) -> dict[str, str]:
    """The environment of a process that finds the module and the chips in ``folder``."""
    (folder / "gpiod").mkdir(parents=True)
    (folder / "gpiod" / "__init__.py").write_text(INIT)
    (folder / "gpiod" / "line.py").write_text(LINE)
    for name, lines in chips.items():
        (folder / name).write_text(lines)
    return {"PYTHONPATH": str(folder), "FAKE_GPIOD": str(folder)}


def falls_ns(folder: Path) -> list[int]:
    """When the pin went from high to low."""
    rows = [line.split() for line in (folder / "levels.txt").read_text().splitlines()]
    return [int(now[0]) for before, now in pairwise(rows) if (before[2], now[2]) == ("1", "0")]
