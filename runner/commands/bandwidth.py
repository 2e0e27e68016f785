"""``kws-trace bandwidth``: how fast bytes get to the device and back."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures, progress_bars


def bandwidth(
    device: Annotated[
        str | None,
        options.MEASUREMENT("GPU:0 (or another number), or cpu. Without it the first GPU is measured, else the CPU."),
    ] = None,
    largest: Annotated[int, options.MEASUREMENT("Bytes of the largest copy.", min=1)] = 32_000_000,
    repeats: Annotated[int, options.MEASUREMENT("Measurements of each kind and size.", min=2)] = 25,
    as_json: options.Json = False,
) -> None:
    """
    Measure copies from host to device, back, and within the device, from pageable and pinned memory, by size.

    Without a GPU it measures memory to memory, and says so.
    """
    from runner.bench.bandwidth.measurement import measure_bandwidth
    from tracer.reports.bandwidth_table import render_bandwidth

    with progress_bars() as advance:
        figures = measure_bandwidth(device, largest, repeats, advance=partial(advance, "copies"))
    print_figures(figures, partial(render_bandwidth, figures), as_json=as_json)
