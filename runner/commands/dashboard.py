"""``kws-trace dashboard``: open the runs in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def dashboard(
    traces: TracesOption = Path("traces"),
    port: Annotated[int, typer.Option(help="Of the page.", min=1, max=65535)] = 8501,
) -> None:
    """Open the runs on disk in a browser, on this machine only: an overview of each."""
    from runner.dashboard_launcher import launch

    raise typer.Exit(launch(traces, port))
