"""The timestamp pin of energy mode: is the package there, and the chip; may we have the line, and is it free."""

from __future__ import annotations

from runner.doctor.checks import ERROR, FINE, Check
from runner.dut.energy_pin import chip_and_line, open_pin
from tracer.errors import KwsTraceError


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
