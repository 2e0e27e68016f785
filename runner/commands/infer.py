"""``kws-trace infer``: the same model and stages over local files, without a serial line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.model_options import ChosenModel, takes_model
from tracer.command_line import DEFAULT_TRACES


@takes_model
def infer(
    *,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Inputs of 490 bytes (int8) or 1960 bytes (float32).")
    ] = None,
    dataset: options.Dataset = None,
    repeat: Annotated[int, options.MEASUREMENT("Inferences of each input.", min=1)] = 1,
    warmups: Annotated[int, options.MEASUREMENT("Untimed inferences before each input.", min=0)] = 0,
    chosen: ChosenModel,
    nvtx: options.Nvtx = None,
    traces: options.Traces = DEFAULT_TRACES,
    name: options.Name = None,
    as_json: options.Json = False,
) -> None:
    """
    Run the model over FILES or a dataset and record a run: elapsed time, time an inference, Top-1 and AUC.

    Exits with 1 if the run was ended early or its record has a gap.
    """
    choice = chosen()
    from runner.dut.local_inference import infer_inputs, print_outcome
    from runner.dut.run_job import RunJob

    outcome = infer_inputs(RunJob(choice, traces, name, nvtx=nvtx), files or [], dataset, repeat, warmups)
    print_outcome(outcome, traces, as_json=as_json)
    raise typer.Exit(0 if outcome["complete"] else 1)
