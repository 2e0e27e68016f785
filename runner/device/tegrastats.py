"""
What the doctor asks of ``tegrastats``, NVIDIA's own monitor, of JetPack 3 to 7: the memory's frequency.

A line has ``EMC 2%@1866`` (3), ``EMC_FREQ 4%@1600`` (4 and later) or ``EMC_FREQ @4266`` (a Thor), without ``@`` where
it may not be read, and ``@0`` where the board does not know. Source: NVIDIA's Jetson Linux Developer Guide,
"tegrastats Utility", and lines that users have printed.
"""

from __future__ import annotations

import re

_MEMORY = re.compile(r"\bRAM \d+/\d+MB.*\bEMC(?:_FREQ)? (?:\d+%)?@([1-9]\d*)\b", re.IGNORECASE)


def memory_mhz(output: str) -> int | None:
    """Megahertz of the memory by the first line that tells them; None where none does."""
    found = next(filter(None, map(_MEMORY.search, output.splitlines())), None)
    return None if found is None else int(found[1])
