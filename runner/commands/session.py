"""``kws-trace session``: whether what a host left behind can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def session(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Sessions' folders, logs, or folders of such. With --run: by default the run's own."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="A run of ours (folder, name or `last`) that this session drove: join the two.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """
    Recompute a benchmark session from its raw lines, and audit its clock.

    Reads what energyrunner, `kws-trace host` or the MLCommons runner left: log.txt, with results.txt and results.json
    beside it. Findings are printed, each with its rule and the lines that prove it; the exit code is 0 with findings
    too, since the job is to find them (`--json` and `valid` are for scripts), and 2 where a file is no session.
    """
    import json

    from rich.console import Console

    from runner.host.session_reading import judge, session_report
    from tracer.sessions.session_text import render_session, render_table

    audits, joined = judge(paths or [], run, traces)
    if as_json:
        typer.echo(json.dumps(session_report(audits, joined), indent=2))
        return
    console = Console()
    if len(audits) > 1:
        render_table(audits, console)
    else:
        render_session(audits[0], console)
    if joined is not None:
        joined.render(console)
