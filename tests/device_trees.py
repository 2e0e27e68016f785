"""Trees of ``/sys``, ``/proc`` and ``/etc`` that stand for a Nano, an Orin, a Thor and PCs; values of our own."""

from __future__ import annotations

from pathlib import Path

from tests.fake_nvml import H200, T4


def grow(root: Path, files: dict[str, str | int]) -> Path:
    """Write ``files``, paths under ``root``, each with the newline that the kernel ends its values with."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="utf-8")
    return root


def _policy(number: int, khz: int, low: int, high: int, governor: str) -> dict[str, str | int]:
    folder = f"sys/devices/system/cpu/cpufreq/policy{number}"
    return {
        f"{folder}/scaling_cur_freq": khz,
        f"{folder}/scaling_min_freq": low,
        f"{folder}/scaling_max_freq": high,
        f"{folder}/cpuinfo_max_freq": high,
        f"{folder}/scaling_governor": governor,
    }


def _zone(number: int, name: str, millidegrees: int) -> dict[str, str | int]:
    folder = f"sys/class/thermal/thermal_zone{number}"
    return {
        f"{folder}/type": name,
        f"{folder}/temp": millidegrees,
        f"{folder}/trip_point_0_type": "passive",
        f"{folder}/trip_point_0_temp": 97_000,
        f"{folder}/trip_point_1_type": "critical",
        f"{folder}/trip_point_1_temp": 102_500,
    }


def _cooling(number: int, name: str, level: int) -> dict[str, str | int]:
    folder = f"sys/class/thermal/cooling_device{number}"
    return {f"{folder}/type": name, f"{folder}/cur_state": level, f"{folder}/max_state": 3}


def _process_and_disk() -> dict[str, str | int]:
    return {"proc/loadavg": "0.10 0.08 0.05 1/200 4242", "proc/sys/kernel/perf_event_paranoid": 2}


def jetson_nano(root: Path) -> Path:
    """JetPack 4.6: iio rails, one cpufreq policy, a GPU at 57000000; clocks pinned as by ``jetson_clocks``."""
    rails = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    gpu = "sys/class/devfreq/57000000.gpu"
    return grow(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
            "proc/device-tree/compatible": "nvidia,p3450-0000\0nvidia,tegra210\0",
            "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 1, BOARD: t210ref, EABI: aarch64",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=5W >\n",
            **_policy(0, 1_479_000, 1_479_000, 1_479_000, "schedutil"),
            f"{gpu}/cur_freq": 921_600_000,
            f"{gpu}/min_freq": 921_600_000,
            f"{gpu}/max_freq": 921_600_000,
            f"{gpu}/governor": "nvhost_podgov",
            f"{gpu}/device/railgate_enable": 0,
            "sys/kernel/debug/clk/emc/clk_rate": 1_600_000_000,
            **_zone(0, "AO-therm", 41_500),
            **_zone(1, "CPU-therm", 38_000),
            **_zone(2, "PMIC-Die", 100_000),
            **_cooling(0, "pwm-fan", 2),
            **_cooling(1, "gpu-balanced", 0),
            f"{rails}/rail_name_0": "POM_5V_IN",
            f"{rails}/in_power0_input": 2_104,
            f"{rails}/rail_name_1": "POM_5V_GPU",
            f"{rails}/in_power1_input": 82,
            f"{rails}/rail_name_2": "POM_5V_CPU",
            f"{rails}/in_voltage2_input": 5_000,
            f"{rails}/in_current2_input": 120,
            **_process_and_disk(),
        },
    )


def jetson_orin(root: Path) -> Path:
    """JetPack 6 on an Orin Nano: hwmon rails, two policies under ``schedutil``, a GPU that railgates."""
    monitor = "sys/class/hwmon/hwmon1"
    gpu = "sys/class/devfreq/17000000.gpu"
    return grow(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0",
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 2, BOARD: generic, EABI: aarch64",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n",
            **_policy(0, 729_600, 729_600, 1_510_400, "schedutil"),
            **_policy(4, 1_113_600, 729_600, 1_510_400, "schedutil"),
            f"{gpu}/cur_freq": 306_000_000,
            f"{gpu}/min_freq": 306_000_000,
            f"{gpu}/max_freq": 624_750_000,
            f"{gpu}/governor": "nvhost_podgov",
            f"{gpu}/device/railgate_enable": 1,
            **_zone(0, "cpu-thermal", 47_250),
            **_zone(1, "cv0-thermal", -256_000),
            **_cooling(0, "pwm-fan", 1),
            **_cooling(1, "cpu-throttle-alert", 0),
            f"{monitor}/name": "ina3221",
            f"{monitor}/in1_label": "VDD_IN",
            f"{monitor}/in1_input": 5_000,
            f"{monitor}/curr1_input": 984,
            f"{monitor}/in2_label": "VDD_CPU_GPU_CV",
            f"{monitor}/in2_input": 5_000,
            f"{monitor}/curr2_input": 168,
            f"{monitor}/in3_label": "NC",
            f"{monitor}/in3_input": 0,
            f"{monitor}/curr3_input": 0,
            f"{monitor}/in7_label": "sum of shunt voltages",
            f"{monitor}/in7_input": 8_080,
            "sys/class/hwmon/hwmon2/name": "soctherm_oc",
            "sys/class/hwmon/hwmon2/oc3_event_cnt": 4,
            "sys/class/hwmon/hwmon2/oc3_throt_en": 1,
            **_process_and_disk(),
        },
    )


def jetson_orin_7(root: Path) -> Path:
    """The same Orin Nano with JetPack 7.2."""
    release = "# R39 (release), REVISION: 2.0, GCID: 3, BOARD: generic, EABI: aarch64"
    return grow(jetson_orin(root), {"etc/nv_tegra_release": release})


def jetson_thor(root: Path) -> Path:
    """JetPack 7.0 on a Thor: two devfreq folders that begin with ``gpu``, and the memory's ``bwmgr``."""
    compute, video, memory = (f"sys/class/devfreq/{name}" for name in ("gpu-gpc-0", "gpu-nvd-0", "bwmgr"))
    return grow(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson AGX Thor Developer Kit\0",
            "proc/device-tree/compatible": "nvidia,p4071-0000+p3834-0008\0nvidia,p3834-0008\0nvidia,tegra264\0",
            "etc/nv_tegra_release": "# R38 (release), REVISION: 2.0, GCID: 4, BOARD: generic, EABI: aarch64",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=120W >\n",
            **_policy(0, 2_601_000, 972_000, 2_601_000, "schedutil"),
            f"{compute}/cur_freq": 1_575_000_000,
            f"{compute}/min_freq": 1_575_000_000,
            f"{compute}/max_freq": 1_575_000_000,
            f"{compute}/governor": "nvhost_podgov",
            f"{video}/cur_freq": 1_692_000_000,
            f"{video}/min_freq": 315_000_000,
            f"{video}/max_freq": 1_692_000_000,
            f"{video}/governor": "nvhost_podgov",
            f"{memory}/cur_freq": 4_266_000_000,
            f"{memory}/governor": "bpmp-bwmgr",
            **_zone(0, "cpu-thermal", 41_000),
            **_cooling(0, "pwm-fan", 1),
            **_process_and_disk(),
        },
    )


def pc(root: Path) -> Path:
    """An x86 machine of two cores without a GPU that devfreq knows, its governor ``performance``."""
    cpu = "sys/devices/system/cpu"
    return grow(
        root,
        {
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: A PC's CPU @ 3.00GHz",
            **_policy(0, 3_000_000, 800_000, 3_000_000, "performance"),
            **_policy(10, 2_900_000, 800_000, 3_000_000, "performance"),
            f"{cpu}/cpu0/thermal_throttle/core_throttle_count": 5,
            f"{cpu}/cpu0/thermal_throttle/package_throttle_count": 7,
            f"{cpu}/cpu1/thermal_throttle/core_throttle_count": 0,
            f"{cpu}/cpu1/thermal_throttle/package_throttle_count": 7,
            **_zone(0, "x86_pkg_temp", 52_000),
            **_cooling(0, "Processor", 0),
            **_cooling(1, "Processor", 0),
            **_process_and_disk(),
        },
    )


def pc_with_two_gpus(root: Path) -> Path:
    """The same machine with NVIDIA's driver and the two GPUs of ``fake_nvml``; no virtual machine, no container."""
    gpus = "proc/driver/nvidia/gpus"
    module = (
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (builder)  Thu Oct 10"
    )
    return grow(
        pc(root),
        {
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: A PC's CPU @ 3.00GHz\nflags\t\t: fpu vme avx2",
            "proc/driver/nvidia/version": module,
            **{
                f"{gpus}/{bus}/information": f"Model: \t\t {gpu['name']}\nIRQ:   \t\t 11\nGPU UUID: \t {gpu['uuid']}"
                for bus, gpu in (("0000:01:00.0", H200), ("0000:02:00.0", T4))
            },
            "proc/1/comm": "systemd",
            "proc/1/cgroup": "0::/init.scope",
        },
    )
