"""The pulses of energy mode: how wide they were, and how closely it is known when the pin fell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.figure_text import counted, interval_text, number_text, time_text
from tracer.stages import PIN_FALL, PIN_RISE

if TYPE_CHECKING:
    import pyarrow as pa

    from tracer.report_types.run import PulseFigures
    from tracer.runs.run_info import RunInfo


def pulse_figures(info: RunInfo, spans: pa.Table) -> PulseFigures | None:
    """
    Of the pulses of a run; None of a run in performance mode, or without a pulse.

    A pulse is as wide as the time from the middle of the call that lowered the pin to that of the one that raised it.
    """
    import numpy as np
    import pyarrow.compute as pc

    calls = {}
    for stage in (PIN_FALL, PIN_RISE):
        found = spans.filter(pc.equal(spans["stage"], stage)).sort_by("start_ns")
        calls[stage] = found["start_ns"].to_numpy(), found["duration_ns"].to_numpy()
    (falls, falling), (rises, rising) = calls[PIN_FALL], calls[PIN_RISE]
    count = min(len(falls), len(rises))
    if info.energy is None or not count:
        return None
    widths = rises[:count] + rising[:count] / 2 - falls[:count] - falling[:count] / 2
    return {
        "line": str(info.energy.get("line")),
        "pulses": count,
        "width_ns": float(np.median(widths)),
        "narrowest_ns": float(widths.min()),
        "widest_ns": float(widths.max()),
        "fall_call_ns": float(np.median(falling[:count])),
        "longest_fall_call_ns": float(falling[:count].max()),
    }


def pulse_lines(figures: PulseFigures | None) -> list[str]:
    """A line about the timestamp pin; none in performance mode."""
    if figures is None:
        return []
    jitter = number_text((figures["widest_ns"] - figures["narrowest_ns"]) / 1000, 1)
    ends = interval_text(figures["narrowest_ns"], figures["widest_ns"], time_text)
    call, longest = time_text(figures["fall_call_ns"]), time_text(figures["longest_fall_call_ns"])
    line = (
        f"Energy mode, timestamp pin {figures['line']}: {counted(figures['pulses'], 'pulse')} of "
        f"{time_text(figures['width_ns'])} ({ends}, jitter {jitter} us); the pin fell within a call of {call}, "
        f"at most {longest}"
    )
    return [line]
