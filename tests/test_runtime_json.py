"""ONNX Runtime's and trtexec's JSON give whole profiles: every cell, what was traced, every sentence for the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.json_traces import Row, onnxruntime, trtexec_times, write
from tests.profiles import told
from tracer.errors import ProfileError
from tracer.profiles.onnxruntime_json import read_onnxruntime
from tracer.profiles.profile import SummaryRow
from tracer.profiles.trtexec import read_trtexec_layers, read_trtexec_times

OF_ORT = "ONNX Runtime's times are whole microseconds: what is shorter shows as 0"
OF_TRTEXEC = (
    "trtexec records no kernel: [TensorRT inference] is the time between two CUDA events, with the gaps inside it",
    "times have six digits: a start after the first second is told to 10 us, after ten to 100 us, a length finer",
)


def test_a_profile_of_onnx_runtime_is_read_whole(tmp_path: Path) -> None:
    events: list[tuple[str, str, int, int, int, Row]] = [
        ("Session", "session_initialization", 100, 600, 40, {}),
        ("Node", "mm_fence_before", 100, 1_000, 0, {"op_name": "MatMul"}),
        ("Node", "mm_fence_after", 100, 1_077, 0, {"op_name": "MatMul"}),
        ("Node", "mm_kernel_time", 101, 1_000, 77, {"op_name": "MatMul", "provider": "CUDAExecutionProvider"}),
        ("Kernel", "gemm", -1, 1_001, 60, {"stream": "0x7f00", "grid_x": "8"}),
        ("Kernel", "MemcpyHostToDevice", -1, 1_000, 1, {"stream": "21", "grid_x": "-1"}),
        ("Kernel", "copied", -1, 1_000, 1, {"stream": "0x7f00", "grid_x": "-1"}),
        ("Kernel", "MemcpyDeviceToArray", -1, 1_002, 2, {"stream": "default"}),
        ("Node", "add_kernel_time", 100, 1_080, 9, {}),
        ("Session", "model_run", 100, 990, 120, {}),
        ("Session", "model_run", 100, 1_990, 130, {}),
    ]
    ran = {
        "source": "onnxruntime",
        "version": "",
        "processes": {},
        "api_calls": [],
        "nvtx_ranges": [
            (100, 100, None, "model_run", 0, "push_pop", 990_000, 1_110_000),
            (100, 100, None, "model_run", 1, "push_pop", 1_990_000, 2_120_000),
        ],
        "host_ops": [
            (100, 100, "runtime", "session_initialization", 600_000, 640_000),
            (100, 101, "op", "mm:MatMul", 1_000_000, 1_077_000),
            (100, 100, "op", "add:?", 1_080_000, 1_089_000),
        ],
    }
    assert told(read_onnxruntime(write(tmp_path / "x.json", onnxruntime(events)))) == {
        **ran,
        "traced": {"cuda", "nvtx", "ops"},
        "experimental": True,
        "gpu_work": [
            (100, 0, 0, "kernel", "gemm", None, 1_001_000, 1_061_000, None),
            (100, 0, 1, "memcpy", "[CUDA memcpy Host-to-Device]", None, 1_000_000, 1_001_000, None),
            (100, 0, 0, "memcpy", "[CUDA memcpy ?]", None, 1_000_000, 1_001_000, None),
            (100, 0, 0, "memcpy", "[CUDA memcpy Device-to-Array]", None, 1_002_000, 1_004_000, None),
        ],
        "notes": [
            OF_ORT,
            "nodes by execution provider: 1 on ?, 1 on CUDAExecutionProvider",
            "no CUDA calls in it, and no correlation ids: who launched a kernel and how late it began are not known",
            "its GPU records have been read by the source of ONNX Runtime alone, no real file was at hand",
        ],
    }
    without = [event for event in events if event[0] != "Kernel"]
    assert told(read_onnxruntime(write(tmp_path / "y.json", onnxruntime(without)))) == {
        **ran,
        "traced": {"nvtx", "ops"},
        "experimental": False,
        "gpu_work": [],
        "notes": [
            OF_ORT,
            "nodes by execution provider: 1 on ?, 1 on CUDAExecutionProvider",
            (
                "no GPU records, which only a build with onnxruntime_ENABLE_CUDA_PROFILING writes: a node's time on "
                "a GPU's provider is the host's, until it had launched its work; `nsys profile` has the kernels"
            ),
        ],
    }


@pytest.mark.parametrize("provider", ["CPUExecutionProvider", "TensorrtExecutionProvider"])
def test_a_node_or_a_run_alone_is_a_profile_of_onnx_runtime(tmp_path: Path, provider: str) -> None:
    node = ("Node", "mm_kernel_time", 100, 1_000, 77, {"op_name": "MatMul", "provider": provider})
    alone = told(read_onnxruntime(write(tmp_path / "x.json", onnxruntime([node]))))
    assert (alone["nvtx_ranges"], alone["host_ops"]) == ([], [(100, 100, "op", "mm:MatMul", 1_000_000, 1_077_000)])
    assert len(alone["notes"]) == (3 if "Tensorrt" in provider else 2)
    run = told(read_onnxruntime(write(tmp_path / "y.json", onnxruntime([("Session", "model_run", 1, 0, 2, {})]))))
    assert (run["host_ops"], run["notes"], len(run["nvtx_ranges"])) == ([], [OF_ORT], 1)
    for events in ([], [("Kernel", "gemm", -1, 1_001, 60, {})]):
        with pytest.raises(ProfileError, match="it holds no event of ONNX Runtime: damaged, or cut off; record it"):
            read_onnxruntime(write(tmp_path / "z.json", onnxruntime(events)))


def test_times_of_trtexec_are_read_whole_of_new_and_of_old_releases(tmp_path: Path) -> None:
    new = [
        {
            "startEnqMs": at + 0.1,
            "endEnqMs": at + 0.15,
            "startH2dMs": at + 0.2,
            "endH2dMs": at + 0.5,
            "startComputeMs": at + 0.5,
            "endComputeMs": at + 1.5,
            "startD2hMs": at + 1.5,
            "endD2hMs": at + 1.75,
            "h2dMs": 0.25,
            "computeMs": 0.75,
            "d2hMs": 0,
        }
        for at in (0, 1)
    ]
    assert told(read_trtexec_times(write(tmp_path / "x.json", trtexec_times(new)))) == {
        "source": "trtexec",
        "version": "",
        "traced": {"cuda", "nvtx"},
        "processes": {},
        "experimental": False,
        "gpu_work": [
            (0, 0, 0, "memcpy", "[CUDA memcpy Host-to-Device]", None, 200_000, 450_000, 0),
            (0, 0, 0, "graph", "[TensorRT inference]", None, 500_000, 1_250_000, 0),
            (0, 0, 0, "memcpy", "[CUDA memcpy Host-to-Device]", None, 1_200_000, 1_450_000, 1),
            (0, 0, 0, "graph", "[TensorRT inference]", None, 1_500_000, 2_250_000, 1),
        ],
        "api_calls": [
            (0, 0, "enqueue", 100_000, 150_000, 0, None, None, None),
            (0, 0, "enqueue", 1_100_000, 1_150_000, 1, None, None, None),
        ],
        "nvtx_ranges": [
            (0, 0, None, "inference", 0, "start_end", 200_000, 1_750_000),
            (0, 0, None, "inference", 1, "start_end", 1_200_000, 2_750_000),
        ],
        "host_ops": [],
        "notes": [
            *OF_TRTEXEC,
            (
                "1 inference began to copy before the one before had copied its output: as units "
                "they cannot be told apart; `trtexec --exposeDMA`, or --noDataTransfers, runs one after the other"
            ),
        ],
    }
    times = {"startInMs": 0, "endInMs": 0.5, "startComputeMs": 0.5, "endComputeMs": 1.5, "startOutMs": 1.5}
    old = [{name: at + value for name, value in {**times, "endOutMs": 2.5}.items()} for at in (0, 1.25, 2.5)]
    found = told(read_trtexec_times(write(tmp_path / "y.json", trtexec_times(old))))
    assert found["gpu_work"][:3] == [
        (0, 0, 0, "memcpy", "[CUDA memcpy Host-to-Device]", None, 0, 500_000, 0),
        (0, 0, 0, "graph", "[TensorRT inference]", None, 500_000, 1_500_000, 0),
        (0, 0, 0, "memcpy", "[CUDA memcpy Device-to-Host]", None, 1_500_000, 2_500_000, 0),
    ]
    assert [row[4:] for row in found["nvtx_ranges"]] == [
        (0, "start_end", 0, 2_500_000),
        (1, "start_end", 1_250_000, 3_750_000),
        (2, "start_end", 2_500_000, 5_000_000),
    ]
    assert found["notes"][2:] == [
        "no enqueue times in the file, as before TensorRT 7: launch delays are not known",
        (
            "2 inferences began to copy before the one before had copied its output: as units "
            "they cannot be told apart; `trtexec --exposeDMA`, or --noDataTransfers, runs one after the other"
        ),
    ]
    within = [{name: at + value for name, value in {**times, "endOutMs": 2.5}.items()} for at in (0, 0.5, 2.5)]
    assert told(read_trtexec_times(write(tmp_path / "z.json", trtexec_times(within))))["notes"][3] == (
        "1 inference began before the one before had ended: several streams, shown as one"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"h2dMs": -0.1}, "an inference ends before it starts"),
        ({"endEnqMs": 0.05}, "inference 0 ends before it starts"),
        ({"startComputeMs": "x"}, "an inference has no startComputeMs that can be"),
        (None, "it holds no inference"),
    ],
)
def test_what_cannot_be_in_times_of_trtexec_is_named(tmp_path: Path, change: Row | None, problem: str) -> None:
    row = {"startEnqMs": 0.1, "endEnqMs": 0.2, "startH2dMs": 0, "endH2dMs": 0, "startComputeMs": 1, "endComputeMs": 2}
    whole = [{**row, "startD2hMs": 2, "endD2hMs": 3, "h2dMs": 0, **change}] if change is not None else []
    path = write(tmp_path / "x.json", whole)
    with pytest.raises(ProfileError) as refused:
        read_trtexec_times(path)
    assert str(refused.value) == (
        f"{path}: {problem}: damaged, or cut off; export it again with `trtexec --exportTimes=FILE`"
    )


def test_layers_of_trtexec_are_read_whole_or_what_cannot_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    layer = {"name": "conv", "timeMs": 51.4526, "averageMs": 1, "percentage": 60.5}
    other = {"name": "", "timeMs": 0, "averageMs": 0, "percentage": 0}
    found = read_trtexec_layers(write(path, [{"count": 0}, layer, other]))
    assert (found.path, found.source) == (path, "trtexec")
    assert found.rows == (
        SummaryRow("kernel", "conv", 0, 51_452_600, 0.605),
        SummaryRow("kernel", "", 0, 0, 0.0),
    )
    assert found.notes == (
        (
            "rows are layers of TensorRT, timed one by one by its profiler: a layer may be several kernels, their "
            "sum longer than an inference without it"
        ),
    )
    refused = {
        "it does not begin with the count of its inferences": [
            [layer],
            [{"count": -1}, layer],
            [{"count": 1, "name": "conv"}, layer],
            [{"count": None}, layer],
        ],
        "the layer 'conv' has no time that can be": [
            [{"count": 1}, {**layer, name: bad}] for name in ("timeMs", "percentage") for bad in (-1, "x")
        ],
        "it holds no layer": [[{"count": 1}]],
    }
    for problem, files in refused.items():
        for rows in files:
            with pytest.raises(ProfileError) as error:
                read_trtexec_layers(write(path, rows))
            assert str(error.value) == (
                f"{path}: {problem}: damaged, or cut off; "
                "export it again with `trtexec --dumpProfile --exportProfile=FILE`"
            )
