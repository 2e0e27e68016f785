"""One timed window as it was recorded: raw clock readings, interpreted later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.errors import MalformedTraceError


@dataclass(frozen=True, slots=True)
class SerialSpan:
    """A stage of the serial line or of the timestamp pin: one of ``SERIAL_STAGES``."""

    stage: str
    start_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class RecordedWindow:
    """
    What one ``infer N W`` command left, and the serial spans since the window before it.

    ``edges`` has one row an inference, warm-ups first, and one column more than there are stages: stages
    follow one another without a gap and share edges, so an inference's stages sum to its wall time exactly.
    All times are nanoseconds of ``time.perf_counter_ns``; the laps are what the host was told, or when the
    pin fell. ``pair`` numbers a capture and the same inferences beside it without the profiler; ``load_start`` and
    ``load_end`` are the machine's load average of the last minute, before and after the timed inferences.
    """

    window: int
    kind: str
    state: str
    inferences: int
    warmups: int
    lap_start_us: int | None
    lap_end_us: int | None
    start_ns: int
    end_ns: int
    cpu_ns: int
    first_inference: int
    stages: tuple[str, ...]
    edges: NDArray[np.int64]
    serial: tuple[SerialSpan, ...]
    input_sha256: str | None
    probabilities: tuple[float, ...] | None
    recorder_ns: int
    pair: int | None = None
    load_start: float | None = None
    load_end: float | None = None

    def __post_init__(self) -> None:
        expected = (self.warmups + self.inferences, len(self.stages) + 1)
        if self.edges.shape != expected:
            raise MalformedTraceError(f"window {self.window}: edges are {self.edges.shape}, not {expected}")
