"""A DUT in this process with a capture: a scripted line, ranges that note themselves, a profiler that is a flag."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from runner.dut.capture_plan import CaptureChoice
from runner.dut.server import Dut
from runner.inference.pipeline import Pipeline
from runner.inference.window_runner import StopFlag, WindowRunner
from runner.line.protocol import DutProtocol
from tests.test_dut import FakeLink
from tracer.recording.nvtx_ranges import NvtxRanges
from tracer.runs.run_writer import RunWriter


class Named:
    """Attributes of a range."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.payload: int | None = None


class NotedRanges:
    """
    Ranges that stay in this process: name, payload, start and end of each, as a profiler would have them.

    Args:
        clock: nanoseconds of the profiler's clock.
    """

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.closed: list[tuple[str, int | None, int, int]] = []
        self._clock = clock
        self._open: list[tuple[str, int | None, int]] = []
        self.api = NvtxRanges(self._push, self._pop, None, Named, self._numbering, "noted")

    def _push(self, attributes: Named, _: Any) -> None:
        self._open.append((attributes.name, attributes.payload, self._clock()))

    def _pop(self, _: Any) -> None:
        self.closed.append((*self._open.pop(), self._clock()))

    @staticmethod
    def _numbering(attributes: Named) -> Callable[[int], object]:
        return lambda number: setattr(attributes, "payload", number)

    def columns(self, name: str) -> tuple[list[int | None], np.ndarray, np.ndarray]:
        """Payloads, starts and ends of the ranges of that name, in the order of their ends."""
        rows = [row for row in self.closed if row[0] == name]
        starts, ends = (np.array([row[place] for row in rows], np.int64) for place in (2, 3))
        return [row[1] for row in rows], starts, ends


class FlagCapture:
    """
    A profiler that is a flag; ``problem`` is raised when it starts, ``at_end`` when it stops.

    Args:
        inferences: of a capture, beside its warm-ups.
        windows: how many windows are followed by one, or by their share of ``pairs``.
    """

    def __init__(self, inferences: int = 4, windows: int = 2, pairs: int = 0) -> None:
        self.choice = CaptureChoice(inferences, windows, pairs)
        self.noted = NotedRanges()
        self.ranges = self.noted.api
        self.collecting_now = False
        self.begun = 0
        self.problem: Exception | None = None
        self.at_end: Exception | None = None

    @contextmanager
    def collecting(self) -> Iterator[None]:
        self.begun += 1
        if self.problem is not None:
            raise self.problem
        self.collecting_now = True
        try:
            yield
        finally:
            self.collecting_now = False
        if self.at_end is not None:
            raise self.at_end


class CapturedDut:
    """
    A DUT over a scripted line, told by ``capture`` when to collect.

    Args:
        script: what the host sends, or errors of the line.
        pipeline: loaded.
        sink: the recorder.
        capture: None for none.
    """

    def __init__(
        self, script: list[bytes | Exception], pipeline: Pipeline, sink: RunWriter, capture: Any, stop: StopFlag
    ) -> None:
        self.stop = stop
        self.link = FakeLink(script, stop)
        self.problems: list[str] = []
        runner = WindowRunner(pipeline, None, stop)
        protocol = DutProtocol("bench", pipeline.buffer_sizes)
        self.dut = Dut(
            self.link,
            protocol,
            pipeline,
            runner,
            sink,
            stop,
            lambda _: None,
            capture,
            self.problems.append,
        )

    def serve(self) -> list[str]:
        """Answer the whole script; the lines that the host read."""
        self.dut.boot()
        self.link.sent = b""
        self.dut.serve()
        self.dut.flush()
        return self.link.sent.decode().splitlines()
