"""``kws-trace run``: be the device under test, and record."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

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
    nsys: Annotated[
        bool, typer.Option("--nsys", help="Run under Nsight Systems, and take what it captures into the run.")
    ] = False,
    profiler: Annotated[
        Literal["nsys", "tensorflow"] | None,
        typer.Option(help="nsys as --nsys; tensorflow for machines without it or without a GPU."),
    ] = None,
    preset: Annotated[
        Literal["light", "deep"],
        typer.Option(help="Of nsys. light: CUDA and NVTX, for figures. deep: OS, cuDNN, cuBLAS too, for causes."),
    ] = "light",
    capture_inferences: Annotated[
        int | None,
        typer.Option(help="Captured after each performance window. Default: 200 with a profiler, else none.", min=0),
    ] = None,
    capture_windows: Annotated[int, typer.Option(help="Windows that a capture follows.", min=1)] = 5,
    energy: Annotated[str | None, typer.Option(help="Energy mode's timestamp pin: not there yet.")] = None,
) -> None:
    """
    Be the device under test of the benchmark on PORT, and record every stage of every inference.

    Prints `ready on PORT` on standard error when it would answer a host; ends on Ctrl-C or SIGTERM.
    """
    from runner.dut.recorded_run import CaptureChoice, RunJob, refuse_energy_mode, serve_run
    from runner.inference.models import ModelChoice
    from runner.nsys.launch import taken_orders, tell_pid

    if energy is not None:
        refuse_energy_mode()
    choice = ModelChoice.of(model, backend, device, threads, input_scale, input_zero_point, timed, stages)
    orders = taken_orders()
    if nsys and profiler == "tensorflow":
        raise typer.BadParameter("one profiler at a time: --nsys, or --profiler tensorflow")
    wanted = "nsys" if nsys else profiler
    if capture_inferences is None:
        capture_inferences = 200 if wanted else 0
    capture = CaptureChoice(capture_inferences, capture_windows)
    job = RunJob(choice, traces, name, nvtx=nvtx, capture=capture)
    if orders is not None:
        tell_pid(orders)
        job = replace(job, name=orders.name, profiler=orders.profiler)
        raise typer.Exit(serve_run(job, port, baud, vendor))
    if wanted is None:
        raise typer.Exit(serve_run(job, port, baud, vendor))
    from runner.dut.profiled_run import serve_under_nsys, serve_with_tensorflow

    if wanted == "nsys":
        raise typer.Exit(serve_under_nsys(job, preset, sys.argv[1:]))
    raise typer.Exit(serve_with_tensorflow(job, port, baud, vendor))
