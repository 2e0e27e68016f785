"""Energy mode: a pulse on a pin for each lap. No board has run it here: a file stands for the chip."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.doctor.examination import Settings, steps
from runner.doctor.machine import Machine
from runner.dut import energy_pin
from runner.dut.energy_pin import HOLD_NS, TimestampPin, open_pin
from runner.line.ports import line_baud
from tests.children import PATIENCE_S
from tests.fake_gpiod import fake_gpiod, falls_ns
from tests.recorded import info
from tests.serial_client import Client, running_dut
from tests.test_dut import Rig, load
from tracer.errors import DeviceError, NotInstalledError, UsageError
from tracer.reports.pulse_report import pulse_figures, pulse_lines
from tracer.reports.report import build_report
from tracer.reports.report_text import closing_lines
from tracer.runs.run_store import stored_run
from tracer.stages import PIN_FALL, PIN_RISE

LINES = "PAA.00 spi-cs\nPAC.06\nPQ.05\n"


class Level:
    """In place of a chip: tells each level, and what was on the line until then."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.gone = False

    def drive(self, *, high: bool) -> None:
        if self.gone:
            raise OSError(19, "No such device")
        self.told.append("high" if high else "low")

    def close(self) -> None:
        self.told.append("closed")


class Ticks:
    """A clock that goes on by 100 us a reading."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += 100_000
        return self.now_ns


def rig_of(*script: bytes) -> tuple[Rig, Level]:
    level = Level()
    rig = Rig(*script, pin=TimestampPin(level, {"line": "chip:1"}))
    write = rig.link.write

    def heard(data: bytes, timeout_s: float = 5.0) -> None:
        level.told += data.decode().split("\r\n")[:-1]
        write(data, timeout_s)

    rig.link.write = heard  # type: ignore[method-assign]
    return rig, level


def test_a_pulse_stands_wherever_the_firmware_would_print_a_lap() -> None:
    rig, level = rig_of(b"timestamp%", load(bytes(490)), b"infer 2 1%")
    rig.lines()
    told = [one for one in level.told if not one.startswith("m-[")]
    assert told[:5] == ["m-timestamp-mode-energy", "low", "high", "m-init-done", "m-ready"]
    assert told[5:8] == ["low", "high", "m-ready"]
    begun = told.index("m-warmup-start-1")
    assert told[begun : begun + 8] == [
        "m-warmup-start-1",
        "m-warmup-done",
        "m-infer-start-2",
        *("low", "high") * 2,
        "m-infer-done",
    ]
    assert "m-lap" not in rig.link.sent.decode()


def test_the_laps_of_a_window_are_when_the_pin_fell() -> None:
    rig, _ = rig_of(load(bytes(490)), b"infer 2 1%")
    rig.lines()
    window = rig.sink.windows[0]
    falls = [span.start_ns + span.duration_ns // 2 for span in window.serial if span.stage == PIN_FALL]
    assert [one // 1000 for one in falls[-2:]] == [window.lap_start_us, window.lap_end_us]
    assert falls[-2] < window.edges[1, 0] < window.edges[-1, -1] < falls[-1]


def test_the_pin_is_low_for_the_hold_time_and_each_call_is_measured() -> None:
    pin = TimestampPin(Level(), {"line": "chip:1"}, Ticks())
    fall, rise = pin.pulse()
    assert fall == (PIN_FALL, 100_000, 100_000)
    assert rise[0] == PIN_RISE
    assert HOLD_NS <= rise[1] - (fall[1] + fall[2]) <= HOLD_NS + 100_000


def test_a_chip_that_is_pulled_out_is_named() -> None:
    level = Level()
    level.gone = True
    with pytest.raises(DeviceError, match=r"gpiochip9:3: .*No such device.*; see dmesg"):
        TimestampPin(level, {"line": "gpiochip9:3"}).pulse()


@pytest.fixture
def chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a chip that this process would find."""
    environment = fake_gpiod(tmp_path / "chip", gpiochip0=LINES)
    monkeypatch.setenv("FAKE_GPIOD", environment["FAKE_GPIOD"])
    monkeypatch.syspath_prepend(environment["PYTHONPATH"])
    for name in ("gpiod", "gpiod.line"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield tmp_path / "chip" / "gpiochip0"
    for name in ("gpiod", "gpiod.line"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("line", ["1", "PAC.06"])
def test_a_line_is_taken_by_number_or_name_and_is_high_until_a_pulse(chip: Path, line: str) -> None:
    pin = open_pin(f"{chip}:{line}")
    assert pin.facts == {
        "line": f"{chip}:{line}",
        "chip": "tegra234-gpio",
        "name": "PAC.06",
        "offset": 1,
        "hold_ns": HOLD_NS,
    }
    pin.pulse()
    pin.close()
    levels = [row.split()[2] for row in (chip.parent / "levels.txt").read_text().splitlines()]
    assert levels == ["1", "0", "1", "released"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{chip}:0", "the line is taken: `spi-cs` has it; end what drives it"),
        ("{chip}:7", "has no such line; `gpioinfo` lists its lines"),
        ("{chip}:PZZ.09", "has no such line; `gpioinfo` lists its lines"),
        ("{chip}9:1", "there is no such chip as"),
        ("{folder}:1", "is no GPIO chip"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_with_what_to_do(chip: Path, spec: str, said: str) -> None:
    (chip.parent / "folder").mkdir()
    with pytest.raises(DeviceError) as refused:
        open_pin(spec.format(chip=chip, folder=chip.parent / "folder"))
    assert said in str(refused.value)
    assert "; " in str(refused.value)


def test_a_chip_that_only_a_group_may_open_names_the_group(chip: Path) -> None:
    chip.chmod(0o660)
    denied = energy_pin.pin_error("gpiochip0:1", chip, PermissionError(13, "Permission denied"))
    remedy = "log in again" if chip.stat().st_gid else "only root may"
    assert "you may not open" in str(denied)
    assert remedy in str(denied)


def test_a_kernel_without_the_interface_is_named(chip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "4.9.337-tegra")
    with pytest.raises(DeviceError, match=r"the kernel 4\.9\.337-tegra lacks .*Linux 5\.10, which JetPack 5 has"):
        open_pin(f"{chip}:9")


@pytest.mark.parametrize("spec", ["gpiochip0", "gpiochip0:", ":7", ""])
def test_a_spec_that_names_no_line_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="write it gpiochip0:LINE"):
        open_pin(spec)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "raise ModuleNotFoundError('gpiod')",
            r"gpiod, for .* pin, is not installed; .*kws-trace\[energy\]",
        ),
        ("LINE_REQ_DIR_OUT = 2", "has the interface of libgpiod 1"),
    ],
)
def test_a_package_that_is_missing_or_too_old_is_told(chip: Path, module: str, said: str) -> None:
    (chip.parent / "gpiod" / "__init__.py").write_text(module)
    with pytest.raises(NotInstalledError, match=said):
        open_pin(f"{chip}:1")


def test_the_installed_package_takes_the_calls_that_are_made() -> None:
    gpiod = pytest.importorskip("gpiod", reason="extra energy")
    from gpiod.line import Direction, Value

    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.ACTIVE)
    inspect.signature(gpiod.Chip.request_lines).bind(None, {3: settings}, consumer="kws-trace")
    inspect.signature(gpiod.Chip.line_offset_from_id).bind(None, "PAC.06")
    inspect.signature(gpiod.LineRequest.set_value).bind(None, 3, Value.INACTIVE)
    assert {"used", "consumer", "name"} <= set(inspect.signature(gpiod.LineInfo).parameters)


def test_hosts_open_an_energy_dut_at_9600_baud() -> None:
    assert [line_baud(None, energy=True), line_baud(None, energy=False), line_baud(4800, energy=True)] == [
        9600,
        115200,
        4800,
    ]


@pytest.fixture
def energy_run(tmp_path: Path) -> Any:
    """A real DUT in energy mode that answered a handshake and two windows, ended; the chip's folder beside it."""
    chip = tmp_path / "chip"
    environment = {**os.environ, **fake_gpiod(chip, gpiochip0=LINES)}
    options = ("--energy", f"{chip / 'gpiochip0'}:PQ.05")
    with running_dut(tmp_path, options, environment=environment) as child, Client(tmp_path / "dut") as host:
        lines = host.ask(b"timestamp%")
        host.load(bytes(490))
        for _ in range(2):
            lines += host.ask(b"infer 200 5%")
        driven = CliRunner().invoke(app, ["host", "performance", "--port", str(tmp_path / "dut")])
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    return tmp_path, lines, driven


@pytest.mark.slow
def test_a_dut_in_energy_mode_is_recorded_and_reported(energy_run: Any) -> None:
    folder, lines, driven = energy_run
    assert not any("lap" in line for line in lines)
    assert driven.exit_code == 1
    assert "the DUT is in energy mode" in str(driven.exception)
    run = stored_run("run", folder / "traces")
    assert (run.info.baud, run.info.energy["name"], run.info.energy["hold_ns"]) == (9600, "PQ.05", HOLD_NS)
    spans = run.spans().to_pandas()
    calls = spans[spans.stage == PIN_FALL].sort_values("start_ns")
    fell = np.array(falls_ns(folder / "chip"))
    assert len(calls) == len(fell) >= 6
    assert (calls.start_ns.to_numpy() <= fell).all()
    assert (fell <= (calls.start_ns + calls.duration_ns).to_numpy()).all()
    report = build_report(run)
    json.dumps(report)
    assert report["median_rate_hz"] is not None
    pulses = report["pulses"]
    assert pulses is not None
    assert pulses["narrowest_ns"] >= HOLD_NS
    line = next(line for line in closing_lines(report) if line.startswith("Energy mode"))
    assert f"timestamp pin {folder / 'chip' / 'gpiochip0'}:PQ.05: {len(calls)} pulses of 1." in line


def test_a_pulse_is_as_wide_as_the_time_between_the_middles_of_its_calls() -> None:
    falls, rises = ([0, 10_000, 20_000], [200, 400, 600]), ([2_100, 12_200, 22_900, 30_000], [0, 200, 400, 0])
    columns = zip((PIN_FALL, PIN_RISE), (falls, rises), strict=True)
    rows = [
        {"stage": stage, "start_ns": at, "duration_ns": took}
        for stage, two in columns
        for at, took in zip(*two, strict=True)
    ]
    spans = pa.Table.from_pylist(rows[::-1])
    figures = pulse_figures(replace(info(), energy={"line": "gpiochip0:3"}), spans)
    # 100 to 2,100, 10,200 to 12,300, 20,300 to 23,100; the last rise has no fall.
    assert figures == {
        "line": "gpiochip0:3",
        "pulses": 3,
        "width_ns": 2_100,
        "narrowest_ns": 2_000,
        "widest_ns": 2_800,
        "fall_call_ns": 400,
        "longest_fall_call_ns": 600,
    }
    said = (
        "3 pulses of 2.10 us (2.00 to 2.80 us, jitter 0.8 us); the pin fell within a call of 400 ns, at most 600 ns"
    )
    assert pulse_lines(figures) == [f"Energy mode, timestamp pin gpiochip0:3: {said}"]
    assert (pulse_figures(info(), spans), pulse_lines(None)) == (None, [])


def test_the_doctor_says_whether_the_pin_is_to_be_had(chip: Path) -> None:
    for line, state, said in (("2", "fine", "its line 2, PQ.05 is free"), ("0", "error", "the line is taken")):
        looks = [
            step.look
            for step in steps(Machine(), Settings(energy=f"{chip}:{line}"))
            if step.doing.startswith("the timestamp pin")
        ]
        assert len(looks) == 1
        assert [(one.state, said in one.said) for one in looks[0]()] == [(state, True)]
