"""``kws-trace bandwidth``: copies by direction, memory and size."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.bench.bandwidth import measurement as bandwidth_job
from runner.bench.bandwidth.measurement import SIZES, measure_bandwidth
from runner.cli import app
from runner.device.cuda_driver import CudaDriver, CudaError, NoGpuError, load_library
from tests.fake_cuda import NO_DEVICE, OUT_OF_MEMORY, FakeCuda
from tracer.errors import DeviceError
from tracer.reports.bandwidth_table import (
    DEVICE_TO_DEVICE,
    DEVICE_TO_HOST,
    HOST_TO_DEVICE,
    IN_MEMORY,
    PAGEABLE,
    PINNED,
    CopyTimes,
    build_bandwidth,
    render_bandwidth,
)


@pytest.fixture(autouse=True)
def _short_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth_job, "REPEAT_NS", 50_000)


def no_library() -> object:
    raise NoGpuError("libcuda.so.1 does not load")


def measured(cuda: FakeCuda, largest: int = 4000) -> dict[str, object]:
    return measure_bandwidth(None, largest, 3, lambda: cuda, cuda.clock)


def test_every_kind_is_measured_at_every_size_and_all_memory_is_given_back() -> None:
    cuda = FakeCuda()
    figures = measured(cuda)
    kinds = {(row["direction"], row["memory"], row["bytes"]) for row in figures["copies"]}  # type: ignore[attr-defined]
    ends = [(HOST_TO_DEVICE, PAGEABLE), (HOST_TO_DEVICE, PINNED), (DEVICE_TO_HOST, PAGEABLE)]
    ends += [(DEVICE_TO_HOST, PINNED), (DEVICE_TO_DEVICE, None)]
    assert kinds == {(*end, size) for end in ends for size in (48, 1960, 4000)}
    assert (cuda.held, cuda.pinned, cuda.contexts) == ({}, set(), 0)


def test_a_copy_takes_what_the_device_takes_and_the_clock_is_read_after_it() -> None:
    rows = measured(FakeCuda())["copies"]
    found = {(row["direction"], row["memory"]): row for row in rows if row["bytes"] == 4000}  # type: ignore[attr-defined]
    assert found[HOST_TO_DEVICE, PINNED]["copy_ns"] == 1100
    assert found[HOST_TO_DEVICE, PAGEABLE]["copy_ns"] == 2100
    assert found[DEVICE_TO_HOST, PINNED]["copy_ns"] == 600
    within = found[DEVICE_TO_DEVICE, None]
    assert within["copy_ns"] == 350
    # Read and written: two bytes a byte.
    assert within["bytes_per_s"] == pytest.approx(8000 / 350e-9)
    assert found[DEVICE_TO_HOST, PINNED]["bytes_per_s"] == pytest.approx(4000 / 600e-9)


def test_the_sizes_are_those_of_an_inference_and_of_the_2021_report() -> None:
    assert {48, 1960, 32_000_000} <= set(SIZES)


def test_a_version_and_a_shared_memory_are_told() -> None:
    driver = CudaDriver(FakeCuda(integrated=True))
    assert (driver.version, driver.integrated) == ("12.2", True)
    driver.close()


def test_bytes_arrive() -> None:
    cuda = FakeCuda()
    driver = CudaDriver(cuda)
    with driver.device_memory(8) as device, driver.pinned_memory(8) as host:
        cuda.held[host].raw = b"12345678"
        driver.call("cuMemcpyHtoD_v2", device, host, 8)
        cuda.held[host].raw = bytes(8)
        driver.call("cuMemcpyDtoH_v2", host, device, 8)
        assert cuda.held[host].raw == b"12345678"
    driver.close()


@pytest.mark.parametrize(
    "cuda", [FakeCuda(devices=0), FakeCuda(fails={"cuInit": NO_DEVICE}), FakeCuda(fails={"cuInit": 999})]
)
def test_without_a_device_memory_is_measured_and_it_is_said(cuda: FakeCuda) -> None:
    figures = measure_bandwidth(None, 2000, 2, lambda: cuda)
    assert {row["direction"] for row in figures["copies"]} == {IN_MEMORY}
    assert "no GPU" in figures["device"]["why_no_gpu"]
    with pytest.raises(NoGpuError, match="--device cpu"):
        measure_bandwidth("GPU:0", library=lambda: cuda)


def test_a_driver_that_lacks_a_function_is_too_old() -> None:
    cuda = FakeCuda()
    del cuda.cuMemAlloc_v2  # type: ignore[attr-defined]
    with pytest.raises(NoGpuError, match="cuMemAlloc_v2"):
        CudaDriver(cuda)


def test_a_device_of_another_number_is_refused() -> None:
    with pytest.raises(DeviceError, match="sees 1"):
        measure_bandwidth("gpu:1", library=FakeCuda)


@pytest.mark.parametrize("device", ["nano", "GPU:x", "GPU:-1", ""])
def test_a_device_that_is_none_is_refused(device: str) -> None:
    with pytest.raises(DeviceError):
        measure_bandwidth(device, library=no_library)


def test_memory_that_is_not_there_is_an_error_with_a_remedy_and_nothing_leaks() -> None:
    cuda = FakeCuda(fails={"cuMemHostAlloc": OUT_OF_MEMORY})
    with pytest.raises(CudaError, match="OUT_OF_MEMORY; free memory"):
        measured(cuda)
    assert (cuda.held, cuda.contexts) == ({}, 0)


def test_an_error_without_a_name_keeps_its_number() -> None:
    with pytest.raises(CudaError, match="cuMemcpyHtoD_v2 gives error 777"):
        measured(FakeCuda(fails={"cuMemcpyHtoD_v2": 777}))


def test_the_text_fits_80_columns_and_sets_the_nano_beside_it() -> None:
    figures = measure_bandwidth(None, 3000, 2, lambda: FakeCuda(integrated=True))
    times = [CopyTimes(DEVICE_TO_HOST, PAGEABLE, 32_000_000, 1, (9e9, 1.23e9))]
    figures |= build_bandwidth(times, gpu=True) | {"load": {"before": 9.0, "cpus": 2}}
    said = io.StringIO()
    render_bandwidth(figures, Console(file=said, width=80))
    text = " ".join(said.getvalue().split())
    assert max(map(len, said.getvalue().splitlines())) <= 80
    for part in (
        "CUDA 12.2",
        "32,000,000",
        "the GPU shares the system's memory: a copy between host and device stays in it a Jetson Nano",
        "device to device 16.7",
        "the load was",
    ):
        assert part in text, part


def test_the_command_without_a_gpu() -> None:
    words = ["bandwidth", "--device", "cpu", "--largest", "100000", "--repeats", "2"]
    said = CliRunner().invoke(app, words, env={"COLUMNS": "80", "TERM": "dumb"}, catch_exceptions=False)
    assert "Memory to memory, NumPy, one thread: --device cpu" in said.stdout
    assert "both counted" in said.stdout
    figures = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert [row["bytes"] for row in figures["copies"]] == [48, 1960, 16384, 100000]
    assert all(row["bytes_per_s"] > 0 for row in figures["copies"])


def test_a_real_gpu_gives_a_rate_for_every_kind_and_size() -> None:
    try:
        CudaDriver(load_library()).close()
    except NoGpuError as error:
        pytest.skip(f"needs a GPU: {error}")
    figures = measure_bandwidth("GPU:0", 4 << 20, 3)
    assert len(figures["copies"]) == 25
    assert all(row["bytes_per_s"] > 1e3 for row in figures["copies"])
