"""``kws-trace doctor`` itself: exit codes, JSON, and repairs that can be undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import runner.doctor.machine
from runner.cli import app
from runner.doctor.checks import Check, Repair, worst
from runner.doctor.machine import Machine, Ran
from runner.doctor.repairs import apply_repair, repairs_to_undo, undo_repairs
from tests.device_trees import grow, jetson_nano
from tests.fake_system import TENSORFLOW, FakeSystem, tensorflow_says
from tracer.errors import RepairError

MASK = ("systemctl", "mask", "--now", "serial-getty@ttyGS0.service")
UNMASK = ("systemctl", "unmask", "serial-getty@ttyGS0.service")
START = ("systemctl", "start", "serial-getty@ttyGS0.service")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystem:
    found = FakeSystem(jetson_nano(tmp_path / "nano"), is_root=True)
    monkeypatch.setattr(runner.doctor.machine, "Machine", lambda: found)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return found


def with_getty(system: FakeSystem) -> FakeSystem:
    system.programs["systemctl", "is-active", MASK[-1]] = Ran(0, "active\n")
    system.programs |= {MASK: Ran(0, ""), UNMASK: Ran(0, ""), START: Ran(0, "")}
    return system


def test_a_sound_device_exits_with_0_and_each_line_says_fine(system: FakeSystem) -> None:
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 0, said.output
    assert "fine    serial port: /dev/ttyGS0 is there" in said.stdout
    assert "error" not in said.stdout


def test_an_error_exits_with_1_and_its_remedy_is_below_it(system: FakeSystem) -> None:
    grow(system.root, {"etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 2, BOARD: generic"})
    system.programs[TENSORFLOW] = tensorflow_says("CPU:0", cuda=False)
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 1
    assert "-> install NVIDIA's own TensorFlow wheel" in said.stdout


def test_a_warning_exits_with_0(system: FakeSystem) -> None:
    system.is_root = False
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_json_has_every_line_and_the_worst_state(system: FakeSystem) -> None:
    system.held_by = "minicom (process 4)"
    said = CliRunner().invoke(app, ["doctor", "--json", "--no-tensorflow"])
    facts = json.loads(said.stdout)
    assert (said.exit_code, facts["state"]) == (1, "error")
    held = next(line for line in facts["findings"] if line["check"] == "port free")
    assert held["remedy"] == "end minicom (process 4)"
    assert not any(line["check"] == "TensorFlow" for line in facts["findings"])
    assert TENSORFLOW not in system.ran


def test_fix_asks_and_a_no_does_nothing(system: FakeSystem) -> None:
    with_getty(system)
    said = CliRunner().invoke(app, ["doctor", "--fix"], input="n\n")
    assert "run `systemctl mask --now serial-getty@ttyGS0.service`?" in said.output
    assert MASK not in system.ran


def test_fix_masks_after_a_yes_and_undo_goes_back(system: FakeSystem) -> None:
    with_getty(system)
    CliRunner().invoke(app, ["doctor", "--fix"], input="y\n")
    assert MASK in system.ran
    said = CliRunner().invoke(app, ["doctor", "--undo"], input="y\n")
    assert said.exit_code == 0, said.output
    assert system.ran[-2:] == [UNMASK, START]
    assert "nothing to undo" in CliRunner().invoke(app, ["doctor", "--undo"]).output


def test_fix_with_nothing_to_fix_says_so(system: FakeSystem) -> None:
    assert "nothing that --fix can do" in CliRunner().invoke(app, ["doctor", "--fix"]).output


def test_sudo_stands_before_a_command_unless_we_are_root(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path, programs={("sudo", "a"): Ran(0, "")})
    apply_repair(system, Repair((("a",),), (("b",),)), tmp_path / "doctor.json", lambda _: None)
    assert system.ran == [("sudo", "a")]


def test_how_to_undo_is_written_down_before_anything_is_done(tmp_path: Path) -> None:
    system, record = FakeSystem(tmp_path, is_root=True, programs={("a",): Ran(1, "", "no")}), tmp_path / "doctor.json"
    with pytest.raises(RepairError, match="a: no"):
        apply_repair(system, Repair((("a",),), (("b",),)), record, lambda _: None)
    assert repairs_to_undo(record) == [["b"]]


def test_repairs_are_undone_last_first_and_one_that_fails_stays_written_down(tmp_path: Path) -> None:
    record = tmp_path / "deep" / "doctor.json"
    fine = Ran(0, "")
    system = FakeSystem(tmp_path, is_root=True, programs={("a",): fine, ("b",): fine, ("undo-b",): fine})
    for name in "ab":
        apply_repair(system, Repair(((name,),), ((f"undo-{name}",),)), record, lambda _: None)
    with pytest.raises(RepairError, match="undo-a is not installed"):
        undo_repairs(system, record, lambda _: None)
    assert repairs_to_undo(record) == [["undo-a"]]
    system.programs["undo-a",] = fine
    assert undo_repairs(system, record, lambda _: None) == 1
    assert not record.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"repairs": 3}'])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "doctor.json").write_text(text)
    with pytest.raises(RepairError, match=r"doctor\.json"):
        repairs_to_undo(tmp_path / "doctor.json")


def test_a_finding_has_a_remedy_exactly_where_it_is_not_fine() -> None:
    with pytest.raises(ValueError, match="remedy"):
        Check("x", "error", "y")
    with pytest.raises(ValueError, match="remedy"):
        Check("x", "fine", "y", "z")
    with pytest.raises(ValueError, match="no such state"):
        Check("x", "bad", "y", "z")
    assert worst([]) == "fine"


def test_the_real_machine_tells_programs_that_are_missing_late_or_failing(tmp_path: Path) -> None:
    system = Machine()
    assert system.run(("no-such-program-of-ours",)) is None
    assert system.run(("sh", "-c", "echo out; echo err >&2; exit 3")) == Ran(3, "out\n", "err\n")
    assert system.run(("sh", "-c", "echo first; exec sleep 30"), 1.0) == Ran(None, "first\n", "")
    assert (system.free_bytes(tmp_path / "not" / "there") or 0) > 0
    assert not system.exists(str(tmp_path / "port"))
    assert not system.is_terminal(str(tmp_path))
