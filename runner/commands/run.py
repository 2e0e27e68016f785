"""``kws-trace run``: be the device under test, and record."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated, Literal

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def run(
    port: Annotated[
        str,
        typer.Option(
            help="A device (/dev/ttyGS0), pty:PATH, tcp-listen:HOST:PORT or socket://HOST:PORT.",
            rich_help_panel=options.SERIAL_LINE,
        ),
    ],
    baud: options.Baud = 115200,
    vendor: Annotated[
        str, typer.Option(help="The name in m-name-dut-[...].", rich_help_panel=options.SERIAL_LINE)
    ] = "kws-trace",
    model: options.Model = None,
    backend: options.Backend = None,
    device: options.Device = None,
    threads: options.Threads = None,
    input_scale: options.Scale = None,
    input_zero_point: options.ZeroPoint = None,
    timed: options.Timed = "reference",
    stages: options.Stages = "split",
    nvtx: options.Nvtx = True,
    traces: options.Traces = DEFAULT_TRACES,
    name: options.Name = None,
    nsys: Annotated[
        bool,
        typer.Option(
            "--nsys",
            help="Run under Nsight Systems, and import what it captures into the run.",
            rich_help_panel=options.PROFILER,
        ),
    ] = False,
    profiler: Annotated[
        Literal["nsys", "tensorflow"] | None,
        typer.Option(
            help="nsys is the same as --nsys; tensorflow is for machines without it or without a GPU.",
            rich_help_panel=options.PROFILER,
        ),
    ] = None,
    preset: Annotated[
        Literal["light", "deep"],
        typer.Option(
            help="What nsys traces. light: CUDA and NVTX, for figures. deep: OS, cuDNN and cuBLAS too, for causes.",
            rich_help_panel=options.PROFILER,
        ),
    ] = "light",
    capture_inferences: Annotated[
        int | None,
        typer.Option(
            help="Inferences captured after each performance window. Without it 200 with a profiler, else none.",
            min=0,
            rich_help_panel=options.PROFILER,
        ),
    ] = None,
    capture_windows: Annotated[
        int,
        typer.Option(help="Number of windows that a capture follows.", min=1, rich_help_panel=options.PROFILER),
    ] = 5,
    energy: Annotated[
        str | None,
        typer.Option(
            help="The timestamp pin of energy mode, which is not there yet.", rich_help_panel=options.SERIAL_LINE
        ),
    ] = None,
) -> None:
    """
    Be the device under test of the benchmark on PORT, and record every stage of every inference.

    Prints `ready on PORT` on standard error when it would answer a host, and ends on Ctrl-C or SIGTERM. Exits with 1
    if the record has a gap or nothing was captured.
    """
    if nsys and profiler == "tensorflow":
        raise typer.BadParameter("one profiler at a time: --nsys, or --profiler tensorflow")
    from runner.inference.models import ModelChoice

    choice = ModelChoice.of(model, backend, device, threads, input_scale, input_zero_point, timed, stages)
    from runner.dut.recorded_run import CaptureChoice, RunJob, refuse_energy_mode, serve_run
    from runner.nsys.launch import taken_orders, tell_pid

    if energy is not None:
        refuse_energy_mode()
    orders = taken_orders()
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
