"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ModelOption = Annotated[
    Path | None,
    typer.Option(help="A SavedModel folder (TensorFlow) or a .tflite file (LiteRT). Default: the shipped int8 one."),
]
BackendOption = Annotated[
    Literal["tensorflow", "litert"] | None,
    typer.Option(help="Inferred from the model; without --model it picks the shipped model of that runtime."),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="Among what TensorFlow sees: GPU:0, CPU. Default: the first GPU, else the CPU.")
]
ThreadsOption = Annotated[int | None, typer.Option(help="Of the runtime. Default: LiteRT 1, TensorFlow its own.")]
ScaleOption = Annotated[
    float | None,
    typer.Option(help="Scale of the int8 inputs, for a float model. Default: the benchmark's 0.5847029089927673."),
]
ZeroPointOption = Annotated[
    int | None, typer.Option(help="Zero point of the int8 inputs, for a float model. Default: the benchmark's 83.")
]
TimedOption = Annotated[
    Literal["reference", "end-to-end"],
    typer.Option(help="What the laps time: as the reference firmware, or dequantize in each inference too."),
]
StagesOption = Annotated[
    Literal["split", "fused"], typer.Option(help="Measure the stages apart, or run an inference in one call.")
]
NvtxOption = Annotated[bool, typer.Option("--nvtx/--no-nvtx", help="Push NVTX ranges for a profiler.")]
TracesOption = Annotated[Path, typer.Option(help="Folder of the runs.")]
NameOption = Annotated[str | None, typer.Option(help="The run's folder. Default: time and host name.")]
InferencesOption = Annotated[
    int | None, typer.Option(help="Of an nvprof summary: the inferences that its program ran, warm-ups and all.")
]
WallOption = Annotated[float | None, typer.Option(help="Of them all: wall time in ms, for the GPU's share of it.")]
CpuOption = Annotated[
    float | None, typer.Option(help="Of them all: CPU time in ms, as clock() gives it; no share of wall time.")
]
