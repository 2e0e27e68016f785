"""How late GPU work starts: who tells it, and what stands for it where nobody does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from tests.captured import Call, Gpu, captured
from tracer.breakdown.delays import DEFAULT_GAP, DEFAULT_GRAPH_GAP, DEFAULT_LATENCY, Delay, Delays, measured_delays
from tracer.breakdown.launch_order import launch_order
from tracer.breakdown.replay import Replay

EVERY = 100_000


def delays_of(latencies: Sequence[int], more: Sequence[Gpu] = (), *, gap: int | None = None) -> Delays:
    """A launch each 0.1 ms, its kernel late by a latency, and ``gap`` behind it that of a second launch."""
    calls, gpu = [], list[Gpu]()
    for place, latency in enumerate(latencies):
        at = place * EVERY
        gpu.append(Gpu(at + latency, at + latency + 30_000, len(calls)))
        calls.append(Call("cudaLaunchKernel", at, at + 2_000))
        if gap is not None:
            gpu.append(Gpu(gpu[-1].end + gap, gpu[-1].end + gap + 1_000, len(calls)))
            calls.append(Call("cudaLaunchKernel", at + 2_000, at + 4_000))
    end = len(latencies) * EVERY
    work = captured([(0, end)], [("session_run", 0, end)], [*gpu, *more], calls)
    return measured_delays(work, launch_order(work))


def test_five_works_on_a_free_stream_tell_the_latency_and_copies_borrow_that_of_kernels() -> None:
    found = delays_of([4_000, 5_000, 6_000, 7_000, 9_000])
    assert found.kernel == Delay(6_000, 4_000, 9_000, "measured", 5)
    assert found.copy == Delay(6_000, 3_000, 12_000, "another group", 5)
    assert found.gap == DEFAULT_GAP


def test_four_works_tell_nothing_and_a_named_default_stands_for_it() -> None:
    found = delays_of([4_000, 5_000, 6_000, 7_000])
    assert found.kernel == found.copy == DEFAULT_LATENCY
    assert (DEFAULT_LATENCY.source, DEFAULT_LATENCY.cases) == ("default", 0)


def test_where_waits_are_not_told_a_work_between_whose_launch_and_start_another_ended_may_have_waited_for_it() -> (
    None
):
    others = [Gpu(place * EVERY - 500, place * EVERY + 1_000, stream=8) for place in range(1, 7)]
    assert delays_of([5_000] * 7, others).kernel == DEFAULT_LATENCY
    assert delays_of([5_000] * 7, others[:2]).kernel == Delay(5_000, 5_000, 5_000, "measured", 5)


def test_the_gap_is_told_by_works_that_were_queued_well_before() -> None:
    found = delays_of([5_000] * 6, gap=700)
    assert found.gap == Delay(700, 700, 700, "measured", 6)
    assert found.kernel == Delay(5_000, 5_000, 5_000, "measured", 6)


@pytest.mark.parametrize("count", [6, 9, 30, 100, 101])
def test_the_ends_of_a_delay_are_the_nearest_ranks_between_which_the_median_lies_in_95_of_100(count: int) -> None:
    latencies = 4_000 + 10 * np.random.default_rng(count).permutation(count)
    # The rank below which so few of the values lie by chance that both sides together leave out 5 % at most.
    rank = max(one for one in range(1, count // 2 + 1) if 2 * binom.cdf(one - 1, count, 0.5) <= 0.05)
    low, high = (4_000 + 10 * place for place in (rank - 1, count - rank))
    assert delays_of(latencies.tolist()).kernel == Delay(int(np.median(latencies)), low, high, "measured", count)


def test_the_gap_inside_a_graph_is_told_by_its_kernels_and_not_by_those_of_other_launches() -> None:
    assert delays_of([5_000] * 6, gap=700).graph_gap == DEFAULT_GRAPH_GAP
    calls, gpu = [], list[Gpu]()
    for at in (0, EVERY, 2 * EVERY):
        # A kernel of a graph, two behind it by 300 and 400, a copy in it by 900, and a launch that is queued.
        ends = (at + 35_000, at + 45_300, at + 55_700, at + 60_000)
        gpu += [Gpu(at + 5_000, ends[0], len(calls)), Gpu(ends[0] + 300, ends[1], len(calls))]
        gpu += [Gpu(ends[1] + 400, ends[2], len(calls)), Gpu(ends[2] + 900, ends[3], len(calls), kernel=False)]
        calls.append(Call("cudaGraphLaunch", at, at + 2_000))
        gpu.append(Gpu(ends[3] + 800, ends[3] + 2_000, len(calls)))
        calls.append(Call("cudaLaunchKernel", at + 3_000, at + 4_000))
    work = captured([(0, 3 * EVERY)], [("session_run", 0, 3 * EVERY)], gpu, calls)
    assert measured_delays(work, launch_order(work)).graph_gap == Delay(350, 300, 400, "measured", 6)


def gains_at(name: str, gpu: Sequence[Gpu], calls: Sequence[Call]) -> list[float]:
    """What a removal gives of 100 us, by the least, the middle and the most that the delays may be."""
    replay = Replay(captured([(0, 100_000)], [("session_run", 0, 100_000)], gpu, calls))
    place = [one.name for one in replay.removals].index(name)
    return [replay.gains_ns(end=end)[place, 0] / 1_000 for end in ("low", "middle", "high")]


def without_kernels(sync: int) -> list[float]:
    """Two launches, kernels from 3 to 50 and 51 to 60, a synchronisation that wakes up for 5, 35 of host code."""
    calls = [Call("cudaLaunchKernel", 0, 2_000), Call("cudaLaunchKernel", 2_000, 4_000)]
    calls.append(Call("cudaStreamSynchronize", sync, 65_000))
    return gains_at("kernel", [Gpu(3_000, 50_000, 0), Gpu(51_000, 60_000, 1)], calls)


def test_a_work_that_was_queued_then_waits_for_its_launch_by_the_default() -> None:
    # The second is launched at 2 and starts 6 later, or 3, or 12; 5 to wake up and 35 of host code stay.
    assert without_kernels(4_000) == [100 - (2 + one + 5 + 35) for one in (3, 6, 12)]


def test_a_synchronisation_that_need_not_wait_any_more_takes_the_default() -> None:
    # All is done when the host comes at 54; the call takes 2, or 1, or 3.
    assert without_kernels(54_000) == [100 - (54 + one + 35) for one in (1, 2, 3)]


def test_a_synchronisation_that_must_wait_now_wakes_up_by_the_default() -> None:
    # It found all done at 54; without host code it waits for the kernel's end at 10, and takes 3 more, or 2, or 6.
    calls = [Call("cudaLaunchKernel", 0, 2_000), Call("cudaStreamSynchronize", 54_000, 55_000)]
    assert gains_at("framework", [Gpu(3_000, 10_000, 0)], calls) == [100 - (10 + one) for one in (2, 3, 6)]
