"""``kws-trace ladder``: the same model on every rung, each a device under test."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES


def ladder(
    port: Annotated[
        str | None,
        options.SERIAL_LINE("Serve an outside host on this port, as `run` does. Without it our own host drives."),
    ] = None,
    model: Annotated[Path | None, options.MODEL("A SavedModel folder. Without it the shipped model is used.")] = None,
    tflite: Annotated[Path | None, options.MODEL("A .tflite file of the same model, for the rung litert.")] = None,
    onnx: Annotated[
        Path | None,
        options.MODEL("An .onnx file of the same model. Without it the SavedModel is converted, as by `convert`."),
    ] = None,
    library: Annotated[str | None, options.MODEL("Path of libtensorflow.so, for the rung capi.")] = None,
    threads: Annotated[int, options.MODEL("Threads of each runtime.", min=1)] = 1,
    stages: Annotated[
        Literal["split", "fused"],
        options.MODEL("Run an inference as one call, the shortest of each runtime, or time each stage of it."),
    ] = "fused",
    rungs: Annotated[
        str | None, options.MEASUREMENT("Rungs to climb, with commas: session,xla,litert. Without it all are.")
    ] = None,
    seconds: Annotated[
        float, options.MEASUREMENT("Length of each window; a valid one lasts at least 10 s.", min=0.1)
    ] = 10.0,
    rounds: Annotated[
        int, options.MEASUREMENT("Launches of each rung, one a round; three give an interval.", min=1)
    ] = 3,
    dataset: options.Dataset = None,
    nsys: Annotated[
        bool,
        options.PROFILER(
            "First launch each rung under Nsight Systems: its kernels, and what it predicts of the next.", "--nsys"
        ),
    ] = False,
    traces: options.Traces = DEFAULT_TRACES,
    name: Annotated[
        str | None, options.RECORDING("Name of the ladder. Without it the time and the host's name make one.")
    ] = None,
    show: Annotated[
        str | None, options.OUTPUT("Print the ladder of this name that was climbed before.", metavar="LADDER")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """
    Take the layers out one by one, each as device under test, and hold each prediction against the next rung.

    Each launch is a process of its own, driven through five windows and an accuracy pass; the rounds go over all
    rungs in turn. Exits with 1 if a rung failed or a signal ended the rounds, which keep what was made.
    """
    from tracer.ladder.store import read_ladder
    from tracer.reports.ladder_table import render_ladder

    if show is not None:
        saved = read_ladder(show, traces)
        print_figures(saved, partial(render_ladder, saved), as_json=as_json)
        return
    from runner.dataset import chosen_dataset
    from runner.ladder.climb import Climb, LadderJob
    from runner.ladder.found import LadderModels, chosen_keys, find_rungs
    from runner.runtime_output import tell
    from tracer.ladder.store import ONNX, new_ladder

    models = LadderModels(model, tflite, onnx, library)
    keys = chosen_keys(rungs)
    models.check()
    inputs = chosen_dataset(dataset)
    inputs.input(0)
    called, folder = new_ladder(name, traces)
    found = find_rungs(keys, models, folder / ONNX)
    job = LadderJob(
        found, models.saved_model, called, traces, folder, inputs, port, seconds, rounds, stages, threads, nsys
    )
    report = Climb(job, tell).make()
    print_figures(report, partial(render_ladder, report), as_json=as_json)
    raise typer.Exit(1 if report["stopped"] or any(one["failure"] for one in report["rungs"]) else 0)
