"""``kws-trace host``: do what energyrunner does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands.options import TracesOption


def host(
    mode: Annotated[Literal["performance", "accuracy"], typer.Argument(help="What to measure.")],
    port: Annotated[str, typer.Option(help="The DUT's line: a device, the path of its pty:PATH, or tcp:HOST:PORT.")],
    baud: Annotated[int, typer.Option(help="Of a serial device.", min=300)] = 115200,
    dataset: Annotated[
        Path | None, typer.Option(help="A folder with y_labels.csv, or an .npz. Default: the shipped inputs.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Wall time of a window, for which N is measured.", min=0.01)] = 16.0,
    inferences: Annotated[int | None, typer.Option(help="N of a window, instead of measuring it.", min=1)] = None,
    warmups: Annotated[int, typer.Option(help="Untimed inferences before each window.", min=0)] = 10,
    session: Annotated[Path | None, typer.Option(help="Folder for log.txt and results.txt.")] = None,
    traces: TracesOption = Path("traces"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
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
