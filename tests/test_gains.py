"""Gains over many inferences: means, what they are counted from, and what is called a bound or not told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from tests.captured import Call, Gpu, captured, captures
from tracer.breakdown.calibration import ASSUMED, Target, calibrated
from tracer.breakdown.gains import GainBase, blocks_of, gain_figures
from tracer.breakdown.owners import TRACER
from tracer.breakdown.replay import Replay
from tracer.captures.inference_work import InferenceWork
from tracer.report_types.gpu import Gain


def figures(work: InferenceWork, unprofiled: float | None = None, stages: dict | None = None) -> dict[str, Gain]:
    replay = Replay(work)
    wall = float(np.mean(replay.wall_ns)) if unprofiled is None and len(replay.wall_ns) else unprofiled or 0.0
    target = None if unprofiled is None else Target(unprofiled, stages or {})
    base = GainBase(wall, 1e9 / wall if wall else 0.0, target, ASSUMED, blocks_of(len(replay.wall_ns)))
    return {figure["name"]: figure for figure in gain_figures(replay, base)}


def serial(lengths: list[int], launch: int = 10_000) -> InferenceWork:
    """A launch, a kernel of 20 us that starts with its end, a wake-up of 10, and host code of each length."""
    inferences, stages, calls, gpu, at = [], [], [], [], 0
    for length in lengths:
        middle = at + launch + 30_000
        inferences.append((at, middle + length))
        stages += [("session_run", at, middle), ("readback", middle, middle + length)]
        gpu.append(Gpu(at + launch, at + launch + 20_000, len(calls)))
        calls += [Call("cudaLaunchKernel", at, at + launch), Call("cudaStreamSynchronize", at + launch, middle)]
        at = middle + length
    return captured(inferences, stages, gpu, calls)


def gain(name: str, group: str, told: float, ends: tuple[float, float], wall: float, reason: str = "") -> Gain:
    """Of a rate that is one over ``wall``; where less than a tenth of that would be left there is none."""
    rates = [1e9 / (wall - one) if wall - one > wall / 10 else None for one in (told, *ends)]
    return {
        "name": name,
        "group": group,
        "gain_ns": pytest.approx(told, rel=1e-6),
        "interval_ns": pytest.approx(list(ends), rel=1e-6),
        "rate_hz": rates[0] and pytest.approx(rates[0], rel=1e-6),
        "rate_interval_hz": [one and pytest.approx(one, rel=1e-6) for one in rates[1:]],
        "bound": "at most" if reason else None,
        "reason": reason,
    }


def test_the_gains_of_a_serial_program_are_what_its_parts_take():
    lengths = [20_000, 60_000, 70_000, 80_000, 60_000, 70_000]
    half = t.ppf(0.975, 5) * float(np.std(lengths, ddof=1)) / 6**0.5
    most = "no change to a program gives more"
    # 10 of launch, whose call the kernel waits for however short it is, 20 of kernel, 10 to wake up, 60 of Python.
    known = [
        gain("python readback", "kind", 60_000, (60_000 - half, 60_000 + half), 100_000),
        gain("kernel", "kind", 20_000, (20_000, 20_000), 100_000),
        gain("wake", "kind", 10_000, (10_000, 10_000), 100_000),
        gain("launch", "kind", 0, (0, 0), 100_000),
        gain("readback", "stage", 60_000, (60_000 - half, 60_000), 100_000),
        gain("session_run", "stage", 40_000, (40_000, 40_000), 100_000),
        gain("all launches", "bound", 10_000, (10_000, 10_000), 100_000, most),
    ]
    assert list(figures(serial(lengths)).values()) == known


def test_a_gain_that_hangs_on_a_delay_which_no_work_shows_is_a_bound_by_the_best_of_its_values():
    inferences, stages, calls, gpu = [], [], [], []
    for at in range(0, 600_000, 100_000):
        inferences.append((at, at + 100_000))
        stages.append(("session_run", at, at + 100_000))
        gpu += [Gpu(at + 1_000, at + 3_000, len(calls)), Gpu(at + 31_000, at + 33_000, len(calls) + 1)]
        calls += [Call("cudaLaunchKernel", at, at + 10_000), Call("cudaLaunchKernel", at + 30_000, at + 40_000)]
        calls.append(Call("cudaStreamSynchronize", at + 40_000, at + 45_000))
    # In place of 40 us stands the call that launches a graph: 5 us at the least, 12 at the most. The second kernel,
    # 2 us, follows it; the host waits for that now, and takes 5 us more, or at the most 6 to wake up, and 55.
    assert figures(captured(inferences, stages, gpu, calls))["one graph"] == gain(
        "one graph",
        "change",
        100_000 - (5_000 + 2_000 + 5_000 + 55_000),
        (100_000 - (12_000 + 2_000 + 6_000 + 55_000), 33_000),
        100_000,
        "the capture does not show the delays of launches well enough",
    )


def test_a_gain_that_hangs_on_where_the_profilers_time_lies_is_a_bound_by_the_best_of_the_assumptions():
    calls = [Call("cudaMalloc", 0, 40_000), Call("cudaMalloc", 40_000, 80_000)]
    work = captured([(0, 200_000)], [("session_run", 0, 200_000)], calls=calls)
    why = "it depends on where the profiler's time lies"
    # 20 of 200 us too long: of the calls alone, or of all in proportion.
    assert list(figures(work, unprofiled=180_000).values()) == [
        gain("framework", "kind", 120_000, (120_000 * 0.9, 120_000), 180_000, why),
        gain("other_call", "kind", 80_000 * 0.9, (60_000, 80_000 * 0.9), 180_000, why),
        gain("session_run", "stage", 180_000, (180_000, 180_000), 180_000),
    ]


def test_one_capture_varies_by_ten_parts_of_it():
    assert blocks_of(20).tolist() == [part for part in range(10) for _ in range(2)]
    assert np.bincount(blocks_of(25)).tolist() == [3, 2, 3, 2, 3, 2, 3, 2, 3, 2]
    assert blocks_of(0).tolist() == []


def test_changes_come_first_and_the_largest_of_each_group():
    found = list(figures(serial([60_000] * 6)).values())
    order = ("change", "kind", "stage", "bound")
    places = [(order.index(one["group"]), -(one["gain_ns"] or 0)) for one in found]
    assert places == sorted(places)


def test_what_the_profiler_adds_comes_out_of_the_calls_and_not_out_of_host_code():
    found = figures(serial([60_000] * 6, launch=14_000), unprofiled=100_000)
    assert found["python readback"]["gain_ns"] == pytest.approx(60_000, abs=100)
    assert found["session_run"]["gain_ns"] <= 40_000 + 100


def test_a_stage_is_brought_to_its_own_unprofiled_mean():
    stages = {"session_run": 38_000.0, "readback": 30_000.0}
    found = figures(serial([60_000] * 6), unprofiled=68_000, stages=stages)
    assert found["readback"]["gain_ns"] == pytest.approx(30_000, rel=0.01)
    assert found["session_run"]["gain_ns"] == pytest.approx(38_000, rel=0.01)


def test_what_the_tracer_takes_between_stages_is_no_time_of_the_profiler_even_where_calls_lie_there():
    calls = [Call("cudaLaunchKernel", 10_000, 20_000), Call("cudaMalloc", 52_000, 54_000)]
    stages = [("session_run", 0, 50_000), ("readback", 60_000, 100_000)]
    replay = Replay(captured([(0, 100_000)], stages, [Gpu(20_000, 22_000, 0)], calls))
    tracer = replay.path.owner == TRACER
    before = replay.path.fixed_ns
    assert before[tracer].sum() == 8_000
    for spread in ASSUMED:
        after = calibrated(replay, Target(80_000, {}), spread).fixed_ns
        assert after[tracer].tolist() == before[tracer].tolist()
        assert after.sum() == pytest.approx(80_000, rel=0.01)


def test_where_too_little_would_be_left_there_is_no_rate():
    work = captured([(0, 100)], [("session_run", 0, 100)])
    assert figures(work)["framework"]["rate_hz"] is None


def test_the_rate_with_no_gain_is_the_rate_that_is_shown():
    replay = Replay(serial([60_000] * 6))
    base = GainBase(100_000, 12_345.0, None, (), blocks_of(6))
    for one in gain_figures(replay, base):
        assert one["rate_hz"] is None or one["rate_hz"] >= 12_345.0
        if one["gain_ns"] == 0:
            assert one["rate_hz"] == 12_345.0


def test_what_was_measured_elsewhere_caps_a_gain():
    replay = Replay(serial([60_000] * 6))
    base = GainBase(100_000, 1e4, None, (), blocks_of(6), {"python readback": 1_000.0})
    found = {one["name"]: one for one in gain_figures(replay, base)}
    assert found["python readback"]["gain_ns"] == 1_000


def test_a_capture_without_inferences_has_no_gains():
    assert figures(captured([], [])) == {}


@settings(max_examples=25, deadline=None)
@given(captures(), st.none() | st.floats(10, 200))
def test_no_gain_is_negative_or_above_the_wall_time_and_no_rate_below_the_one_shown(rows, unprofiled):
    work = captured(**rows)
    wall = unprofiled or (np.mean(Replay(work).wall_ns) if len(work.inferences) else 1.0)
    for figure in figures(work, unprofiled).values():
        assert figure["gain_ns"] >= 0
        assert figure["gain_ns"] <= wall * (1 + 1e-9)
        assert figure["rate_hz"] is None or figure["rate_hz"] >= 1e9 / wall * (1 - 1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_leaving_out_half_of_the_inferences_moves_a_gain_by_less_than_its_interval(seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(40_000, 80_000, 40).tolist()
    whole = figures(serial(lengths))["python readback"]
    half = figures(serial(lengths[::2]))["python readback"]
    width = max(one["interval_ns"][1] - one["interval_ns"][0] for one in (whole, half))
    assert abs(whole["gain_ns"] - half["gain_ns"]) < width
