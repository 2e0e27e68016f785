"""``kws-trace report``: where the time of a run went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def report(
    run: Annotated[str, typer.Argument(help="A run's folder, its name, or `last`.")] = "last",
    unprofiled: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Of the same configuration, without a profiler: its wall time."),
    ] = None,
    full_names: Annotated[bool, typer.Option("--full-names", help="Every kernel, by its whole name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """Say where the time of RUN went: per stage and per inference, per window, and what tracing cost."""
    import json

    from rich.console import Console

    from tracer.report import build_report
    from tracer.report_text import render_report
    from tracer.run_store import open_run

    figures = build_report(open_run(run, traces), None if unprofiled is None else open_run(unprofiled, traces))
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_report(figures, Console(), full_names=full_names)
