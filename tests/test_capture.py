"""Captures between windows: when they come, what the host sees of them, and that no official figure has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from runner.dut.capture_plan import CaptureChoice
from runner.dut.collectors import CAPTURE_WARMUPS, nsys_capture
from runner.inference.pipeline import Pipeline
from runner.inference.window_runner import StopFlag
from tests.capture_rig import CapturedDut, FlagCapture, NotedRanges
from tests.recorded import info
from tests.test_dut import FakeBackend, Sink, load
from tracer.errors import KwsTraceError
from tracer.quantization import Quantization
from tracer.recording.nvtx_ranges import CAPTURE_RANGE
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

LOADED = load(bytes(490))


class Rig(CapturedDut):
    """The fake backend behind a DUT with a capture; the windows go to ``sink``."""

    def __init__(self, *script: bytes | Exception, capture: object = None, mode: str = "split", sink: object = None):
        self.backend = FakeBackend()
        self.sink = sink or Sink()
        pipeline = Pipeline(self.backend, Quantization(0.5, 2), "reference", mode)
        super().__init__([LOADED, *script], pipeline, self.sink, capture, StopFlag())

    def kinds(self) -> list[str]:
        return [window.kind for window in self.sink.windows if window.window >= 0]


def test_the_first_windows_are_each_followed_by_a_capture_and_the_others_by_none() -> None:
    rig = Rig(*[b"infer 3 1%"] * 4, capture=FlagCapture(windows=2))
    rig.serve()
    assert rig.kinds() == ["performance", "capture", "performance", "capture", "performance", "performance"]
    numbers = [window.window for window in rig.sink.windows]
    assert numbers == [0, 1, 2, 3, 4, 5, -1]


def test_an_accuracy_window_is_followed_by_no_capture_and_takes_none_of_their_number() -> None:
    rig = Rig(b"infer 1 0%", b"infer 1 0%", b"infer 3 1%", capture=FlagCapture(windows=1))
    rig.serve()
    assert rig.kinds() == ["accuracy", "accuracy", "performance", "capture"]


def test_a_capture_stands_after_the_laps_and_the_results_and_before_m_ready() -> None:
    capture = FlagCapture(windows=1)
    rig = Rig(b"infer 3 1%", capture=capture)
    sent_when_it_began: list[bytes] = []
    begin = capture.collecting

    @contextmanager
    def noting() -> Iterator[None]:
        sent_when_it_began.append(rig.link.sent)
        with begin():
            yield

    capture.collecting = noting
    lines = rig.serve()
    [before] = sent_when_it_began
    said = before.decode().splitlines()
    assert said[-1].startswith("m-results-[")
    assert sum(line.startswith("m-lap-us") for line in said[-6:]) == 2
    assert lines[len(said) :] == ["m-ready"]


def test_a_captured_inference_lies_outside_the_laps_and_has_none_of_its_own() -> None:
    rig = Rig(b"infer 3 1%", capture=FlagCapture(windows=1))
    rig.serve()
    timed, captured = rig.sink.windows[:2]
    assert captured.lap_start_us is None
    assert captured.lap_end_us is None
    assert timed.lap_end_us is not None
    assert captured.edges[0, 0] // 1000 >= timed.lap_end_us


def test_a_capture_runs_its_warmups_and_then_its_inferences_all_numbered_on() -> None:
    capture = FlagCapture(inferences=4, windows=1)
    rig = Rig(b"infer 3 1%", capture=capture)
    during: list[bool] = []
    rig.backend.on_run = lambda _: during.append(capture.collecting_now)
    rig.serve()
    window = rig.sink.windows[1]
    assert (window.state, window.warmups, window.inferences) == ("complete", CAPTURE_WARMUPS, 4)
    assert window.first_inference == 4
    assert window.edges.shape == (CAPTURE_WARMUPS + 4, 4)
    assert window.start_ns >= window.edges[CAPTURE_WARMUPS - 1, -1]
    assert during == [False] * 4 + [True] * (CAPTURE_WARMUPS + 4)
    assert rig.problems == []


@pytest.mark.parametrize(
    ("mode", "stages"), [("split", ["host_to_device", "session_run", "readback"]), ("fused", [])]
)
def test_each_captured_inference_pushes_its_number_and_a_range_a_stage(mode: str, stages: list[str]) -> None:
    capture = FlagCapture(inferences=4, windows=1)
    rig = Rig(b"infer 3 1%", capture=capture, mode=mode)
    rig.serve()
    payloads, starts, ends = capture.noted.columns("inference")
    assert payloads == list(range(4, 4 + CAPTURE_WARMUPS + 4))
    assert {row[0] for row in capture.noted.closed} == {"inference", *stages}
    edges = rig.sink.windows[1].edges
    assert (starts <= edges[:, 0]).all()
    assert (edges[:, -1] <= ends).all()
    for place, stage in enumerate(stages):
        _, begun, ended = capture.noted.columns(stage)
        assert (edges[:, place] <= begun).all()
        assert (ended <= edges[:, place + 1]).all()


def test_the_range_that_nsys_waits_for_stands_around_the_captured_inferences() -> None:
    noted = NotedRanges()
    rig = Rig(*[b"infer 3 1%"] * 2, capture=nsys_capture(noted.api, CaptureChoice(4, 2)))
    rig.serve()
    _, starts, ends = noted.columns(CAPTURE_RANGE)
    payloads, begun, ended = noted.columns("inference")
    assert len(starts) == 2
    assert len(payloads) == 2 * (CAPTURE_WARMUPS + 4)
    assert np.array_equal(np.searchsorted(starts, begun, side="right"), np.searchsorted(ends, ended) + 1)


@pytest.mark.parametrize("at", [2, CAPTURE_WARMUPS + 2], ids=["in the warm-ups", "in the inferences"])
def test_a_signal_in_a_capture_leaves_it_aborted_and_the_window_before_it_whole(at: int) -> None:
    capture = FlagCapture(inferences=1_000_000, windows=1)
    rig = Rig(b"infer 3 1%", b"name%", capture=capture)

    def stop_later(backend: FakeBackend) -> None:
        if backend.calls.count("session_run") == 4 + at:
            rig.stop._handle(15, None)

    rig.backend.on_run = stop_later
    lines = rig.serve()
    timed, captured = rig.sink.windows[:2]
    assert (timed.kind, timed.state) == ("performance", "complete")
    assert (captured.kind, captured.state) == ("capture", "aborted")
    assert captured.warmups + captured.inferences == at - 1
    assert captured.warmups == min(at - 1, CAPTURE_WARMUPS)
    assert captured.probabilities is None
    assert not capture.collecting_now
    assert lines[-1].startswith("m-results-[")


class ProfilerSilentError(KwsTraceError):
    """The fake profiler does not collect."""


def test_a_profiler_that_does_not_start_is_told_once_and_the_dut_answers_on() -> None:
    capture = FlagCapture(windows=3)
    capture.problem = ProfilerSilentError("the fake profiler: does not start; mend it")
    rig = Rig(*[b"infer 3 1%"] * 3, capture=capture)
    lines = rig.serve()
    assert rig.problems == ["no capture: the fake profiler: does not start; mend it"]
    assert capture.begun == 1
    assert [line for line in lines if line.startswith("m-results")] == [lines[-2]] * 3
    assert rig.kinds().count("performance") == 3
    assert lines[-1] == "m-ready"


def test_a_profiler_that_fails_at_its_end_leaves_what_ran_as_aborted() -> None:
    capture = FlagCapture(windows=2)
    capture.at_end = ProfilerSilentError("the fake profiler: left no file")
    rig = Rig(*[b"infer 3 1%"] * 2, capture=capture)
    rig.serve()
    assert rig.kinds() == ["performance", "capture", "performance"]
    assert rig.sink.windows[1].state == "aborted"
    assert len(rig.problems) == 1


def test_each_capture_stands_beside_as_many_inferences_without_the_profiler_in_alternating_order() -> None:
    capture = FlagCapture(inferences=4, windows=2, pairs=4)
    rig = Rig(*[b"infer 3 1%"] * 3, capture=capture)
    during: list[bool] = []
    rig.backend.on_run = lambda _: during.append(capture.collecting_now)
    rig.serve()
    beside = ["capture", "uncaptured", "uncaptured", "capture"]
    assert rig.kinds() == ["performance", *beside, "performance", *beside, "performance"]
    sides = [window for window in rig.sink.windows if window.pair is not None]
    assert [window.pair for window in sides] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {(window.warmups, window.inferences) for window in sides} == {(CAPTURE_WARMUPS, 4)}
    assert all(window.lap_start_us is None for window in sides)
    on, off = [True] * (CAPTURE_WARMUPS + 4), [False] * (CAPTURE_WARMUPS + 4)
    timed = [False] * 4
    assert during == [*timed, *on, *off, *off, *on, *timed, *on, *off, *off, *on, *timed]


def test_both_sides_of_a_pair_push_the_same_ranges() -> None:
    capture = FlagCapture(inferences=4, windows=1, pairs=1)
    rig = Rig(b"infer 3 1%", capture=capture)
    rig.serve()
    payloads, _, _ = capture.noted.columns("inference")
    assert payloads == list(range(4, 4 + 2 * (CAPTURE_WARMUPS + 4)))


def test_pairs_that_found_no_time_are_made_at_the_end() -> None:
    rig = Rig(b"infer 3 1%", capture=FlagCapture(inferences=4, windows=5, pairs=5))
    rig.serve()
    assert rig.dut.captures_left[0] == 4
    rig.dut.make_captures_left()
    assert rig.dut.captures_left[0] == 0
    assert sorted(window.pair for window in rig.sink.windows if window.kind == "capture") == [0, 1, 2, 3, 4]
    assert all(window.state == "complete" for window in rig.sink.windows)


def test_another_signal_ends_the_pairs_at_the_end_and_what_ran_is_aborted() -> None:
    rig = Rig(b"infer 3 1%", capture=FlagCapture(inferences=4, windows=5, pairs=5))
    rig.serve()
    calls = rig.backend.calls.count("session_run")

    def stop_later(backend: FakeBackend) -> None:
        if backend.calls.count("session_run") == calls + CAPTURE_WARMUPS + 2:
            rig.stop._handle(2, None)

    rig.backend.on_run = stop_later
    rig.dut.make_captures_left()
    last = rig.sink.windows[-1]
    assert (last.kind, last.state, last.pair) == ("uncaptured", "aborted", 1)


def test_a_run_that_a_signal_cut_in_a_window_makes_no_pairs_at_its_end() -> None:
    rig = Rig(b"infer 3 1%", b"infer 1000 1%", capture=FlagCapture(inferences=4, windows=5, pairs=5))

    def stop_later(backend: FakeBackend) -> None:
        if backend.calls.count("session_run") == 60:
            rig.stop._handle(2, None)

    rig.backend.on_run = stop_later
    rig.serve()
    assert rig.dut.captures_left[0] == 0


def test_captured_inferences_are_in_no_official_figure(tmp_path: Path) -> None:
    reports = {}
    for name, capture in (("with", FlagCapture(inferences=50, windows=2, pairs=2)), ("without", None)):
        writer = RunWriter.create(tmp_path, name, info(), lambda _: None)
        rig = Rig(b"infer 1 0%", *[b"infer 3 2%"] * 3, capture=capture, sink=writer)
        rig.serve()
        writer.close()
        reports[name] = build_report(stored_run(name, tmp_path))
    report, plain = reports["with"], reports["without"]
    assert report["left_out"]["captured"] == 100
    assert plain["left_out"]["captured"] == 0
    assert report["inference"]["count"] == plain["inference"]["count"] == 9
    assert report["left_out"]["warmups"] == plain["left_out"]["warmups"] == 6
    assert [one["kind"] for one in report["windows"]] == ["calibration", *["performance"] * 3]
    assert [one["count"] for one in report["stages"]] == [9, 9, 9]
    assert report["gpu"] is None
    assert [note for note in report["notes"] if "windows: an official" in note] == [
        "3 performance windows: an official result has 5"
    ]
