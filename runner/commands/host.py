"""``kws-trace host``: do what energyrunner does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def host(
    mode: Annotated[Literal["performance", "accuracy"], typer.Argument(help="What is measured.")],
    port: Annotated[
        str,
        typer.Option(
            help="The port of the DUT: a device, the PATH of its pty:PATH, or tcp:HOST:PORT.",
            rich_help_panel=options.SERIAL_LINE,
        ),
    ],
    baud: options.Baud = 115200,
    dataset: options.Dataset = None,
    seconds: Annotated[
        float,
        typer.Option(
            help="Wall time of a window, for which N is measured.", min=0.01, rich_help_panel=options.MEASUREMENT
        ),
    ] = 16.0,
    inferences: Annotated[
        int | None,
        typer.Option(
            help="N, the inferences of a window. Without it N is measured.",
            min=1,
            rich_help_panel=options.MEASUREMENT,
        ),
    ] = None,
    warmups: Annotated[
        int, typer.Option(help="Untimed inferences before each window.", min=0, rich_help_panel=options.MEASUREMENT)
    ] = 10,
    session: Annotated[
        Path | None,
        typer.Option(
            help="Folder for log.txt and results.txt. Without it they lie in the run of a DUT on this machine.",
            rich_help_panel=options.RECORDING,
        ),
    ] = None,
    traces: options.Traces = DEFAULT_TRACES,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """
    Drive a device under test as energyrunner does, and print what it prints.

    performance: five inputs, a window of N inferences each, the median rate.

    accuracy: each input once, Top-1 and AUC.
    """
    from runner.host.driver import PerformancePlan
    from runner.host.session import HostJob, drive

    plan = PerformancePlan(seconds, inferences, warmups)
    drive(HostJob(port, baud, mode, dataset, plan, traces, session, quiet, as_json))
