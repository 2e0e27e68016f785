"""``kws-trace run``: be the device under test, and record."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated, Literal

import typer

from runner.commands import options
from runner.commands.model_options import ChosenModel, takes_model
from tracer.command_line import DEFAULT_TRACES, PROFILER_PAIRS


@takes_model
def run(
    *,
    port: Annotated[
        str, options.SERIAL_LINE("A device (/dev/ttyGS0), pty:PATH, tcp-listen:HOST:PORT or socket://HOST:PORT.")
    ],
    baud: options.DutBaud = None,
    vendor: Annotated[str, options.SERIAL_LINE("The name in m-name-dut-[...].")] = "kws-trace",
    chosen: ChosenModel,
    nvtx: options.Nvtx = None,
    traces: options.Traces = DEFAULT_TRACES,
    name: options.Name = None,
    windows: Annotated[
        int | None,
        options.RECORDING(
            "End after this number of performance windows, once the line has been quiet for 5 s. Without it Ctrl-C "
            "ends the run.",
            min=1,
        ),
    ] = None,
    nsys: Annotated[
        bool, options.PROFILER("Run under Nsight Systems, and import what it captures into the run.", "--nsys")
    ] = False,
    profiler: Annotated[
        Literal["nsys", "tensorflow"] | None,
        options.PROFILER("nsys is the same as --nsys; tensorflow is for machines without it or without a GPU."),
    ] = None,
    preset: Annotated[
        Literal["light", "deep"],
        options.PROFILER(
            "What nsys traces. light: CUDA and NVTX, for figures. deep: OS, cuDNN and cuBLAS too, for causes."
        ),
    ] = "light",
    capture_inferences: Annotated[
        int | None,
        options.PROFILER(
            "Inferences of a capture. Without it 40 with a profiler (200 with --profiler-pairs 0), else none.", min=0
        ),
    ] = None,
    capture_windows: Annotated[
        int, options.PROFILER("Number of performance windows that captures follow.", min=1)
    ] = 5,
    profiler_pairs: options.ProfilerPairs = PROFILER_PAIRS,
    energy: Annotated[
        str | None,
        options.SERIAL_LINE("Energy mode: the GPIO line, as gpiochip0:LINE, on which a pulse stands for each lap."),
    ] = None,
) -> None:
    """
    Be the device under test of the benchmark on PORT, and record every stage of every inference.

    Prints `ready on PORT` on standard error when it would answer a host, and ends on Ctrl-C, SIGTERM or SIGHUP. Exits
    with 1 if the record has a gap or nothing was captured.
    """
    if nsys and profiler == "tensorflow":
        raise typer.BadParameter("one profiler at a time: --nsys, or --profiler tensorflow")
    choice = chosen()
    from runner.dut.capture_plan import CaptureChoice
    from runner.dut.run_job import RunJob, serve_run
    from runner.line.ports import line_baud
    from runner.nsys.launch import taken_orders, tell_pid

    baud = line_baud(baud, energy=energy is not None)
    orders = taken_orders()
    wanted = "nsys" if nsys else profiler
    if capture_inferences is None:
        capture_inferences = (40 if profiler_pairs else 200) if wanted else 0
    capture = CaptureChoice(capture_inferences, min(capture_windows, windows or capture_windows), profiler_pairs)
    job = RunJob(choice, traces, name, nvtx=nvtx, capture=capture, windows=windows, energy=energy)
    if orders is not None:
        tell_pid(orders)
        job = replace(job, name=orders.name, profiler=orders.profiler)
        raise typer.Exit(serve_run(job, port, baud, vendor))
    if wanted is None:
        raise typer.Exit(serve_run(job, port, baud, vendor))
    from runner.dut.profiler_launch import serve_under_nsys, serve_with_tensorflow

    if wanted == "nsys":
        raise typer.Exit(serve_under_nsys(job, preset, sys.argv[1:]))
    raise typer.Exit(serve_with_tensorflow(job, port, baud, vendor))
