"""PyTorch's, JAX's, ONNX Runtime's and trtexec's JSON give the tables that other profiles give, or are refused."""

from __future__ import annotations

import gzip
import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.json_traces import (
    Row,
    complete,
    dumps,
    kineto,
    kineto_call,
    kineto_kernel,
    micros,
    onnxruntime,
    trtexec_times,
    write,
    xla,
)
from tracer.errors import ProfileError
from tracer.kernels.kernel_listing import list_kernels
from tracer.profiles import json_events
from tracer.profiles.json_events import JsonEvents, scaled
from tracer.profiles.launches import launches
from tracer.profiles.open_profile import (
    KINETO,
    ONNXRUNTIME,
    TRTEXEC_LAYERS,
    TRTEXEC_TIMES,
    XLA_JSON,
    read_profile_file,
    recognise,
)
from tracer.profiles.profile import Profile, ProfileSummary
from tracer.reports.breakdown_text import busy_lines
from tracer.reports.unit_report import build_breakdown, timeline_of
from tracer.unit_words import UNITS

LAYERS = (
    '[\n  { "count" : 4216 }\n, { "name" : "conv1 + relu", "timeMs" : 51.4526, "averageMs" : 0.0122041, '
    '"percentage" : 60 }\n, { "name" : "fc", "timeMs" : 34.3017, "averageMs" : 0.0081361, "percentage" : 40 }\n]\n'
)
TIMES = [
    {
        "startEnqMs": 0.1 + n,
        "endEnqMs": 0.15 + n,
        "startH2dMs": 0.2 + n,
        "endH2dMs": 0.21 + n,
        "startComputeMs": 0.21 + n,
        "endComputeMs": 0.65 + n,
        "startD2hMs": 0.65 + n,
        "endD2hMs": 0.67 + n,
        "h2dMs": 0.0102341,
        "computeMs": 0.441003 + n / 1000,
        "d2hMs": 0.0213,
        "latencyMs": 0.47,
    }
    for n in range(5)
]
CPU_NODES = [
    ("Session", "session_initialization", 100, 600, 40, {}),
    ("Node", "mm_fence_before", 100, 1000, 0, {"op_name": "MatMul"}),
    ("Node", "mm_kernel_time", 100, 1000, 77, {"op_name": "MatMul", "provider": "CPUExecutionProvider"}),
    ("Session", "model_run", 100, 990, 120, {}),
]


def opened(path: Path) -> Profile:
    found = read_profile_file(path)
    assert isinstance(found, Profile)
    return found


def one_of_each() -> list[Row]:
    """A step in which a call launches a kernel, a copy and a set, and waits."""
    copied = complete(
        "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 0, 7, 5_000, 6_001, stream=7, device=0, bytes=490
    )
    copied["args"]["correlation"] = 2
    cleared = complete(
        "gpu_memset", "Memset (Device)", 0, 7, 7_000, 7_100, stream=7, device=0, bytes=4, correlation=3
    )
    return [
        complete("user_annotation", "ProfilerStep#12", 100, 100, 0, 9_999),
        complete("cpu_op", "aten::mm", 100, 100, 1_000, 4_000),
        {"ph": "s", "id": 1, "pid": 100, "tid": 100, "ts": 1.5, "cat": "ac2g", "name": "ac2g"},
        kineto_call("cudaLaunchKernel", 1_500, 2_250, 1),
        kineto_call("cudaMemcpyAsync", 2_500, 3_000, 2),
        kineto_call("cudaMemsetAsync", 3_000, 3_100, 3),
        kineto_call("cudaStreamSynchronize", 3_200, 9_000, 4),
        complete("cuda_sync", "Stream Sync", 0, 7, 3_300, 8_900, correlation=4, stream=7, wait_on_cuda_event_id=-1),
        kineto_kernel("gemm<float>", 4_123, 4_987, 1),
        copied,
        cleared,
        complete("gpu_user_annotation", "ProfilerStep#12", 0, 7, 4_123, 7_100),
        complete("Trace", "PyTorch Profiler (0)", "Spans", "PyTorch Profiler", 0, 9_999),
    ]


@pytest.mark.parametrize("name", ["trace.json", "anything.gz"])
def test_a_trace_of_pytorch_gives_work_calls_ranges_and_operations(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, kineto(one_of_each()))
    assert recognise(path) == KINETO
    profile = opened(path)
    assert [
        (w["process"], w["kind"], w["name"], w["bytes"], w["start_ns"], w["end_ns"])
        for w in profile.gpu_work.to_pylist()
    ] == [
        (100, "kernel", "gemm<float>", None, 4_123, 4_987),
        (100, "memcpy", "[CUDA memcpy Host-to-Device]", 490, 5_000, 6_001),
        (100, "memset", "[CUDA memset]", 4, 7_000, 7_100),
    ]
    assert list(launches(profile)) == [0, 1, 2]
    (step,) = profile.nvtx_ranges.to_pylist()
    assert (step["domain"], step["name"], step["payload"], step["end_ns"]) == (None, "ProfilerStep", 12, 9_999)
    waits = profile.api_calls.to_pylist()[3]
    assert (waits["sync_kind"], waits["sync_stream"], waits["sync_event"]) == ("stream", 7, None)
    assert profile.traced == {"cuda", "nvtx", "ops"}
    assert profile.version == "CUDA runtime 12.6"
    assert "GPU 0: NVIDIA H100" in profile.notes
    rows = list_kernels(profile, "range").rows.to_pylist()
    assert [(row["range"], row["name"], row["count"]) for row in rows] == [("ProfilerStep", "gemm<float>", 1)]


def test_a_trace_of_pytorch_without_a_gpu_is_said_to_have_none(tmp_path: Path) -> None:
    events = [event for event in one_of_each() if event["cat"] in ("cpu_op", "user_annotation")]
    profile = opened(write(tmp_path / "x.json", kineto(events)))
    assert "cuda" not in profile.traced
    assert any("ProfilerActivity.CUDA" in note for note in profile.notes)
    assert list_kernels(profile, "kernel").ops


def test_steps_of_a_trace_of_2021_which_calls_them_operators_are_ranges(tmp_path: Path) -> None:
    names = [
        "ProfilerStep#3",
        "Optimizer.step#SGD.step",
        "enumerate(DataLoader)#_Iter.__next__",
        "aten::mm#1",
        "step",
    ]
    events = [complete("Operator", name, 100, 100, 0, 9) for name in names]
    profile = opened(write(tmp_path / "x.json", kineto(events)))
    ranges = [(one["name"], one["payload"]) for one in profile.nvtx_ranges.to_pylist()]
    assert ranges == [
        ("ProfilerStep", 3),
        ("Optimizer.step#SGD.step", None),
        ("enumerate(DataLoader)#_Iter.__next__", None),
    ]
    assert profile.host_ops["name"].to_pylist() == ["aten::mm#1", "step"]


def test_a_trace_of_an_amd_gpu_has_launches_and_says_whose_calls_they_are(tmp_path: Path) -> None:
    steps = [complete("user_annotation", f"ProfilerStep#{n}", 100, 100, n * 100, n * 100 + 90) for n in range(2)]
    calls = [kineto_call("hipLaunchKernel", n * 100 + 10, n * 100 + 20, n + 1) for n in range(2)]
    kernels = [kineto_kernel("Cijk", n * 100 + 30, n * 100 + 50, n + 1) for n in range(2)]
    profile = opened(write(tmp_path / "x.json", kineto([*steps, *calls, *kernels])))
    assert any("HIP" in note for note in profile.notes)
    assert build_breakdown(profile)["overhead"]["launch"]["mean"] == 10


def test_a_trace_in_which_no_gpu_was_traced_does_not_say_that_none_worked(tmp_path: Path) -> None:
    steps = [complete("user_annotation", f"ProfilerStep#{n}", 100, 100, n * 100, n * 100 + 90) for n in range(2)]
    ops = [complete("cpu_op", "aten::mm", 100, 100, n * 100, n * 100 + 80) for n in range(2)]
    figures = build_breakdown(opened(write(tmp_path / "x.json", kineto([*steps, *ops]))))
    lines = busy_lines(figures["gpu"], UNITS)
    assert lines == ["No GPU record in 2 captured units of 90 ns in the mean"]


def test_a_summary_says_how_its_own_tool_gives_a_timeline(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.json", [{"count": 4}, {"name": "conv", "timeMs": 1.5, "averageMs": 1, "percentage": 100}]
    )
    with pytest.raises(ProfileError, match="trtexec --exportTimes"):
        timeline_of(read_profile_file(path))


def test_whole_microseconds_are_said_to_be_all_there_is(tmp_path: Path) -> None:
    event = {**kineto_kernel("k", 0, 0, 1), "ts": 1712867402348700, "dur": 123}
    profile = opened(write(tmp_path / "x.json", kineto([event])))
    assert profile.gpu_work["start_ns"].to_pylist() == [1712867402348700000]
    assert any("whole microseconds" in note for note in profile.notes)


times = st.integers(-(2**53), 2**53)
spans = st.tuples(times, st.integers(0, 10**12)).map(lambda pair: (pair[0], sum(pair)))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda name: "#" not in name)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(words, spans, st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(st.tuples(words, spans, st.integers(0, 30)), max_size=12),
    st.lists(st.tuples(words, spans, st.integers(-5, 2**31)), max_size=12),
    st.booleans(),
)
def test_what_an_independent_writer_wrote_comes_back_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory, kernels: Any, calls: Any, ops: Any, packed: bool
) -> None:
    events = [kineto_kernel(n, *span, corr, stream) for n, span, corr, stream in kernels]
    events += [kineto_call(n, *span, corr) for n, span, corr in calls]
    events += [complete("cpu_op", n, 100, thread, *span) for n, span, thread in ops]
    path = tmp_path_factory.mktemp("k") / ("x.json.gz" if packed else "x.json")
    profile = opened(write(path, kineto(events)))
    owner = 100 if calls else 0
    assert [tuple(row.values()) for row in profile.gpu_work.to_pylist()] == [
        (owner, 0, stream, "kernel", n, None, *span, corr) for n, span, corr, stream in kernels
    ]
    assert [tuple(row.values())[:6] for row in profile.api_calls.to_pylist()] == [
        (100, 100, n, *span, corr) for n, span, corr in calls
    ]
    assert [tuple(row.values()) for row in profile.host_ops.to_pylist()] == [
        (100, thread, "op", n, *span) for n, span, thread in ops
    ]


def test_an_event_on_the_border_of_what_is_read_at_once_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.json", kineto(one_of_each(), trace_id="Ä" * 30))
    expected = list(JsonEvents(path, ""))
    for size in (1, 2, 7, 64):
        monkeypatch.setattr(json_events, "_CHUNK", size)
        events = JsonEvents(path, "")
        assert list(events) == expected
        assert events.beside["baseTimeNanoseconds"] == 1743521598000000000


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("198093488368.463", 198093488368463),
        ("13.494999999999999", 13495),
        (7, 7000),
        ("1e-06", 0),
        ("1.5E+2", 150000),
    ],
)
def test_a_time_is_as_exact_as_its_text(value: object, ns: int) -> None:
    assert scaled(value, 3) == ns


@pytest.mark.parametrize("value", ["1e999999999", "NaN", "inf", "x", None, True, [], {}, 1 << 70, "9" * 5000])
def test_a_time_that_cannot_be_is_none(value: object) -> None:
    assert scaled(value, 6) is None


def bad_kineto(**change: Any) -> str:
    return dumps(kineto([{**kineto_kernel("k", 0, 9, 1), **change}]))


@pytest.mark.parametrize(
    "text",
    [
        bad_kineto(ts="x"),
        bad_kineto(ts=None),
        bad_kineto(dur=-1),
        bad_kineto(dur=10**40),
        bad_kineto(args=[]),
        bad_kineto(args={"device": "one", "stream": 7}),
        bad_kineto(args={"device": 0, "stream": {}}),
        bad_kineto(args={"device": 1 << 40, "stream": 7}),
        bad_kineto(cat="cpu_op", tid="main"),
        bad_kineto().replace('"ts": 0.000', '"ts": NaN'),
        bad_kineto().replace('"ts": 0.000', f'"ts": {"9" * 5000}'),
        bad_kineto().replace("[{", "[7, {"),
        bad_kineto()[:-90],
        bad_kineto()[:-1],
        bad_kineto().replace('"traceName": "x.json"', f'"traceName": {"[" * 100_000}'),
        dumps(kineto([{"ph": "i", "cat": "cpu_op", "name": "x"}])),
        trtexec_times([{**TIMES[0], "computeMs": -1}]),
        trtexec_times([{**TIMES[0], "endEnqMs": 0}]),
        trtexec_times(TIMES).replace("0.65", '"?"'),
        LAYERS.replace("51.4526", "-1"),
        LAYERS.replace("4216", "-1"),
        LAYERS.replace('"percentage" : 40', '"percentage" : null'),
        onnxruntime(CPU_NODES).replace('"pid" :100', '"pid" :[]'),
        onnxruntime(CPU_NODES).replace('"dur" :77', '"dur" :-77'),
        onnxruntime(CPU_NODES)[:-3],
        dumps(xla({1: "/host:CPU"}, {}, [{"ph": "X", "pid": 1, "tid": [], "ts": 1, "dur": 1, "name": "x"}])),
        dumps(xla({1: "/host:CPU"}, {}, [{"ph": "X", "pid": 1, "tid": 1, "ts": {}, "dur": 1, "name": "x"}])),
    ],
)
def test_a_hostile_file_is_one_error_with_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProfileError, match=r"x\.json: .*; "):
        read_profile_file(write(tmp_path / "x.json", text))


def test_a_packed_file_that_was_cut_off_is_told(tmp_path: Path) -> None:
    data = gzip.compress(dumps(kineto(one_of_each())).encode())
    for cut in (4, len(data) // 2, len(data) - 3):
        (tmp_path / "x.json.gz").write_bytes(data[:cut])
        with pytest.raises(ProfileError, match=r"x\.json\.gz: .*; "):
            read_profile_file(tmp_path / "x.json.gz")


def test_a_packed_file_is_not_unpacked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.json.gz", dumps(kineto(one_of_each())) + " " * 100_000)
    monkeypatch.setattr(json_events, "LIMIT_BYTES", 50_000)
    with pytest.raises(ProfileError, match="--no-limits"):
        read_profile_file(path)


def test_a_trace_of_chrome_by_nobody_known_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", {"traceEvents": [{"ph": "X", "cat": "blink", "ts": 1, "dur": 1}]})
    with pytest.raises(ProfileError, match=r"Chrome's JSON, of no profiler.*PyTorch's, JAX's or ONNX Runtime's"):
        recognise(path)


def test_a_trace_of_jax_gives_steps_operations_and_the_streams_work(tmp_path: Path) -> None:
    details = {"correlation_id": "5", "kernel_details": "regs:32", "hlo_op": "fusion"}
    moved = {"correlation_id": "6", "memcpy_details": "kind_src:pinned kind_dst:device size:490 dest:0"}
    events: list[Row] = [
        {"ph": "X", "pid": 701, "tid": 9, "ts": 10, "dur": 90, "name": "train", "args": {"step_num": "3"}},
        {
            "ph": "X",
            "pid": 701,
            "tid": 9,
            "ts": 20,
            "dur": 5,
            "name": "cuLaunchKernel",
            "args": {"correlation_id": "5"},
        },
        {"ph": "X", "pid": 701, "tid": 9, "ts": micros(13_495), "dur": 1, "name": "PjitFunction(f)"},
        {"ph": "X", "pid": 1, "tid": 14, "ts": 30, "dur": micros(2_500), "name": "fusion", "args": details},
        {"ph": "X", "pid": 1, "tid": 15, "ts": 40, "dur": 1, "name": "MemcpyH2D", "args": moved},
        {"ph": "X", "pid": 1, "tid": 99, "ts": 30, "dur": 3, "name": "fusion.1"},
    ]
    lines = {(1, 14): "Stream #14(Compute)", (1, 15): "Stream #15(MemcpyH2D)", (1, 99): "XLA Ops", (701, 9): "python"}
    path = write(tmp_path / "t.json.gz", xla({1: "/device:GPU:0", 701: "/host:CPU"}, lines, events))
    assert recognise(path) == XLA_JSON
    profile = opened(path)
    work = profile.gpu_work.to_pylist()
    assert [(w["stream"], w["kind"], w["name"], w["bytes"], w["end_ns"]) for w in work] == [
        (14, "kernel", "fusion", None, 32_500),
        (15, "memcpy", "[CUDA memcpy Host-to-Device]", 490, 41_000),
    ]
    assert list(launches(profile)) == [0, -1]
    (step,) = profile.nvtx_ranges.to_pylist()
    assert (step["name"], step["payload"], step["start_ns"], step["end_ns"]) == ("train", 3, 10_000, 100_000)
    assert profile.host_ops["start_ns"].to_pylist() == [13_495]


def test_onnxruntimes_nodes_are_operations_and_its_runs_are_ranges(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", onnxruntime(CPU_NODES))
    assert recognise(path) == ONNXRUNTIME
    profile = opened(path)
    assert [(op["kind"], op["name"]) for op in profile.host_ops.to_pylist()] == [
        ("runtime", "session_initialization"),
        ("op", "mm:MatMul"),
    ]
    (run,) = profile.nvtx_ranges.to_pylist()
    assert (run["name"], run["start_ns"], run["end_ns"]) == ("model_run", 990_000, 1_110_000)
    assert "cuda" not in profile.traced


def test_onnxruntimes_gpu_records_are_kernels_and_copies_whose_calls_are_said_to_lack(tmp_path: Path) -> None:
    gpu = [
        ("Kernel", "gemm", -1, 1001, 60, {"stream": "20", "grid_x": "8"}),
        ("Kernel", "MemcpyHostToDevice", -1, 1000, 1, {"stream": "21", "grid_x": "-1"}),
    ]
    profile = opened(write(tmp_path / "p.json", onnxruntime([*CPU_NODES, *gpu])))
    assert [(w["process"], w["stream"], w["kind"], w["name"]) for w in profile.gpu_work.to_pylist()] == [
        (100, 0, "kernel", "gemm"),
        (100, 1, "memcpy", "[CUDA memcpy Host-to-Device]"),
    ]
    assert any("no CUDA calls in it" in note for note in profile.notes)


def test_nodes_on_a_gpu_without_gpu_records_are_said_to_be_the_hosts_time(tmp_path: Path) -> None:
    text = onnxruntime(CPU_NODES).replace("CPUExecution", "CUDAExecution")
    assert any("the host's, until it had launched" in note for note in opened(write(tmp_path / "p.json", text)).notes)


def test_trtexecs_times_are_inferences_whose_median_is_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", trtexec_times(TIMES))
    assert recognise(path) == TRTEXEC_TIMES
    profile = opened(path)
    (row,) = list_kernels(profile).rows.to_pylist()
    assert (row["name"], row["count"]) == ("[TensorRT inference]", 5)
    assert row["median_ns"] == round(1e6 * statistics.median(float(f"{one['computeMs']:.6g}") for one in TIMES))
    (call,) = list_kernels(profile, "api").rows.to_pylist()
    assert (call["name"], call["launched"], call["mean_ns"]) == ("enqueue", 15, 50_000)
    ranges = profile.nvtx_ranges.to_pylist()
    assert [(one["name"], one["payload"]) for one in ranges] == [("inference", n) for n in range(5)]
    assert ranges[0]["start_ns"] == 200_000
    assert any("records no kernel" in note for note in profile.notes)


def test_inferences_whose_copies_overlap_are_said_not_to_be_told_apart(tmp_path: Path) -> None:
    """As ``trtexec`` runs them by default: the next input is copied while this one computes."""
    rows = [
        {name: at * 10 + value for name, value in (("startH2dMs", 0), ("endH2dMs", 2), ("startComputeMs", 8))}
        | {name: at * 10 + value for name, value in (("endComputeMs", 17), ("startD2hMs", 17), ("endD2hMs", 18))}
        for at in range(4)
    ]
    path = write(tmp_path / "t.json", trtexec_times(rows))
    found = build_breakdown(opened(path))
    assert found["range"]["sentence"].startswith("No NVTX range repeats outside the others of its name")
    assert found["gpu"] is not None
    assert any(note.startswith("3 inferences began to copy before") for note in found["gpu"]["notes"])
    apart = write(tmp_path / "u.json", trtexec_times(rows[::2]))
    assert build_breakdown(opened(apart))["count"] == 2
    assert not any("began to copy" in note for note in opened(apart).notes)


def test_copies_that_took_no_time_were_not_made(tmp_path: Path) -> None:
    rows = [{**one, "h2dMs": 0, "d2hMs": 0} for one in TIMES]
    profile = opened(write(tmp_path / "t.json", trtexec_times(rows)))
    assert profile.gpu_work["kind"].to_pylist() == ["graph"] * 5


def test_trtexecs_layers_are_a_summary_with_its_own_sums(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", LAYERS)
    assert recognise(path) == TRTEXEC_LAYERS
    found = read_profile_file(path)
    assert isinstance(found, ProfileSummary)
    assert [(row.name, row.count, row.total_ns, row.share) for row in found.rows] == [
        ("conv1 + relu", 4216, 51_452_600, 0.6),
        ("fc", 4216, 34_301_700, 0.4),
    ]
    assert any("layer may be several kernels" in note for note in found.notes)


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | words,
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["ph", "cat", "ts", "dur", "pid", "tid", "name", "args", "traceEvents"]), inner
            )
        ),
        max_leaves=25,
    )
)
def test_no_json_ends_in_anything_but_tables_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = tmp_path_factory.mktemp("j") / "x.json"
    for text in (
        json.dumps(value),
        json.dumps({"traceEvents": [{"ph": "X", "cat": "cpu_op", "ts": 1, "args": value}, value]}),
    ):
        try:
            read_profile_file(write(path, text))
        except ProfileError:
            continue
