"""``kws-trace host-config``: files for the benchmark's own hosts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_WINDOW_S
from tracer.errors import UsageError
from tracer.terminal_text import say


def host_config(
    runner: Annotated[
        Literal["mlcommons", "energyrunner"], typer.Argument(help="The host for which files are written.")
    ],
    usb: Annotated[
        str, options.SERIAL_LINE("VENDOR:PRODUCT of the DUT's port. The default is Linux's serial gadget.")
    ] = "0525:a4a7",
    baud: options.Baud = 115200,
    inferences: Annotated[
        int | None, options.MEASUREMENT("N, the inferences of a performance window.", min=1)
    ] = None,
    port: Annotated[str | None, options.MEASUREMENT("Measure N on the DUT that is ready on this port.")] = None,
    seconds: Annotated[
        float, options.MEASUREMENT("Wall time of a window, where N is measured.", min=10.0, max=25.0)
    ] = DEFAULT_WINDOW_S,
    out: Annotated[Path, options.OUTPUT("Folder to write to.")] = Path(),
    force: Annotated[bool, options.OUTPUT("Overwrite files that are there.", "--force")] = False,
) -> None:
    """Write the files with which the MLCommons runner or energyrunner finds and drives this DUT."""
    from runner.host.config_files import energyrunner_files, mlcommons_files, parse_usb_id, write_files

    vendor, product = parse_usb_id(usb)
    if runner == "mlcommons" and inferences is None:
        if port is None:
            raise UsageError("host-config mlcommons: N is not known; give --inferences N, or --port to measure it")
        inferences = _measured(port, baud, seconds)
    named = (vendor, product, baud, inferences or 0)
    files = mlcommons_files(*named) if runner == "mlcommons" else energyrunner_files(baud)
    for path in write_files(files, out, force=force):
        say(str(path))
    if runner == "energyrunner":
        say("copy .eembc.ini to the home directory of the host and set root there; N is set in energyrunner's window")


def _measured(port: str, baud: int, seconds: float) -> int:
    from runner.dataset import shipped_dataset
    from runner.host.driver import HostSession
    from runner.host.outcomes import PerformancePlan
    from runner.host.passes import measure_inferences
    from runner.line.ports import open_host_link

    with contextlib.closing(open_host_link(port, baud)) as link:
        session = HostSession(link)
        session.handshake()
        session.load(shipped_dataset().input(0))
        return measure_inferences(session, PerformancePlan(seconds))
