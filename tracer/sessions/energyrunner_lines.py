"""The forms of energyrunner's lines, and the window that is being told in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracer.sessions.session import Evidence, Kind, Lap

STAMPED = re.compile(r"(\d+\.\d{3}) ([A-Za-z][\w-]*): ?(.*)$", re.DOTALL)
# A reply may stand behind the echo of its command, or behind what a firmware prints of itself.
REPLY = re.compile(
    r"m-(?:(warmup-start)-(\d+)|(warmup-done)|(infer-start)-(\d+)|(lap-us)-(\d+)|(infer-done)"
    r"|(results)-\[([^\]]*)\]|(ready)|(init-done)|(model)-\[([^\]]*)\]|(name)-dut-\[([^\]]*)\])$"
)
COMMAND = re.compile(r'(?:parser: )?Command "(.*)"$')
INFER = re.compile(r"(?:io )?dut infer(?: (\d+))?(?: (\d+))?$")
QUICK = re.compile(r"(?:io )?dut (?:timestamp|profile|name)$")
LOAD = re.compile(r'bloadp? .*?([^\\/"]+)"?$')
SETTING = re.compile(r"m-bm-cfg-name\[[^\]]*\]-key\[(\w+)\]-val\[([^\]]*)\]")
STANDARD = {
    "m-warmup-start": 1,
    "m-warmup-done": 1,
    "m-infer-start": 1,
    "m-lap-us": 2,
    "m-infer-done": 1,
    "m-results": 1,
    "m-ready": 1,
}
MODES: dict[str, Kind] = {"single": "performance", "bmark": "performance", "multi": "accuracy"}
LEAST_LATENCY_S = 0.02
"""A line may be underway for as long as a serial adapter waits (16 ms), and the host be late."""


@dataclass
class OpenWindow:
    """A window that is being told."""

    input_name: str | None
    inferences: int | None = None
    warmups: int | None = None
    begun_s: float | None = None
    laps: list[Lap] = field(default_factory=list)
    probabilities: tuple[float, ...] | None = None
    evidence: list[Evidence] = field(default_factory=list)


def vector(text: str) -> tuple[float, ...] | None:
    """The numbers of a result, or None where they are none."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        return None
