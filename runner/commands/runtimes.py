"""``kws-trace runtimes``: the same weights on every runtime that is installed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures, progress_bars


def runtimes(
    model: options.SavedModel = None,
    tflite: Annotated[
        list[Path] | None,
        options.MODEL(
            "A .tflite file of the same model. The option may be given more than once. Without it the shipped "
            "int8 model is used."
        ),
    ] = None,
    threads: options.EachThreads = 1,
    dataset: options.Dataset = None,
    seconds: Annotated[float, options.MEASUREMENT("Time for which each runtime is measured, about.", min=0.01)] = 2.0,
    batch: Annotated[
        str | None,
        options.MEASUREMENT(
            "Sizes of batches, such as 1,8,64,512: each runtime also runs so many inputs at a time, and what one "
            "takes is compared. 1 is always measured."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """
    Run one model on TensorFlow, LiteRT and ONNX Runtime, timed in turn, and compare their times and Top-1.

    A runtime that is not installed is listed with the command that installs it. With --batch it also says whether the
    CPU or the GPU wins for one input, and from which batch on the other does.
    """
    from runner.bench.runtimes.batches import batches_of
    from runner.bench.runtimes.comparison import compare_runtimes
    from tracer.reports.runtime_table import render_runtimes

    sizes = batches_of(batch)
    with progress_bars() as advance:
        figures = compare_runtimes(model, tflite or (), dataset, seconds, threads, sizes, advance)
    print_figures(figures, partial(render_runtimes, figures), as_json=as_json)
