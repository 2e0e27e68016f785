"""The forms of energyrunner's lines, and the window that is being told in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tracer.sessions.session import Evidence, HostLength, Kind, Lap

STAMPED = re.compile(r"(\d{1,12}\.\d{3}) ([A-Za-z][\w-]*): ?(.*)$", re.DOTALL)
# A reply may stand behind the echo of its command, or behind what a firmware prints of itself.
REPLY = re.compile(
    r"m-(?:(warmup-start)-(\d{1,20})|(warmup-done)|(infer-start)-(\d{1,20})|(lap-us)-(\d{1,20})|(infer-done)"
    r"|(results)-\[([^\]]*)\]|(ready)|(init-done)|(model)-\[([^\]]*)\]|(name)-dut-\[([^\]]*)\])$"
)
COMMAND = re.compile(r'(?:parser: )?Command "(.*)"$')
INFER = re.compile(r"(?:io )?dut infer(?: (\d{1,20}))?(?: (\d{1,20}))?$")
RESULTS = re.compile(r"(?:io )?dut results$")
QUICK = re.compile(r"(?:io )?dut (?:timestamp|profile|name)$")
LOAD = re.compile(r'bloadp?(?: dut)? "(?:[^"]*[\\/])?([^"\\/]+)"')
VERSION = re.compile(r"m-version\[([^\]]*)\]$")
SETTING = re.compile(r"m-bm-cfg-name\[[^\]]*\]-key\[(\w+)\]-val\[([^\]]*)\]")
FACT = re.compile(r"m-(?:bm-cfg-name|version|sequencer-stop|session-stop|bmark-run-name)")
"""What the host says that is kept."""
VALUED = frozenset({2, 5, 7, 10, 14, 16})
"""Groups of ``REPLY`` that are values; the one before is the name."""
VARIES = re.compile('[0-9"]')
"""Where lines of the host that say the same begin to differ."""
_A_COMMAND = ("sequencer: m-sequencing-i", "parser: Command ", "parser: m-ready-finished")
_ONCE = ("m-warmup-start", "m-warmup-done", "m-infer-start", "m-infer-done", "m-results", "m-ready")
STANDARD = {**dict.fromkeys(_ONCE, 1), "m-lap-us": 2}
MODES: dict[str, Kind] = {"single": "performance", "bmark": "performance", "multi": "accuracy"}
RESOLUTION_S = 0.001
LEAST_LATENCY_S = 0.02
"""A line may be underway for as long as a serial adapter waits (16 ms), and the host be late."""


@dataclass
class OpenWindow:
    """A window that is being told; ``told`` is the text of its result, ``finished`` whether its inferences ended."""

    input_name: str | None
    inferences: int | None = None
    warmups: int | None = None
    begun_s: float | None = None
    laps: list[Lap] = field(default_factory=list)
    probabilities: tuple[float, ...] | None = None
    told: str | None = None
    finished: bool = False
    evidence: list[Evidence] = field(default_factory=list)


def host_length(window: OpenWindow, round_trip_s: float) -> HostLength | None:
    """
    The window by the host: both stamps have the log's resolution, and a line may have been underway.

    How long, the round trip of a short command of the same session tells. Where both laps came at once, long after
    the command, the host read them late: then it has no time for them.
    """
    stamps = [lap.host_s for lap in window.laps if lap.host_s is not None]
    if len(stamps) < 2 or stamps[-1] < stamps[0]:
        return None
    length = stamps[-1] - stamps[0]
    slack = max(round_trip_s, LEAST_LATENCY_S) + RESOLUTION_S
    waited = stamps[0] - window.begun_s if window.begun_s is not None else 0.0
    if length <= 0.005 and waited > 10 * slack:
        return None
    return HostLength(length, max(0.0, length - slack), length + slack)


def lost_before_windows(kinds: Mapping[str, int]) -> list[str]:
    """The host's lines that are fewer than their like: each command before the windows is told in three lines."""
    told = {kind: kinds.get(kind, 0) for kind in _A_COMMAND}
    return [kind for kind, count in told.items() if 0 < count < max(told.values())] if all(told.values()) else []
