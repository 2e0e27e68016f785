"""``kws-trace accuracy``: why an accuracy is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def accuracy(
    ref: Annotated[
        str,
        typer.Argument(
            metavar="[RUN|SESSION]", help="A run (folder, name or `last`), or the folder or log of a session."
        ),
    ] = "last",
    model: options.Model = None,
    input_scale: options.Scale = None,
    input_zero_point: options.ZeroPoint = None,
    also: Annotated[
        list[Path] | None, options.MODEL("Another model to try. The option may be given more than once.")
    ] = None,
    dataset: options.Dataset = None,
    traces: options.TracesThere = DEFAULT_TRACES,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Find out whether the results of RUN or SESSION are those of the model, or which mistake explains them."""
    from runner.accuracy.diagnosis import examine

    examine(ref, traces, model, dataset, also or [], input_scale, input_zero_point, quiet=quiet, as_json=as_json)
