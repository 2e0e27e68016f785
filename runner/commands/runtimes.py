"""``kws-trace runtimes``: the same weights on every runtime that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def runtimes(
    model: Annotated[Path | None, typer.Option(help="A SavedModel folder. Default: the shipped one.")] = None,
    tflite: Annotated[
        list[Path] | None,
        typer.Option(help="A .tflite file of the same model; may be repeated. Default: the shipped int8 one."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="For Top-1: a folder with y_labels.csv, or an .npz. Default: the shipped inputs."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of timing each way, about.", min=0.01)] = 2.0,
    threads: Annotated[int, typer.Option(help="Of each runtime.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """
    Run one model on TensorFlow, LiteRT and ONNX Runtime, timed in turn: what taking a layer out gives.

    What is not installed is listed with what brings it.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from runner.bench.runtimes.comparison import RuntimesJob, compare_runtimes
    from tracer.reports.runtime_table import render_runtimes

    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=1.0)
            progress.advance(tasks[what], share)

        figures = compare_runtimes(RuntimesJob(model, tflite or [], dataset, seconds, threads), advance)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_runtimes(figures, Console())
