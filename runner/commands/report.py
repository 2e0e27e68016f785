"""``kws-trace report``: where the time of a run went."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures, print_summary
from tracer.command_line import DEFAULT_TRACES


def report(
    run: Annotated[
        str,
        typer.Argument(
            help="A run: its folder, its name, or `last`. Or the name of a set of launches (`kws-trace repeat`), or "
            "the file of an nvprof summary."
        ),
    ] = "last",
    unprofiled: Annotated[
        str | None,
        options.PROFILER("A run of the same configuration without a profiler, for the wall time.", metavar="RUN"),
    ] = None,
    device: options.LimitsOf = None,
    full_names: options.FullNames = False,
    inferences: options.Inferences = None,
    wall_ms: options.WallMs = None,
    cpu_ms: options.CpuMs = None,
    as_json: options.Json = False,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """Say where the time of RUN went: by stage, by inference and by window, with the overhead of tracing."""
    if os.path.isfile(run):  # noqa: PTH113 -- false, not an error, for a name that none can be
        from tracer.profiles.open_profile import read_profile_file

        print_summary(read_profile_file(Path(run)), inferences, wall_ms, cpu_ms, as_json=as_json)
        return
    from tracer.runs.launch_set import is_launch_set, launch_set

    if is_launch_set(run, traces):
        from tracer.reports.launch_report import build_launch_report, render_launch_report

        over = build_launch_report(launch_set(run, traces))
        print_figures(over, partial(render_launch_report, over), as_json=as_json)
        return
    from runner.limits.cpu_probe import probe_cpu
    from tracer.public import RunReport
    from tracer.reports.report import build_report
    from tracer.runs.run_store import stored_run

    beside = None if unprofiled is None else stored_run(unprofiled, traces)
    limits = probe_cpu() if device == "cpu" else device
    found = RunReport(build_report(stored_run(run, traces), beside, limits))
    print_figures(found.figures, partial(found.render, full_names=full_names), as_json=as_json)
