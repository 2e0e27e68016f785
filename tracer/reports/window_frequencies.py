"""The frequencies that figures were measured at: those inside the windows that they are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tracer.device.device_state import Frequency, frequencies_during
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import RunWindow, figure_windows


def figure_frequencies(run: StoredRun) -> tuple[Frequency, ...]:
    """Frequencies of the windows that the run's figures are made of; none where not sampled."""
    return window_frequencies(run.samples(), figure_windows(run.each_window))


def window_frequencies(samples: pa.Table, windows: Sequence[RunWindow]) -> tuple[Frequency, ...]:
    """
    Each frequency's median and range over all sweeps inside the windows, by source.

    What a governor does between two windows says nothing of them and is left out. Windows of one inference are
    shorter than the time between two sweeps: where none lies inside any of them, those from the first window's start
    to the last one's end count, since it is among these that each inference ran.

    ``windows`` are ``windows.figure_windows`` of the run. Empty where nothing was sampled meanwhile.
    """
    if not windows or not samples.num_rows:
        return ()
    start_ns, end_ns = min(one.start_ns for one in windows), max(one.end_ns for one in windows)
    times = samples["time_ns"].to_numpy()
    inside = np.zeros(len(times), np.bool_)
    for one in windows:
        inside |= (times >= one.start_ns) & (times <= one.end_ns)
    found = frequencies_during(samples.filter(pa.array(inside)), start_ns, end_ns)
    if found or any(one.kind == "performance" for one in windows):
        return found
    return frequencies_during(samples, start_ns, end_ns)
