"""``kws-trace run``: be the device under test, and record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import (
    BackendOption,
    DeviceOption,
    ModelOption,
    NameOption,
    NvtxOption,
    ScaleOption,
    StagesOption,
    ThreadsOption,
    TimedOption,
    TracesOption,
    ZeroPointOption,
)


def run(
    port: Annotated[
        str,
        typer.Option(help="A device (/dev/ttyGS0), pty:PATH, tcp-listen:HOST:PORT or socket://HOST:PORT."),
    ],
    baud: Annotated[int, typer.Option(help="Of a serial device.", min=300)] = 115200,
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    input_scale: ScaleOption = None,
    input_zero_point: ZeroPointOption = None,
    timed: TimedOption = "reference",
    stages: StagesOption = "split",
    nvtx: NvtxOption = True,
    traces: TracesOption = Path("traces"),
    name: NameOption = None,
    vendor: Annotated[str, typer.Option(help="The name in m-name-dut-[...].")] = "kws-trace",
    energy: Annotated[str | None, typer.Option(help="Energy mode's timestamp pin: not there yet.")] = None,
) -> None:
    """
    Be the device under test of the benchmark on PORT, and record every stage of every inference.

    Prints `ready on PORT` on standard error when it would answer a host; ends on Ctrl-C or SIGTERM.
    """
    from runner.models import ModelChoice
    from runner.run_job import RunJob, refuse_energy_mode, serve_run

    if energy is not None:
        refuse_energy_mode()
    choice = ModelChoice.of(model, backend, device, threads, input_scale, input_zero_point, timed, stages)
    job = RunJob(choice, traces, name, nvtx=nvtx)
    raise typer.Exit(serve_run(job, port, baud, vendor))
