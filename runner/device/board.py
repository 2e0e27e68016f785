"""Which board this is: the device tree's word, and the release of Jetson Linux on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from runner.device.sysfs import read_text

JETPACKS = {28: 3, 32: 4, 34: 5, 35: 5, 36: 6, 38: 7, 39: 7}
"""
JetPack's major version by that of Jetson Linux (L4T): 38 is JetPack 7.0 and 7.1, for Thor; 39.2 is 7.2, for Orin too.
Source: NVIDIA's JetPack archive.
"""


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
