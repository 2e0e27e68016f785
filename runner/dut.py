"""The device under test: joins line, protocol, pipeline and recorder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runner.link import DutLink, LineEndedError, WriteTimeoutError
from runner.pipeline import Pipeline
from runner.protocol import (
    READY,
    CommandReader,
    DutProtocol,
    Infer,
    Request,
    Timestamp,
    boot_lines,
    encode,
    lap_line,
    results_line,
)
from runner.window_runner import Readings, StopFlag, StopSignal, WindowRunner
from tracer.window import RecordedWindow, SerialSpan

_now = time.perf_counter_ns


class WindowSink(Protocol):
    """Where finished windows go."""

    def append(self, window: RecordedWindow) -> None:
        """Keep a window; returns when it is on disk, or was reported not to be."""

    def make_parts_if_due(self) -> None:
        """Do what takes longer, while no host is timing."""


class Dut:
    """
    Answers the host until told to stop.

    Args:
        link: the line, open.
        protocol: fresh.
        pipeline: loaded and warm.
        runner: over the same pipeline.
        sink: the recorder.
        stop: set by signals.
        on_gap: told each gap of the line: its start and end in UTC, and why.
    """

    def __init__(
        self,
        link: DutLink,
        protocol: DutProtocol,
        pipeline: Pipeline,
        runner: WindowRunner,
        sink: WindowSink,
        stop: StopFlag,
        on_gap: Callable[[dict[str, str]], None],
    ) -> None:
        self._link, self._protocol, self._pipeline = link, protocol, pipeline
        self._runner, self._sink, self._stop, self._on_gap = runner, sink, stop, on_gap
        self._reader = CommandReader()
        self._serial: list[tuple[str, int, int]] = []
        self._windows = 0

    def boot(self) -> None:
        """Say the boot lines; what a host sent before them is thrown away."""
        self._link.discard()
        self._send(boot_lines(_now() // 1000))

    def serve(self) -> None:
        """Answer commands until the stop flag is set; a line that ends is opened again."""
        while not self._stop.stopped:
            try:
                self._serve_line()
            except LineEndedError as error:
                self._reopen(str(error))
            except StopSignal:
                break

    def flush(self) -> None:
        """Hand on the serial spans since the last window, as a row without one."""
        if self._serial:
            self._sink.append(self._recorded(-1, Infer(0, 0), (), Readings(1), None, "complete"))

    def _serve_line(self) -> None:
        read, feed = self._link.read, self._reader.feed
        started: int | None = None
        while not self._stop.stopped:
            data = read(0.25)
            if not data:
                continue
            begun = _now() if started is None else started
            for command in feed(data):
                answer = self._protocol.handle(command)
                done = _now()
                self._serial.append(("serial_read", begun, done - begun))
                if isinstance(answer, list):
                    self._send(answer)
                else:
                    self._fulfil(answer)
                begun = _now()
            started = None if self._reader.idle else begun

    def _send(self, lines: list[str]) -> None:
        begun = _now()
        try:
            self._link.write(encode(lines))
        except WriteTimeoutError:
            # Nobody reads: what is stale by the time somebody does would be taken for the next answer.
            self._link.discard()
            self._reader.clear()
        self._serial.append(("serial_write", begun, _now() - begun))

    def _fulfil(self, request: Request) -> None:
        if isinstance(request, Timestamp):
            self._send([lap_line(_now() // 1000), READY])
        elif isinstance(request, Infer):
            self._infer(request)
        else:
            self._send([results_line(_floats(self._pipeline.backend.probabilities())), READY])

    def _infer(self, request: Infer) -> None:
        data = self._protocol.loaded
        assert data is not None  # noqa: S101 -- the protocol asks for no inference before
        begun = _now()
        self._pipeline.load(data)
        self._serial.append(("load", begun, _now() - begun))
        names, loop = self._runner.prepare()
        readings = Readings(len(names) + 1)
        facts = _Laps(first=self._runner.next_inference)
        try:
            self._timed(request, loop, readings, facts)
        except BaseException:
            self._record(request, names, readings, facts, "aborted", data)
            raise
        self._record(request, names, readings, facts, "complete", data)
        self._send([READY])
        self._sink.make_parts_if_due()

    def _timed(self, request: Infer, loop: object, readings: Readings, facts: _Laps) -> None:
        run = self._runner.run
        self._send([f"m-warmup-start-{request.warmups}"])
        run(loop, request.warmups, readings)  # type: ignore[arg-type]
        facts.warmups = readings.inferences
        opening = ["m-warmup-done", f"m-infer-start-{request.inferences}"]
        cpu = time.process_time_ns()
        facts.start_ns = _now()
        self._send([*opening, lap_line(facts.start_ns // 1000)])
        try:
            run(loop, request.inferences, readings)  # type: ignore[arg-type]
        finally:
            facts.end_ns = _now()
            facts.cpu_ns = time.process_time_ns() - cpu
        results = results_line(_floats(self._pipeline.backend.probabilities()))
        self._send([lap_line(facts.end_ns // 1000), "m-infer-done", results])

    def _record(
        self, request: Infer, names: tuple[str, ...], readings: Readings, facts: _Laps, state: str, data: bytes
    ) -> None:
        window = self._recorded(self._windows, request, names, readings, facts, state, data)
        self._windows += 1
        self._sink.append(window)

    def _recorded(
        self,
        number: int,
        request: Infer,
        names: tuple[str, ...],
        readings: Readings,
        facts: _Laps | None,
        state: str,
        data: bytes | None = None,
    ) -> RecordedWindow:
        facts = facts or _Laps(first=self._runner.next_inference)
        warmups = readings.inferences if facts.start_ns is None else facts.warmups
        complete = state == "complete" and data is not None
        start_ns = facts.start_ns or _now()
        serial, self._serial = self._serial, []
        return RecordedWindow(
            window=number,
            kind="accuracy" if request.inferences == 1 else "performance",
            state=state,
            inferences=readings.inferences - warmups,
            warmups=warmups,
            lap_start_us=None if facts.start_ns is None else facts.start_ns // 1000,
            lap_end_us=facts.end_ns // 1000 if complete and facts.end_ns is not None else None,
            start_ns=start_ns,
            end_ns=start_ns if facts.end_ns is None else facts.end_ns,
            cpu_ns=facts.cpu_ns,
            first_inference=facts.first,
            stages=names,
            edges=readings.edges(),
            serial=tuple(SerialSpan(*span) for span in serial),
            input_sha256=hashlib.sha256(data).hexdigest() if data is not None else None,
            probabilities=_floats(self._pipeline.backend.probabilities()) if complete else None,
            recorder_ns=readings.recorder_ns,
        )

    def _reopen(self, why: str) -> None:
        began = datetime.now(timezone.utc)
        self._reader.clear()
        if self._link.reopen():
            self._link.discard()
        ended = datetime.now(timezone.utc)
        self._on_gap({"start": began.isoformat(), "end": ended.isoformat(), "why": why})


class _Laps:
    """The readings around a window: what the laps tell, and the CPU time between them."""

    __slots__ = ("cpu_ns", "end_ns", "first", "start_ns", "warmups")

    def __init__(self, first: int) -> None:
        self.first = first
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self.cpu_ns = 0
        self.warmups = 0


def _floats(values: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
