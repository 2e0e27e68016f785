"""TensorFlow's profile read without TensorFlow: ranges, ops, the GPU's streams, and what is no such file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner.dut.tensorflow_profiler import profile_block
from runner.dut.trace_me import open_trace_me_ranges
from runner.inference.models import SHIPPED_SAVED_MODEL, ModelChoice, load_pipeline
from tests.xplane_files import Plane, host_space, write_space
from tracer.captures.cuda_calls import COPY, LAUNCH, call_kinds
from tracer.errors import ProfileError, ProfilerError
from tracer.profiles.gpu_records import check_records
from tracer.profiles.profile import GPU_WORK, HOST_OPS, NVTX_RANGES
from tracer.profiles.xplane import FIELDS, read_xplane
from tracer.protobuf_messages import message_class
from tracer.recording.inference_loop import compose_loop


def gpu_space() -> Any:
    space = host_space(1)
    host = Plane(space, "/host:CUPTI")
    thread = host.line(9, "Host Threads/9")
    host.event(thread, "cuLaunchKernel", 1030, 5, device_id=0, correlation_id=41)
    host.event(thread, "cuGraphLaunch (CudaGraph:3)", 1040, 5, device_id=0, correlation_id=42)
    device = Plane(space, "/device:GPU:1")
    stream = device.line(14, "Stream #14(Compute,MemcpyH2D)")
    device.event(stream, "void conv<float, 4>(float*)", 1040, 20, correlation_id=41, kernel_details="regs:32")
    details = "kind_src:pinned kind_dst:device size:1960 dest:0 async:1"
    device.event(stream, "MemcpyH2D", 1010, 3, correlation_id=40, memcpy_details=details)
    device.event(stream, "Memset", 1014, 2, correlation_id=39, Memset_details="kind:device num_bytes:64 async:1")
    device.event(stream, "MemoryAlloc", 1000, 1, memalloc_details="kind:device num_bytes:99")
    device.event(device.line(99, "TensorFlow Ops"), "conv", 1040, 20)
    return space


def test_ranges_have_our_domain_and_the_inference_its_number(tmp_path: Path) -> None:
    profile = read_xplane(write_space(tmp_path / "a.xplane.pb", host_space(2)))
    assert profile.nvtx_ranges.schema == NVTX_RANGES
    rows = profile.nvtx_ranges.to_pylist()
    assert [(row["name"], row["payload"]) for row in rows] == [
        ("inference", 0),
        ("session_run", None),
        ("inference", 1),
        ("session_run", None),
    ]
    assert {row["domain"] for row in rows} == {"kws-trace"}
    assert (rows[1]["start_ns"], rows[1]["end_ns"]) == (1010, 1090)
    assert profile.traced == {"ops", "nvtx"}
    assert not profile.experimental
    assert any("no GPU" in note for note in profile.notes)


def test_ops_are_told_from_the_frames_of_the_runtime(tmp_path: Path) -> None:
    profile = read_xplane(write_space(tmp_path / "a.xplane.pb", host_space(1)))
    assert profile.host_ops.schema == HOST_OPS
    assert [(row["kind"], row["name"]) for row in profile.host_ops.to_pylist()] == [
        ("runtime", "SessionRun"),
        ("op", "model/conv2d:Conv2D"),
    ]


def test_a_number_still_in_the_name_is_read(tmp_path: Path) -> None:
    space = message_class(FIELDS, "XSpace")()
    plane = Plane(space, "/host:CPU")
    plane.event(plane.line(1), "kws-trace:inference#number=12#", 0, 1)
    (row,) = read_xplane(write_space(tmp_path / "a.xplane.pb", space)).nvtx_ranges.to_pylist()
    assert (row["name"], row["payload"]) == ("inference", 12)


def test_the_gpu_streams_give_kernels_copies_and_sets_with_their_launches(tmp_path: Path) -> None:
    profile = read_xplane(write_space(tmp_path / "a.xplane.pb", gpu_space()))
    assert profile.gpu_work.schema == GPU_WORK
    keys = ("device", "stream", "kind", "name", "bytes", "start_ns", "end_ns", "correlation_id")
    assert [tuple(row[key] for key in keys) for row in profile.gpu_work.to_pylist()] == [
        (1, 14, "kernel", "void conv<float, 4>(float*)", None, 1040, 1060, 41),
        (1, 14, "memcpy", "[CUDA memcpy Host-to-Device]", 1960, 1010, 1013, 40),
        (1, 14, "memset", "[CUDA memset]", 64, 1014, 1016, 39),
    ]
    calls = profile.api_calls.to_pylist()
    assert [(c["name"], c["thread"], c["correlation_id"]) for c in calls] == [
        ("cuLaunchKernel", 9, 41),
        ("cuGraphLaunch", 9, 42),
    ]
    assert not profile.experimental
    assert "cuda" in profile.traced
    assert any("1 MemoryAlloc" in note for note in profile.notes)


def test_a_folder_with_one_profile_will_do_and_with_two_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "profile" / "now"
    folder.mkdir(parents=True)
    with pytest.raises(ProfileError, match=r"no \*\.xplane\.pb"):
        read_xplane(tmp_path)
    file = write_space(folder / "vm.xplane.pb", host_space())
    assert read_xplane(tmp_path).path == file
    write_space(folder / "wm.xplane.pb", host_space())
    with pytest.raises(ProfileError, match="2 captures"):
        read_xplane(tmp_path)


def test_what_the_profiler_complained_of_is_passed_on(tmp_path: Path) -> None:
    space = host_space()
    space.warnings.append(b"events were dropped")
    profile = read_xplane(write_space(tmp_path / "a.xplane.pb", space))
    assert "TensorFlow's profiler: events were dropped" in profile.notes


@pytest.mark.parametrize("make", [host_space, gpu_space])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, make: Any) -> None:
    whole = write_space(tmp_path / "a.xplane.pb", make()).read_bytes()
    cut = tmp_path / "cut.xplane.pb"
    again = "record it again with --profiler tensorflow"
    reasons = {
        f"{cut}: it is empty; {again}",
        f"{cut}: it is no xplane.pb, or a damaged or truncated one; name an *.xplane.pb file, or {again}",
        f"{cut}: it does not end as TensorFlow ends one: truncated, or no xplane.pb; {again}",
    }
    told = set()
    for size in range(len(whole)):
        cut.write_bytes(whole[:size])
        with pytest.raises(ProfileError) as refused:
            read_xplane(cut)
        told.add(str(refused.value))
    assert told == reasons


def test_a_flipped_bit_gives_a_profile_or_a_profile_error_and_nothing_else(tmp_path: Path) -> None:
    whole = write_space(tmp_path / "a.xplane.pb", gpu_space()).read_bytes()
    file, refused = tmp_path / "flipped.xplane.pb", 0
    for place in range(len(whole)):
        bit = 1 << place % 8
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            read_xplane(file)
        except ProfileError:
            refused += 1
    assert refused


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"==1== Profiling result:\n", bytes(300), b"\xff" * 99])
def test_another_kind_of_file_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "other.xplane.pb"
    file.write_bytes(data)
    with pytest.raises(ProfileError, match=r"other\.xplane\.pb"):
        read_xplane(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        read_xplane(tmp_path / "none.xplane.pb")


OP_KIND = re.compile("DepthwiseConv2d|Conv2D|Softmax")


@pytest.fixture(scope="module")
def real_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty inferences of the shipped SavedModel under TensorFlow's profiler."""
    pytest.importorskip("tensorflow")
    pipeline = load_pipeline(ModelChoice(SHIPPED_SAVED_MODEL))
    pipeline.load(bytes(490))
    ranges = open_trace_me_ranges()
    assert ranges is not None
    loop = compose_loop(pipeline.stages(), ranges)
    loop(0, 3, [].extend)
    logdir = tmp_path_factory.mktemp("logdir")
    with profile_block(logdir):
        loop(3, 20, [].extend)
    assert ranges.domain == []
    (written,) = logdir.rglob("*.xplane.pb")
    return written


def test_a_real_profile_holds_each_inference_with_its_number_and_stages(real_profile: Path) -> None:
    ranges = read_xplane(real_profile).nvtx_ranges.to_pylist()
    inferences = [row for row in ranges if row["name"] == "inference"]
    assert [row["payload"] for row in inferences] == list(range(3, 23))
    stages = Counter(row["name"] for row in ranges)
    assert stages == {"inference": 20, "host_to_device": 20, "session_run": 20, "readback": 20}
    for whole in inferences:
        inside = [row for row in ranges if row["start_ns"] >= whole["start_ns"] and row["end_ns"] <= whole["end_ns"]]
        assert [row["name"] for row in inside] == ["inference", "host_to_device", "session_run", "readback"]


def test_a_real_profile_holds_the_model_s_ops_inside_session_run(real_profile: Path) -> None:
    profile = read_xplane(real_profile)
    runs = [row for row in profile.nvtx_ranges.to_pylist() if row["name"] == "session_run"]
    ops = [row for row in profile.host_ops.to_pylist() if row["kind"] == "op"]
    for run in runs:
        inside = [op for op in ops if run["start_ns"] <= op["start_ns"] and op["end_ns"] <= run["end_ns"]]
        # What an op is called beyond its kind (_Fused..., _MklNative...) is the processor's choice.
        kinds = Counter(kind for op in inside for kind in OP_KIND.findall(op["name"].rpartition(":")[2]))
        assert kinds["DepthwiseConv2d"] == 4
        assert kinds["Conv2D"] >= 4
        assert kinds["Softmax"] == 1


def test_a_second_profiler_in_the_process_is_refused(real_profile: Path, tmp_path: Path) -> None:
    with (
        profile_block(tmp_path / "first"),
        pytest.raises(ProfilerError, match="another one runs"),
        profile_block(tmp_path / "second"),
    ):
        pass


def test_ranges_without_a_running_profiler_are_balanced_and_record_nothing(real_profile: Path) -> None:
    ranges = open_trace_me_ranges()
    assert ranges is not None
    compose_loop([("a", lambda: None), ("b", lambda: None)], ranges)(0, 5, [].extend)
    assert ranges.domain == []


def test_a_profiler_that_somebody_else_stopped_is_told(real_profile: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    with pytest.raises(ProfilerError, match="did not end well"), profile_block(tmp_path):
        tf.profiler.experimental.stop()


def test_a_call_that_bears_its_kernels_name_is_a_launch_and_a_copys_a_copy(tmp_path: Path) -> None:
    space = message_class(FIELDS, "XSpace")()
    gpu = Plane(space, "/device:GPU:0")
    stream = gpu.line(14, "Stream #14(Compute)", at_ns=1000)
    gpu.event(stream, "conv", 40, 20, correlation_id=41, kernel_details="regs:32")
    host = Plane(space, "/host:CPU")
    line = host.line(9, "python", at_ns=1000)
    for name, correlation in (("conv", 41), ("MemcpyH2D", 42), ("Memset", 43), ("lost_kernel", 44)):
        host.event(line, name, correlation, 1, correlation_id=correlation)
    found = read_xplane(write_space(tmp_path / "a.xplane.pb", space))
    assert found.api_calls["name"].to_pylist() == [
        "[CUDA launch]",
        "[CUDA memcpy call]",
        "[CUDA memset call]",
        "[CUDA launch]",
    ]
    assert call_kinds(found.api_calls["name"].to_pylist()).tolist() == [LAUNCH, COPY, COPY, LAUNCH]
    assert check_records(found).held["launch"].missing == 1
