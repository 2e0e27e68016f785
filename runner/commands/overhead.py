"""``kws-trace overhead``: the profiler ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import (
    BackendOption,
    DeviceOption,
    ModelOption,
    StagesOption,
    ThreadsOption,
    TracesOption,
)


def overhead(
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    stages: StagesOption = "split",
    seconds: Annotated[float, typer.Option(help="Of each condition, about.", min=0.01)] = 3.0,
    launches: Annotated[int, typer.Option(help="Of the processes with and without nsys.", min=1)] = 2,
    traces: TracesOption = Path("traces"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """
    Measure what looking costs: the recorder, NVTX, nsys and TensorFlow's profiler against the untraced inference.

    The ledger is kept in the folder of the runs (overhead.json), one a configuration.
    """
    import json
    import sys

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from runner.bench.overhead.conditions import OverheadJob, measure_overhead
    from runner.inference.models import ModelChoice
    from tracer.reports.overhead_ledger import render_ledger
    from tracer.runs.overhead_store import keep_ledger

    choice = ModelChoice.of(model, backend, device, threads, None, None, "reference", stages)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=1.0)
            progress.advance(tasks[what], share)

        figures = measure_overhead(OverheadJob(choice, seconds, launches, arguments=sys.argv[1:]), advance)
    path = keep_ledger(traces, figures)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_ledger(figures, Console())
        typer.echo(f"kept in {path}", err=True)
