"""``kws-trace runs``: the runs on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def runs(
    traces: TracesOption = Path("traces"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    recover: Annotated[str | None, typer.Option(help="Make this killed run whole on disk.")] = None,
) -> None:
    """List the runs, or make a killed one whole with --recover."""
    import json

    from rich.console import Console

    from tracer.runs.run_list import list_rows, render_runs
    from tracer.runs.run_store import damaged_runs, recover_run

    if recover is not None:
        recovered = recover_run(recover, traces)
        typer.echo("\n  ".join([f"{recovered.name}: {recovered.state}", *recovered.dropped]))
        return
    rows, damaged = list_rows(traces), damaged_runs(traces)
    if as_json:
        typer.echo(json.dumps({"runs": rows, "damaged": damaged}, indent=2))
        return
    render_runs(rows, damaged, traces, Console())
