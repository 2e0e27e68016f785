"""What a profiler adds to a call and to a work, from pairs of windows with it and without it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import nnls

from tracer.breakdown.inflation import ENOUGH_PAIRS, Inflation, StagePair, fit_inflation

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


def fitted(found: Sequence[StagePair], numbers: Collection[int]) -> np.ndarray:
    mine = [one for one in found if one.pair in numbers]
    return nnls(np.array([(one.calls, one.works) for one in mine]), [one.on_ns - one.off_ns for one in mine])[0]


@pytest.mark.parametrize(("call_ns", "work_ns"), [(850, 600), (900, -300), (-300, 900), (-50, -50), (20, 3_000)])
def test_the_fit_and_its_ends_are_those_of_non_negative_least_squares_without_each_pair(call_ns, work_ns):
    some = pairs(17, call_ns, work_ns, 3_000, seed=5)
    used, held = range(0, 17, 2), range(1, 17, 2)
    call, work = fitted(some, used)
    without = [fitted(some, set(used) - {number}) for number in used]
    # The jackknife's standard error, eight ninths of the squares about their mean; two of them are 95 %.
    call_error, work_error = np.sqrt(8 / 9 * ((without - np.mean(without, axis=0)) ** 2).sum(axis=0))
    added = [sum(one.on_ns - one.off_ns for one in some if one.pair == number) for number in held]
    assert fit_inflation(some) == Inflation(
        per_call_ns=pytest.approx(call, abs=1e-8),
        per_work_ns=pytest.approx(work, abs=1e-8),
        low=pytest.approx((max(call - 2 * call_error, 0), work + 2 * work_error), abs=1e-8),
        high=pytest.approx((call + 2 * call_error, max(work - 2 * work_error, 0)), abs=1e-8),
        pairs=9,
        held_out_ns=pytest.approx(np.mean(added) - 107 * call - 45 * work),
        held_out_added_ns=pytest.approx(np.mean(added)),
    )


def test_few_pairs_are_not_fitted():
    assert fit_inflation(pairs(ENOUGH_PAIRS - 1, 850, 600, 0)) is None
    assert fit_inflation([]) is None


def test_of_a_program_that_calls_nothing_of_cuda_no_cost_of_a_call_is_told():
    without = [replace(one, calls=0, works=0) for one in pairs(40, 850, 600, 2_000)]
    assert fit_inflation(without) is None
