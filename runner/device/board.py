"""Which board this is: the device tree's word, the release of Jetson Linux on it, and a Jetson's power mode."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.children import asked
from runner.device.sysfs import read_text

JETPACKS = {28: 3, 32: 4, 34: 5, 35: 5, 36: 6, 38: 7, 39: 7}
"""
JetPack's major version by that of Jetson Linux (L4T): 38 is JetPack 7.0 and 7.1, for Thor; 39.2 is 7.2, for Orin too.
Source: NVIDIA's JetPack archive.
"""

MODE_QUERY = ("nvpmodel", "-q")
MODE_TABLE = "etc/nvpmodel.conf"
"""NVIDIA's ``nvpmodel`` tells which cores are on, and up to which frequencies."""
_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Board:
    """
    A machine.

    Attributes:
        model: as the device tree names it, or None.
        is_jetson: whether it holds a Tegra.
        l4t: release of Jetson Linux, as ``35.4.1``, or None.
        jetpack: JetPack's major version, or None.
    """

    model: str | None
    is_jetson: bool
    l4t: str | None
    jetpack: int | None


def read_board(root: Path) -> Board:
    """Read the device tree and ``/etc/nv_tegra_release`` under ``root``."""
    tree = root / "proc/device-tree"
    release = re.search(r"R(\d+) .*REVISION:\s*([\d.]+)", read_text(root / "etc/nv_tegra_release") or "")
    l4t = f"{release[1]}.{release[2]}" if release else None
    compatible = read_text(tree / "compatible") or ""
    return Board(
        model=read_text(tree / "model"),
        is_jetson=release is not None or "nvidia,tegra" in compatible,
        l4t=l4t,
        jetpack=JETPACKS.get(int(release[1])) if release else None,
    )


def read_power_mode(output: str) -> tuple[str, int] | None:
    """Name and number of the mode in what ``nvpmodel -q`` prints; None where it is not in it."""
    found = re.search(r"NV Power Mode:\s*(\S+)\s+(\d+)", output)
    return (found[1], int(found[2])) if found else None


def power_mode(root: Path = Path("/")) -> str | None:
    """Name of the mode, for ``run.json``; None where there is none, as on a PC, or where it is not told."""
    if not (root / MODE_TABLE).exists():
        return None
    try:
        ran = asked(MODE_QUERY, _LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    mode = read_power_mode(ran.stdout.decode("utf-8", "replace"))
    return mode[0] if mode else None
