"""``kws-trace export``: a run in the form of another tool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.output import tell_losses
from tracer.command_line import DEFAULT_TRACES
from tracer.figure_text import counted
from tracer.terminal_text import say


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise typer.BadParameter("give the first and the last inference as A:B, as 100:120")
    return int(found[1]), int(found[2])


def export(
    run: options.Run,
    perfetto: Annotated[Path, options.OUTPUT("File of the trace, for https://ui.perfetto.dev.", metavar="FILE")],
    inferences: Annotated[
        str | None,
        options.OUTPUT(
            "Export only the inferences from A to B, both included, and what happened meanwhile.", metavar="A:B"
        ),
    ] = None,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """
    Write RUN as a trace that other tools open: spans, CUDA calls and GPU work, with arrows from launch to work.

    All stand on one clock: that of the first capture, else the recorder's. Warm-ups are in it and marked. The file is
    a Perfetto trace; drop it on https://ui.perfetto.dev (which reads it in the browser) or open it in a local copy.
    """
    bounds = None if inferences is None else _range(inferences)
    from tracer.captures.perfetto_export import export_perfetto
    from tracer.runs.run_store import stored_run

    stored = stored_run(run, traces)
    done = export_perfetto(stored, perfetto, bounds)
    say(
        f"{perfetto}: {counted(done.slices, 'slice')} on {counted(done.tracks, 'track')}, "
        f"{counted(done.flows, 'arrow')} from launch to work"
    )
    say(done.clock)
    tell_losses(stored)
