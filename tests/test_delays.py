"""How late GPU work starts: who tells it, and what stands for it where nobody does."""

from __future__ import annotations

from collections.abc import Sequence

from tests.captured import Call, Gpu, captured
from tracer.breakdown.delays import DEFAULT_GAP, DEFAULT_LATENCY, Delay, Delays, measured_delays
from tracer.breakdown.launch_order import launch_order

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
