"""``kws-trace infer``: the same model and stages over local files, without a serial line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import (
    BackendOption,
    DeviceOption,
    ModelOption,
    NameOption,
    NvtxOption,
    ScaleOption,
    StagesOption,
    ThreadsOption,
    TimedOption,
    TracesOption,
    ZeroPointOption,
)


def infer(
    files: Annotated[list[Path] | None, typer.Argument(help="Inputs of 490 bytes (or 1960, float32).")] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="A folder with y_labels.csv, or an .npz. Default: the shipped inputs.")
    ] = None,
    repeat: Annotated[int, typer.Option(help="Inferences of each input.", min=1)] = 1,
    warmups: Annotated[int, typer.Option(help="Untimed inferences before each input.", min=0)] = 0,
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    input_scale: ScaleOption = None,
    input_zero_point: ZeroPointOption = None,
    timed: TimedOption = "reference",
    stages: StagesOption = "split",
    nvtx: NvtxOption = True,
    traces: TracesOption = Path("traces"),
    name: NameOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Run the model over FILES or a dataset, recorded as a run is: elapsed, per inference, Top-1 and AUC."""
    from runner.dut.local_inference import infer_inputs, local_inputs, print_outcome
    from runner.dut.recorded_run import RunJob
    from runner.inference.models import ModelChoice

    inputs = local_inputs(files or [], dataset)
    choice = ModelChoice.of(model, backend, device, threads, input_scale, input_zero_point, timed, stages)
    outcome = infer_inputs(RunJob(choice, traces, name, nvtx=nvtx), inputs, repeat, warmups)
    print_outcome(outcome, as_json=as_json)
    raise typer.Exit(0 if outcome["complete"] else 1)
