"""What collects while inferences are captured: Nsight Systems by a range of ours, or TensorFlow's own profiler."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from runner.dut.capture_plan import CaptureChoice
from tracer.recording.nvtx_ranges import CAPTURE_RANGE, NvtxRanges

CAPTURE_WARMUPS = 10
"""Captured inferences that only warm up: the profiler has just turned caches over."""


class Capture:
    """
    A profiler that is told when to collect.

    ``ranges`` is what it sees; ``choice`` says how much of it, beside the warm-ups.
    """

    def __init__(self, ranges: NvtxRanges, choice: CaptureChoice) -> None:
        self.ranges = ranges
        self.choice = choice

    @abstractmethod
    def collecting(self) -> AbstractContextManager[None]:
        """While it is entered the profiler collects."""


class NvtxCapture(Capture):
    """
    Collecting is a range that Nsight Systems waits for.

    Opening and closing it takes the tool seconds (1 to 2 s measured with 2022.4 on two cores, 3 s with 2024.2 on a
    GPU): so captures stand after a window and before its ``m-ready``, when no lap runs.
    """

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Hold the range open."""
        self.ranges.push(self.ranges.attributes(CAPTURE_RANGE), self.ranges.domain)
        try:
            yield
        finally:
            self.ranges.pop(self.ranges.domain)


class TensorFlowCapture(Capture):
    """Collecting is TensorFlow's own profiler in this process, which sees TraceMe events and writes to ``folder``."""

    def __init__(self, folder: Path, ranges: NvtxRanges, choice: CaptureChoice) -> None:
        super().__init__(ranges, choice)
        self._folder = folder
        self._made = 0

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Run the profiler."""
        from runner.dut.tensorflow_profiler import profile_block

        with profile_block(self._folder / f"capture-{self._made}"):
            yield
        self._made += 1
