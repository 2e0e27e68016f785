"""``kws-trace cost``: what one inference costs by counting, and what a device could make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def cost(
    model: Annotated[
        Path | None,
        typer.Argument(help="A SavedModel folder, or a .tflite, .keras or .h5 file. Default: the shipped int8 one."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Whose limits: nano, tx2, xavier-nx, orin-nano, ..., or cpu. Default: this board."),
    ] = None,
    gpu_mhz: Annotated[
        float | None, typer.Option(min=1, help="GPU clock that was measured. Default: the top.")
    ] = None,
    memory_mhz: Annotated[
        float | None, typer.Option(min=1, help="Memory clock that was measured. Default: the highest.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of the CPU that is measured. Default: all.")] = None,
    latency_us: Annotated[
        float | None, typer.Option(min=0.001, help="Measured time of an inference, to set against the limits.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Take the time, and without MODEL the model, from a run (`last` or its name).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """Count what one inference of MODEL costs, layer by layer; with a device, what its limits make of it."""
    import json

    from rich.console import Console

    from runner.limits.model_cost import CostChoice, gather_cost
    from tracer.reports.model_cost_report import render_cost

    figures = gather_cost(CostChoice(model, device, gpu_mhz, memory_mhz, latency_us, run, threads, traces))
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_cost(figures, Console())
