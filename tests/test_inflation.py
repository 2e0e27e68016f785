"""What a profiler adds to a call and to a work, from pairs of windows with it and without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tracer.breakdown.inflation import ENOUGH_PAIRS, StagePair, fit_inflation

STAGES = {"host_to_device": (6, 1), "session_run": (92, 43), "readback": (9, 1)}


def pairs(count: int, call_ns: float, work_ns: float, noise_ns: float, seed: int = 0) -> list[StagePair]:
    random = np.random.default_rng(seed)
    found = []
    for pair in range(count):
        for stage, (calls, works) in STAGES.items():
            off = random.normal(500_000, 20_000)
            added = call_ns * calls + work_ns * works + random.normal(0, noise_ns)
            found.append(StagePair(pair, stage, off + added, off, calls, works))
    return found


def test_the_costs_of_a_call_and_of_a_work_are_found():
    found = fit_inflation(pairs(40, 850, 600, 2_000))
    assert found.pairs == 20
    added = 850 * 107 + 600 * 45
    assert found.per_call_ns * 107 + found.per_work_ns * 45 == pytest.approx(added, rel=0.05)
    assert found.low[0] <= found.per_call_ns <= found.high[0]


def test_the_pairs_that_were_held_out_judge_the_fit():
    found = fit_inflation(pairs(40, 850, 600, 2_000))
    assert abs(found.held_out_ns) < 0.05 * found.held_out_added_ns
    # A profiler that costs twice as much in every second pair: the other half must say so.
    odd = [one for one in pairs(40, 1_700, 1_200, 2_000) if one.pair % 2]
    even = [one for one in pairs(40, 850, 600, 2_000) if one.pair % 2 == 0]
    doubled = fit_inflation([*even, *odd])
    assert doubled.held_out_ns == pytest.approx(doubled.held_out_added_ns / 2, rel=0.1)


def test_a_cost_is_never_negative():
    found = fit_inflation(pairs(40, 900, -300, 500))
    assert found.per_work_ns == 0
    assert found.per_call_ns > 0
    assert fit_inflation(pairs(40, -50, -50, 10)).per_call_ns == 0


def test_few_pairs_are_not_fitted():
    assert fit_inflation(pairs(ENOUGH_PAIRS - 1, 850, 600, 0)) is None
    assert fit_inflation([]) is None


def test_of_a_program_that_calls_nothing_of_cuda_no_cost_of_a_call_is_told():
    without = [replace(one, calls=0, works=0) for one in pairs(40, 850, 600, 2_000)]
    assert fit_inflation(without) is None
