"""``kws-trace accuracy``: why an accuracy is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import ModelOption, ScaleOption, TracesOption, ZeroPointOption


def accuracy(
    ref: Annotated[
        str, typer.Argument(metavar="RUN|SESSION", help="A run (folder, name, `last`), or a session's folder or log.")
    ] = "last",
    model: ModelOption = None,
    dataset: Annotated[
        Path | None, typer.Option(help="A folder with y_labels.csv, or an .npz. Default: the shipped inputs.")
    ] = None,
    also: Annotated[list[Path] | None, typer.Option(help="Another model to try; may be given again.")] = None,
    input_scale: ScaleOption = None,
    input_zero_point: ZeroPointOption = None,
    traces: TracesOption = Path("traces"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say whether the results of RUN or SESSION come from the model as it should be, or from which mistake."""
    from runner.accuracy.diagnosis import AccuracyJob, examine

    examine(AccuracyJob(ref, traces, model, dataset, also or [], input_scale, input_zero_point, quiet, as_json))
