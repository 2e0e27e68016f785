"""A PC's GPU through NVML: what is sampled of it, in which process, and what is told where it cannot be."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.device import nvml
from runner.device.gpu_facts import asks_nvml, nvml_facts, pc_has_gpu, run_gpu_facts, sampled_gpu
from runner.device.sampler import DeviceSampler
from tests.children import wait_until
from tests.device_trees import jetson_orin, pc, pc_with_two_gpus
from tests.fake_nvml import H200, MODULE, NOT_INSTALLED, T4, FakeNvml
from tests.recorded import samples_of
from tracer.device.device_samples import throttle_words
from tracer.device.sample_journal import SampleJournal, read_sample_journal
from tracer.runs.sample_store import keep_samples, sample_journal_path

SAMPLED = {
    ("gpu", "frequency_hz"): 1_980_000_000,
    ("gpu_memory", "frequency_hz"): 3_201_000_000,
    ("gpu", "power_mw"): 118_500,
    ("thermal:gpu", "temperature_mc"): 41_000,
    ("gpu", "throttle_reasons"): 0,
    ("gpu", "utilisation_percent"): 7,
}


@contextmanager
def sampling(
    fake: FakeNvml, monkeypatch: pytest.MonkeyPatch, folder: Path, uuid: str, root: Path | None = None
) -> Iterator[Path]:
    """Every 20 ms under ``root``, else under an empty tree; gives the journal once a sweep is in it."""
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    folder.mkdir(exist_ok=True)
    journal = sample_journal_path(folder)
    sampler = DeviceSampler.start(journal, 20, root or folder, uuid)
    assert sampler is not None
    try:
        wait_until(lambda: journal.read_text().count("\n") > 1, "a sweep")
        yield journal
    finally:
        assert sampler.stop()


def last(journal: SampleJournal) -> dict[tuple[str, str], int]:
    return {(one.source, one.quantity): one.value for one in samples_of(journal)}


def test_a_gpu_s_clocks_power_heat_throttling_and_load_are_sampled_beside_the_cpu_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeNvml(tmp_path / "nvml", H200)
    with sampling(fake, monkeypatch, tmp_path / "run", "", pc(tmp_path / "pc")) as journal:
        pass
    found = read_sample_journal(journal)
    assert last(found).items() >= {**SAMPLED, ("cpu0", "frequency_hz"): 3_000_000_000}.items()
    assert (found.problems, found.failures) == ((), {})
    assert "pynvml" not in sys.modules


@pytest.mark.parametrize(
    ("uuid", "hertz"), [(T4["uuid"], 1_590_000_000), ("GPU-8cfd", 1_980_000_000), ("MIG-4", 1_590_000_000)]
)
def test_of_several_gpus_the_one_that_the_dut_uses_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uuid: str, hertz: int
) -> None:
    with sampling(FakeNvml(tmp_path / "nvml", H200, T4), monkeypatch, tmp_path / "run", uuid) as journal:
        pass
    assert last(read_sample_journal(journal))[("gpu", "frequency_hz")] == hertz


@pytest.mark.parametrize(
    ("gpus", "facts", "uuid", "told"),
    [
        ([H200], {"module": NOT_INSTALLED}, "", "pip install 'kws-trace[nvml]'"),
        ([H200], {"init": 12}, "", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"),
        ([H200], {"init": 4}, "", "ls -l /dev/nvidia*"),
        ([H200], {"init": 18}, "", "reboot"),
        ([H200, T4], {}, "", "which of several GPUs the DUT uses is not known"),
        ([H200], {}, "GPU-none", "NVML knows no GPU GPU-none"),
    ],
)
def test_what_keeps_nvml_from_answering_is_told_once_with_its_remedy_and_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: list[Any], facts: dict[str, Any], uuid: str, told: str
) -> None:
    fake = FakeNvml(tmp_path / "nvml", *gpus, **facts)
    with sampling(fake, monkeypatch, tmp_path / "run", uuid, pc(tmp_path / "pc")) as journal:
        wait_until(lambda: journal.read_text().count("\n") > 3, "some sweeps")
    assert last(read_sample_journal(journal))[("cpu0", "frequency_hz")] == 3_000_000_000
    (problem,) = keep_samples(journal.parent, "run")
    assert problem.startswith("GPU frequencies: ")
    assert told in problem


def test_a_gpu_that_is_lost_is_told_once_and_its_samples_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml(tmp_path / "nvml", H200)
    with sampling(fake, monkeypatch, tmp_path / "run", "") as journal:
        fake.tell({**H200, "lost": True})
        wait_until(lambda: "lost" in journal.read_text(), "the loss")
        lines = journal.read_text().count("\n")
        wait_until(lambda: journal.read_text().count("\n") > lines + 2, "sweeps after it")
    told = keep_samples(journal.parent, "run")
    assert len(told) == 1
    assert "the GPU was lost" in told[0]
    assert "nvidia-smi --gpu-reset" in told[0]


@pytest.mark.parametrize(("mig", "why"), [(1, " of a GPU in MIG mode (Not Supported)"), (0, " (Not Supported)")])
def test_a_quantity_that_nvml_does_not_tell_is_named_and_the_others_are_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mig: int, why: str
) -> None:
    gpu = {**H200, "mig": mig, "utilisation": {"error": 3}, "power": {"error": 3}}
    with sampling(FakeNvml(tmp_path / "nvml", gpu), monkeypatch, tmp_path / "run", "") as journal:
        pass
    found = read_sample_journal(journal)
    assert set(last(found)) == set(SAMPLED) - {("gpu", "power_mw"), ("gpu", "utilisation_percent")}
    assert found.problems == (f"gpu power_mw, gpu utilisation_percent: NVML does not tell it{why}",)


def cuda(**facts: Any) -> dict[str, Any]:
    """Of a process in which the runtime's CUDA is loaded, as ``loaded_cuda``."""
    names = (
        "driver_version",
        "runtime_version",
        "cudnn",
        "name",
        "uuid",
        "compute_capability",
        "memory_bytes",
        "ecc",
    )
    return {**dict.fromkeys(names), **facts}


def facts_of(root: Path, told: Mapping[str, Any], loaded: Mapping[str, Any], **environment: str) -> dict[str, Any]:
    return run_gpu_facts("/device:GPU:0", environment, root, lambda: dict(told), lambda _: dict(loaded))


def test_the_facts_of_a_run_name_each_gpu_and_the_one_that_cuda_gave_the_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pc_with_two_gpus(tmp_path / "pc")
    for name, value in FakeNvml(tmp_path / "nvml", H200, T4).environment.items():
        monkeypatch.setenv(name, value)
    loaded = cuda(driver_version="13.0", runtime_version="12.5", cudnn="9.3.0", uuid=T4["uuid"])
    found = facts_of(root, nvml_facts(), loaded)
    assert found["cuda"] == {
        "driver": "580.159.04",
        "driver_version": "13.0",
        "runtime_version": "12.5",
        "cudnn": "9.3.0",
        "mps": False,
    }
    states = {"ecc": "on", "persistence": "on"}
    assert found["gpus"] == [
        {
            "name": "NVIDIA H200",
            "uuid": H200["uuid"],
            "used": False,
            "compute_capability": "9.0",
            "memory_bytes": H200["memory"],
            **states,
            "mig": "off",
            "power_limit_mw": 700_000,
        },
        {
            "name": "Tesla T4",
            "uuid": T4["uuid"],
            "used": True,
            "compute_capability": "7.5",
            "memory_bytes": T4["memory"],
            **states,
            "mig": "not supported",
            "power_limit_mw": 700_000,
        },
    ]
    assert sampled_gpu("/device:GPU:0", found["gpus"], root) == T4["uuid"]
    assert sampled_gpu("CPU", found["gpus"], root) is None


def test_without_nvml_the_driver_s_files_and_the_loaded_cuda_say_what_they_know(tmp_path: Path) -> None:
    root, silent = pc_with_two_gpus(tmp_path), {"problem": "no", "driver": None, "cuda_driver": None, "gpus": []}
    named = facts_of(root, silent, cuda(), CUDA_VISIBLE_DEVICES="GPU-1b5e")
    assert [(one["name"], one["used"]) for one in named["gpus"]] == [("NVIDIA H200", False), ("Tesla T4", True)]
    assert (named["cuda"]["driver"], named["cuda"]["driver_version"]) == ("580.159.04", None)
    unknown = facts_of(root, silent, cuda())
    assert [one["used"] for one in unknown["gpus"]] == [None, None]
    assert sampled_gpu("GPU:0", unknown["gpus"], root) == ""
    assert unknown["gpus"][0]["ecc"] is None
    loaded = cuda(uuid=T4["uuid"], compute_capability="7.5", ecc="off", memory_bytes=5)
    part = facts_of(root, {**silent, "gpus": [H200 | {"compute_capability": None}]}, cuda(uuid="GPU-of-a-MIG-part"))
    assert [one["used"] for one in part["gpus"]] == [True]
    known = facts_of(root, silent, loaded)["gpus"]
    assert [(one["compute_capability"], one["ecc"]) for one in known] == [(None, None), ("7.5", "off")]


def test_an_orin_is_read_under_sys_and_named_by_its_loaded_cuda(tmp_path: Path) -> None:
    root = jetson_orin(tmp_path)
    (root / "dev").mkdir()
    (root / "dev/nvidiactl").touch()
    assert not asks_nvml(root)
    loaded = cuda(name="Orin", uuid="GPU-o", compute_capability="8.7", driver_version="12.6")
    found = run_gpu_facts("GPU:0", {}, root, lambda: pytest.fail("NVML was asked"), lambda _: loaded)
    (gpu,) = found["gpus"]
    assert (gpu["name"], gpu["compute_capability"], gpu["used"]) == ("Orin", "8.7", True)
    assert sampled_gpu("GPU:0", found["gpus"], root) is None


def test_below_windows_nvml_is_asked_though_no_driver_is_in_proc(tmp_path: Path) -> None:
    assert not asks_nvml(pc(tmp_path))
    (tmp_path / "usr/lib/wsl/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/wsl/lib/libnvidia-ml.so.1").touch()
    assert asks_nvml(tmp_path)
    assert pc_has_gpu(tmp_path)
    assert sampled_gpu("GPU:0", [{"uuid": T4["uuid"], "used": True}], tmp_path) == T4["uuid"]


def test_a_container_that_holds_the_drivers_device_alone_has_no_gpu(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()
    assert asks_nvml(tmp_path)
    assert not pc_has_gpu(tmp_path)
    (tmp_path / "dev/nvidia3").touch()
    assert pc_has_gpu(tmp_path)


def test_the_stand_in_takes_what_nvidias_package_takes() -> None:
    real, played = pytest.importorskip("pynvml"), dict[str, Any]()
    exec(MODULE, played)
    for name in [one for one in played if one.startswith("nvml")]:
        taken = inspect.signature(getattr(real, name)).parameters.values()
        needed = [one for one in taken if one.default is inspect.Parameter.empty]
        assert len(needed) == len(inspect.signature(played[name]).parameters), name
    assert (real.NVML_CLOCK_SM, real.NVML_CLOCK_MEM, real.NVML_TEMPERATURE_GPU) == (1, 2, 0)
    codes = {nvml.NOT_SUPPORTED, nvml.NO_PERMISSION, nvml.GPU_IS_LOST, nvml.RESET_REQUIRED, *nvml.REMEDIES}
    names = ("NOT_SUPPORTED", "NO_PERMISSION", "GPU_IS_LOST", "RESET_REQUIRED", "DRIVER_NOT_LOADED")
    names += ("LIBRARY_NOT_FOUND", "LIB_RM_VERSION_MISMATCH")
    assert codes == {getattr(real, f"NVML_ERROR_{name}") for name in names}
    assert real.NVMLError(nvml.NOT_SUPPORTED).value == nvml.NOT_SUPPORTED


def test_a_run_on_the_cpu_asks_nothing_of_a_gpu(tmp_path: Path) -> None:
    root = pc_with_two_gpus(tmp_path)
    found = run_gpu_facts("CPU", {}, root, lambda: pytest.fail("asked"), lambda _: pytest.fail("asked"))
    assert [one["used"] for one in found["gpus"]] == [False, False]


def test_the_words_of_throttling_leave_out_an_idle_gpu_and_clocks_that_the_user_set() -> None:
    assert throttle_words(0x1 | 0x2 | 0x100) == ()
    assert throttle_words(0x4 | 0x40 | 0x1) == ("power cap", "hardware thermal slowdown")
