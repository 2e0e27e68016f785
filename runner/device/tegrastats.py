"""
What the doctor asks of ``tegrastats``, NVIDIA's own monitor, of JetPack 3 to 6: the memory's frequency.

A line has ``EMC 2%@1866`` (3) or ``EMC_FREQ 4%@1600`` (4 and later), without ``@`` where it may not be read. Source:
NVIDIA's Jetson Linux Developer Guide, "tegrastats Utility".
"""

from __future__ import annotations

import re

_MEMORY = re.compile(r"\bRAM \d+/\d+MB.*\bCPU \[[^\]]*\].*\bEMC(?:_FREQ)? \d+%@(\d+)\b", re.IGNORECASE)


def memory_mhz(output: str) -> int | None:
    """Megahertz of the memory by the first line that tells them; None where none does."""
    found = next(filter(None, map(_MEMORY.search, output.splitlines())), None)
    return None if found is None else int(found[1])
