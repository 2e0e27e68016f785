"""Columns of the breakdown, taken from a profile's tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.captured import EXECUTOR, MAIN, Call, Gpu, captured
from tracer.breakdown.breakdown import break_down
from tracer.captures.attribution import attribute
from tracer.captures.chosen_units import chosen_units
from tracer.captures.counted_work import counted_work, lane_rows, near_inferences
from tracer.captures.inference_ranges import InferenceRanges
from tracer.captures.inference_work import InferenceRows, InferenceWork, StageRows
from tracer.captures.row_bounds import stage_rows
from tracer.profiles.columns import rows_table
from tracer.profiles.launches import launches
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile

OURS, OTHER = 11, 22


def table(schema: pa.Schema, rows: list[tuple]) -> pa.Table:
    return rows_table(schema, rows)


def profile(gpu: list[tuple], calls: list[tuple], ops: list[tuple] = ()) -> Profile:
    return Profile(
        path=Path("x.sqlite"),
        source="nsys",
        version="3",
        traced=frozenset({"cuda", "nvtx"}),
        gpu_work=table(GPU_WORK, gpu),
        api_calls=table(API_CALLS, calls),
        nvtx_ranges=table(NVTX_RANGES, []),
        host_ops=table(HOST_OPS, list(ops)),
    )


def parts(found: Profile, launch: list[int]) -> dict[str, int]:
    assert launches(found).tolist() == launch
    ranges = InferenceRanges(
        process=OURS,
        numbers=np.array([5]),
        thread=np.array([MAIN]),
        start_ns=np.array([0]),
        end_ns=np.array([100]),
        stages=("dequantize", "session_run"),
        stage_start_ns=np.array([[0, 10]]),
        stage_end_ns=np.array([[10, 100]]),
    )
    work = counted_work(found, ranges, attribute(found, ranges), np.array([True]))
    return {name: int(ns[0]) for name, ns in break_down(work).parts().items() if ns[0]}


def test_work_outside_of_the_inferences_goes_and_the_call_of_what_runs_in_one_stays():
    calls = [Call("cudaLaunchKernel", 80, 90), Call("cudaLaunchKernel", 500, 510), Call("cudaMalloc", 520, 530)]
    gpu = [Gpu(120, 140, 0), Gpu(515, 540, 1)]
    near = near_inferences(captured([(100, 200)], [("session_run", 100, 200)], gpu, calls))
    assert near.gpu.start_ns.tolist() == [120]
    assert near.gpu.call.tolist() == [0]
    assert near.calls.start_ns.tolist() == [80]


def test_inferences_of_which_a_capture_has_nothing_else_have_no_calls_and_no_work():
    one = np.array([0])
    work = InferenceWork(InferenceRows(one, one, one, one + 9), ("session_run",), StageRows(one, one, one + 9))
    assert [len(rows) for rows in (work.gpu, work.calls, work.syncs, work.lane, work.call_stage)] == [0] * 5
    assert {name: int(ns[0]) for name, ns in break_down(work).parts().items() if ns[0]} == {"framework": 9}


def test_rows_that_count_come_one_lane_behind_the_other():
    lane, counts = np.array([1, 0, 1, -1, 0, 0]), np.array([True, True, True, True, True, False])
    assert lane_rows(lane, counts).tolist() == [1, 4, 0, 2]
    assert lane_rows(np.array([0, 0, 1, 1]), np.array([True, False, True, True])).tolist() == [0, 2, 3]
    assert lane_rows(np.array([2]), np.array([True])).tolist() == [0]


def test_streams_of_two_lanes_are_apart_and_a_wait_names_that_of_its_own():
    ranges = [
        (process, MAIN, None, "step", None, "push_pop", at, at + 50) for process in (OURS, OTHER) for at in (0, 60)
    ]
    calls = [
        row
        for process in (OURS, OTHER)
        for row in (
            (process, MAIN, "cudaLaunchKernel", 5, 10, 1, None, None, None),
            (process, MAIN, "cudaStreamSynchronize", 70, 80, 2, "stream", 7, None),
        )
    ]
    gpu = [(process, 0, 7, "kernel", "k", None, 20, 30, 1) for process in (OURS, OTHER)]
    found = replace(profile(gpu, calls), nvtx_ranges=table(NVTX_RANGES, ranges))
    units = chosen_units(found, "step").units
    work = counted_work(found, units, attribute(found, units), np.ones(4, bool))
    # The capture lasts 110 ns: so much later is what the second process did.
    assert work.gpu.start_ns.tolist() == [20, 131]
    assert work.calls.start_ns.tolist() == [5, 70, 116, 181]
    assert (work.gpu.call.tolist(), work.syncs.call.tolist()) == ([0, 2], [1, 3])
    assert work.gpu.stream.tolist() == work.syncs.stream.tolist()
    assert len(set(work.gpu.stream.tolist())) == 2


def test_rows_of_other_processes_are_left_out_and_launches_keep_to_their_work():
    calls = [
        (OTHER, 1, "cudaLaunchKernel", 20, 90, 1),
        (OURS, EXECUTOR, "cudaLaunchKernel_v7000", 30, 40, 1),
        (OURS, MAIN, "cudaStreamSynchronize", 40, 80, 2),
    ]
    gpu = [
        (OTHER, 0, 7, "kernel", "a", None, 30, 90, 1),
        (OURS, 0, 7, "kernel", "b", None, 50, 60, 1),
        (OURS, 0, 7, "memset", "c", 4, 60, 65, None),
    ]
    assert parts(profile(gpu, calls), [0, 1, -1]) == {
        "kernel": 10,
        "copy": 5,
        "launch": 10,
        "wait": 10,
        "wake": 15,
        "python dequantize": 10,
        "framework": 40,
    }


def test_operations_count_only_on_a_machine_without_gpu_work():
    ops = [(OURS, 9, "op", "Conv2D", 20, 60), (OURS, 9, "os", "poll", 60, 90), (OTHER, 9, "op", "Add", 60, 90)]
    assert parts(profile([], [], ops), []) == {"op": 40, "framework": 50, "python dequantize": 10}
    gpu = [(OURS, 0, 7, "graph", "g", None, 20, 30, None)]
    assert parts(profile(gpu, [], ops), [-1]) == {"kernel": 10, "framework": 80, "python dequantize": 10}


def test_a_stage_that_an_inference_lacks_has_no_row():
    rows = stage_rows([[0, -1, 20], [40, 50, 60]], [[10, -1, 30], [50, 60, 70]])
    assert rows.stage.tolist() == [0, 2, 0, 1, 2]
    assert rows.start_ns.tolist() == [0, 20, 40, 50, 60]
