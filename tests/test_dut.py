"""The DUT over a fake line: what it answers, and what it hands to the recorder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.dut import server
from runner.dut.server import Dut
from runner.inference.pipeline import Pipeline
from runner.inference.window_runner import StopFlag, WindowRunner
from runner.line.port_errors import LineEndedError, WriteTimeoutError
from runner.line.protocol import DutProtocol, most_inferences
from tracer.quantization import Quantization
from tracer.recording.window import RecordedWindow


class FakeBackend:
    """Says the class of its first input value; counts its calls."""

    name, version, device, threads = "fake", "0", "CPU", 1
    input_scale: float | None = None
    input_zero_point: int | None = None

    def __init__(self, dtype: Any = np.float32) -> None:
        self.input_dtype: np.dtype[Any] = np.dtype(dtype)
        self.host_input: NDArray[Any] = np.zeros((1, 49, 10, 1), dtype)
        self.calls: list[str] = []
        self.on_run: Any = None
        self._device_input = self._output = self.host_input

    def host_to_device(self) -> None:
        self.calls.append("host_to_device")
        self._device_input = self.host_input.copy()

    def session_run(self) -> None:
        self.calls.append("session_run")
        if self.on_run:
            self.on_run(self)

    def readback(self) -> None:
        self.calls.append("readback")
        self._output = self._device_input

    def fused(self) -> None:
        self.calls.append("fused")
        self._output = self.host_input.copy()

    def probabilities(self) -> NDArray[np.float32]:
        out = np.zeros(12, np.float32)
        out[int(abs(self._output.flat[0])) % 12] = 1.0
        return out

    def close(self) -> None:
        pass


class FakeLink:
    """A line whose far end is a script: bytes to give, or an error to raise."""

    spec = "fake"

    def __init__(self, script: list[bytes | Exception], stop: StopFlag) -> None:
        self.script, self.stop = script, stop
        self.sent = b""
        self.fail_writes = 0
        self.reopened = 0
        self.on_look: Callable[[], None] | None = None

    def read(self, timeout_s: float) -> bytes:
        if not self.script:
            self.stop.stopped = True
            return b""
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        if self.fail_writes:
            self.fail_writes -= 1
            raise WriteTimeoutError(self.spec, timeout_s)
        self.sent += data

    def discard(self) -> None:
        pass

    def look(self) -> None:
        if self.on_look:
            self.on_look()

    def reopen(self) -> bool:
        self.reopened += 1
        return True

    def close(self) -> None:
        pass


class Sink:
    def __init__(self) -> None:
        self.windows: list[RecordedWindow] = []
        self.at_ready: list[int] = []

    def append(self, window: RecordedWindow) -> None:
        self.windows.append(window)

    def make_parts_if_due(self) -> None:
        pass


class Rig:
    def __init__(
        self,
        *script: bytes | Exception,
        timed: str = "reference",
        mode: str = "split",
        dtype: Any = np.float32,
        latency_ns: float = 1.0,
        **options: Any,
    ):
        self.stop = StopFlag()
        self.backend = FakeBackend(dtype)
        self.link = FakeLink(list(script), self.stop)
        self.sink = Sink()
        self.gaps: list[dict[str, str]] = []
        pipeline = Pipeline(self.backend, Quantization(0.5, 2), timed, mode)
        self.refusals: list[str] = []
        protocol = DutProtocol("bench", pipeline.buffer_sizes, most_inferences(latency_ns))
        runner = WindowRunner(pipeline, None, self.stop, latency_ns)
        self.dut = Dut(
            self.link,  # type: ignore[arg-type]
            protocol,
            pipeline,
            runner,
            self.sink,
            self.stop,
            self.gaps.append,
            on_refusal=self.refusals.append,
            **options,
        )

    def lines(self) -> list[str]:
        self.dut.boot()
        self.link.sent = b""
        self.dut.serve()
        self.dut.flush()
        return re.sub(r"m-lap-us-\d+", "m-lap-us-T", self.link.sent.decode()).splitlines()


def load(data: bytes) -> bytes:
    pieces = [f"db {data[i : i + 29].hex()}%" for i in range(0, len(data), 29)]
    return (f"db load {len(data)}%" + "".join(pieces)).encode()


INFER_LINES = ["m-warmup-start-1", "m-warmup-done", "m-infer-start-2", "m-lap-us-T", "m-lap-us-T", "m-infer-done"]


def test_an_inference_is_answered_in_the_order_of_the_firmware() -> None:
    rig = Rig(load(bytes([6]) * 490), b"infer 2 1%")
    lines = rig.lines()
    assert lines[-8:-2] == INFER_LINES
    # (6 - 2) * 0.5 = 2.0: dequantized in load, class 2.
    assert lines[-2] == "m-results-[0.000000,0.000000,1.000000" + ",0.000000" * 9 + "]"
    assert lines[-1] == "m-ready"
    assert rig.backend.calls == ["host_to_device", "session_run", "readback"] * 3


def test_a_window_keeps_every_stage_of_every_inference() -> None:
    rig = Rig(load(bytes(490)), b"infer 2 1%", b"infer 1 0%")
    rig.lines()
    first, second, tail = rig.sink.windows
    assert (first.window, first.kind, first.state, first.inferences, first.warmups) == (
        0,
        "performance",
        "complete",
        2,
        1,
    )
    assert first.stages == ("host_to_device", "session_run", "readback")
    assert first.edges.shape == (3, 4)
    assert (np.diff(first.edges.ravel()) >= 0).all()
    assert (second.window, second.kind, second.first_inference) == (1, "accuracy", 3)
    assert first.lap_end_us is not None
    assert first.lap_start_us is not None
    assert first.lap_end_us - first.lap_start_us >= (first.edges[-1, -1] - first.edges[1, 0]) // 1000
    stages = [span.stage for span in first.serial]
    assert stages.count("serial_read") == 19
    assert stages.count("load") == 1
    assert tail.window == -1


def test_end_to_end_dequantizes_in_each_inference_but_not_a_float_buffer() -> None:
    rig = Rig(
        load(bytes(490)), b"infer 1 0%", load(np.full(490, 3.0, "<f4").tobytes()), b"infer 1 0%", timed="end-to-end"
    )
    lines = rig.lines()
    assert [window.stages[0] for window in rig.sink.windows[:2]] == ["dequantize", "host_to_device"]
    assert lines[-2].startswith("m-results-[0.000000,0.000000,0.000000,1.000000")


def test_an_int8_model_has_no_dequantize_and_takes_one_size() -> None:
    rig = Rig(load(bytes([5]) * 490), b"infer 1 0%", b"db load 1960%", timed="end-to-end", dtype=np.int8)
    lines = rig.lines()
    assert rig.sink.windows[0].stages == ("host_to_device", "session_run", "readback")
    assert lines[-2].startswith("e-[Supplied buffer size 1960")


def test_fused_runs_an_inference_in_one_call() -> None:
    rig = Rig(load(bytes(490)), b"infer 2 0%", mode="fused")
    rig.lines()
    assert rig.sink.windows[0].stages == ("inference",)
    assert rig.backend.calls == ["fused", "fused"]


def test_a_line_that_ends_is_opened_again_and_a_loaded_buffer_kept() -> None:
    rig = Rig(load(bytes(490)), b"infer 3", LineEndedError("fake", "EIO"), b"infer 2 1%")
    assert rig.lines()[-8:-2] == INFER_LINES
    assert rig.link.reopened == 1
    assert len(rig.gaps) == 1


def test_a_host_that_does_not_read_does_not_end_the_dut() -> None:
    rig = Rig(b"name%", b"name%")
    rig.dut.boot()
    rig.link.sent = b""
    rig.link.fail_writes = 1
    rig.dut.serve()
    assert rig.link.sent == b"m-name-dut-[bench]\r\nm-ready\r\n"


def test_a_signal_cuts_a_window_and_what_was_made_is_kept_as_aborted() -> None:
    rig = Rig(load(bytes(490)), b"infer 1000000 2%")

    def stop_later(backend: FakeBackend) -> None:
        if backend.calls.count("session_run") == 50:
            rig.stop._handle(15, None)

    rig.backend.on_run = stop_later
    rig.lines()
    window = rig.sink.windows[0]
    assert (window.state, window.inferences, window.warmups) == ("aborted", 47, 2)
    assert window.lap_end_us is None


@pytest.mark.parametrize("noise", [b"\xff\x00%", b"db zz%", b"infer%", b"infer abc%", b"x" * 300 + b"%", b"%%%"])
def test_noise_is_answered_and_the_next_command_too(noise: bytes) -> None:
    rig = Rig(noise, b"name%")
    assert rig.lines()[-2:] == ["m-name-dut-[bench]", "m-ready"]


def test_a_window_of_more_than_an_hour_is_refused_on_the_line_and_told_to_the_user_once() -> None:
    rig = Rig(load(bytes(490)), b"infer 4294967296 0%", b"infer 3599 2%", b"infer 2 1%", latency_ns=1e9)
    lines = rig.lines()
    refused = "e-[Inference iterations and warmup together must be <=3600]"
    assert lines[20:24] == [refused, "m-ready", refused, "m-ready"]
    assert lines[-8:-2] == INFER_LINES
    assert len(rig.refusals) == 1
    assert "4,294,967,296 inferences after 0 warm-ups" in rig.refusals[0]
    assert len(rig.sink.windows) == 2


def test_no_window_has_more_inferences_than_the_limit_however_quick_they_are() -> None:
    assert most_inferences(1.0) == 100_000_000
    assert most_inferences(4.3e6) == 837_209
    assert most_inferences(1e15) == 1


def test_a_host_that_hangs_up_ends_its_window_as_aborted_and_the_next_one_is_served() -> None:
    rig = Rig(load(bytes(490)), b"infer 3000 2%", b"infer 2 1%", latency_ns=0.2e9)
    looks = 0

    def hang_up_at_the_third() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise LineEndedError("fake", "the host hung up")

    rig.link.on_look = hang_up_at_the_third
    assert rig.lines()[-8:-2] == INFER_LINES
    cut, whole = rig.sink.windows[:2]
    assert (cut.state, cut.inferences, cut.warmups, cut.lap_end_us) == ("aborted", 15, 2, None)
    assert (whole.state, whole.inferences, whole.first_inference) == ("complete", 2, 17)
    assert "hung up" in rig.gaps[0]["why"]


@pytest.mark.parametrize(("latency_ns", "inferences", "looks"), [(1e9, 10, 9), (0.1e9, 40, 3), (1e3, 200_000, 3)])
def test_the_line_is_looked_at_once_in_a_second_of_inferences_and_between_two_conversions(
    latency_ns: float, inferences: int, looks: int
) -> None:
    rig = Rig(load(bytes(490)), b"infer %d 0%%" % inferences, mode="fused", latency_ns=latency_ns)
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1

    rig.link.on_look = count
    rig.lines()
    assert seen == looks
    assert rig.sink.windows[0].edges.shape == (inferences, 2)


def test_a_run_of_so_many_windows_ends_by_itself_when_the_line_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUIET_NS", -1)
    rig = Rig(load(bytes(490)), b"infer 3 0%", b"", b"infer 1 0%", b"infer 3 0%", b"", b"name%", windows=2)
    lines = rig.lines()
    assert [window.kind for window in rig.sink.windows if window.window >= 0] == [
        "performance",
        "accuracy",
        "performance",
    ]
    assert not [line for line in lines if line.startswith("m-name")]


def test_a_host_that_asks_on_at_once_keeps_such_a_run_open() -> None:
    rig = Rig(load(bytes(490)), b"infer 3 0%", b"", b"name%", windows=1)
    assert [line for line in rig.lines() if line.startswith("m-name")]


def test_after_each_performance_window_and_no_other_the_costs_are_measured_before_m_ready() -> None:
    sent: list[bytes] = []
    rig = Rig(load(bytes(490)), b"infer 3 0%", b"infer 1 0%", after_window=lambda: sent.append(rig.link.sent))
    rig.lines()
    [before] = sent
    assert before.decode().splitlines()[-1].startswith("m-results")
