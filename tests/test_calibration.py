"""What the host's side takes without the profiler: each assumption about its time, by hand, call by call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.captured import Call, Gpu, captured
from tracer.breakdown.calibration import ASSUMED, Spread, Target, calibrated
from tracer.breakdown.replay import Replay

US = 1_000


def host_of(
    calls: Sequence[tuple[str, int, int]], gpu: Sequence[Gpu], end: int, target: Target, spread: Spread
) -> tuple[list[float], list[float]]:
    """Microseconds of the code outside calls, then of each call; and by how much earlier each work starts."""
    rows = [Call(name, start * US, stop * US) for name, start, stop in calls]
    works = [Gpu(one.start * US, one.end * US, one.call, one.kernel) for one in gpu]
    replay = Replay(captured([(0, end * US)], [("session_run", 0, end * US)], works, rows))
    found = calibrated(replay, target, spread)
    took = np.bincount(replay.path.call + 1, found.fixed_ns) / US
    return took.round(3).tolist(), (found.earlier_ns / US).tolist()


GRAPH = [("cudaLaunchKernel", 0, 20), ("cudaMalloc", 20, 60), ("cudaGraphLaunch", 60, 140)]
WORKS = [Gpu(8, 9, 0), Gpu(100, 101, 2), Gpu(101, 102, 2), Gpu(102, 103, 2), Gpu(150, 151)]
"""Short, while calls still run: nothing waits for them. Who launched the last is not known."""

ALL_CALLS, CALLS_AND_WORKS, IN_PROPORTION, COPIES_TOO, HIDDEN = ASSUMED


@pytest.mark.parametrize("stages", [{}, {"session_run": 186_000.0}])
def test_a_cost_of_calls_and_works_alike_is_taken_by_their_numbers(stages: dict[str, float]) -> None:
    # Weights 2, 1 and 4 of 14 us; the work of no known call starts when it started.
    took, earlier = host_of(GRAPH, WORKS, 200, Target(186_000.0, stages), CALLS_AND_WORKS)
    assert took == [60, 20 - 4, 40 - 2, 80 - 8]
    assert earlier == [4, 8, 8, 8, 0]


def test_a_cost_of_calls_is_taken_of_each_alike() -> None:
    took, earlier = host_of(GRAPH, WORKS, 200, Target(185_000.0, {}), ALL_CALLS)
    assert took == pytest.approx([60, 20 - 5, 40 - 5, 80 - 5], abs=0.003)
    assert earlier == [5, 5, 5, 5, 0]


def test_in_proportion_all_of_the_path_is_shortened() -> None:
    took, earlier = host_of(GRAPH, WORKS, 200, Target(150_000.0, {}), IN_PROPORTION)
    assert took == [45, 15, 30, 60]
    assert earlier == [5, 20, 20, 20, 0]


def test_a_stage_that_took_longer_without_the_profiler_is_lengthened_in_proportion() -> None:
    for spread in (ALL_CALLS, CALLS_AND_WORKS, IN_PROPORTION):
        took, _ = host_of(GRAPH, [], 200, Target(220_000.0, {}), spread)
        assert took == [66, 22, 44, 88]


def test_what_most_calls_cannot_hold_is_taken_in_proportion() -> None:
    # Three of 10 us may lose six each, so may then the one of 100; the other 26 of 50 us come from all that is left.
    calls = [("cudaMalloc", 0, 10), ("cudaMalloc", 10, 20), ("cudaMalloc", 20, 30), ("cudaMalloc", 30, 130)]
    took, _ = host_of(calls, [], 200, Target(150_000.0, {}), ALL_CALLS)
    left = 150 / 176
    assert took == pytest.approx([70 * left, 4 * left, 4 * left, 4 * left, 94 * left], abs=0.002)


def test_what_calls_can_hold_is_by_what_each_of_them_costs() -> None:
    # With a work each they cost twice as much as the last one: 3 times that is what most can hold, 21 us in all.
    calls = [("cudaLaunchKernel", 0, 10), ("cudaLaunchKernel", 10, 20), ("cudaLaunchKernel", 20, 30)]
    works = [Gpu(250, 251, 0), Gpu(252, 253, 1), Gpu(254, 255, 2)]
    took, _ = host_of([*calls, ("cudaMalloc", 30, 130)], works, 200, Target(150_000.0, {}), CALLS_AND_WORKS)
    left = 150 / 179
    assert took == pytest.approx([70 * left, 4 * left, 4 * left, 4 * left, 97 * left], abs=0.002)


def test_calls_for_copies_hold_what_is_in_proportion_only_where_that_is_assumed() -> None:
    calls = [("cudaMemcpyAsync", 0, 100), ("cudaMalloc", 100, 120)]
    assert host_of(calls, [], 200, Target(150_000.0, {}), IN_PROPORTION)[0] == [40, 100, 10]
    assert host_of(calls, [], 200, Target(150_000.0, {}), COPIES_TOO)[0] == [60, 75, 15]


def test_a_measured_cost_is_taken_whole_and_what_is_left_over_in_proportion() -> None:
    # 3, 2 and 5 us by calls and works, at most 60 % of a call: 190 us, which are brought to 171.
    took, earlier = host_of(GRAPH, WORKS, 200, Target(171_000.0, {}), HIDDEN)
    assert took == pytest.approx([54, 17 * 0.9, 38 * 0.9, 75 * 0.9], abs=0.003)
    assert earlier == pytest.approx([20 - 17 * 0.9, *[80 - 75 * 0.9] * 3, 0], abs=0.003)
    assert host_of([("cudaMalloc", 0, 2)], [], 10, Target(8_800.0, {}), HIDDEN)[0] == pytest.approx([8, 0.8])
