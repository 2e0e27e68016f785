"""The device under test: joins line, protocol, pipeline and recorder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from runner.dut.capture_plan import NO_CAPTURE, CapturePlan
from runner.dut.collectors import CAPTURE_WARMUPS, Capture
from runner.dut.energy_pin import TimestampPin
from runner.dut.window_record import WindowNotes, recorded_window, run_noted
from runner.inference.pipeline import Pipeline
from runner.inference.window_runner import Readings, StopFlag, StopSignal, WindowRunner
from runner.line.link import DutLink
from runner.line.port_errors import LineEndedError, WriteTimeoutError
from runner.line.protocol import (
    INIT_DONE,
    READY,
    CommandReader,
    DutProtocol,
    Infer,
    Refused,
    Request,
    Timestamp,
    encode,
    lap_line,
    mode_line,
    results_line,
)
from tracer.errors import KwsTraceError
from tracer.recording.inference_loop import InferenceLoop
from tracer.runs.run_writer import RunWriter

_now = time.perf_counter_ns

QUIET_NS = 5_000_000_000
"""After the last answer: a host that had more to ask would have done so."""


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
        capture: the profiler that is told to collect after a window; None for none.
        on_problem: told in a sentence what does not work and does not end the DUT.
        on_refusal: told in a sentence the first time that a host on the line asks for too long a window.
        after_window: called after each performance window, before its ``m-ready``.
        windows: performance windows after which it stops by itself when the line is quiet; None for never.
        pin: what marks times in place of laps, which is energy mode; None in performance mode.
    """

    def __init__(
        self,
        link: DutLink,
        protocol: DutProtocol,
        pipeline: Pipeline,
        runner: WindowRunner,
        sink: RunWriter,
        stop: StopFlag,
        on_gap: Callable[[dict[str, str]], None],
        capture: Capture | None = None,
        on_problem: Callable[[str], None] = lambda _: None,
        on_refusal: Callable[[str], None] = lambda _: None,
        after_window: Callable[[], None] = lambda: None,
        windows: int | None = None,
        pin: TimestampPin | None = None,
    ) -> None:
        self._link, self._protocol, self._pipeline = link, protocol, pipeline
        self._runner, self._sink, self._stop, self._on_gap = runner, sink, stop, on_gap
        self._reader = CommandReader()
        self._serial: list[tuple[str, int, int]] = []
        self._windows = 0
        self._capture, self._on_problem, self._after_window = capture, on_problem, after_window
        self._plan = CapturePlan(NO_CAPTURE if capture is None else capture.choice)
        self._captured_input = b""
        self._to_serve, self._answered_ns = windows, 0
        self._cut = False
        self._on_refusal, self._refusal_told = on_refusal, False
        self._pin = pin

    def boot(self) -> None:
        """Say the boot lines; what a host sent before them is thrown away."""
        self._link.discard()
        mode = mode_line("performance" if self._pin is None else "energy")
        self._mark([mode], _now(), [INIT_DONE, READY])

    def serve(self) -> None:
        """Answer commands until the stop flag is set; a line that ends is opened again."""
        while not self._stop.stopped:
            try:
                self._serve_line()
            except LineEndedError as error:
                self._reopen(str(error))
            except StopSignal:
                self._cut = True
                break

    @property
    def captures_left(self) -> tuple[int, float]:
        """How many captures found no time between the windows, and the seconds that they will take, about."""
        left = 0 if self._capture is None or self._cut else self._plan.left
        return left, left * self._plan.longest_s

    def make_captures_left(self) -> None:
        """Make them now, when no host is served any more; another signal ends it."""
        self._stop.rearm()
        try:
            self._pipeline.load(self._captured_input)
            while self._capture is not None and self._plan.left and not self._stop.stopped:
                self._capture_once(self._capture, self._captured_input)
        except StopSignal:
            pass

    def flush(self) -> None:
        """Hand on the serial spans since the last window, as a row without one."""
        if self._serial:
            notes = WindowNotes("performance", self._runner.next_inference)
            self._sink.append(recorded_window(-1, notes, (), Readings(1), self._serial))
            self._serial = []

    def _serve_line(self) -> None:
        read, feed = self._link.read, self._reader.feed
        started: int | None = None
        while not self._stop.stopped:
            data = read(0.25)
            if not data:
                if self._to_serve is not None and self._to_serve <= 0 and _now() - self._answered_ns > QUIET_NS:
                    self._stop.stopped = True
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
        self._answered_ns = _now()
        self._serial.append(("serial_write", begun, self._answered_ns - begun))

    def _mark(self, before: list[str], now_ns: int, after: list[str], notes: WindowNotes | None = None) -> None:
        """A timestamp between lines: a lap of ``now_ns``, in energy mode a pulse, whose fall is noted."""
        if self._pin is None:
            self._send([*before, lap_line(now_ns // 1000), *after])
            return
        if before:
            self._send(before)
        pulse = self._pin.pulse()
        self._serial += pulse
        if notes is not None:
            notes.fell_ns.append(pulse[0][1] + pulse[0][2] // 2)
        if after:
            self._send(after)

    def _fulfil(self, request: Request) -> None:
        if isinstance(request, Timestamp):
            self._mark([], _now(), [READY])
        elif isinstance(request, Infer):
            self._infer(request)
        elif isinstance(request, Refused):
            if not self._refusal_told:
                self._on_refusal(request.why)
            self._refusal_told = True
            self._send([request.line, READY])
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
        kind = "accuracy" if request.inferences == 1 else "performance"
        notes = WindowNotes(kind, self._runner.next_inference)
        with self._recording(notes, names, readings, data):
            self._timed(request, loop, readings, notes)
        if kind == "performance":
            self._after_window()
            self._capture_if_due(data)
            self._to_serve = None if self._to_serve is None else self._to_serve - 1
        self._send([READY])
        self._sink.make_parts_if_due()

    def _timed(self, request: Infer, loop: InferenceLoop, readings: Readings, notes: WindowNotes) -> None:
        def begin(start_ns: int) -> None:
            self._mark(["m-warmup-done", f"m-infer-start-{request.inferences}"], start_ns, [], notes)

        self._send([f"m-warmup-start-{request.warmups}"])
        run_noted(self._runner, loop, notes, readings, request.warmups, request.inferences, begin, self._link.look)
        results = results_line(_floats(self._pipeline.backend.probabilities()))
        self._mark([], notes.end_ns or 0, ["m-infer-done", results], notes)

    def _capture_if_due(self, data: bytes) -> None:
        """After a window and before its ``m-ready``: no host is timing, but it waits."""
        began, self._captured_input = time.perf_counter(), data
        for _ in range(self._plan.after_window()):
            if self._capture is None or not self._plan.has_time(time.perf_counter() - began):
                return
            self._capture_once(self._capture, data)

    def _capture_once(self, capture: Capture, data: bytes) -> None:
        began = time.perf_counter()
        pair = self._plan.made if capture.choice.pairs else None
        names, loop = self._runner.prepare(capture.ranges)
        try:
            for kind in self._plan.sides():
                readings = Readings(len(names) + 1)
                notes = WindowNotes(kind, self._runner.next_inference, pair=pair)
                collecting = capture.collecting() if kind == "capture" else nullcontext()
                with self._recording(notes, names, readings, data), collecting:
                    run_noted(self._runner, loop, notes, readings, CAPTURE_WARMUPS, capture.choice.inferences)
        except KwsTraceError as error:
            self._capture = None
            self._on_problem(f"no capture: {error}")
        self._plan.done(time.perf_counter() - began)

    @contextmanager
    def _recording(
        self, notes: WindowNotes, names: tuple[str, ...], readings: Readings, data: bytes
    ) -> Iterator[None]:
        """Hand the window on when the block ends, whole or cut short."""
        probabilities = None
        try:
            yield
            probabilities = _floats(self._pipeline.backend.probabilities())
        finally:
            serial, self._serial = self._serial, []
            self._windows += 1
            window = recorded_window(self._windows - 1, notes, names, readings, serial, data, probabilities)
            self._sink.append(window)

    def _reopen(self, why: str) -> None:
        began = datetime.now(timezone.utc)
        self._reader.clear()
        self._refusal_told = False
        self._link.reopen()
        ended = datetime.now(timezone.utc)
        self._on_gap({"start": began.isoformat(), "end": ended.isoformat(), "why": why})


def _floats(values: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
