"""PyTorch's and XLA's JSON give whole profiles: every cell, what was traced, every sentence for the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.json_traces import (
    Row,
    complete,
    kineto,
    kineto_call,
    kineto_kernel,
    write,
    xla,
)
from tests.profiles import told
from tracer.errors import ProfileError
from tracer.profiles.json_events import interval_ns
from tracer.profiles.kineto import read_kineto
from tracer.profiles.xla_json import read_xla_json

NO_NVTX = "ranges are those of record_function and the profiler's steps; NVTX is not in PyTorch's trace"
ROUNDED = "its times are whole microseconds, as PyTorch wrote them until 2.2: shorter gaps are not told"


def test_a_trace_of_pytorch_is_read_whole(tmp_path: Path) -> None:
    of_2020 = complete(
        "Memcpy", "Memcpy DtoH (Device -> Pinned)", 1, "stream 9", 6_100, 6_900, bytes=40, correlation=8
    )
    sync = {"correlation": 5, "stream": 9, "wait_on_stream": 7, "wait_on_cuda_event_id": 3}
    events: list[Row] = [
        {"ph": "M", "cat": "kernel", "name": "process_name", "pid": 0, "tid": 0, "args": {"name": "python"}},
        complete("user_annotation", "ProfilerStep#12", 100, 100, 0, 9_999),
        complete("user_annotation", "load#", 100, 101, 1, 2),
        complete("cpu_op", "aten::mm", 100, 100, 1_000, 4_000),
        complete("python_function", "train.py(3): step", 100, 100, 900, 9_000),
        complete("overhead", "Activity Buffer Request", 100, 102, 500, 600),
        kineto_call("cudaLaunchKernel", 1_500, 2_250, 1),
        complete("cuda_driver", "cuStreamWaitEvent", 100, 103, 2_300, 2_400, correlation=5),
        kineto_call("cudaEventRecord", 2_410, 2_420, 6),
        kineto_call("cudaStreamSynchronize", 3_200, 9_000, 4),
        complete("cuda_sync", "Stream Wait Event", 0, 9, 0, 1, **sync, wait_on_cuda_event_record_corr_id=6),
        complete("cuda_sync", "Stream Sync", 0, 7, 3_300, 8_900, correlation=4, stream=7, wait_on_cuda_event_id=-1),
        complete("cuda_sync", "Context Sync", 0, 7, 3_300, 8_900, stream=7),
        kineto_kernel("gemm<float>", 4_123, 4_987, 1, stream=20),
        of_2020,
        complete("gpu_memcpy", "Memcpy of a kind", 0, 7, 7_000, 7_050, stream=7, device=0, bytes=4, correlation=9),
        complete("gpu_memset", "Memset (Device)", 0, 7, 7_000, 7_100, stream=7, device=0, bytes=4),
        complete("gpu_user_annotation", "ProfilerStep#12", 0, 7, 4_123, 7_100),
        complete("gpu_user_annotation", "ProfilerStep#13", 0, 7, 4_123, 7_100),
        complete("Trace", "PyTorch Profiler (0)", "Spans", "PyTorch Profiler", 0, 9_999),
        complete("mtia", "x", 0, 0, 0, 1),
        complete("", "y", 0, 0, 0, 1),
    ]
    devices: list[object] = [
        7,
        {"id": 1, "name": "NVIDIA A100", "numSms": 108},
        {"id": 5, "name": "NVIDIA H200"},
        {"name": "of no number"},
    ]
    trace = kineto(events, deviceProperties=devices, cuda_driver_version=12080)
    assert told(read_kineto(write(tmp_path / "x.json", trace))) == {
        "source": "pytorch",
        "version": "CUDA driver 12.8, CUDA runtime 12.6",
        "traced": {"cuda", "nvtx", "ops"},
        "processes": {},
        "experimental": False,
        "gpu_work": [
            (100, 0, 20, "kernel", "gemm<float>", None, 4_123, 4_987, 1),
            (100, 1, 9, "memcpy", "[CUDA memcpy Device-to-Host]", 40, 6_100, 6_900, 8),
            (100, 0, 7, "memcpy", "[CUDA memcpy ?]", 4, 7_000, 7_050, 9),
            (100, 0, 7, "memset", "[CUDA memset]", 4, 7_000, 7_100, None),
        ],
        "api_calls": [
            (100, 100, "cudaLaunchKernel", 1_500, 2_250, 1, None, None, None),
            (100, 103, "cuStreamWaitEvent", 2_300, 2_400, 5, "stream_wait", 9, 3),
            (100, 100, "cudaEventRecord", 2_410, 2_420, 6, "record", 7, 3),
            (100, 100, "cudaStreamSynchronize", 3_200, 9_000, 4, "stream", 7, None),
        ],
        "nvtx_ranges": [
            (100, 100, None, "ProfilerStep", 12, "push_pop", 0, 9_999),
            (100, 101, None, "load#", None, "push_pop", 1, 2),
        ],
        "host_ops": [
            (100, 100, "op", "aten::mm", 1_000, 4_000),
            (100, 100, "runtime", "train.py(3): step", 900, 9_000),
            (100, 102, "profiler", "Activity Buffer Request", 500, 600),
        ],
        "notes": [
            "GPU 1: NVIDIA A100, 108 multiprocessors",
            NO_NVTX,
            "left out, as they repeat ranges: 2 annotations on the GPU's lines",
            "events of other categories are left out: 1 without one, 1 mtia",
        ],
    }


def test_of_several_processes_work_without_a_call_is_of_none_and_waits_are_of_nobody(tmp_path: Path) -> None:
    events = [
        {**kineto_call("hipLaunchKernel", 0, 0, 1), "ts": 1, "dur": 2},
        {**kineto_call("cudaStreamSynchronize", 0, 0, 2, pid=200), "ts": 4, "dur": 2},
        complete("cuda_sync", "Stream Sync", 0, 7, 3_300, 8_900, correlation=2, stream=7),
        {**kineto_kernel("known", 0, 0, 1), "ts": 5, "dur": 3},
        {**kineto_kernel("lost", 0, 0, 7), "ts": 8, "dur": 1},
    ]
    found = told(read_kineto(write(tmp_path / "x.json", kineto(events[:2] + events[3:]))))
    assert [row[:1] + row[6:] for row in found["gpu_work"]] == [(100, 5_000, 8_000, 1), (0, 8_000, 9_000, 7)]
    assert found["notes"] == [
        "GPU 0: NVIDIA H100",
        NO_NVTX,
        ROUNDED,
        "calls are those of AMD's HIP: they are counted, and named, as CUDA's of the same name",
        "1 piece of GPU work of several processes without a call: process 0",
    ]
    waits = told(read_kineto(write(tmp_path / "y.json", kineto(events))))["api_calls"]
    assert [row[0:1] + row[6:] for row in waits] == [(100, None, None, None), (200, None, None, None)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"args": {"device": "one", "stream": 7}}, "GPU work 'k' has no device and stream that are numbers"),
        ({"args": {"device": 1 << 31, "stream": 7}}, "GPU work 'k' has no device and stream that are numbers"),
        ({"args": {"device": -1, "stream": 7}}, "GPU work 'k' has no device and stream that are numbers"),
        ({"args": {"device": 0, "stream": "x"}}, "GPU work 'k' has no device and stream that are numbers"),
        ({"dur": -1}, "an event 'k' has no times that can be"),
        ({"args": 3}, "an event 'k' has no times that can be"),
        ({"cat": "cpu_op", "tid": "main"}, "an event 'k' has no tid that is a number"),
        ({"cat": "cuda_runtime", "pid": []}, "an event 'k' has no pid that is a number"),
        ({"cat": "trace"}, "it holds no event of PyTorch's profiler"),
    ],
)
def test_what_cannot_be_in_a_trace_of_pytorch_is_named(tmp_path: Path, change: Row, problem: str) -> None:
    path = write(tmp_path / "x.json", kineto([{**kineto_kernel("k", 0, 9, 1), **change}]))
    with pytest.raises(ProfileError) as refused:
        read_kineto(path)
    assert str(refused.value) == (
        f"{path}: {problem}: damaged, or cut off; export it again with `prof.export_chrome_trace(FILE)`"
    )


def test_the_largest_device_and_no_device_zero_are_taken(tmp_path: Path) -> None:
    events = [kineto_kernel("k", 0, 0, 1, stream=0, device=(1 << 31) - 1), kineto_kernel("k", 0, 9, 1, device=0)]
    found = told(read_kineto(write(tmp_path / "x.json", kineto(events))))
    assert [row[1:3] for row in found["gpu_work"]] == [((1 << 31) - 1, 0), (0, 7)]


def test_a_trace_of_xla_is_read_whole(tmp_path: Path) -> None:
    def event(pid: int, tid: int, name: str, ts: float, dur: float, **args: str) -> Row:
        return {"ph": "X", "pid": pid, "tid": tid, "ts": ts, "dur": dur, "name": name, "args": args}

    moved = "kind_src:pinned kind_dst:device size:490 dest:0"
    events = [
        event(701, 9, "train", 10, 90, step_num="3"),
        event(701, 9, "kws-trace:infer#number=4#", 11, 3, number="4"),
        event(701, 9, "MatMul:MatMul", 11, 1),
        event(701, 9, "cuLaunchKernel", 20, 5, correlation_id="5"),
        event(701, 9, "fusion (CudaGraph 1)", 26, 1, correlation_id="6"),
        event(702, 8, "MemcpyH2D", 28, 1, correlation_id="7"),
        event(701, 9, "PjitFunction(f)", 13.495, 1),
        event(1, 14, "fusion", 30, 2.5, correlation_id="5", kernel_details="regs:32"),
        event(1, 14, "graph", 33, 2, correlation_id="6", cuda_graph_exec_id="1"),
        event(1, 15, "MemcpyH2D", 40, 1, correlation_id="7", memcpy_details=moved),
        event(1, 15, "Memset", 42, 1, Memset_details="num_bytes:16 value:0"),
        event(1, 15, "Allocate", 43, 1),
        event(1, 99, "fusion.1", 30, 3),
        event(5, 1, "step", 30, 3),
        event(6, 1, "step", 30, 3),
        {"ph": "i", "pid": 701, "tid": 9, "ts": 1, "name": "instant"},
    ]
    planes = {1: "/device:GPU:2 (pid 1)", 701: "/host:CPU (pid 701)", 702: "/host:CUPTI", 5: "/device:TPU:0"}
    lines = {(1, 14): "Stream #14(Compute)", (1, 15): "Stream #15(MemcpyH2D)", (1, 99): "XLA Ops", (701, 9): "python"}
    of_host = {
        "source": "jax",
        "version": "",
        "processes": {},
        "nvtx_ranges": [
            (0, 9, None, "train", 3, "push_pop", 10_000, 100_000),
            (0, 9, "kws-trace", "infer", 4, "push_pop", 11_000, 14_000),
        ],
        "host_ops": [
            (0, 9, "op", "MatMul:MatMul", 11_000, 12_000),
            (0, 9, "runtime", "PjitFunction(f)", 13_495, 14_495),
        ],
    }
    made_of = "this JSON is made of the xplane.pb that lies beside it, which names the GPU and CUDA's versions too"
    assert told(read_xla_json(write(tmp_path / "x.json", xla(planes, lines, events)))) == {
        **of_host,
        "traced": {"cuda", "nvtx", "ops"},
        "experimental": True,
        "gpu_work": [
            (0, 2, 14, "kernel", "fusion", None, 30_000, 32_500, 5),
            (0, 2, 14, "graph", "graph", None, 33_000, 35_000, 6),
            (0, 2, 15, "memcpy", "[CUDA memcpy Host-to-Device]", 490, 40_000, 41_000, 7),
            (0, 2, 15, "memset", "[CUDA memset]", 16, 42_000, 43_000, None),
        ],
        "api_calls": [
            (0, 9, "cuLaunchKernel", 20_000, 25_000, 5, None, None, None),
            (0, 9, "[CUDA launch]", 26_000, 27_000, 6, None, None, None),
            (0, 8, "[CUDA memcpy call]", 28_000, 29_000, 7, None, None, None),
        ],
        "notes": [
            made_of,
            "its GPU planes have been read by XLA's own source alone, no real JSON of a GPU was at hand",
            (
                "neither kernel nor copy, or on other planes, left out: "
                "1 /device:TPU:0, 1 Allocate on a stream, 1 without a name"
            ),
        ],
    }
    alone = xla({701: planes[701]}, lines, [*events[:3], events[6]])
    assert told(read_xla_json(write(tmp_path / "y.json", alone))) == {
        **of_host,
        "traced": {"nvtx", "ops"},
        "experimental": False,
        "gpu_work": [],
        "api_calls": [],
        "notes": [
            made_of,
            "no GPU plane in this trace: the ops ran on the CPU, or the profiler could not trace the GPU",
        ],
    }


def test_a_trace_of_xla_without_a_plane_or_with_an_event_without_a_place_is_named(tmp_path: Path) -> None:
    bad = {"ph": "X", "pid": 1, "tid": None, "ts": 1, "dur": 1, "name": "x"}
    for problem, events in (
        ("it has no plane of a host or a GPU", []),
        ("an event 'x' has no place or no times that can be", [bad]),
    ):
        path = write(tmp_path / "x.json", xla({1: "/device:TPU:0"}, {}, events))
        with pytest.raises(ProfileError) as refused:
            read_xla_json(path)
        assert str(refused.value) == (
            f"{path}: {problem}: damaged, or cut off; "
            "give the xplane.pb that lies beside it, or record it again with `jax.profiler.trace(FOLDER)`"
        )


def test_as_many_events_as_xla_writes_are_said_to_be_not_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.profiles.xla_json.MOST_EVENTS", 2)
    event = {"ph": "X", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "name": "x"}
    for count, most in ((1, False), (2, True)):
        path = write(tmp_path / "x.json", xla({1: "/host:CPU"}, {}, [event] * count))
        notes = told(read_xla_json(path))["notes"]
        assert ("XLA writes at most 2 events to it: the others are in the xplane.pb alone" in notes) is most


def test_an_interval_is_what_a_column_holds_and_its_parts_are_cut_together() -> None:
    assert interval_ns({"ts": "1.0006", "dur": "0.0006"}) == (1_000, 1_001)
    assert interval_ns({"ts": 3}) == (3_000, 3_000)
    assert interval_ns({"ts": 1, "dur": "-0.001"}) is None
    assert interval_ns({"ts": (2**62 - 1) // 1000 + 1, "dur": 0}) is None
