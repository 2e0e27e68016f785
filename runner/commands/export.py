"""``kws-trace export``: a run in the form of another tool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise typer.BadParameter("give the first and the last inference as A:B, as 100:120")
    return int(found[1]), int(found[2])


def export(
    run: options.Run,
    perfetto: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="File of the trace, for https://ui.perfetto.dev.", rich_help_panel=options.OUTPUT
        ),
    ],
    inferences: Annotated[
        str | None,
        typer.Option(
            metavar="A:B",
            help="Export only the inferences from A to B, both included, and what happened meanwhile.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """
    Write RUN as a trace that other tools open: spans, CUDA calls and GPU work, with arrows from launch to work.

    All stand on one clock: that of the first capture, else the recorder's. Warm-ups are in it and marked. The file is
    a Perfetto trace; drop it on https://ui.perfetto.dev (which reads it in the browser) or open it in a local copy.
    """
    bounds = None if inferences is None else _range(inferences)
    from tracer.captures.perfetto_export import export_perfetto
    from tracer.runs.run_store import stored_run

    done = export_perfetto(stored_run(run, traces), perfetto, bounds)
    typer.echo(f"{perfetto}: {done.slices} slices on {done.tracks} tracks, {done.flows} arrows from launch to work")
    typer.echo(done.clock)
