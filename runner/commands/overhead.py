"""``kws-trace overhead``: the profiler ledger."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures, progress_bars
from tracer.command_line import DEFAULT_TRACES
from tracer.terminal_text import say


def overhead(
    model: options.Model = None,
    backend: options.Backend = None,
    device: options.Device = None,
    threads: options.Threads = None,
    stages: options.Stages = "split",
    seconds: Annotated[float, options.MEASUREMENT("Length of each measurement, about.", min=0.01)] = 3.0,
    launches: Annotated[int, options.MEASUREMENT("Launches of the process, with and without nsys.", min=1)] = 2,
    traces: options.Traces = DEFAULT_TRACES,
    as_json: options.Json = False,
) -> None:
    """
    Measure the profiler overhead: of the recorder, NVTX, nsys and TensorFlow's profiler, on an untraced inference.

    The figures are kept in the folder of the runs (overhead.json), one set for each configuration.
    """
    from runner.inference.models import ModelChoice

    choice = ModelChoice.of(model, backend=backend, device=device, threads=threads, mode=stages)
    from runner.bench.overhead.conditions import OverheadJob, measure_overhead
    from tracer.reports.overhead_ledger import render_ledger
    from tracer.runs.overhead_store import keep_ledger

    with progress_bars() as advance:
        figures = measure_overhead(OverheadJob(choice, seconds, launches, arguments=sys.argv[1:]), advance)
    path = keep_ledger(traces, figures)
    print_figures(figures, partial(render_ledger, figures), as_json=as_json)
    say(f"kept in {path}", err=True)
