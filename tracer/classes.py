"""The twelve classes of the benchmark's keyword spotting."""

from __future__ import annotations

LABELS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
"""The benchmark's classes, by number."""

CLASSES = len(LABELS)
"""How many there are, and so the length of an output vector."""
