"""``kws-trace convert``: an ONNX file of a SavedModel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from runner.commands import options
from runner.commands.output import print_figures


def convert(
    out: Annotated[Path, typer.Argument(help="The .onnx file to write.", dir_okay=False)],
    model: options.SavedModel = None,
    input_scale: options.Scale = None,
    input_zero_point: options.ZeroPoint = None,
    as_json: options.Json = False,
) -> None:
    """
    Make an ONNX model of a SavedModel, for ONNX Runtime and TensorRT.

    It is held against TensorFlow on known inputs, whose answers and scale go into the file: `run --model OUT` is held
    against them in turn.
    """
    from runner.inference.models import ModelChoice
    from runner.inference.onnx_conversion import write_onnx

    choice = ModelChoice.of(
        model, runtime="session", input_scale=input_scale, input_zero_point=input_zero_point, device="CPU"
    )
    figures = write_onnx(choice, out)
    print_figures(figures, partial(_render, figures), as_json=as_json)


def _render(figures: dict[str, Any], console: Console) -> None:
    from tracer.figure_text import counted, significant_text

    checked = figures["known_answers"]
    far = significant_text(checked["largest_difference"])
    console.print(
        f"{figures['onnx']['path']}: {counted(checked['inputs'], 'known input')} answered as TensorFlow does, "
        f"within {far}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
