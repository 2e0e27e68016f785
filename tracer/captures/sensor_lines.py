"""What the device's sensors read during a run, as step lines on the clock of a timeline; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import Integers
from tracer.captures.clock_fit import LineClock
from tracer.device.device_samples import FREQUENCY_HZ, POWER_MW, TEMPERATURE_MC, sensor_name
from tracer.device.device_state import series_of
from tracer.figure_text import frequency_text, number_text

_SHOWN = {FREQUENCY_HZ: "frequency", TEMPERATURE_MC: "temperature", POWER_MW: "power"}


@dataclass(frozen=True, slots=True)
class SensorLine:
    """
    One quantity of one source.

    Args:
        label: ``gpu, frequency``.
        quantity: of ``tracer.device.device_samples``, whose unit the values have.
        at_ns: when it was read, in order.
        values: from each reading to the next.
    """

    label: str
    quantity: str
    at_ns: Integers
    values: Integers

    def shifted(self, by_ns: int) -> SensorLine:
        """The same, later by ``by_ns``."""
        return replace(self, at_ns=self.at_ns + by_ns)

    def thinned(self, start_ns: int, end_ns: int, bins: int) -> SensorLine:
        """
        The readings of ``[start_ns, end_ns)`` and the last before it; of more than four a bin those that show.

        Those are the first, the least, the most and the last of each bin: the line covers the same heights.
        """
        first = max(int(np.searchsorted(self.at_ns, start_ns, side="right")) - 1, 0)
        last = int(np.searchsorted(self.at_ns, end_ns, side="left"))
        at, values = self.at_ns[first:last], self.values[first:last]
        if len(at) > 4 * bins:
            bin_of = np.clip((at - start_ns) * bins // max(end_ns - start_ns, 1), 0, bins - 1)
            begins = np.flatnonzero(np.r_[True, bin_of[1:] != bin_of[:-1]])
            by_value = np.lexsort((values, bin_of))
            ends = np.r_[begins[1:], len(at)] - 1
            shown = np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))
            at, values = at[shown], values[shown]
        return replace(self, at_ns=at, values=values)

    def text(self, value: int) -> str:
        """A reading with its unit."""
        if self.quantity == FREQUENCY_HZ:
            return frequency_text(value)
        unit = "°C" if self.quantity == TEMPERATURE_MC else "W"
        return f"{number_text(value / 1000, 1 if unit == '°C' else 2)} {unit}"


def sensor_lines(samples: pa.Table, clock: LineClock) -> list[SensorLine]:
    """Frequencies, then temperatures, then power of a table of ``SAMPLES``, their times mapped by ``clock``."""
    return [
        SensorLine(f"{sensor_name(source)}, {word}", quantity, clock.mapped(times), values)
        for quantity, word in _SHOWN.items()
        for source, times, values in series_of(samples, quantity)
    ]
