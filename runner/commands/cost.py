"""``kws-trace cost``: what one inference costs by counting, and what a device could make of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES


def cost(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="A SavedModel folder, or a .tflite, .keras or .h5 file. Without it the shipped int8 one is counted."
        ),
    ] = None,
    device: options.LimitsOf = None,
    gpu_mhz: Annotated[
        float | None, options.LIMITS("Measured frequency of the GPU. Without it the highest is used.", min=1)
    ] = None,
    memory_mhz: Annotated[
        float | None, options.LIMITS("Measured frequency of the memory. Without it the highest is used.", min=1)
    ] = None,
    threads: Annotated[
        int | None, options.LIMITS("Threads with which this CPU is measured. Without it all cores are used.", min=1)
    ] = None,
    latency_us: Annotated[
        float | None, options.MEASUREMENT("Measured time of an inference, to be compared with the limits.", min=0.001)
    ] = None,
    run: Annotated[
        str | None, options.MEASUREMENT("Use the time of a run (a name or `last`), and without MODEL its model too.")
    ] = None,
    as_json: options.Json = False,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """Count the operations and bytes of one inference of MODEL by layer, and compare them with a device's limits."""
    from runner.limits.model_cost import CostChoice, gather_cost
    from tracer.reports.model_cost_report import render_cost

    figures = gather_cost(CostChoice(model, device, gpu_mhz, memory_mhz, latency_us, run, threads, traces))
    print_figures(figures, partial(render_cost, figures), as_json=as_json)
