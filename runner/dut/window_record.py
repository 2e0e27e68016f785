"""The record of one window, from what the DUT noted while it ran."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from runner.inference.window_runner import Readings, WindowRunner
from runner.machine_load import load_average
from tracer.recording.inference_loop import InferenceLoop
from tracer.recording.window import RecordedWindow, SerialSpan

SerialTuple = tuple[str, int, int]
"""Stage, start and duration in nanoseconds."""


@dataclass(slots=True)
class WindowNotes:
    """
    What is noted around the inferences of a window, by ``time.perf_counter_ns``.

    ``start_ns`` and ``end_ns`` stand around the timed inferences, ``cpu_ns`` is the CPU time between them;
    ``warmups`` are the inferences made before ``start_ns``; ``pair`` numbers a capture and what stands beside it; the
    load averages are of the last minute, None where the system tells none. A window that the host timed has laps;
    those of energy mode are when the timestamp pin fell, ``fell_ns``.
    """

    kind: str
    first: int
    start_ns: int | None = None
    end_ns: int | None = None
    cpu_ns: int = 0
    warmups: int = 0
    pair: int | None = None
    load_start: float | None = None
    load_end: float | None = None
    fell_ns: list[int] = field(default_factory=list)

    @property
    def laps(self) -> bool:
        """Whether a host was told the laps: neither side of a profiler pair has any."""
        return self.kind not in ("capture", "uncaptured")


def run_noted(
    runner: WindowRunner,
    loop: InferenceLoop,
    notes: WindowNotes,
    readings: Readings,
    warmups: int,
    inferences: int,
    on_start: Callable[[int], None] = lambda _: None,
    look: Callable[[], None] = lambda: None,
) -> None:
    """
    Run warm-ups and inferences; what was made stays in ``notes`` and ``readings`` when a signal comes.

    ``on_start`` is told ``start_ns`` before the first timed inference: a host reads its lap then. ``look`` is called
    now and then between inferences, and may raise to end the window.

    Raises:
        StopSignal: when the run was told to end.
    """
    runner.run(loop, warmups, readings, look)
    notes.warmups = readings.inferences
    notes.load_start = load_average()
    cpu = time.process_time_ns()
    notes.start_ns = time.perf_counter_ns()
    on_start(notes.start_ns)
    try:
        runner.run(loop, inferences, readings, look)
    finally:
        notes.end_ns = time.perf_counter_ns()
        notes.cpu_ns = time.process_time_ns() - cpu
        notes.load_end = load_average()


def recorded_window(
    number: int,
    notes: WindowNotes,
    stages: tuple[str, ...],
    readings: Readings,
    serial: Sequence[SerialTuple],
    data: bytes | None = None,
    probabilities: tuple[float, ...] | None = None,
) -> RecordedWindow:
    """
    A window: ``number`` is -1 for ``serial``, the spans of the line, after the last one; ``data`` is the input as the
    host loaded it; ``probabilities`` are of the last inference, None marks a window that was cut short.
    """
    warmups = readings.inferences if notes.start_ns is None else notes.warmups
    complete = data is None or probabilities is not None
    start_ns = notes.start_ns or time.perf_counter_ns()
    timed = notes.start_ns is not None and notes.laps
    laps = notes.fell_ns or [start_ns, *([] if notes.end_ns is None else [notes.end_ns])]
    return RecordedWindow(
        window=number,
        kind=notes.kind,
        state="complete" if complete else "aborted",
        inferences=readings.inferences - warmups,
        warmups=warmups,
        lap_start_us=laps[0] // 1000 if timed else None,
        lap_end_us=laps[1] // 1000 if timed and complete and len(laps) > 1 else None,
        start_ns=start_ns,
        end_ns=start_ns if notes.end_ns is None else notes.end_ns,
        cpu_ns=notes.cpu_ns,
        first_inference=notes.first,
        stages=stages,
        edges=readings.edges(),
        serial=tuple(SerialSpan(*span) for span in serial),
        input_sha256=None if data is None else hashlib.sha256(data).hexdigest(),
        probabilities=probabilities,
        recorder_ns=readings.recorder_ns,
        pair=notes.pair,
        load_start=notes.load_start,
        load_end=notes.load_end,
    )
