"""The options that several commands share, and the groups in which a help shows options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

SERIAL_LINE = "Serial line"
MODEL = "Model"
INPUTS = "Inputs"
RECORDING = "Recording"
PROFILER = "Profiler"
MEASUREMENT = "Measurement"
LIMITS = "Device limits"
SUMMARY = "nvprof summary"
REPAIRS = "Repairs"
OUTPUT = "Output"
GROUPS = (SERIAL_LINE, MODEL, INPUTS, RECORDING, PROFILER, MEASUREMENT, LIMITS, SUMMARY, REPAIRS, OUTPUT)

Baud = Annotated[int, typer.Option(help="Baud rate of a serial device.", min=300, rich_help_panel=SERIAL_LINE)]
Model = Annotated[
    Path | None,
    typer.Option(
        help="A SavedModel folder (TensorFlow) or a .tflite file (LiteRT). Without it the shipped int8 one is used.",
        rich_help_panel=MODEL,
    ),
]
Backend = Annotated[
    Literal["tensorflow", "litert"] | None,
    typer.Option(
        help="The runtime. Without it the model decides; without --model it chooses the shipped model.",
        rich_help_panel=MODEL,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="The device of TensorFlow, such as GPU:0 or CPU. Without it the first GPU is used, else the CPU.",
        rich_help_panel=MODEL,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="Threads of the runtime. Without it LiteRT uses 1, and TensorFlow its own number.",
        min=1,
        rich_help_panel=MODEL,
    ),
]
Scale = Annotated[
    float | None,
    typer.Option(
        help="Scale of the int8 inputs, for a float model. Without it the benchmark's 0.5847029089927673 is used.",
        rich_help_panel=MODEL,
    ),
]
ZeroPoint = Annotated[
    int | None,
    typer.Option(
        help="Zero point of the int8 inputs, to be given with --input-scale. Without it the benchmark's 83 is used.",
        rich_help_panel=MODEL,
    ),
]
Timed = Annotated[
    Literal["reference", "end-to-end"],
    typer.Option(
        help="What a window times: what the reference firmware times, or the dequantization of each input too.",
        rich_help_panel=MODEL,
    ),
]
Stages = Annotated[
    Literal["split", "fused"],
    typer.Option(
        help="Time each stage of an inference, or run an inference as one call.",
        rich_help_panel=MODEL,
    ),
]
Dataset = Annotated[
    Path | None,
    typer.Option(
        help="A folder with y_labels.csv, or an .npz file. Without it the shipped inputs are used.",
        rich_help_panel=INPUTS,
    ),
]
Nvtx = Annotated[
    bool, typer.Option("--nvtx/--no-nvtx", help="Push NVTX ranges for a profiler.", rich_help_panel=RECORDING)
]
Name = Annotated[
    str | None,
    typer.Option(
        help="Name of the run and of its folder. Without it the time and the host's name make one.",
        rich_help_panel=RECORDING,
    ),
]
Traces = Annotated[Path, typer.Option(help="Folder of the runs.", rich_help_panel=RECORDING)]
Run = Annotated[str, typer.Argument(help="A run: its folder, its name, or `last`.")]


def _known_device(name: str | None) -> str | None:
    """Tells a device of no table before a model or a run is read."""
    if name not in (None, "cpu"):
        from tracer.model.devices import find_device

        find_device(str(name))
    return name


LimitsOf = Annotated[
    str | None,
    typer.Option(
        callback=_known_device,
        help="The device whose limits are used: nano, tx2, xavier-nx, orin-nano or another Jetson (a wrong name "
        "lists them), or cpu to measure this CPU. Without it the board is used, where it is known.",
        rich_help_panel=LIMITS,
    ),
]
Inferences = Annotated[
    int | None,
    typer.Option(
        help="Number of inferences that the profiled program ran, warm-ups included.", rich_help_panel=SUMMARY
    ),
]
WallMs = Annotated[
    float | None,
    typer.Option(
        help="Wall time of all these inferences in ms; the GPU's share of it is then given.", rich_help_panel=SUMMARY
    ),
]
CpuMs = Annotated[
    float | None,
    typer.Option(
        help="CPU time of all these inferences in ms, as clock() gives it. It gives no share of wall time.",
        rich_help_panel=SUMMARY,
    ),
]
FullNames = Annotated[
    bool, typer.Option("--full-names", help="Show every kernel by its whole name.", rich_help_panel=OUTPUT)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress bar.", rich_help_panel=OUTPUT)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=OUTPUT)]
