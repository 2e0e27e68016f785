"""What collects while inferences are captured: Nsight Systems by a range of ours, or TensorFlow's own profiler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from runner.dut.capture_plan import CaptureChoice
from tracer.recording.nvtx_ranges import CAPTURE_RANGE, NvtxRanges

CAPTURE_WARMUPS = 10
"""Captured inferences that only warm up: the profiler has just turned caches over."""


@dataclass(frozen=True)
class Capture:
    """
    A profiler that collects while ``collecting()`` is entered.

    ``ranges`` is what it sees; ``choice`` says how much of it, beside the warm-ups.
    """

    ranges: NvtxRanges
    choice: CaptureChoice
    collecting: Callable[[], AbstractContextManager[None]]


@contextmanager
def capture_range(ranges: NvtxRanges) -> Iterator[None]:
    """
    The range that Nsight Systems collects in.

    Opening and closing it takes the tool seconds (1 to 2 s measured with 2022.4 on two cores, 3 s with 2024.2 on a
    GPU): so captures stand after a window and before its ``m-ready``, when no lap runs.
    """
    ranges.push(ranges.attributes(CAPTURE_RANGE), ranges.domain)
    try:
        yield
    finally:
        ranges.pop(ranges.domain)


def nsys_capture(ranges: NvtxRanges, choice: CaptureChoice) -> Capture:
    """By Nsight Systems."""
    return Capture(ranges, choice, partial(capture_range, ranges))


def tensorflow_capture(folder: Path, ranges: NvtxRanges, choice: CaptureChoice) -> Capture:
    """By TensorFlow's own profiler in this process, which sees TraceMe events and writes to ``folder``."""
    from runner.dut.tensorflow_profiler import profile_block

    numbers = count()
    return Capture(ranges, choice, lambda: profile_block(folder / f"capture-{next(numbers)}"))
