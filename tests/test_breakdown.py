"""Who owns what, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from tests.captured import EXECUTOR, POLLER, Call, Gpu, captured
from tracer.breakdown.breakdown import break_down
from tracer.breakdown.gpu_idle import GAP_CAUSES
from tracer.captures.cuda_calls import classify_call
from tracer.captures.inference_work import InferenceWork
from tracer.errors import MalformedTraceError

WHOLE = [("session_run", 0, 100)]

NAMES_BY_KIND = {
    "launch": """
        cudaLaunchKernel cudaLaunchKernel_v7000 cudaLaunchKernel_ptsz_v7000 cudaLaunchKernelExC_v11060 cuLaunchKernel
        cuLaunchKernelEx cuLaunchKernel_ptsz cudaLaunchCooperativeKernel cudaLaunch cuLaunchGridAsync cudaGraphLaunch
        cuGraphLaunch_ptsz cudaGraphLaunch_v10000 hipLaunchKernel hipExtModuleLaunchKernel hipModuleLaunchKernel
        hipGraphLaunch""",
    "copy": """
        cudaMemcpyAsync_v3020 cudaMemcpy cuMemcpyHtoDAsync_v2 cuMemcpyDtoH_v2_ptds cudaMemsetAsync_v3020
        cuMemsetD32Async_ptsz cudaMemcpy2DAsync cudaMemcpyToSymbol cuMemcpy3DPeerAsync
        hipMemcpyWithStream hipMemsetAsync""",
    "synchronise": """
        cudaStreamSynchronize_v3020 cudaStreamSynchronize_ptsz cuStreamSynchronize cudaDeviceSynchronize
        cuCtxSynchronize cuCtxSynchronize_v2 cudaEventSynchronize cuEventSynchronize cudaThreadSynchronize
        hipDeviceSynchronize""",
    "query": "cudaEventQuery cuEventQuery cudaStreamQuery_v3020 cuStreamQuery_ptsz",
    "other": """
        cudaMalloc cudaLaunchHostFunc cuLaunchHostFunc cudaGraphAddMemcpyNode cudaGraphInstantiate
        cudaMemPrefetchAsync MyLaunchKernel hipLaunchHostFunc hipMalloc""",
    "prepare": """
        cuModuleLoadData cuStreamGetCaptureInfo_v2 cudaStreamIsCapturing_v10000 cuKernelGetName cuKernelGetFunction
        cudaFuncGetAttributes cudaOccupancyMaxActiveBlocksPerMultiprocessor __cudaPushCallConfiguration
        hipModuleLoadData""",
    "order": """
        cudaStreamWaitEvent cuStreamWaitEvent cudaEventRecord_v3020 cuEventRecord cudaEventRecordWithFlags
        hipEventRecord""",
    "context": """
        cuCtxSetCurrent cuCtxPushCurrent_v2 cudaSetDevice cudaGetDevice cuDevicePrimaryCtxRetain hipSetDevice""",
}


def parts_of(work: InferenceWork, inference: int = 0) -> dict[str, int]:
    """The parts that are not nothing."""
    return {name: int(column[inference]) for name, column in break_down(work).parts().items() if column[inference]}


def gaps_of(work: InferenceWork) -> list[tuple[str, int, int]]:
    gaps = break_down(work).gaps
    return [
        (GAP_CAUSES[cause], start, end)
        for cause, start, end in zip(gaps.cause, gaps.start_ns.tolist(), gaps.end_ns.tolist(), strict=True)
    ]


def test_a_running_kernel_owns_its_time_whatever_else_runs():
    work = captured(
        [(0, 100)],
        WHOLE,
        [Gpu(20, 50, 0), Gpu(40, 60, 0, kernel=False, stream=8)],
        [Call("cudaLaunchKernel", 10, 30)],
    )
    assert parts_of(work) == {"kernel": 30, "copy": 10, "launch": 10, "framework": 50}


def test_a_launch_owns_time_before_a_copy_call_and_that_before_a_synchronisation():
    calls = [
        Call("cudaLaunchKernel", 0, 10, EXECUTOR),
        Call("cudaMemcpyAsync", 5, 20),
        Call("cudaStreamSynchronize", 15, 30, EXECUTOR),
        Call("cudaMalloc", 25, 40),
    ]
    assert parts_of(captured([(0, 100)], WHOLE, [], calls)) == {
        "launch": 10,
        "copy_call": 10,
        "order": 10,
        "other_call": 10,
        "framework": 60,
    }


def test_a_synchronisation_waits_until_the_last_work_launched_before_it_and_then_wakes_up():
    calls = [Call("cudaLaunchKernel", 0, 5), Call("cudaStreamSynchronize", 10, 90)]
    work = captured([(0, 100)], WHOLE, [Gpu(20, 40, 0), Gpu(50, 70, 0, stream=8)], calls)
    assert parts_of(work) == {"kernel": 40, "launch": 5, "wait": 20, "wake": 20, "framework": 15}


def test_a_synchronisation_does_not_wait_for_what_is_launched_during_it_or_outlasts_it():
    calls = [
        Call("cudaLaunchKernel", 0, 5),
        Call("cudaStreamSynchronize", 10, 60),
        Call("cudaLaunchKernel", 20, 22, EXECUTOR),
        Call("cudaLaunchKernel", 6, 7),
    ]
    gpu = [Gpu(14, 18, 0), Gpu(30, 40, 2), Gpu(55, 80, 3, stream=8)]
    parts = parts_of(captured([(0, 100)], WHOLE, gpu, calls))
    assert (parts["wait"], parts["wake"]) == (4, 25)


def test_a_synchronisation_that_finds_the_work_done_neither_waits_nor_wakes_up():
    calls = [Call("cudaLaunchKernel", 0, 5), Call("cudaDeviceSynchronize", 50, 60)]
    parts = parts_of(captured([(0, 100)], WHOLE, [Gpu(10, 20, 0)], calls))
    assert parts["order"] == 10
    assert not {"wait", "wake"} & parts.keys()


def test_queries_of_a_polling_thread_own_nothing_and_are_listed():
    calls = [
        Call("cudaEventQuery", 10, 20, POLLER),
        Call("cudaEventQuery", 30, 45, POLLER),
        Call("cudaEventQuery", 60, 65),
    ]
    found = break_down(captured([(0, 100)], WHOLE, [], calls))
    assert parts_of(captured([(0, 100)], WHOLE, [], calls)) == {"other_call": 5, "framework": 95}
    assert found.polling.thread.tolist() == [POLLER]
    assert (found.polling.queries.tolist(), found.polling.total_ns.tolist()) == ([2], [25])


def test_host_code_goes_by_its_stage_and_time_between_stages_is_the_tracers():
    stages = [("dequantize", 2, 10), ("session_run", 12, 80), ("readback", 80, 97)]
    assert parts_of(captured([(0, 100)], stages)) == {
        "framework": 68,
        "python dequantize": 8,
        "python readback": 17,
        "tracer": 7,
    }


def test_the_host_code_of_an_inference_of_unseparated_stages_is_the_frameworks():
    assert parts_of(captured([(0, 100)], [("inference", 0, 100)])) == {"framework": 100}


def test_without_a_gpu_the_time_is_operations_framework_and_python():
    stages = [("session_run", 0, 80), ("readback", 80, 100)]
    ops = [(EXECUTOR, 10, 40), (POLLER, 30, 50), (EXECUTOR, 75, 90)]
    found = break_down(captured([(0, 100)], stages, ops=ops))
    assert {name: int(ns[0]) for name, ns in found.parts().items() if ns[0]} == {
        "op": 45,
        "framework": 35,
        "python readback": 20,
    }
    assert found.totals()["op"].tolist() == [55], "two threads compute at once"
    assert found.gaps.cause.tolist() == [GAP_CAUSES.index("no_work")]


def test_calls_under_a_kernel_cost_nothing_and_their_whole_time_is_shown_beside():
    work = captured(
        [(0, 100)], WHOLE, [Gpu(5, 95, 0)], [Call("cudaLaunchKernel", 0, 10), Call("cuLaunchKernel", 20, 40)]
    )
    found = break_down(work)
    assert found.parts()["launch"].tolist() == [5]
    assert found.totals()["launch"].tolist() == [30]
    assert found.totals()["framework"].tolist() == [70]


def test_a_driver_call_inside_a_runtime_call_is_not_counted_twice():
    calls = [Call("cudaLaunchKernel", 10, 20), Call("cuLaunchKernel", 12, 18)]
    assert break_down(captured([(0, 100)], WHOLE, [], calls)).totals()["launch"].tolist() == [10]


def test_a_call_belongs_to_the_inference_in_which_it_began():
    stages = [("session_run", 0, 50), ("session_run", 50, 100)]
    work = captured([(0, 50), (50, 100)], stages, [], [Call("cudaLaunchKernel", 45, 60, EXECUTOR)])
    assert parts_of(work, 0) == {"launch": 5, "framework": 45}
    assert parts_of(work, 1) == {"framework": 50}


def test_gpu_work_that_outlasts_its_stage_or_its_inference_is_spill():
    stages = [("session_run", 0, 50), ("readback", 50, 90), ("session_run", 100, 150)]
    work = captured(
        [(0, 90), (100, 150)],
        stages,
        [Gpu(40, 120, 0), Gpu(60, 70, 0), Gpu(125, 130, 0)],
        [Call("cudaLaunchKernel", 10, 20)],
    )
    found = break_down(work).spill
    assert found.stage_ns.tolist() == [[70 + 10 + 5, 0], [0, 0]]
    assert found.stage_works.tolist() == [[3, 0], [0, 0]]
    assert (found.inference_ns.tolist(), found.inference_works.tolist()) == ([30 + 5, 0], [2, 0])


def test_work_of_no_inference_is_listed_and_what_of_it_runs_in_one_counts_there():
    calls = [Call("cudaLaunchKernel", 0, 5), Call("cudaLaunchKernel", 30, 35)]
    work = captured([(20, 60)], [("session_run", 20, 60)], [Gpu(10, 25, 0), Gpu(40, 45, 1), Gpu(55, 70)], calls)
    found = break_down(work)
    outside = found.outside
    assert (outside.gpu.tolist(), outside.unlaunched.tolist(), outside.calls.tolist()) == ([0], [2], [0])
    assert (outside.gpu_ns, outside.inside_ns, outside.calls_ns) == (30, 10, 5)
    assert found.parts()["kernel"].tolist() == [15]


def test_each_idle_gap_of_the_gpu_has_its_cause():
    calls = [
        Call("cudaLaunchKernel", 5_000, 8_000),
        Call("cudaLaunchKernel", 24_000, 26_000),  # after the GPU went idle at 20
        Call("cudaLaunchKernel", 38_000, 39_000),  # begun before it went idle at 40, and a launch takes 6 us
        Call("cudaLaunchKernel", 41_000, 42_000),  # queued long before it went idle at 50
    ]
    edges = [(10, 20, 0), (30, 40, 1), (45, 50, 2), (60, 70, 3), (75, 80, -1)]
    gpu = [Gpu(start * 1_000, end * 1_000, call) for start, end, call in edges]
    work = captured([(0, 100_000)], [("session_run", 0, 100_000)], gpu, calls)
    assert [(cause, start // 1_000, end // 1_000) for cause, start, end in gaps_of(work)] == [
        ("before_first", 0, 10),
        ("launch_bound", 20, 30),
        ("launch_latency", 40, 45),
        ("dependency", 50, 60),
        ("unknown_launch", 70, 75),
        ("tail", 80, 100),
    ]
    found = break_down(work)
    assert found.gaps.by_cause(1).sum() + found.busy_ns[0] == 100_000
    assert found.overhead_ns.tolist() == [60_000]


def test_a_gap_before_the_work_of_the_first_call_of_a_capture_has_its_cause_too():
    # The first work is of no known call; the other was launched when the GPU had gone idle.
    work = captured([(0, 100)], WHOLE, [Gpu(10, 20), Gpu(50, 90, 0)], [Call("cudaLaunchKernel", 40, 45)])
    assert gaps_of(work) == [("before_first", 0, 10), ("launch_bound", 20, 50), ("tail", 90, 100)]


def test_idle_time_in_which_a_stage_ends_is_a_hand_off_and_no_late_launch():
    calls = [Call("cudaLaunchKernel", 0, 5), Call("cudaLaunchKernel", 60, 65)]
    stages = [("host_to_device", 0, 50), ("session_run", 50, 100)]
    work = captured([(0, 100)], stages, [Gpu(5, 20, 0), Gpu(70, 100, 1)], calls)
    assert ("hand_off", 20, 70) in gaps_of(work)


def test_the_queued_share_is_nothing_when_launches_come_late_and_all_when_they_come_early():
    late = [Call("cudaLaunchKernel", at, at + 5) for at in (0, 30, 60)]
    gpu = [Gpu(at + 6, at + 10, row) for row, at in enumerate((0, 30, 60))]
    assert break_down(captured([(0, 100)], WHOLE, gpu, late)).queued.share == 0.0
    early = [Call("cudaLaunchKernel", at, at + 5) for at in (0, 5, 10)]
    gpu = [Gpu(20, 40, 0), Gpu(40, 60, 1), Gpu(61, 80, 2)]
    found = break_down(captured([(0, 100)], WHOLE, gpu, early)).queued
    assert (found.share, found.queued.tolist(), found.followers.tolist()) == (1.0, [2], [2])


def test_the_queued_share_of_single_kernels_is_not_known():
    work = captured([(0, 100)], WHOLE, [Gpu(20, 40, 0)], [Call("cudaLaunchKernel", 0, 5)])
    assert break_down(work).queued.share is None


def test_a_capture_of_nothing_breaks_down_to_nothing():
    found = break_down(captured([], []))
    assert found.owned_ns.shape[0] == 0
    assert len(found.gaps.cause) == 0


def test_overlapping_inferences_are_refused():
    with pytest.raises(MalformedTraceError, match="one inference at a time"):
        captured([(0, 50), (40, 90)], [("session_run", 0, 30), ("session_run", 60, 90)])


def test_overlapping_stages_are_refused():
    with pytest.raises(MalformedTraceError, match="stages"):
        captured([(0, 50)], [("dequantize", 0, 30), ("session_run", 20, 50)])


@pytest.mark.parametrize("stage", [(-5, 5), (40, 60), (70, 80)])
def test_a_stage_that_is_not_inside_an_inference_is_refused(stage):
    with pytest.raises(MalformedTraceError, match="in no inference"):
        captured([(0, 50), (100, 150)], [("session_run", *stage)])


def test_an_inference_without_stages_is_refused_with_the_remedy():
    with pytest.raises(MalformedTraceError, match="single stage `inference`"):
        captured([(0, 50), (50, 90)], [("session_run", 0, 50)])


def test_a_launching_call_that_is_not_there_is_refused():
    with pytest.raises(MalformedTraceError, match="outside the 0 calls"):
        captured([(0, 50)], [("session_run", 0, 50)], [Gpu(1, 2, 0)])


@pytest.mark.parametrize("kind", NAMES_BY_KIND)
def test_calls_are_known_by_their_names_with_any_suffix(kind):
    names = NAMES_BY_KIND[kind].split()
    assert {name: classify_call(name) for name in names} == dict.fromkeys(names, kind)


def test_the_owners_of_a_thousand_inferences_are_found_at_once():
    starts = np.arange(1000) * 100
    work = captured(
        [(at, at + 90) for at in starts.tolist()],
        [("session_run", at, at + 90) for at in starts.tolist()],
        [Gpu(at + 10, at + 30, row) for row, at in enumerate(starts.tolist())],
        [Call("cudaLaunchKernel", at, at + 8) for at in starts.tolist()],
    )
    parts = break_down(work).parts()
    assert {name: set(column.tolist()) for name, column in parts.items() if column.any()} == {
        "kernel": {20},
        "launch": {8},
        "framework": {62},
    }
