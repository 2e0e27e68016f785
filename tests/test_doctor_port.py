"""The doctor's lines about the serial port, each broken and sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.doctor.checks import Check
from runner.doctor.machine import Ran
from runner.doctor.serial_port import check_port
from tests.device_trees import grow
from tests.fake_system import FakeSystem

GADGET = "/dev/ttyGS0"


@pytest.fixture
def system(tmp_path: Path) -> FakeSystem:
    return FakeSystem(tmp_path)


def lines(system: FakeSystem, port: str = GADGET, baud: int = 115200) -> dict[str, Check]:
    return {finding.check: finding for finding in check_port(system, port, baud)}


def test_a_port_that_is_there_free_and_ours_is_fine_in_every_line(system: FakeSystem) -> None:
    found = lines(system)
    assert {finding.state for finding in found.values()} == {"fine"}
    assert list(found) == [
        "serial port",
        "port access",
        "port free",
        "service serial-getty@ttyGS0",
        "service ModemManager",
        "baud",
    ]


def test_a_port_that_is_not_there_is_an_error_that_names_those_that_are(system: FakeSystem) -> None:
    system.files = frozenset()
    (finding,) = lines(system).values()
    assert finding.state == "error"
    assert finding.remedy is not None
    assert "modprobe g_serial" in finding.remedy
    assert "there are /dev/ttyGS0" in finding.remedy


def test_a_file_is_no_port(system: FakeSystem) -> None:
    system.terminal = False
    (finding,) = lines(system).values()
    assert (finding.state, finding.said) == ("error", "/dev/ttyGS0 is no serial port")


@pytest.mark.parametrize("port", ["pty:/tmp/dut", "tcp-listen:127.0.0.1:7000", "socket://127.0.0.1:7000"])
def test_a_line_that_is_no_device_needs_nothing(system: FakeSystem, port: str) -> None:
    (finding,) = lines(system, port).values()
    assert finding.state == "fine"
    assert not system.ran


def test_a_user_outside_dialout_is_told_and_may_be_added(system: FakeSystem) -> None:
    system.openable, system.groups = False, frozenset({"bench"})
    finding = lines(system)["port access"]
    assert finding.state == "error"
    assert finding.repair is not None
    assert finding.repair.commands == (("usermod", "-aG", "dialout", "bench"),)
    assert finding.repair.undo == (("gpasswd", "-d", "bench", "dialout"),)


def test_a_port_of_another_group_is_not_mended_by_dialout(system: FakeSystem) -> None:
    system.openable = False
    finding = lines(system)["port access"]
    assert finding.state == "error"
    assert finding.repair is None


def test_a_port_that_somebody_holds_is_an_error_that_names_him(system: FakeSystem) -> None:
    system.held_by = "minicom (process 812)"
    finding = lines(system)["port free"]
    assert (finding.state, finding.said) == ("error", "/dev/ttyGS0: minicom (process 812) holds it")
    assert finding.remedy == "end minicom (process 812)"
    for console in ("agetty (process 7)", "login (process 7)"):
        system.held_by = console
        assert "comes back" in str(lines(system)["port free"].remedy)


def test_a_getty_on_the_port_is_masked_so_that_it_stays_away(system: FakeSystem) -> None:
    unit = "serial-getty@ttyGS0.service"
    system.programs["systemctl", "is-active", unit] = Ran(0, "active\n")
    system.programs["systemctl", "is-enabled", unit] = Ran(0, "enabled\n")
    finding = lines(system)["service serial-getty@ttyGS0"]
    assert finding.state == "error"
    assert finding.remedy == f"sudo systemctl mask --now {unit}"
    assert finding.repair is not None
    assert finding.repair.undo == (("systemctl", "unmask", unit), ("systemctl", "start", unit))


def test_a_service_that_only_starts_at_boot_is_a_warning(system: FakeSystem) -> None:
    unit = "serial-getty@ttyGS0.service"
    system.programs["systemctl", "is-enabled", unit] = Ran(0, "enabled\n")
    finding = lines(system)["service serial-getty@ttyGS0"]
    assert (finding.state, finding.said.partition(":")[0]) == ("warning", "starts at boot")
    assert finding.repair is not None
    assert finding.repair.undo == (("systemctl", "unmask", unit),)


def test_nvgetty_lies_in_etc_where_it_cannot_be_masked_and_is_disabled(system: FakeSystem) -> None:
    grow(system.root, {"etc/systemd/system/nvgetty.service": "[Service]"})
    system.programs["systemctl", "is-active", "nvgetty.service"] = Ran(0, "active\n")
    system.programs["systemctl", "is-enabled", "nvgetty.service"] = Ran(0, "enabled\n")
    assert "service nvgetty" not in lines(system)
    finding = lines(system, "/dev/ttyTHS1")["service nvgetty"]
    assert finding.repair is not None
    assert finding.repair.commands == (("systemctl", "disable", "--now", "nvgetty.service"),)
    assert finding.repair.undo == (
        ("systemctl", "enable", "nvgetty.service"),
        ("systemctl", "start", "nvgetty.service"),
    )


def test_modemmanager_is_a_warning_since_the_protocol_bears_its_probes(system: FakeSystem) -> None:
    system.programs["systemctl", "is-active", "ModemManager.service"] = Ran(0, "active\n")
    assert lines(system)["service ModemManager"].state == "warning"


def test_a_service_that_does_not_exist_is_fine(system: FakeSystem) -> None:
    system.programs["systemctl", "is-enabled", "ModemManager.service"] = Ran(1, "", "No such file or directory")
    assert lines(system)["service ModemManager"].state == "fine"


def test_a_systemctl_that_does_not_answer_is_not_taken_for_no(system: FakeSystem) -> None:
    system.programs["systemctl", "is-active", "ModemManager.service"] = Ran(1, "", "Failed to connect to bus")
    assert lines(system)["service ModemManager"].state == "warning"
    system.programs["systemctl", "is-active", "ModemManager.service"] = Ran(None, "")
    assert lines(system)["service ModemManager"].state == "warning"


def test_a_machine_without_systemd_is_told_once(system: FakeSystem) -> None:
    system.files -= {"/run/systemd/system"}
    found = lines(system)
    assert found["port services"].state == "fine"
    assert not any(check.startswith("service") for check in found)


@pytest.mark.parametrize(
    ("port", "baud", "state"),
    [
        ("/dev/ttyTHS1", 115200, "fine"),
        ("/dev/ttyTHS1", 9600, "warning"),
        ("/dev/ttyTHS1", 115201, "error"),
        (GADGET, 9600, "fine"),
    ],
)
def test_a_speed_that_the_host_does_not_use_is_told(system: FakeSystem, port: str, baud: int, state: str) -> None:
    assert lines(system, port, baud)["baud"].state == state
