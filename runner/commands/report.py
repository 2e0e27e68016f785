"""``kws-trace report``: where the time of a run went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import CpuOption, InferencesOption, TracesOption, WallOption


def report(
    run: Annotated[
        str, typer.Argument(help="A run's folder, its name, `last`, or the file of an nvprof summary.")
    ] = "last",
    unprofiled: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Of the same configuration, without a profiler: its wall time."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Whose limits: nano, tx2, xavier-nx, orin-nano, ..., or cpu. Default: the run's board."),
    ] = None,
    full_names: Annotated[bool, typer.Option("--full-names", help="Every kernel, by its whole name.")] = False,
    inferences: InferencesOption = None,
    wall_ms: WallOption = None,
    cpu_ms: CpuOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """Say where the time of RUN went: per stage and per inference, per window, and what tracing cost."""
    import json

    from rich.console import Console

    from tracer.model.devices import Limits
    from tracer.reports.report import build_report
    from tracer.reports.report_text import render_report
    from tracer.runs.run_store import open_run

    if os.path.isfile(run):  # noqa: PTH113 -- false, not an error, for a name that none can be
        from runner.commands.summary_output import print_summary
        from tracer.profiles.open_profile import open_profile

        print_summary(open_profile(Path(run)), inferences, wall_ms, cpu_ms, as_json=as_json)
        return
    limits: str | Limits | None = device
    if device == "cpu":
        from runner.limits.cpu_probe import probe_cpu

        limits = probe_cpu()
    beside = None if unprofiled is None else open_run(unprofiled, traces)
    figures = build_report(open_run(run, traces), beside, limits)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_report(figures, Console(), full_names=full_names)
