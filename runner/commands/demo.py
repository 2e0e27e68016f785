"""``kws-trace demo``: the whole in one command, on the shipped model."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def demo(
    traces: options.Traces = DEFAULT_TRACES,
    seconds: Annotated[
        float, options.MEASUREMENT("Length of each performance window; a valid one lasts at least 10 s.", min=0.1)
    ] = 0.6,
) -> None:
    """
    Run the device under test with the shipped model, drive it as the benchmark does, and report.

    On TensorFlow and then on LiteRT: five short performance windows, and an accuracy pass over the shipped inputs.
    """
    from runner.host.demo import run_demo

    raise typer.Exit(run_demo(traces, seconds))
