"""``kws-trace demo``: the whole in one command, on the shipped model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    traces: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("traces"),
    seconds: Annotated[
        float, typer.Option(help="Of each performance window; an official one has 10.", min=0.1)
    ] = 0.6,
) -> None:
    """
    Run the device under test with the shipped model, drive it as the benchmark does, and report.

    On TensorFlow and then on LiteRT: five short performance windows, an accuracy pass over the shipped inputs.
    """
    from runner.demo import run_demo

    raise typer.Exit(run_demo(traces, seconds))
