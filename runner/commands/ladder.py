"""``kws-trace ladder``: the same model on every rung, each a device under test."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES, DEFAULT_WINDOW_S, PROFILER_PAIRS

Port = Annotated[
    str | None,
    options.SERIAL_LINE("Serve an outside host on this port, as `run` does. Without it our own host drives."),
]
Tflite = Annotated[Path | None, options.MODEL("A .tflite file of the same model, for the rung litert.")]
Onnx = Annotated[
    Path | None,
    options.MODEL("An .onnx file of the same model. Without it the SavedModel is converted, as by `convert`."),
]
Stages = Annotated[
    Literal["split", "fused"],
    options.MODEL("Run an inference as one call, the shortest of each runtime, or time each stage of it."),
]
Rungs = Annotated[
    str | None, options.MEASUREMENT("Rungs to climb, with commas: session,xla,litert. Without it all are.")
]
Seconds = Annotated[float, options.MEASUREMENT("Length of each window; a valid one lasts at least 10 s.", min=0.1)]
Rounds = Annotated[int, options.MEASUREMENT("Launches of each rung, one a round; three give an interval.", min=1)]
NsysFirst = Annotated[
    bool,
    options.PROFILER(
        "First launch each rung under Nsight Systems: its kernels, and what it predicts of the next.", "--nsys"
    ),
]
LadderName = Annotated[
    str | None, options.RECORDING("Name of the ladder. Without it the time and the host's name make one.")
]
Show = Annotated[
    str | None, options.OUTPUT("Print the ladder of this name that was climbed before.", metavar="LADDER")
]


def ladder(
    port: Port = None,
    model: options.SavedModel = None,
    tflite: Tflite = None,
    onnx: Onnx = None,
    library: options.Library = None,
    threads: options.EachThreads = 1,
    stages: Stages = "fused",
    rungs: Rungs = None,
    seconds: Seconds = DEFAULT_WINDOW_S,
    rounds: Rounds = 3,
    dataset: options.Dataset = None,
    nsys: NsysFirst = False,
    profiler_pairs: options.ProfilerPairs = PROFILER_PAIRS,
    traces: options.Traces = DEFAULT_TRACES,
    name: LadderName = None,
    show: Show = None,
    as_json: options.Json = False,
) -> None:
    """
    Take the layers out one by one, each as device under test, and hold each prediction against the next rung.

    Each launch is a process of its own, driven through five windows and an accuracy pass; the rounds go over all
    rungs in turn. Exits with 1 if a rung failed or a signal ended the rounds, which keep what was made.
    """
    from tracer.ladder.store import ONNX, new_ladder, read_ladder
    from tracer.reports.ladder_table import render_ladder

    if show is not None:
        saved = read_ladder(show, traces)
        print_figures(saved, partial(render_ladder, saved), as_json=as_json)
        return
    from runner.dataset import chosen_dataset
    from runner.ladder.climb import Climb, LadderJob
    from runner.ladder.found import LadderModels, chosen_keys, find_rungs
    from runner.runtime_output import tell

    models, keys = LadderModels(model, tflite, onnx, library), chosen_keys(rungs)
    models.check()
    inputs = chosen_dataset(dataset)
    inputs.input(0)
    called, folder = new_ladder(name, traces)
    found = find_rungs(keys, models, folder / ONNX)
    job = LadderJob(
        found,
        models.saved_model,
        called,
        traces,
        folder,
        inputs,
        port,
        seconds,
        rounds,
        stages,
        threads,
        profiler_pairs if nsys else None,
    )
    report = Climb(job, tell).make()
    print_figures(report, partial(render_ladder, report), as_json=as_json)
    raise typer.Exit(1 if report["stopped"] or any(one["failure"] for one in report["rungs"]) else 0)
