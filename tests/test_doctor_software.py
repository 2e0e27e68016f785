"""The doctor's lines about runtimes and profilers, each broken and sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.device.board import Board
from runner.doctor.checks import Check
from runner.doctor.machine import Machine, Ran
from runner.doctor.profilers import check_profilers
from runner.doctor.runtimes import check_litert, check_onnxruntime, check_tensorflow
from tests.device_trees import grow, pc_with_two_gpus
from tests.fake_system import LITERT, ONNXRUNTIME, RANGES, TENSORFLOW, FakeSystem, tensorflow_says

JETSON = Board("NVIDIA Jetson Orin Nano Developer Kit", True, "36.4.3", 6)
NANO = Board("NVIDIA Jetson Nano Developer Kit", True, "32.7.1", 4)
THOR = Board("NVIDIA Jetson AGX Thor Developer Kit", True, "38.2.0", 7)
PC = Board(None, False, None, None)


@pytest.fixture
def system(tmp_path: Path) -> FakeSystem:
    return FakeSystem(grow(tmp_path, {"proc/sys/kernel/perf_event_paranoid": 2}))


def profilers(system: FakeSystem, board: Board = JETSON) -> dict[str, Check]:
    return {finding.check: finding for finding in check_profilers(system, board)}


def test_a_tensorflow_that_sees_the_gpu_is_fine(system: FakeSystem) -> None:
    finding = check_tensorflow(system, JETSON)
    assert (finding.state, finding.said) == ("fine", "2.16.1+nv24.7 sees CPU:0, GPU:0")


def test_a_jetson_whose_tensorflow_sees_no_gpu_needs_nvidias_wheel(system: FakeSystem) -> None:
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", version="2.16.1", cuda=False)
    finding = check_tensorflow(system, JETSON)
    assert finding.state == "error"
    assert "NVIDIA's own TensorFlow wheel" in str(finding.remedy)
    assert "built without CUDA" in finding.said
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0")
    assert "finds no GPU" in check_tensorflow(system, JETSON).said


@pytest.mark.parametrize(("board", "why"), [(THOR, "JetPack 7 is known"), (NANO, "Python 3.6")])
def test_where_no_wheel_for_the_gpu_exists_the_doctor_names_none(system: FakeSystem, board: Board, why: str) -> None:
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", version="2.19.0", cuda=False)
    finding = check_tensorflow(system, board)
    assert finding.state == "warning"
    assert why in finding.said
    system.programs[TENSORFLOW] = Ran(1, "", "ModuleNotFoundError: No module named 'tensorflow'")
    remedy = str(check_tensorflow(system, board).remedy)
    assert why in remedy
    assert "for the CPU: pip install 'kws-trace[tensorflow]'" in remedy
    assert "NVIDIA's own" not in remedy


def test_a_pc_may_have_a_tensorflow_without_a_gpu(system: FakeSystem) -> None:
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", version="2.21.0", cuda=False)
    assert check_tensorflow(system, PC).state == "fine"


def test_a_pc_with_nvidias_driver_is_told_of_a_tensorflow_that_does_not_see_its_gpu(tmp_path: Path) -> None:
    system = FakeSystem(pc_with_two_gpus(tmp_path))
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", version="2.21.0")
    finding = check_tensorflow(system, PC)
    assert (finding.state, finding.said.partition(", ")[2]) == (
        "warning",
        "and not NVIDIA's GPU that is here",
    )
    assert "tensorflow[and-cuda]" in str(finding.remedy)
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", "GPU:0", version="2.21.0")
    assert check_tensorflow(system, PC).state == "fine"


def test_a_tensorflow_that_is_not_there_is_a_warning_with_the_way_to_it(system: FakeSystem) -> None:
    system.programs[TENSORFLOW] = Ran(1, "", "ModuleNotFoundError: No module named 'tensorflow'")
    assert check_tensorflow(system, PC).said == "not installed"
    assert "kws-trace[tensorflow]" in str(check_tensorflow(system, PC).remedy)
    assert "NVIDIA's own TensorFlow wheel" in str(check_tensorflow(system, JETSON).remedy)


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        (Ran(1, "", "Traceback\nImportError: libcudart.so.12"), "it does not import: ImportError: libcudart.so.12"),
        (Ran(-11, "", ""), "it does not import: ended with -11"),
        (Ran(None, ""), "its import did not end within 180 s"),
        (Ran(0, "greetings"), "its import ended without an answer"),
    ],
)
def test_an_import_that_fails_says_how(system: FakeSystem, ran: Ran, said: str) -> None:
    system.programs[TENSORFLOW] = ran
    finding = check_tensorflow(system, PC)
    assert (finding.state, finding.said) == ("warning", said)


def test_onnx_runtime_names_its_providers_and_the_library_that_keeps_the_gpus_from_starting(
    system: FakeSystem, tmp_path: Path
) -> None:
    assert check_onnxruntime(system, PC).said == "not installed (extra onnx, for .onnx models)"
    assert check_onnxruntime(system, PC).state == "fine"
    assert check_onnxruntime(system, THOR).state == "warning"
    pc = FakeSystem(pc_with_two_gpus(tmp_path / "pc"))
    for providers, state, said, remedy in (
        ({"cpu": None}, "warning", "1.31.1: cpu", "pip uninstall onnxruntime"),
        ({"cpu": None, "cuda": "libcudart.so.13"}, "warning", "1.31.1: cpu, cuda lacks libcudart.so.13", "<1.27"),
        ({"cpu": None, "cuda": None, "tensorrt": "libnvinfer.so.10"}, "fine", "tensorrt lacks libnvinfer.so.10", ""),
    ):
        answer = Ran(0, "Failed to load x\n" + json.dumps({"version": "1.31.1", "providers": providers}))
        pc.programs[ONNXRUNTIME] = system.programs[ONNXRUNTIME] = answer
        found = check_onnxruntime(pc, PC)
        assert (found.state, said in found.said, remedy in str(found.remedy)) == (state, True, True)
        assert check_onnxruntime(system, PC).state == "fine", "no GPU is there that it could use"


def test_the_real_onnx_runtime_is_asked_in_a_process_of_its_own() -> None:
    pytest.importorskip("onnxruntime")
    ran = Machine().run(ONNXRUNTIME, 60)
    assert ran is not None
    assert json.loads(ran.output.splitlines()[-1])["providers"]["cpu"] is None


def test_litert_is_needed_for_the_shipped_model(system: FakeSystem) -> None:
    assert check_litert(system).state == "fine"
    system.programs[LITERT] = Ran(1, "", "ModuleNotFoundError")
    assert check_litert(system).state == "error"


def test_nsys_says_its_version_or_how_it_is_had(system: FakeSystem) -> None:
    assert profilers(system)["nsys"].said == "Nsight Systems 2023.2.4.44"
    system.programs["nsys", "--version"] = Ran(127, "", "no such importer")
    assert profilers(system)["nsys"].state == "warning"
    del system.programs["nsys", "--version"]
    toolkit = system.root / "usr/local/cuda/bin/nsys"
    toolkit.parent.mkdir(parents=True)
    toolkit.touch()
    system.programs[str(toolkit), "--version"] = Ran(0, "NVIDIA Nsight Systems version 2025.3.2.474-1\n")
    assert profilers(system)["nsys"].said == "Nsight Systems 2025.3.2.474"
    toolkit.unlink()
    assert "JetPack" in str(profilers(system)["nsys"].remedy)
    assert "non-free" in str(profilers(system, PC)["nsys"].remedy)
    assert "nvprof" in str(profilers(system, NANO)["nsys"].remedy)


def test_ranges_arrive_where_the_lower_layer_is_there(system: FakeSystem) -> None:
    assert profilers(system)["NVTX ranges"].state == "fine"


@pytest.mark.parametrize(
    ("said", "why"),
    [("0.2.11 none\n", "older than 0.2.12"), ("0.9.0 none\n", "whose lower layer we do not know")],
)
def test_ranges_that_would_not_arrive_are_an_error(system: FakeSystem, said: str, why: str) -> None:
    system.programs[RANGES] = Ran(0, said)
    finding = profilers(system)["NVTX ranges"]
    assert finding.state == "error"
    assert why in finding.said
    system.programs[RANGES] = Ran(1, "", "ModuleNotFoundError: nvtx")
    assert profilers(system)["NVTX ranges"].state == "error"


def test_tracing_cuda_on_a_tegra_asks_for_root(system: FakeSystem) -> None:
    assert profilers(system)["CUDA tracing"].state == "warning"
    assert "sudo env" in str(profilers(system)["CUDA tracing"].remedy)
    system.is_root = True
    assert profilers(system)["CUDA tracing"].state == "fine"
    assert "CUDA tracing" not in profilers(system, PC)


def test_a_paranoid_kernel_is_told_but_to_root(system: FakeSystem) -> None:
    assert profilers(system)["perf_event_paranoid"].state == "fine"
    grow(system.root, {"proc/sys/kernel/perf_event_paranoid": 4})
    assert profilers(system)["perf_event_paranoid"].state == "warning"
    system.is_root = True
    assert profilers(system)["perf_event_paranoid"].state == "fine"


def test_the_real_layer_is_asked_in_a_process_of_its_own() -> None:
    found = {finding.check: finding for finding in check_profilers(Machine(), PC)}
    assert found["NVTX ranges"].state == "fine"
    assert check_litert(Machine()).state == "fine"
