"""Gains over many inferences: medians, rates, and the cap of an unprofiled run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captured import Call, Gpu, captured, captures
from tracer.breakdown.breakdown import break_down
from tracer.breakdown.gains import GainFigure, gain_figures
from tracer.breakdown.replay import replay
from tracer.captures.inference_work import InferenceWork


def figures(work: InferenceWork, unprofiled: float | None = None) -> dict[str, GainFigure]:
    return {figure.name: figure for figure in gain_figures(replay(work), break_down(work).busy_ns, unprofiled)}


def serial(lengths: list[int]) -> InferenceWork:
    """A launch of 10, a kernel of 20 that starts with its end, a wake-up of 10, and Python of each length."""
    inferences, stages, calls, gpu, at = [], [], [], [], 0
    for length in lengths:
        inferences.append((at, at + 40 + length))
        stages += [("session_run", at, at + 40), ("readback", at + 40, at + 40 + length)]
        gpu.append(Gpu(at + 10, at + 30, len(calls)))
        calls += [Call("cudaLaunchKernel", at, at + 10), Call("cudaStreamSynchronize", at + 10, at + 40)]
        at += 40 + length
    return captured(inferences, stages, gpu, calls)


def test_a_gain_is_the_median_over_inferences_and_the_rate_is_what_would_be_left():
    found = figures(serial([20, 60, 70, 80, 60]))["python readback"]
    assert found.gain_ns == 60
    assert found.interval_ns[0] <= 60 <= found.interval_ns[1]
    assert found.rate_hz == pytest.approx(1e9 / 40)
    assert not found.upper_bound


def test_each_kind_and_stage_is_there_and_the_largest_comes_first():
    names = [figure.name for figure in gain_figures(replay(serial([60])), break_down(serial([60])).busy_ns)]
    assert names == [
        "python readback",
        "kernel",
        "wake",
        "launch",
        "readback",
        "session_run",
        "all launches",
        "one graph",
    ]


def test_with_an_unprofiled_run_a_gain_is_capped_by_its_overhead_and_is_an_upper_bound():
    found = figures(serial([60]), unprofiled=50)
    # 50 unprofiled minus 20 of kernel: 30 of overhead.
    assert (found["python readback"].gain_ns, found["python readback"].capped) == (30, True)
    assert found["python readback"].rate_hz == pytest.approx(1e9 / 20)
    assert (found["kernel"].gain_ns, found["kernel"].capped) == (20, False)
    assert all(figure.upper_bound for figure in found.values())


def test_where_nothing_would_be_left_there_is_no_rate():
    work = captured([(0, 100)], [("session_run", 0, 100)])
    assert figures(work)["framework"].rate_hz is None


def test_a_capture_without_inferences_has_no_gains():
    assert figures(captured([], [])) == {}


@settings(max_examples=25, deadline=None)
@given(captures(), st.none() | st.floats(1, 200))
def test_no_gain_is_negative_or_above_the_wall_time(rows, unprofiled):
    work = captured(**rows)
    for figure in figures(work, unprofiled).values():
        assert figure.gain_ns >= 0
        assert figure.rate_hz is None or figure.rate_hz > 0
        if unprofiled is not None:
            assert figure.gain_ns <= unprofiled
