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
"""
Hertz; thousandths of a degree Celsius; milliwatts; events since boot; how far a cooling device limits, 0 is not.

The kernel gives the first four in its own units (kHz or Hz, milli-degree, mV and mA or mW or uW); here each has one.
Sources: ``cpu0`` (a cpufreq policy), ``gpu``, ``emc`` (memory), ``thermal:NAME``, ``rail:NAME``, ``throttle:NAME``.
"""


def header_line(sources: Sequence[tuple[str, str]], interval_ms: int) -> str:
    """First line of a sample journal: (source, quantity) of each number that later lines use."""
    return json.dumps({"sources": [list(source) for source in sources], "interval_ms": interval_ms}) + "\n"


def sweep_line(time_ns: int, values: Sequence[int | None]) -> str:
    """One sweep: its time and ``number=value`` of each source that answered."""
    pairs = " ".join(f"{number}={value}" for number, value in enumerate(values) if value is not None)
    return f"{time_ns} {pairs}\n"


def failures_line(failures: Sequence[int]) -> str:
    """Last line: how often each source gave no answer."""
    return json.dumps({"failures": list(failures)}) + "\n"
