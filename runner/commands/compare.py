"""``kws-trace compare``: whether runs differ by more than noise."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="A B...", help="Runs. Each of the others is compared with the first.")
    ],
    threshold: Annotated[
        float,
        typer.Option(
            help="Share of the median inference below which a difference counts as none.",
            min=0.0,
            rich_help_panel=options.MEASUREMENT,
        ),
    ] = 0.02,
    as_json: options.Json = False,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """
    Say whether B (and further runs) are slower or faster than A, or differ by no more than the noise.

    Exit codes: 0 no slowdown, 1 a run is slower beyond the noise, 2 a run cannot be compared (another model, mode or
    frequency).
    """
    from tracer.reports.compare_report import compare_runs
    from tracer.reports.compare_text import render_comparison
    from tracer.runs.run_store import stored_run

    figures = compare_runs([stored_run(run, traces) for run in runs], threshold)
    print_figures(figures, partial(render_comparison, figures), as_json=as_json)
    verdicts = {row["verdict"] for row in figures["comparisons"]}
    raise typer.Exit(2 if "refused" in verdicts else 1 if "slower" in verdicts else 0)
