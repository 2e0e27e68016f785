"""``kws-trace dashboard``: open the runs in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def dashboard(
    traces: TracesOption = Path("traces"),
    port: Annotated[int, typer.Option(help="Of the page.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own publishes the runs.")
    ] = "127.0.0.1",
) -> None:
    """Open the runs on disk in a browser: overview, stages, kernels, timeline, comparison. This machine only."""
    from runner.dashboard_launcher import launch

    raise typer.Exit(launch(traces, port, host, lambda text: typer.secho(text, fg="yellow", bold=True, err=True)))
