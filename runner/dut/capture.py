"""Captured inferences: a bounded number after a window, between two laps of nobody, while a profiler collects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from runner.dut.window_record import WindowNotes, run_noted
from runner.inference.window_runner import Readings, WindowRunner
from tracer.recording.inference_loop import InferenceLoop
from tracer.recording.nvtx_ranges import CAPTURE_RANGE, NvtxRanges

CAPTURE_WARMUPS = 10
"""Captured inferences that only warm up: the profiler has just turned caches over."""


class Capture(Protocol):
    """A profiler that is told when to collect."""

    @property
    def inferences(self) -> int:
        """Of a capture, beside its warm-ups."""

    @property
    def windows(self) -> int:
        """How many windows are followed by a capture."""

    @property
    def ranges(self) -> NvtxRanges:
        """What it sees."""

    def collecting(self) -> AbstractContextManager[None]:
        """While it is entered the profiler collects."""


class NvtxCapture:
    """
    Collecting is a range that Nsight Systems waits for.

    Opening it takes the tool some 4 to 8 s (measured with 2022.4 on two cores): so a capture stands after a window
    and before its ``m-ready``, when no lap runs.

    Args:
        ranges: of our domain.
        inferences: of a capture, beside its warm-ups.
        windows: how many windows are followed by one.
    """

    def __init__(self, ranges: NvtxRanges, inferences: int, windows: int) -> None:
        self.ranges = ranges
        self.inferences = inferences
        self.windows = windows
        self._range = ranges.attributes(CAPTURE_RANGE)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Hold the range open."""
        self.ranges.push(self._range, self.ranges.domain)
        try:
            yield
        finally:
            self.ranges.pop(self.ranges.domain)


class TensorFlowCapture:
    """
    Collecting is TensorFlow's own profiler, in this process.

    Args:
        folder: where it writes; ``paths`` are its files, in order.
        ranges: as TraceMe events, which that profiler records.
        inferences: of a capture, beside its warm-ups.
        windows: how many windows are followed by one.
    """

    def __init__(self, folder: Path, ranges: NvtxRanges, inferences: int, windows: int) -> None:
        self.ranges = ranges
        self.inferences = inferences
        self.windows = windows
        self.paths: list[Path] = []
        self._folder = folder

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """
        Run the profiler.

        Raises:
            ProfilerError: if it does not start, or leaves no file.
        """
        from runner.dut.tensorflow_profiler import profile_block

        with profile_block(self._folder / f"capture-{len(self.paths)}") as block:
            yield
        if block.path is not None:
            self.paths.append(block.path)


def run_captured(
    runner: WindowRunner, capture: Capture, notes: WindowNotes, readings: Readings, loop: InferenceLoop
) -> None:
    """
    Run a capture's warm-ups and inferences; what was made stays in ``notes`` and ``readings`` when a signal comes.

    Raises:
        StopSignal: when the run was told to end.
        KwsTraceError: if the profiler does not collect.
    """
    with capture.collecting():
        run_noted(runner, loop, notes, readings, CAPTURE_WARMUPS, capture.inferences)
