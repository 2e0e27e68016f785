"""The verdict: one case of each, and what it says where figures are missing."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings

from tests.captured import EXECUTOR, Call, Gpu, captured, captures
from tracer.breakdown.bottleneck import Bottleneck, BottleneckKey, bottleneck
from tracer.breakdown.breakdown import break_down
from tracer.captures.inference_work import InferenceWork


def judged(work: InferenceWork) -> Bottleneck:
    return bottleneck(break_down(work))


def launched(length: int, kernels: list[tuple[int, int, int, int]]) -> InferenceWork:
    """One inference; kernels as (call start, call end, start, end)."""
    calls = [Call("cudaLaunchKernel", start, end, EXECUTOR) for start, end, _, _ in kernels]
    gpu = [Gpu(start, end, row) for row, (_, _, start, end) in enumerate(kernels)]
    return captured([(0, length)], [("session_run", 0, length)], gpu, calls)


def test_kernels_that_wait_for_their_launches_make_it_launch_bound():
    found = judged(launched(100, [(at, at + 9, at + 7, at + 11) for at in range(0, 81, 20)]))
    assert (found.key, found.queued_share) == ("launch-bound", 0.0)
    assert "waits 64.0 % for the next launch" in found.sentence
    assert "; 0.0 % of the kernels were queued" in found.sentence


def test_kernels_queued_in_time_make_it_gpu_bound():
    found = judged(launched(100, [(at, at + 1, 5 + 30 * at, 34 + 30 * at) for at in range(3)]))
    assert (found.key, found.queued_share) == ("gpu-bound", 1.0)


def test_a_gpu_whose_work_waits_for_other_work_of_it_bounds_and_says_so():
    found = judged(launched(100_000, [(0, 1_000, 2_000, 22_000), (1_000, 2_000, 62_000, 98_000)]))
    assert found.key == "gpu-bound"
    assert (
        "the GPU is busy 56.0 % of an inference, kernels 56.0 %, 40.0 % wait for other work of it;" in found.sentence
    )


def test_kernels_in_time_leave_the_gpu_the_bound_though_a_copy_is_launched_late():
    work = captured(
        [(0, 100)],
        [("session_run", 0, 100)],
        [Gpu(5, 35, 0), Gpu(35, 65, 1), Gpu(82, 84, 2, kernel=False)],
        [Call("cudaLaunchKernel", 0, 2), Call("cudaLaunchKernel", 2, 4), Call("cudaMemcpyAsync", 80, 82)],
    )
    assert judged(work) == Bottleneck(
        "gpu-bound",
        "GPU-bound: the GPU is busy 62.0 % of an inference, kernels 60.0 %; "
        "100.0 % of the kernels were queued before the one before them ended.",
        1.0,
    )


def test_the_busy_share_is_of_the_unprofiled_inference_and_the_others_of_the_profiled_one():
    work = captured(
        [(0, 100), (100, 200)],
        [("session_run", 0, 100), ("session_run", 100, 200)],
        [Gpu(60, 90, 0), Gpu(160, 180, 1)],
        [Call("cudaLaunchKernel", 55, 58), Call("cudaLaunchKernel", 155, 158)],
    )
    assert bottleneck(break_down(work), 50.0) == Bottleneck(
        "host-bound",
        "Host-bound: the GPU is busy 50.0 % of an inference; 75.0 % pass before its first work, after its last or "
        "between stages, the framework takes 72.0 %, host code elsewhere 0.0 % "
        "(shares but the first are of a profiled inference).",
        None,
    )


def test_late_launches_that_leave_hardly_a_gap_leave_it_gpu_bound():
    found = judged(launched(100, [(0, 1, 2, 48), (49, 50, 51, 97)]))
    assert (found.key, found.queued_share) == ("gpu-bound", 0.0)


def test_time_around_the_gpus_work_makes_it_host_bound():
    found = judged(launched(100, [(60, 62, 63, 68)]))
    assert found.key == "host-bound"
    assert found.sentence.startswith("Host-bound: the GPU is busy 5.0 % of an inference; 95.0 % pass before")
    assert found.queued_share is None


def test_copies_and_their_calls_make_it_copy_bound():
    work = captured(
        [(0, 100)],
        [("host_to_device", 0, 50), ("session_run", 50, 100)],
        [Gpu(30, 45, 0, kernel=False), Gpu(60, 80, 1)],
        [Call("cudaMemcpy", 0, 50), Call("cudaLaunchKernel", 50, 55)],
    )
    found = judged(work)
    assert found.key == "copy-bound"
    assert "copies take 15.0 % and the calls for them 35.0 %" in found.sentence


def test_kernels_of_which_half_are_queued_in_time_are_balanced():
    half = [(0, 2, 3, 20), (2, 4, 25, 40), (50, 52, 55, 70), (52, 54, 71, 80), (85, 88, 90, 99)]
    assert judged(launched(100, half)).key == "balanced"


def test_without_a_gpu_the_sentence_tells_operations_from_the_framework_and_other_host_code():
    work = captured([(0, 100)], [("session_run", 0, 80), ("readback", 80, 100)], ops=[(EXECUTOR, 10, 60)])
    found = judged(work)
    assert found.key == "host-bound"
    assert found.sentence == (
        "Host-bound: no GPU work; operations take 50.0 %, the framework takes 30.0 %, host code elsewhere 20.0 %."
    )


def test_of_a_program_without_a_framework_s_stage_no_framework_is_told():
    found = judged(captured([(0, 100)], [("step", 0, 100)], ops=[(EXECUTOR, 10, 60)]))
    assert found.sentence == "Host-bound: no GPU work; host code takes 100.0 %."
    work = captured([(0, 100)], [("step", 0, 100)], [Gpu(63, 68, 0)], [Call("cudaLaunchKernel", 60, 62)])
    assert judged(work).sentence.endswith("or between stages, host code takes 93.0 %.")


def test_a_gpu_that_works_for_less_than_half_of_the_time_bounds_nothing_though_its_kernels_were_queued():
    early = [(1, 2, 3, 24), (2, 3, 24, 45), (3, 4, 45, 48), (84, 85, 90, 92)]
    found = judged(launched(110, [*early, (85, 86, 92, 93), (86, 87, 93, 94), (87, 88, 94, 95), (88, 89, 95, 96)]))
    assert (found.key, found.queued_share) == ("balanced", 6 / 7)
    assert "the GPU is busy 46.4 % of an inference, waits 38.2 % for launches" in found.sentence


def test_a_capture_of_nothing_is_judged_without_a_division_by_nothing():
    found = judged(captured([], []))
    assert (found.key, found.queued_share) == ("balanced", None)


@settings(max_examples=25, deadline=None)
@given(captures())
def test_any_capture_has_a_bottleneck_and_parts_and_gaps_that_sum_to_the_whole(rows):
    work = captured(**rows)
    assert judged(work).key in get_args(BottleneckKey)
    found = break_down(work)
    assert sum(found.parts().values()).tolist() == found.wall_ns.tolist()
    gaps = found.gaps.by_cause(len(found.wall_ns)).sum(axis=1)
    assert (found.busy_ns + gaps).tolist() == found.wall_ns.tolist()
    assert (found.overhead_ns + found.busy_ns).tolist() == found.wall_ns.tolist()
