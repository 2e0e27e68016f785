"""``kws-trace host``: do what energyrunner does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES, DEFAULT_WINDOW_S


def host(
    mode: Annotated[Literal["performance", "accuracy"], typer.Argument(help="What is measured.")],
    port: Annotated[
        str, options.SERIAL_LINE("The port of the DUT: a device, the PATH of its pty:PATH, or tcp:HOST:PORT.")
    ],
    baud: options.Baud = 115200,
    dataset: options.Dataset = None,
    seconds: Annotated[
        float, options.MEASUREMENT("Wall time of a window, for which N is measured.", min=0.01)
    ] = DEFAULT_WINDOW_S,
    inferences: Annotated[
        int | None, options.MEASUREMENT("N, the inferences of a window. Without it N is measured.", min=1)
    ] = None,
    warmups: Annotated[int, options.MEASUREMENT("Untimed inferences before each window.", min=0)] = 10,
    session: Annotated[
        Path | None,
        options.RECORDING(
            "Folder for log.txt and results.txt. Without it they lie in the run of a DUT on this machine."
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
    from runner.host.outcomes import PerformancePlan
    from runner.host.session import HostJob, drive

    plan = PerformancePlan(seconds, inferences, warmups)
    drive(HostJob(port, baud, mode, traces, plan, dataset, session, quiet, as_json))
