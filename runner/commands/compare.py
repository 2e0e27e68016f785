"""``kws-trace compare``: whether runs differ by more than noise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="A B...", help="Runs; the others are held against the first.")],
    threshold: Annotated[
        float, typer.Option(help="Share of the median inference below which a difference counts as none.", min=0.0)
    ] = 0.02,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """
    Say whether B (and further runs) are slower or faster than A, or differ by no more than the noise.

    Exit codes: 0 no slowdown, 1 a run is slower beyond the noise, 2 a run cannot be compared (another model, mode or
    frequency).
    """
    import json

    from rich.console import Console

    from tracer.reports.compare_report import compare_runs
    from tracer.reports.compare_text import render_comparison
    from tracer.runs.run_store import open_run

    figures = compare_runs([open_run(run, traces) for run in runs], threshold)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        render_comparison(figures, Console())
    verdicts = {row["verdict"] for row in figures["comparisons"]}
    raise typer.Exit(2 if "refused" in verdicts else 1 if "slower" in verdicts else 0)
