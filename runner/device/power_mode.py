"""A Jetson's power mode, as NVIDIA's ``nvpmodel`` tells it: which cores are on, and up to which frequencies."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from runner.children import asked

QUERY = ("nvpmodel", "-q")
TABLE = "etc/nvpmodel.conf"
LIMIT_S = 5.0


def read_power_mode(output: str) -> tuple[str, int] | None:
    """Name and number of the mode in what ``nvpmodel -q`` prints; None where it is not in it."""
    found = re.search(r"NV Power Mode:\s*(\S+)\s+(\d+)", output)
    return (found[1], int(found[2])) if found else None


def power_mode(root: Path = Path("/")) -> str | None:
    """Name of the mode, for ``run.json``; None where there is none, as on a PC, or where it is not told."""
    if not (root / TABLE).exists():
        return None
    try:
        ran = asked(QUERY, LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    mode = read_power_mode(ran.stdout.decode("utf-8", "replace"))
    return mode[0] if mode else None
