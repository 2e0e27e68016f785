"""What is sampled on a Nano, an Orin, a Thor and a PC, and in which units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.device.board import Board, read_board
from runner.device.cpu import CpuPolicy, cpu_policies
from runner.device.gpu import GpuState, gpu_states, nvidia_gpus
from runner.device.sampler import all_sensors, sampled_sources
from runner.device.sysfs import OpenSensor, open_sensors
from runner.device.thermal import thermal_zones, throttles
from tests.device_trees import grow, jetson_nano, jetson_orin, jetson_orin_7, jetson_thor, pc


def readings(root: Path) -> dict[tuple[str, str], int | None]:
    opened = open_sensors(all_sensors(root))
    try:
        return {(one.sensor.source, one.sensor.quantity): one.read() for one in opened}
    finally:
        for one in opened:
            one.close()


def test_a_nano_is_sampled_by_its_iio_rails_and_its_debug_clocks(tmp_path: Path) -> None:
    assert readings(jetson_nano(tmp_path)) == {
        ("cpu0", "frequency_hz"): 1_479_000_000,
        ("gpu", "frequency_hz"): 921_600_000,
        ("emc", "frequency_hz"): 1_600_000_000,
        ("thermal:AO-therm", "temperature_mc"): 41_500,
        ("thermal:CPU-therm", "temperature_mc"): 38_000,
        ("thermal:PMIC-Die", "temperature_mc"): 100_000,
        ("rail:POM_5V_IN", "power_mw"): 2_104,
        ("rail:POM_5V_GPU", "power_mw"): 82,
        ("rail:POM_5V_CPU", "power_mw"): 600,
        ("throttle:gpu-balanced", "throttle_level"): 0,
    }


def test_an_orin_is_sampled_by_its_hwmon_rails_without_channels_that_are_none(tmp_path: Path) -> None:
    assert readings(jetson_orin(tmp_path)) == {
        ("cpu0", "frequency_hz"): 729_600_000,
        ("cpu4", "frequency_hz"): 1_113_600_000,
        ("gpu", "frequency_hz"): 306_000_000,
        ("thermal:cpu-thermal", "temperature_mc"): 47_250,
        ("thermal:cv0-thermal", "temperature_mc"): None,
        ("rail:VDD_IN", "power_mw"): 4_920,
        ("rail:VDD_CPU_GPU_CV", "power_mw"): 840,
        ("throttle:cpu-throttle-alert", "throttle_level"): 0,
        ("throttle:oc3", "throttle_count"): 4,
    }


def test_a_thors_video_clock_is_no_second_gpu_and_its_memory_clock_is_bwmgr(tmp_path: Path) -> None:
    assert readings(jetson_thor(tmp_path)) == {
        ("cpu0", "frequency_hz"): 2_601_000_000,
        ("gpu", "frequency_hz"): 1_575_000_000,
        ("emc", "frequency_hz"): 4_266_000_000,
        ("thermal:cpu-thermal", "temperature_mc"): 41_000,
    }
    (gpu,) = gpu_states(tmp_path)
    assert gpu.name == "gpu-gpc-0"
    assert gpu.pinned


def test_a_pc_is_sampled_by_policies_and_throttle_counts(tmp_path: Path) -> None:
    assert readings(pc(tmp_path)) == {
        ("cpu0", "frequency_hz"): 3_000_000_000,
        ("cpu10", "frequency_hz"): 2_900_000_000,
        ("throttle:cpu0:core", "throttle_count"): 5,
        ("throttle:cpu0:package", "throttle_count"): 7,
        ("throttle:cpu1:core", "throttle_count"): 0,
        ("thermal:x86_pkg_temp", "temperature_mc"): 52_000,
        ("throttle:Processor:0", "throttle_level"): 0,
        ("throttle:Processor:1", "throttle_level"): 0,
    }


def test_a_machine_that_tells_nothing_has_no_sources(tmp_path: Path) -> None:
    assert sampled_sources(tmp_path) == ()


def test_a_monitor_that_gives_power_itself_gives_it_in_microwatts(tmp_path: Path) -> None:
    monitor = "sys/class/hwmon/hwmon0"
    grow(tmp_path, {f"{monitor}/name": "ina3221", f"{monitor}/in1_label": "VDD IN"})
    grow(tmp_path, {f"{monitor}/power1_input": 4_113_000, f"{monitor}/in1_input": 1, f"{monitor}/curr1_input": 1})
    assert readings(tmp_path) == {("rail:VDD_IN", "power_mw"): 4_113}


def test_a_rail_that_is_switched_off_is_no_rail(tmp_path: Path) -> None:
    jetson_orin(tmp_path)
    grow(tmp_path, {"sys/class/hwmon/hwmon1/in2_enable": 0, "sys/class/hwmon/hwmon1/in1_enable": 1})
    rails = [source for source, quantity in sampled_sources(tmp_path) if quantity == "power_mw"]
    assert rails == ["rail:VDD_IN"]


def test_the_gpu_is_found_under_each_name_that_a_release_gave_it(tmp_path: Path) -> None:
    for name in ("57000000.gpu", "17000000.gp10b", "17000000.gv11b", "17000000.ga10b", "gpu-gpc-0"):
        root = grow(tmp_path / name, {f"sys/class/devfreq/{name}/cur_freq": 1})
        assert sampled_sources(root) == (("gpu", "frequency_hz"),)
    root = grow(tmp_path / "other", {"sys/class/devfreq/15340000.vic/cur_freq": 1})
    assert sampled_sources(root) == ()


def test_each_gpu_of_nvidias_driver_has_its_name_and_uuid(tmp_path: Path) -> None:
    for bus, uuid in (("0000:00:06.0", "GPU-8cfd9375"), ("0000:00:07.0", "GPU-7")):
        folder = tmp_path / "proc/driver/nvidia/gpus" / bus
        folder.mkdir(parents=True)
        text = f"Model: \t\t NVIDIA H200\nIRQ:   \t\t 11\nGPU UUID: \t {uuid}\nBus Location: \t {bus}\n"
        (folder / "information").write_text(text)
    found = [{"name": "NVIDIA H200", "uuid": uuid} for uuid in ("GPU-8cfd9375", "GPU-7")]
    assert nvidia_gpus(tmp_path) == found
    assert nvidia_gpus(tmp_path / "none") == []


def test_a_file_is_read_again_without_being_opened_again(tmp_path: Path) -> None:
    path = jetson_nano(tmp_path) / "sys/class/devfreq/57000000.gpu/cur_freq"
    (sensor,) = [one for one in open_sensors(all_sensors(tmp_path)) if one.sensor.source == "gpu"]
    assert sensor.read() == 921_600_000
    path.write_text("76800000\n")
    assert sensor.read() == 76_800_000
    path.write_text("")
    assert sensor.read() is None
    sensor.close()


def test_a_sensor_whose_second_file_is_missing_is_none(tmp_path: Path) -> None:
    jetson_orin(tmp_path)
    (tmp_path / "sys/class/hwmon/hwmon1/curr1_input").unlink()
    assert ("rail:VDD_IN", "power_mw") not in sampled_sources(tmp_path)
    (sensor,) = [one for one in all_sensors(tmp_path) if one.source == "rail:VDD_IN"]
    with pytest.raises(FileNotFoundError):
        OpenSensor(sensor)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (jetson_nano, Board("NVIDIA Jetson Nano Developer Kit", True, "32.7.1", 4)),
        (jetson_orin, Board("NVIDIA Jetson Orin Nano Developer Kit", True, "36.4.3", 6)),
        (jetson_orin_7, Board("NVIDIA Jetson Orin Nano Developer Kit", True, "39.2.0", 7)),
        (jetson_thor, Board("NVIDIA Jetson AGX Thor Developer Kit", True, "38.2.0", 7)),
        (pc, Board(None, False, None, None)),
    ],
)
def test_a_board_says_what_it_is(tmp_path: Path, tree: Callable[[Path], Path], expected: Board) -> None:
    assert read_board(tree(tmp_path)) == expected


@pytest.mark.parametrize(
    ("lowest", "highest", "governor", "stays"),
    [
        (918, 918, "nvhost_podgov", True),
        (114, 918, "nvhost_podgov", False),
        (114, 918, "performance", True),
        (None, None, "performance", True),
        (None, None, None, False),
        (None, 918, "schedutil", False),
    ],
)
def test_one_rule_says_whether_a_frequency_of_the_cpu_or_the_gpu_stays(
    lowest: int | None, highest: int | None, governor: str | None, stays: bool
) -> None:
    assert CpuPolicy(0, governor, None, lowest, highest).pinned is stays
    assert GpuState("17000000.gpu", governor, None, lowest, highest, None).pinned is stays


def test_pinned_clocks_are_told_from_free_ones(tmp_path: Path) -> None:
    nano, orin, desktop = (tree(tmp_path / tree.__name__) for tree in (jetson_nano, jetson_orin, pc))
    assert [policy.pinned for policy in cpu_policies(nano)] == [True]
    assert [policy.pinned for policy in cpu_policies(orin)] == [False, False]
    assert [(policy.number, policy.pinned) for policy in cpu_policies(desktop)] == [(0, True), (10, True)]
    assert [(gpu.pinned, gpu.railgated) for gpu in gpu_states(nano)] == [(True, False)]
    assert [(gpu.pinned, gpu.railgated) for gpu in gpu_states(orin)] == [(False, True)]


def test_a_zone_knows_where_it_throttles_and_one_that_is_off_has_no_temperature(tmp_path: Path) -> None:
    zones = thermal_zones(jetson_orin(tmp_path / "orin"))
    assert [(zone.name, zone.temperature_mc, zone.throttles_at_mc) for zone in zones] == [
        ("cpu-thermal", 47_250, 97_000),
        ("cv0-thermal", None, 97_000),
    ]
    assert [zone.name for zone in thermal_zones(jetson_nano(tmp_path / "nano"))] == ["AO-therm", "CPU-therm"]


def test_a_fan_at_work_is_no_throttling(tmp_path: Path) -> None:
    assert [(one.name, one.is_count, one.value) for one in throttles(jetson_orin(tmp_path))] == [
        ("cpu-throttle-alert", False, 0),
        ("oc3", True, 4),
    ]
