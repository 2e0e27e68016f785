"""Runs the inferences of one window and keeps their raw clock readings."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from runner.ending_signals import ended_at_once, ending_signals
from runner.inference.pipeline import Pipeline
from tracer.recording.inference_loop import Extend, InferenceLoop, compose_loop
from tracer.recording.nvtx_ranges import NvtxRanges

CHUNK = 1 << 16
"""Inferences between conversions: a list of Python integers holds 40 bytes a reading, an array 8."""


LOOK_S = 1.0
"""Of inferences, about, between two looks at the line: a look costs microseconds."""


class StopSignal(BaseException):
    """SIGINT, SIGTERM or SIGHUP came while inferences ran; raised inside the loop, caught around it."""


@dataclass
class StopFlag:
    """Whether the run was told to end; while inferences run the signal breaks into them."""

    stopped: bool = False
    number: int | None = None
    """Of the last signal."""
    interruptible: bool = False
    installed: bool = False

    def install(self) -> None:
        """Take the signals that end a run; call from the main thread."""
        for number in ending_signals():
            signal.signal(number, self._handle)
        self.installed = True

    def rearm(self) -> None:
        """Go on after a signal, until the next one."""
        self.stopped = False

    def __call__(self) -> bool:
        """Whether it was; for those who wait."""
        return self.stopped

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- as signal calls it
        self.stopped, self.number = True, number
        if self.interruptible:
            self.interruptible = False
            raise StopSignal

    def ending_at_once(self, clean: Callable[[], None]) -> AbstractContextManager[None]:
        """Let the signal end the process inside, after ``clean``: nothing is recorded yet."""
        return ended_at_once(clean) if self.installed else nullcontext()

    @contextmanager
    def breaking_in(self) -> Iterator[None]:
        """Let the signal break into what runs inside."""
        self.interruptible = True
        try:
            yield
        finally:
            self.interruptible = False


@dataclass
class Readings:
    """Clock readings of a window's inferences, and the recorder's own time between them."""

    columns: int
    arrays: list[NDArray[np.int64]] = field(default_factory=list)
    recorder_ns: int = 0

    def edges(self) -> NDArray[np.int64]:
        """int64 (inferences, columns), nanoseconds."""
        if len(self.arrays) == 1:
            return self.arrays[0]
        return np.concatenate([np.empty((0, self.columns), np.int64), *self.arrays])

    @property
    def inferences(self) -> int:
        """How many were made to their end."""
        return sum(len(array) for array in self.arrays)


class WindowRunner:
    """
    Runs inferences of a pipeline in the timed loop, numbered from 0 within a run.

    An input is loaded before each window; ``stop`` breaks into a running loop when a signal comes. ``latency_ns`` of
    an inference says how many make ``LOOK_S``.
    """

    def __init__(
        self, pipeline: Pipeline, ranges: NvtxRanges | None, stop: StopFlag, latency_ns: float = 1.0
    ) -> None:
        self._pipeline = pipeline
        self._ranges = ranges
        self._stop = stop
        self._loops: dict[tuple[NvtxRanges | None, tuple[str, ...]], InferenceLoop] = {}
        self._unwatched = max(1, int(LOOK_S * 1e9 / max(latency_ns, 1.0)))
        self.next_inference = 0

    def prepare(self, ranges: NvtxRanges | None = None) -> tuple[tuple[str, ...], InferenceLoop]:
        """
        The stages that the loaded input needs, and their loop, composed once.

        ``ranges`` are those of a capture; None takes the run's own.
        """
        stages = self._pipeline.stages()
        names = tuple(name for name, _ in stages)
        key = (ranges or self._ranges, names)
        if key not in self._loops:
            self._loops[key] = compose_loop(stages, key[0])
        return names, self._loops[key]

    def run(
        self, loop: InferenceLoop, count: int, readings: Readings, look: Callable[[], None] = lambda: None
    ) -> None:
        """
        Run ``count`` inferences; what was made stays in ``readings`` when a signal breaks in.

        ``look`` is called about every ``LOOK_S`` between two inferences, and may raise to end the window.

        Raises:
            StopSignal: when the run was told to end.
        """
        done = 0
        while done < count:
            chunk = min(CHUNK, count - done)
            raw: list[int] = []
            try:
                if done:
                    look()
                self._run_chunk(loop, chunk, raw.extend, look)
            finally:
                started = time.perf_counter_ns()
                # Cut to whole inferences, though extend is one step and never leaves half of one.
                made = len(raw) // readings.columns
                array = np.array(raw[: made * readings.columns], np.int64).reshape(made, readings.columns)
                readings.arrays.append(array)
                self.next_inference += made
                readings.recorder_ns += time.perf_counter_ns() - started
            done += chunk
            if self._stop.stopped:
                raise StopSignal

    def _run_chunk(self, loop: InferenceLoop, count: int, extend: Extend, look: Callable[[], None]) -> None:
        done = 0
        while done < count:
            if done:
                look()
            block = min(self._unwatched, count - done)
            with self._stop.breaking_in():
                loop(self.next_inference + done, block, extend)
            done += block
