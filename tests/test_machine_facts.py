"""What a run keeps of its machine, how the report and compare say it, and what the doctor says before a session."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.children import module_command
from runner.device.board import power_mode
from runner.device.gpu_facts import mps_runs
from runner.device.host import host_facts
from runner.device.loaded_cuda import loaded_cuda
from runner.doctor.checks import Check
from runner.doctor.gpu import check_gpus, check_host
from runner.doctor.machine import Ran
from tests.dashboard_runs import plain_run
from tests.device_trees import grow, pc, pc_with_two_gpus
from tests.fake_nvml import H200, T4
from tests.fake_system import FakeSystem
from tracer.reports.compare import comparability
from tracer.reports.machine_report import machine_lines
from tracer.reports.report import build_report
from tracer.reports.run_limits import why_no_limits
from tracer.runs.run_store import StoredRun, stored_run

GPU = {"name": "tensorflow", "device": "/device:GPU:0", "threads": None}
FACTS: dict[str, Any] = {
    "backend": GPU,
    "cpu": "A CPU",
    "host": "bench",
    "gpus": [
        {
            "name": "NVIDIA H200",
            "uuid": "GPU-1",
            "used": True,
            "compute_capability": "9.0",
            "memory_bytes": 150_109_880_320,
            "ecc": "on",
            "persistence": "off",
            "mig": "off",
            "power_limit_mw": 700_000,
        }
    ],
    "cuda": {"driver": "580.1", "driver_version": "13.0", "runtime_version": "12.5", "cudnn": "9.3.0", "mps": False},
    "machine": {
        "governor": "performance",
        "processors": 16,
        "power_mode": "MAXN",
        "processors_allowed": 16,
        "cpu_quota": None,
        "virtual_machine": False,
        "virtual_machine_seen_by": "the CPU has no flag hypervisor",
        "container": False,
        "container_seen_by": "process 1 is systemd",
    },
}


def changed(part: str, **facts: Any) -> dict[str, Any]:
    old = FACTS[part]
    return {part: [{**old[0], **facts}] if part == "gpus" else {**old, **facts}}


def run_of(traces: Path, name: str, **facts: Any) -> StoredRun:
    return stored_run(plain_run(traces, name, **{**FACTS, **facts}))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (changed("gpus", uuid="GPU-2"), "two GPUs: NVIDIA H200 (GPU-1) against NVIDIA H200 (GPU-2)"),
        (changed("gpus", mig="on"), "other state of MIG: off against on"),
        (changed("gpus", ecc="off"), "other state of ECC: on against off"),
        (changed("cuda", driver="595.78"), "other GPU driver: 580.1 against 595.78"),
        (changed("cuda", mps=True), "MPS ran in one of them: no against yes"),
        (changed("gpus", power_limit_mw=450_000), "other power limit of the GPU: 700 W against 450 W"),
        (changed("machine", power_mode="15W"), "other power mode: MAXN against 15W"),
        (changed("machine", governor="schedutil"), "other governor: performance against schedutil"),
        (changed("machine", processors_allowed=4), "other number of processors allowed: 16 against 4"),
        (changed("machine", cpu_quota=2.5), "other CPU quota: none against 2.5"),
        (changed("machine", virtual_machine=True), "a virtual machine in one of them: no against yes"),
        ({"gpus": []}, "the GPU was not recorded in two: whether it was the same is not known"),
    ],
)
def test_compare_warns_of_what_differs_about_the_machine_with_both_values(
    tmp_path: Path, facts: dict[str, Any], said: str
) -> None:
    one, same, two = run_of(tmp_path, "one"), run_of(tmp_path, "same"), run_of(tmp_path, "two", **facts)
    usual = comparability(one, same).warnings
    found = comparability(one, two)
    assert not found.refusals
    assert set(found.warnings) - set(usual) - {one for one in found.warnings if "frequencies not" in one} == {said}


def test_compare_refuses_another_gpu_and_is_silent_where_a_fact_is_not_known(tmp_path: Path) -> None:
    one = run_of(tmp_path, "one")
    other = run_of(tmp_path, "other", **changed("gpus", name="Tesla T4", uuid="GPU-2"))
    assert "other GPU: NVIDIA H200 against Tesla T4" in comparability(one, other).refusals
    unknown = run_of(tmp_path, "unknown", **changed("machine", governor=None))
    assert not any("governor" in warning for warning in comparability(one, unknown).warnings)


def test_a_report_names_the_gpu_and_the_machine_and_what_was_not_recorded(tmp_path: Path) -> None:
    gpu, machine = machine_lines(build_report(run_of(tmp_path, "whole"))["run"])
    assert gpu == (
        "GPU: NVIDIA H200, compute capability 9.0, 150 GB, power limit 700 W, driver 580.1, CUDA driver 13.0, "
        "CUDA runtime 12.5, cuDNN 9.3.0, ECC on, persistence off, MIG off, MPS off"
    )
    assert machine == (
        "Machine: A CPU, power mode MAXN, governor performance, 16 of 16 processors, "
        "no virtual machine (the CPU has no flag hypervisor), no container (process 1 is systemd)"
    )
    lacking = run_of(tmp_path, "lacking", **changed("cuda", cudnn=None), machine={})
    gpu, machine = machine_lines(build_report(lacking)["run"])
    assert gpu.endswith("; not known: cuDNN")
    assert machine.endswith(
        "not known: governor, processors allowed, whether in a virtual machine, whether in a container"
    )


def test_the_h200_run_that_lacks_its_gpu_says_so_and_nothing_is_guessed(shared_data: Path) -> None:
    report = build_report(stored_run(shared_data / "h200" / "run"))
    gpu, machine = machine_lines(report["run"])
    assert gpu == "GPU: its name and driver not recorded; `kws-trace doctor` says whether a new run would"
    assert "not known: governor" in machine
    assert report["limits"] is None
    assert any("does not say which GPU it used" in note for note in report["notes"])


def test_limits_of_a_gpu_that_is_in_no_table_point_to_what_measures_it(tmp_path: Path) -> None:
    counts = ("operations", "macs", "parameters", "weight_bytes", "moved_bytes", "least_moved_bytes")
    info = run_of(tmp_path, "odd", **changed("gpus", name="NVIDIA Odd"), cost=dict.fromkeys(counts, 5)).info
    why = why_no_limits(info, None)
    assert why is not None
    assert "the peaks of NVIDIA Odd are not in our table" in why
    assert "kws-trace bandwidth" in why
    assert why_no_limits(replace(info, backend={"device": "CPU"}), None) is None


class FakeLibrary(SimpleNamespace):
    """Functions by name, as ctypes gives them: each answers into its first argument, 0 is success."""


def library(name: str) -> Any:
    def give(value: int) -> Any:
        def call(target: Any, *_: Any) -> int:
            target._obj.value = value
            return 0

        return call

    def uuid(target: Any, _: Any) -> int:
        target.raw = bytes.fromhex("8cfd9375223d08fa99e254b8a71a358d")
        return 0

    attributes = {75: 9, 76: 0, 32: 1}
    libraries = {
        "libcuda": FakeLibrary(
            cuDriverGetVersion=give(13_000),
            cuDeviceGet=lambda target, ordinal: give(ordinal)(target),
            cuDeviceGetName=lambda target, *_: setattr(target, "value", b"NVIDIA H200") or 0,
            cuDeviceGetUuid=uuid,
            cuDeviceGetAttribute=lambda target, which, _: give(attributes[which])(target),
            cuDeviceTotalMem_v2=give(150_109_880_320),
        ),
        "libcudart": FakeLibrary(cudaRuntimeGetVersion=lambda _: 35),
    }
    return libraries.get(name)


def test_the_loaded_cuda_says_which_gpu_is_used_and_what_it_does_not_say_is_none() -> None:
    assert loaded_cuda(0, library) == {
        "driver_version": "13.0",
        "runtime_version": None,
        "cudnn": None,
        "name": "NVIDIA H200",
        "uuid": H200["uuid"],
        "compute_capability": "9.0",
        "memory_bytes": 150_109_880_320,
        "ecc": "on",
    }
    nothing = loaded_cuda(0, lambda _: None)
    assert set(nothing.values()) == {None}


@pytest.mark.parametrize(("number", "text"), [(8_907, "8.9.7"), (90_300, "9.3.0"), (91_002, "9.10.2")])
def test_cudnn_s_version_is_read_as_both_of_its_generations_write_it(number: int, text: str) -> None:
    cudnn = FakeLibrary(cudnnGetVersion=ctypes.CFUNCTYPE(ctypes.c_size_t)(lambda: number))
    assert loaded_cuda(0, {"libcudnn": cudnn}.get)["cudnn"] == text


def test_a_library_is_asked_only_where_this_process_has_loaded_it() -> None:
    # In a process of its own: a test before this one may have loaded TensorFlow, and that the driver.
    code = "from runner.device.loaded_cuda import loaded_library as it; print(it('libcuda'), it('libc') is None)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["None", "False"]


@pytest.mark.parametrize(
    ("program", "mode"),
    [
        ("echo 'NV Fan Mode:quiet'; echo 'NV Power Mode: MODE_15W_6CORE'; echo 2", "MODE_15W_6CORE"),
        ("echo 'NVPM ERROR: not root' >&2; exit 1", None),
        (None, None),
    ],
)
def test_a_jetson_s_power_mode_is_asked_of_nvpmodel_and_of_a_pc_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, mode: str | None
) -> None:
    if program is not None:
        tool = tmp_path / "bin" / "nvpmodel"
        tool.parent.mkdir()
        tool.write_text(f"#!/bin/sh\n{program}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert power_mode(grow(tmp_path / "jetson", {"etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >"})) == mode
    assert power_mode(tmp_path / "pc") is None


@pytest.mark.parametrize(
    ("files", "machine", "container"),
    [
        ({"proc/cpuinfo": "flags : fpu hypervisor"}, (True, "the CPU's flag hypervisor"), (None, None)),
        ({"proc/cpuinfo": "flags : fpu"}, (False, "the CPU has no flag hypervisor"), (None, None)),
        ({"proc/cpuinfo": "Features : fp asimd"}, (None, None), (None, None)),
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, (True, "DMI's sys_vendor: QEMU"), (None, None)),
        ({".dockerenv": ""}, (None, None), (True, "/.dockerenv")),
        (
            {"proc/1/cgroup": "0::/kubepods/pod1", "proc/1/comm": "sh"},
            (None, None),
            (True, "/proc/1/cgroup: kubepods"),
        ),
        ({"proc/1/comm": "systemd"}, (None, None), (False, "process 1 is systemd")),
    ],
)
def test_a_virtual_machine_and_a_container_are_said_with_where_they_were_seen(
    tmp_path: Path, files: dict[str, str | int], machine: Any, container: Any
) -> None:
    found = host_facts(grow(tmp_path, files))
    assert (found["virtual_machine"], found["virtual_machine_seen_by"]) == machine
    assert (found["container"], found["container_seen_by"]) == container


def test_processors_and_a_quota_are_those_of_this_process(tmp_path: Path) -> None:
    root = pc(tmp_path)
    assert host_facts(root)["governor"] == "performance"
    assert host_facts(root)["processors_allowed"] == len(os.sched_getaffinity(0))
    assert host_facts(root)["cpu_quota"] is None
    assert host_facts(grow(root, {"sys/fs/cgroup/cpu.max": "max 100000"}))["cpu_quota"] is None
    assert host_facts(grow(root, {"sys/fs/cgroup/cpu.max": "250000 100000"}))["cpu_quota"] == 2.5
    assert check_host(FakeSystem(root)).state == "warning"


def test_mps_is_seen_by_its_pipe_or_its_process_and_not_denied_in_a_container(tmp_path: Path) -> None:
    bare = pc_with_two_gpus(tmp_path / "bare")
    assert mps_runs({}, bare) is False
    assert mps_runs({}, grow(tmp_path / "container", {".dockerenv": ""})) is None
    assert mps_runs({"CUDA_MPS_PIPE_DIRECTORY": "/mps"}, grow(tmp_path / "pipe", {"mps/control": ""})) is True
    assert mps_runs({}, grow(bare, {"proc/77/comm": "nvidia-cuda-mps-control"})) is True


def doctored(root: Path, told: dict[str, Any] | None) -> dict[str, Check]:
    system = FakeSystem(root)
    if told is not None:
        system.programs[tuple(module_command("runner.device.nvml"))] = Ran(0, json.dumps(told))
    return {f"{found.check} {place}": found for place, found in enumerate(check_gpus(system))}


def asked(gpu: dict[str, Any], **facts: Any) -> dict[str, Any]:
    names = {"name": gpu["name"], "uuid": gpu["uuid"], "compute_capability": "9.0", "memory_bytes": gpu["memory"]}
    states = {"ecc": "on", "persistence": "on", "mig": "off", "reasons": 0}
    return {**names, **states, "sampled": [["gpu", "frequency_hz"]], "unsampled": [], **facts}


def test_the_doctor_says_of_each_gpu_what_a_run_will_sample_and_what_disturbs_it(tmp_path: Path) -> None:
    root = pc_with_two_gpus(tmp_path)
    told = {"problem": None, "driver": "580.159.04", "cuda_driver": "13.0"}
    fine = doctored(root, {**told, "gpus": [asked(H200), asked(T4)]})
    assert [found.state for found in fine.values()] == ["fine"] * 5
    assert "NVIDIA H200, compute capability 9.0, 151 GB, driver 580.159.04, CUDA driver 13.0" in fine["GPU 0"].said
    for facts, remedy in (
        ({"persistence": "off"}, "nvidia-smi -pm 1"),
        ({"mig": "on"}, "nvidia-smi -mig 0"),
        ({"reasons": 0x4}, "more power"),
    ):
        found = doctored(root, {**told, "gpus": [asked(H200, **facts)]})["GPU 0"]
        assert found.state == "warning"
        assert remedy in str(found.remedy)
    silent = doctored(root, {**told, "gpus": [asked(H200, sampled=[], unsampled=["gpu power_mw: no"])]})
    assert (silent["GPU sampling 1"].state, silent["GPU sampling 1"].remedy) == ("warning", "gpu power_mw: no")


def test_the_doctor_names_what_keeps_nvml_away_and_is_silent_without_nvidia_s_driver(tmp_path: Path) -> None:
    root = pc_with_two_gpus(tmp_path / "gpus")
    (found,) = doctored(root, {"problem": "pip install 'kws-trace[nvml]'"}).values()
    assert (found.state, found.remedy) == ("warning", "pip install 'kws-trace[nvml]'")
    (broken,) = doctored(root, None).values()
    assert "nvidia-smi" in str(broken.remedy)
    assert doctored(pc(tmp_path / "pc"), None) == {}
