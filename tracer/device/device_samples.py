"""
What is sampled of a device during a run, and the text it is kept in while it grows; standard library only.

The sampling process imports this module, and must not cost a run what numpy and pyarrow weigh.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

FREQUENCY_HZ = "frequency_hz"
TEMPERATURE_MC = "temperature_mc"
POWER_MW = "power_mw"
THROTTLE_COUNT = "throttle_count"
THROTTLE_LEVEL = "throttle_level"
THROTTLE_REASONS = "throttle_reasons"
UTILISATION_PERCENT = "utilisation_percent"
"""
Hertz; thousandths of a degree Celsius; milliwatts; events since boot; how far a cooling device limits, 0 is not; the
mask of ``THROTTLING``; share of the time since the last reading in which a kernel ran.

The kernel gives the first four in its own units (kHz or Hz, milli-degree, mV and mA or mW or uW); here each has one.
Sources: ``cpu0`` (a cpufreq policy), ``gpu`` (of a PC: its multiprocessors), ``emc`` (a board's memory),
``gpu_memory`` (of a PC's GPU), ``thermal:NAME``, ``rail:NAME``, ``throttle:NAME``.
"""

CHANGE = 0.02
"""A frequency changed in a window if its range there exceeds this share of its median."""


def frequencies_differ(first_hz: float, second_hz: float) -> bool:
    """Whether two windows, or two runs, had two frequencies: they are over ``CHANGE`` of the larger apart."""
    return abs(first_hz - second_hz) > CHANGE * max(first_hz, second_hz)


THROTTLING = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
    0x200: "board limit",
    0x400: "reliability limit",
}
"""
Bits of NVML's ``nvmlDeviceGetCurrentClocksThrottleReasons`` that say that something holds the GPU's frequency down.
Others do not: 0x1 is an idle GPU, 0x2 frequencies that the user set, 0x100 those of a display. Source: NVIDIA's NVML
API reference, "NvmlClocksEventReasons".
"""


def sensor_name(source: str) -> str:
    """A source without its kind: ``VDD_IN`` of ``rail:VDD_IN``, ``gpu`` of ``gpu``."""
    return source.partition(":")[2] or source


def throttle_words(mask: int) -> tuple[str, ...]:
    """What holds a frequency down, by the bits of ``THROTTLING``."""
    return tuple(word for bit, word in THROTTLING.items() if mask & bit)


def header_line(sources: Sequence[tuple[str, str]], interval_ms: int) -> str:
    """First line of a sample journal: (source, quantity) of each number that later lines use."""
    return json.dumps({"sources": [list(source) for source in sources], "interval_ms": interval_ms}) + "\n"


def sweep_line(time_ns: int, values: Sequence[int | None]) -> str:
    """One sweep: its time and ``number=value`` of each source that answered."""
    pairs = " ".join(f"{number}={value}" for number, value in enumerate(values) if value is not None)
    return f"{time_ns} {pairs}\n"


def problem_line(sentence: str) -> str:
    """What cannot be sampled, or no longer, with its remedy."""
    return json.dumps({"problem": sentence}) + "\n"


def failures_line(failures: Sequence[int]) -> str:
    """Last line: how often each source gave no answer."""
    return json.dumps({"failures": list(failures)}) + "\n"
