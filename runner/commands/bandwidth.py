"""``kws-trace bandwidth``: how fast bytes get to the device and back."""

from __future__ import annotations

from typing import Annotated

import typer


def bandwidth(
    device: Annotated[
        str | None, typer.Option(help="GPU:0 (or another number), or cpu. Default: the first GPU, else the CPU.")
    ] = None,
    largest: Annotated[int, typer.Option(help="Bytes of the largest copy.", min=1)] = 32_000_000,
    repeats: Annotated[int, typer.Option(help="Of each kind and size.", min=2)] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """
    Measure copies from host to device, back, and within the device, from pageable and pinned memory, by size.

    Without a GPU it measures memory to memory, and says so.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from runner.bench.bandwidth.measurement import BandwidthJob, measure_bandwidth
    from tracer.reports.bandwidth_table import render_bandwidth

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("copies", total=1.0)
        job = BandwidthJob(device, largest, repeats)
        figures = measure_bandwidth(job, advance=lambda share: progress.advance(task, share))
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_bandwidth(figures, Console())
