"""The serial line: is the port there, ours, free now and after a reboot; its speed; and the pin of energy mode."""

from __future__ import annotations

import termios
from collections.abc import Iterator
from pathlib import Path

from runner.doctor.checks import ERROR, FINE, WARNING, Check, Repair
from runner.doctor.machine import Machine
from runner.dut.energy_pin import chip_and_line, open_pin
from runner.line.port_errors import is_console, missing_remedy
from runner.line.ports import line_baud
from tracer.errors import KwsTraceError

CONSOLE_PORTS = ("ttyS", "ttyTHS", "ttyAMA", "ttyTCU")
"""Ports of the board itself, on which a Jetson's ``nvgetty`` holds its console."""


def check_port(machine: Machine, port: str, baud: int, *, energy: bool = False) -> Iterator[Check]:
    """Lines about ``port``; none but one for a pseudo-terminal or an address, which need no device."""
    if port.startswith(("pty:", "tcp-listen:", "socket:")):
        yield Check("serial port", FINE, f"{port}: no device, so nothing to hold or to allow")
        return
    if not machine.exists(port):
        remedy = missing_remedy(port, machine.ports())
        yield Check("serial port", ERROR, f"{port}: there is no such port", remedy)
        return
    if not machine.is_terminal(port):
        yield Check("serial port", ERROR, f"{port} is no serial port", f"{machine.ports()}: name one with --port")
        return
    yield Check("serial port", FINE, f"{port} is there")
    yield _access(machine, port)
    yield _holder(machine, port)
    yield from _services(machine, port)
    yield _baud(port, baud, energy=energy)


def _access(machine: Machine, port: str) -> Check:
    if machine.may_open(port):
        return Check("port access", FINE, f"{machine.user} may open {port}")
    if "dialout" in machine.groups:
        said = f"{machine.user} is in dialout and may not open {port}"
        other = f"it belongs to another group (ls -l {port})"
        return Check("port access", ERROR, said, f"{other}: sudo usermod -aG GROUP {machine.user}, then log in again")
    repair = Repair((("usermod", "-aG", "dialout", machine.user),), (("gpasswd", "-d", machine.user, "dialout"),))
    remedy = f"sudo usermod -aG dialout {machine.user}, then log in again"
    return Check("port access", ERROR, f"{machine.user} may not open {port}", remedy, repair)


def _holder(machine: Machine, port: str) -> Check:
    holder = machine.holder(port)
    if holder is None:
        seen = "nobody holds it" if machine.is_root else "nobody that we may see holds it"
        return Check("port free", FINE, f"{port}: {seen}")
    console = "see the service below: a getty that is only killed comes back"
    remedy = console if is_console(holder) else f"end {holder}"
    return Check("port free", ERROR, f"{port}: {holder} holds it", remedy)


def _services(machine: Machine, port: str) -> Iterator[Check]:
    """The services that 2021's script stopped until the next boot, and ModemManager, which probes new ports."""
    name = Path(port).name
    if machine.which("systemctl") is None or not machine.exists("/run/systemd/system"):
        yield Check("port services", FINE, "systemd does not run here: no service of its takes the port")
        return
    units = [f"serial-getty@{name}.service"]
    if name.startswith(CONSOLE_PORTS):
        units.append("nvgetty.service")
    for unit in units:
        yield _service(machine, unit, f"a login console would take {port}", ERROR)
    yield _service(machine, "ModemManager.service", "it sends AT commands to ports that appear", WARNING)


def _service(machine: Machine, unit: str, harm: str, state: str) -> Check:
    check = f"service {unit.removesuffix('.service')}"
    active = _word(machine, "is-active", unit)
    enabled = _word(machine, "is-enabled", unit)
    if active is None or enabled is None:
        return Check(check, WARNING, "systemctl does not answer", f"make sure by hand that it is off: {harm}")
    runs = active in {"active", "activating", "reloading"}
    starts = enabled in {"enabled", "enabled-runtime", "linked", "alias"}
    if not runs and not starts:
        return Check(check, FINE, "masked" if enabled.startswith("masked") else "not there, or off and stays off")
    when = " and ".join([*(["runs"] if runs else []), *(["starts at boot"] if starts else [])])
    repair = _off_for_good(machine, unit, runs=runs, starts=starts)
    remedy = "; ".join(f"sudo {' '.join(command)}" for command in repair.commands)
    return Check(check, state if runs else WARNING, f"{when}: {harm}", remedy, repair)


def _off_for_good(machine: Machine, unit: str, *, runs: bool, starts: bool) -> Repair:
    """
    Masking survives a reboot, and generators that start a getty on the kernel's console; disabling does neither.

    A unit whose own file lies in ``/etc`` cannot be masked, since the mask's link goes there: NVIDIA installs
    ``nvgetty`` so.
    """
    start = (("systemctl", "start", unit),) if runs else ()
    if machine.read(f"etc/systemd/system/{unit}"):
        enable = (("systemctl", "enable", unit),) if starts else ()
        return Repair((("systemctl", "disable", "--now", unit),), (*enable, *start))
    return Repair((("systemctl", "mask", "--now", unit),), (("systemctl", "unmask", unit), *start))


def _word(machine: Machine, question: str, unit: str) -> str | None:
    ran = machine.run(("systemctl", question, unit))
    if ran is None or ran.code is None:
        return None
    # The code says yes or no; the word says which no: inactive, disabled, masked, not-found, or nothing for no unit.
    if "Failed to connect" in ran.errors:
        return None
    return ran.output.strip().partition("\n")[0] or "not-found"


def _baud(port: str, baud: int, *, energy: bool) -> Check:
    usual, mode = line_baud(None, energy=energy), "energy" if energy else "performance"
    if not hasattr(termios, f"B{baud}"):
        said = f"{baud} is no speed that a serial port here has"
        return Check("baud", ERROR, said, f"use --baud {usual}")
    if Path(port).name.startswith(("ttyGS", "ttyACM")):
        return Check("baud", FINE, f"{baud}; a USB serial port has its own speed whatever is set")
    if baud != usual:
        said = f"{baud}, and hosts open a DUT with {usual} in {mode} mode"
        return Check("baud", WARNING, said, f"--baud {usual}, unless the host is set to {baud} too")
    return Check("baud", FINE, f"{baud}, as hosts in {mode} mode")


def check_pin(spec: str) -> Check:
    """Take the line, which sets it high as a DUT does while it waits, and give it back."""
    path, _ = chip_and_line(spec)
    try:
        pin = open_pin(spec)
    except KwsTraceError as error:
        said = f"{spec}: {error.problem}" if error.problem else str(error.thing)
        return Check("timestamp pin", ERROR, said, error.remedy or "pip install 'kws-trace[energy]'")
    pin.close()
    name = f", {pin.facts['name']}" if pin.facts["name"] else ""
    told = f"{path} ({pin.facts['chip']}) is there, its line {pin.facts['offset']}{name} is free"
    return Check("timestamp pin", FINE, told)
