"""How busy the machine is, with whatever runs on it."""

from __future__ import annotations

import os


def load_average() -> float | None:
    """Of the last minute; None where the system tells none."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
