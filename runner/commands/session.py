"""``kws-trace session``: whether what a host left behind can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES

if TYPE_CHECKING:
    from rich.console import Console


def session(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Sessions: folders, logs, or folders of such. With --run the run's own are used if none is named."
        ),
    ] = None,
    run: Annotated[
        str | None, options.RECORDING("The run (folder, name or `last`) that this session drove; the two are joined.")
    ] = None,
    whole: options.All = False,
    as_json: options.Json = False,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """
    Recompute a benchmark session from its raw lines, and audit its clock.

    Reads what energyrunner, `kws-trace host` or the MLCommons runner left: log.txt, with results.txt and results.json
    beside it. Findings are printed, each with its rule and the lines that prove it.

    Exit codes: 0 with findings too, since the job is to find them (`--json` and `valid` are for scripts), 2 where a
    path is no session; a log below a folder that is none is named, and passed over.
    """
    from runner.host.session_reading import judge, session_report
    from tracer.sessions.session_text import render_session, render_table
    from tracer.terminal_text import print_lines

    found = judge(paths or [], run, traces)

    def render(console: Console) -> None:
        if len(found.audits) > 1:
            render_table(found.audits, console, whole=whole)
        else:
            render_session(found.audits[0], console)
        print_lines(console, (f"Not read: {line}" for one in found.unread for line in one["lines"]))
        if found.joined is not None:
            found.joined.render(console, whole=whole)

    print_figures(session_report(found), render, as_json=as_json)
