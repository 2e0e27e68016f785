"""The doctor's lines about the hardware, each broken and sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.device.board import read_board
from runner.doctor import hardware
from runner.doctor.checks import Check
from runner.doctor.examination import Settings, examine
from runner.doctor.machine import Ran
from tests.device_trees import grow, jetson_nano, jetson_orin, jetson_thor, pc
from tests.fake_system import TENSORFLOW, FakeSystem, tensorflow_says

TEGRASTATS = ("tegrastats", "--interval", "200")


@pytest.fixture
def orin(tmp_path: Path) -> FakeSystem:
    return FakeSystem(jetson_orin(tmp_path / "orin"))


@pytest.fixture
def nano(tmp_path: Path) -> FakeSystem:
    return FakeSystem(jetson_nano(tmp_path / "nano"))


@pytest.fixture
def desktop(tmp_path: Path) -> FakeSystem:
    return FakeSystem(pc(tmp_path / "desktop"))


def clocks(system: FakeSystem) -> dict[str, Check]:
    return {finding.check: finding for finding in hardware.check_clocks(system, read_board(system.root))}


def test_a_nano_on_which_all_is_well_is_fine_in_every_line(nano: FakeSystem) -> None:
    found = examine(nano, Settings())
    assert [(finding.check, finding.said) for finding in found if finding.state != "fine"] == [
        ("CUDA tracing", "on a Tegra it needs root, and this is bench")
    ]
    nano.is_root = True
    assert {finding.state for finding in examine(nano, Settings())} == {"fine"}


def test_on_no_jetson_what_is_absent_is_said_once(desktop: FakeSystem) -> None:
    desktop.programs[TENSORFLOW] = tensorflow_says("CPU:0", version="2.21.0", cuda=False)
    found = examine(desktop, Settings())
    assert {finding.state for finding in found} == {"fine"}
    about = [finding.said for finding in found if "jetson" in finding.said.lower()]
    assert about == ["A PC's CPU @ 3.00GHz is no Jetson: no power mode, no jetson_clocks, no rails to look at"]
    assert not {"power mode", "serial port", "GPU clocks", "CUDA tracing"} & {finding.check for finding in found}
    assert ("nvpmodel", "-q") not in desktop.ran


def test_the_board_is_named_with_its_release(orin: FakeSystem) -> None:
    said = hardware.check_board(orin, read_board(orin.root)).said
    assert said == "NVIDIA Jetson Orin Nano Developer Kit, Jetson Linux 36.4.3 (JetPack 6)"


def test_a_power_mode_below_the_boards_best_is_told_with_its_number(orin: FakeSystem, nano: FakeSystem) -> None:
    orin.programs["nvpmodel", "-q"] = Ran(0, "NV Fan Mode:quiet\nNV Power Mode: 15W\n0\n")
    finding = hardware.check_power_mode(orin)
    assert finding.state == "warning"
    assert str(finding.remedy).startswith("sudo nvpmodel -m 2 (MAXN_SUPER)")
    orin.programs["nvpmodel", "-q"] = Ran(0, "NV Power Mode: MAXN_SUPER\n2\n")
    assert hardware.check_power_mode(orin).state == "fine"
    assert hardware.check_power_mode(nano).state == "fine"


def test_a_board_whose_table_has_no_maxn_is_not_blamed(nano: FakeSystem) -> None:
    grow(nano.root, {"etc/nvpmodel.conf": "< POWER_MODEL ID=2 NAME=MODE_15W_6CORE >"})
    nano.programs["nvpmodel", "-q"] = Ran(0, "NV Power Mode: MODE_15W_6CORE\n2\n")
    assert hardware.check_power_mode(nano).state == "fine"


@pytest.mark.parametrize("ran", [None, Ran(1, "", "Error: must be root")])
def test_a_power_mode_that_cannot_be_told_is_a_warning(nano: FakeSystem, ran: Ran | None) -> None:
    del nano.programs["nvpmodel", "-q"]
    if ran is not None:
        nano.programs["nvpmodel", "-q"] = ran
    assert hardware.check_power_mode(nano).state == "warning"


def test_clocks_that_move_are_told_and_clocks_that_are_held_are_fine(
    orin: FakeSystem, nano: FakeSystem, desktop: FakeSystem
) -> None:
    found = clocks(orin)
    assert found["CPU clocks"].remedy == "sudo jetson_clocks"
    assert "switches itself off" in found["GPU clocks"].said
    assert {finding.state for finding in clocks(nano).values()} == {"fine"}
    assert clocks(desktop)["CPU clocks"].state == "fine"
    grow(desktop.root, {"sys/devices/system/cpu/cpufreq/policy10/scaling_governor": "powersave"})
    assert "cpupower" in str(clocks(desktop)["CPU clocks"].remedy)


def test_a_jetson_that_names_no_clocks_is_a_warning(tmp_path: Path) -> None:
    system = FakeSystem(grow(tmp_path, {"proc/device-tree/compatible": "nvidia,tegra234"}))
    assert {finding.state for finding in clocks(system).values()} == {"warning"}


def test_a_zone_near_its_limit_is_a_warning(nano: FakeSystem) -> None:
    finding = hardware.check_temperature(nano)
    assert finding is not None
    assert (finding.state, finding.said) == ("fine", "AO-therm 41.5 C, throttles at 97.0 C")
    grow(nano.root, {"sys/class/thermal/thermal_zone1/temp": 90_000})
    finding = hardware.check_temperature(nano)
    assert finding is not None
    assert (finding.state, finding.said) == ("warning", "CPU-therm 90.0 C, throttles at 97.0 C")


def test_throttling_now_is_a_warning_and_that_of_the_past_is_told(orin: FakeSystem) -> None:
    finding = hardware.check_throttling(orin)
    assert finding is not None
    assert (finding.state, finding.said) == ("fine", "none now; events since boot: oc3 4")
    grow(orin.root, {"sys/class/thermal/cooling_device1/cur_state": 1})
    finding = hardware.check_throttling(orin)
    assert finding is not None
    assert (finding.state, finding.said) == ("warning", "cpu-throttle-alert limits speed now")


def test_a_machine_without_zones_has_no_line_about_them(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path)
    assert hardware.check_temperature(system) is None
    assert hardware.check_throttling(system) is None


def test_other_load_is_a_warning(nano: FakeSystem) -> None:
    assert hardware.check_load(nano).state == "fine"
    grow(nano.root, {"proc/loadavg": "1.50 0.90 0.30 3/200 4242"})
    assert hardware.check_load(nano).state == "warning"
    (nano.root / "proc/loadavg").unlink()
    assert hardware.check_load(nano).state == "warning"


@pytest.mark.parametrize(
    ("free", "state"), [(2_000_000_000, "fine"), (500_000_000, "warning"), (50_000_000, "error"), (None, "warning")]
)
def test_room_for_runs(nano: FakeSystem, free: int | None, state: str) -> None:
    nano.free = free
    assert hardware.check_disk(nano, Path("traces")).state == state


def test_what_a_run_will_sample_is_named(nano: FakeSystem) -> None:
    finding = hardware.check_sampling(nano, read_board(nano.root))
    assert (finding.state, finding.said) == (
        "fine",
        "frequencies cpu0, gpu, emc; rails POM_5V_IN, POM_5V_GPU, POM_5V_CPU",
    )


def test_a_memory_frequency_that_is_roots_alone_is_told_with_what_tegrastats_says(orin: FakeSystem) -> None:
    line = "RAM 1/2MB (lfb 1x1MB) CPU [1%@729] EMC_FREQ 0%@2133 GR3D_FREQ 0%"
    orin.programs[TEGRASTATS] = Ran(None, f"starting\n{line}\n")
    finding = hardware.check_sampling(orin, read_board(orin.root))
    assert finding.state == "warning"
    assert "now 2133 MHz by tegrastats" in finding.said
    orin.programs[TEGRASTATS] = Ran(None, line.replace("EMC_FREQ 0%@2133", "EMC_FREQ 0%"))
    assert "tegrastats does not tell it either" in hardware.check_sampling(orin, read_board(orin.root)).said
    del orin.programs[TEGRASTATS]
    assert "tegrastats" not in hardware.check_sampling(orin, read_board(orin.root)).said


@pytest.mark.parametrize(("model", "state"), [("nvidia,tegra234", "warning"), ("a,board", "fine")])
def test_nothing_to_sample_is_a_warning_on_a_jetson_alone(tmp_path: Path, model: str, state: str) -> None:
    system = FakeSystem(grow(tmp_path, {"proc/device-tree/compatible": model}))
    assert hardware.check_sampling(system, read_board(tmp_path)).state == state


@pytest.mark.parametrize("tree", [jetson_nano, jetson_orin, jetson_thor, pc])
def test_no_check_writes_under_the_root(tmp_path: Path, tree: Callable[[Path], Path]) -> None:
    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    system = FakeSystem(tree(tmp_path))
    before = contents()
    examine(system, Settings())
    assert contents() == before
