"""The run's clock and the capture's: one line maps them, or the capture is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gpu_runs import Clock, capture_window, ranges_of, recorded_run, usual_windows
from tracer.captures.clock_fit import MAX_RATE_PPM, ClockFit, LineClock, SpanEdges, fit_clock, span_edges
from tracer.captures.inference_ranges import InferenceRanges
from tracer.errors import CaptureError
from tracer.recording.window import RecordedWindow

ROUNDING_NS = 2.0
"""Two clocks in whole nanoseconds."""


def readings_of(one: RecordedWindow, edges: np.ndarray | None = None) -> SpanEdges:
    numbers = one.first_inference + np.arange(len(one.edges), dtype=np.int64)
    return SpanEdges(numbers, one.stages, one.edges if edges is None else edges)


def fit(one: RecordedWindow, ranges: InferenceRanges, edges: np.ndarray | None = None) -> ClockFit:
    return fit_clock("x.sqlite", ranges, readings_of(one, edges))


@settings(max_examples=40, deadline=None)
@given(
    offset=st.integers(-(10**16), 10**16),
    rate=st.floats(-MAX_RATE_PPM, MAX_RATE_PPM),
    before=st.integers(0, 4_000),
    after=st.integers(0, 4_000),
    count=st.integers(1, 60),
    uptime=st.integers(0, 40_000_000),
    fused=st.booleans(),
)
def test_any_offset_any_rate_within_the_limit_and_brackets_of_any_width_fit(
    offset: int, rate: float, before: int, after: int, count: int, uptime: int, fused: bool
) -> None:
    one = capture_window(uptime, 7, count, 0, fused=fused)
    found = fit(one, ranges_of(one, Clock(offset, rate), (before, after)))
    assert found.outside_ns <= ROUNDING_NS
    assert abs(found.rate_ppm) <= MAX_RATE_PPM * (1 + 1e-9)
    # No reading may be mapped further from where it was than its bracket is wide.
    mapped = found.offset_ns + (1 + found.rate_ppm * 1e-6) * one.edges.astype(np.float64)
    resolution = 4 * np.spacing(np.abs(one.edges).max() + abs(offset))
    # One fused inference alone tells no rate: within the limit any maps its two readings into the one range.
    unknown = 2 * MAX_RATE_PPM * 1e-6 * np.diff(one.edges).max() if fused else 0
    wide = before + after + ROUNDING_NS + resolution + unknown
    assert np.abs(mapped - Clock(offset, rate).of(one.edges)).max() <= wide
    # A fused inference's own length is known at the rate that was found.
    unsure = 2e-3 * (before + after + (np.diff(one.edges).max() if fused else 0))
    assert found.bracket_ns == pytest.approx(before + after, abs=unsure + 2 * ROUNDING_NS)


def test_the_rate_of_a_long_capture_is_found() -> None:
    one = capture_window(3, 0, 3_000, 0)
    found = fit(one, ranges_of(one, Clock(5_000, 321.5)))
    assert found.rate_ppm == pytest.approx(321.5, abs=4)


@pytest.mark.parametrize("rate", [900.0, -900.0])
def test_a_long_fused_inference_fits_at_a_rate_that_lengthens_or_shortens_it(rate: float) -> None:
    one = capture_window(3, 0, 20, 0, fused=True)
    one = replace(one, edges=one.edges + 20_000_000 * np.arange(40).reshape(20, 2))
    found = fit(one, ranges_of(one, Clock(0, rate), (0, 0)))
    assert found.outside_ns <= ROUNDING_NS
    assert found.rate_ppm == pytest.approx(rate, abs=0.1)


@pytest.mark.parametrize(
    ("rate", "added"), [(0.0, [0, 0, 0]), (800.0, [-800_000, 0, 800_000]), (-800.0, [800_000, 0, -800_000])]
)
def test_a_clock_maps_what_passed_since_its_origin_at_its_rate_and_back(rate: float, added: list[int]) -> None:
    origin = 5_000_000_000
    clock, times = LineClock(7_000, rate, origin), origin + np.array([-1_000_000_000, 0, 1_000_000_000])
    there = clock.mapped(times)
    assert (there - times - added).tolist() == [7_000 + round(rate * 1e-6 * origin)] * 3
    assert clock.unmapped(there).tolist() == times.tolist()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("step", [50_000, -50_000])
def test_a_clock_that_steps_in_the_middle_is_refused(step: int, fused: bool) -> None:
    one = capture_window(3, 0, 100, 0, fused=fused)
    stepped = one.edges + step * (np.arange(len(one.edges)) >= 50)[:, None]
    with pytest.raises(
        CaptureError,
        match=r"x\.sqlite: its clock and the run's do not fit.*; a clock stepped, or it is a capture of another run$",
    ):
        fit(one, ranges_of(one, Clock()), stepped)


@pytest.mark.parametrize("rate", [5_000.0, -5_000.0])
def test_a_rate_that_no_clock_has_is_refused(rate: float) -> None:
    one = capture_window(3, 0, 100, 0)
    with pytest.raises(CaptureError, match="do not fit"):
        fit(one, ranges_of(one, Clock(0, rate)))


@pytest.mark.parametrize("fused", [False, True])
def test_the_same_numbers_of_another_run_are_refused(fused: bool) -> None:
    one, other = (capture_window(3, 0, 50, 0, seed=seed, fused=fused) for seed in (1, 2))
    with pytest.raises(CaptureError, match="capture of another run"):
        fit(one, ranges_of(other, Clock()))


def test_a_single_reading_too_far_is_refused_however_many_fit() -> None:
    one = capture_window(3, 0, 2_000, 0)
    wrong = one.edges.copy()
    wrong[777, 2] += 9_000
    with pytest.raises(CaptureError, match=r"a reading lies \d"):
        fit(one, ranges_of(one, Clock()), wrong)


def test_the_spans_of_a_run_come_back_as_the_readings_that_they_were(tmp_path: Path) -> None:
    windows = usual_windows(captures=2)
    run = recorded_run(tmp_path, windows)
    captured = windows[3]
    numbers = captured.first_inference + np.arange(len(captured.edges), dtype=np.int64)
    found = span_edges(run, numbers)
    assert found.stages == captured.stages
    assert np.array_equal(found.edges, captured.edges)


def test_the_spans_of_a_fused_run_are_its_inferences(tmp_path: Path) -> None:
    one = capture_window(0, 0, fused=True)
    found = span_edges(recorded_run(tmp_path, [one]), np.arange(len(one.edges)))
    assert np.array_equal(found.edges, one.edges)


def test_the_stages_are_those_of_the_captured_inferences_not_of_the_first_input(tmp_path: Path) -> None:
    """A float input needs no dequantize, though the run's first one did."""
    run = recorded_run(tmp_path, usual_windows(), stages=["dequantize", "host_to_device", "session_run", "readback"])
    assert span_edges(run, np.arange(12, 35)).stages == ("host_to_device", "session_run", "readback")


def test_an_inference_that_the_run_has_not_is_named(tmp_path: Path) -> None:
    run = recorded_run(tmp_path, usual_windows())
    with pytest.raises(CaptureError, match="inference 35; name the run that was captured"):
        span_edges(run, np.array([34, 35]))


def test_the_order_of_the_spans_on_disk_does_not_matter(tmp_path: Path) -> None:
    late, early = capture_window(1, 20, 5, 0), capture_window(0, 0, 20, 0)
    run = recorded_run(tmp_path, [replace(late, window=0), replace(early, window=1)])
    assert np.array_equal(span_edges(run, np.arange(20)).edges, early.edges)
