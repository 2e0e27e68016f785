"""The options that several commands share, and the groups in which a help shows options."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tracer.command_line import DEFAULT_TRACES, command_line
from tracer.errors import UsageError


class Group(str):
    """A heading of the help; called with a help text, names and settings it makes an option that stands under it."""

    def __call__(self, text: str, *names: str, **settings: Any) -> Any:
        """The option, as ``typer.Option`` makes it."""
        return typer.Option(*names, help=text, rich_help_panel=self, **{"callback": _finite, **settings})


def _finite(value: Any) -> Any:
    """What was given, where it is no number that every limit lets pass."""
    if isinstance(value, float) and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no finite number")
    return value


SERIAL_LINE = Group("Serial line")
MODEL = Group("Model")
INPUTS = Group("Inputs")
RECORDING = Group("Recording")
PROFILER = Group("Profiler")
MEASUREMENT = Group("Measurement")
LIMITS = Group("Device limits")
UNITS = Group("Units")
SUMMARY = Group("nvprof summary")
REPAIRS = Group("Repairs")
OUTPUT = Group("Output")

Profile = Annotated[
    Path,
    typer.Argument(
        help="A profile of nsys (.nsys-rep, .qdstrm, .sqlite, Parquet folder), nvprof, TensorFlow, PyTorch, JAX, "
        "ONNX Runtime or trtexec."
    ),
]
Baud = Annotated[int, SERIAL_LINE("Baud rate of a serial device.", min=300)]
DutBaud = Annotated[
    int | None,
    SERIAL_LINE("Baud rate of a serial device. Without it 115200, in energy mode 9600.", min=300),
]
Model = Annotated[
    Path | None,
    MODEL(
        "A SavedModel folder (TensorFlow), a .tflite file (LiteRT) or an .onnx file (ONNX Runtime). Without "
        "it the shipped int8 one is used."
    ),
]
SavedModel = Annotated[Path | None, MODEL("A SavedModel folder. Without it the shipped model is used.", "--model")]
EachThreads = Annotated[int, MODEL("Threads of each runtime.", min=1)]
Backend = Annotated[
    Literal["tensorflow", "litert", "onnxruntime"] | None,
    MODEL("The runtime. Without it the model decides; without --model it chooses the shipped model."),
]
Device = Annotated[
    str | None,
    MODEL("The device of TensorFlow, such as GPU:0 or CPU. Without it the first GPU is used, else the CPU."),
]
Runtime = Annotated[
    Literal["session", "callable", "inline", "frozen", "xla", "loaded", "capi", "tensorrt"] | None,
    MODEL(
        "How a SavedModel is called: session (Session.run), callable, inline (as without the option), frozen, xla, "
        "loaded (saved_model.load), or capi (TensorFlow's C library, with --library); and tensorrt, which builds an "
        "engine of an .onnx file."
    ),
]
Library = Annotated[
    str | None,
    MODEL("Path of libtensorflow.so for --runtime capi, or of the tensorflow package's libtensorflow_cc.so.2."),
]
Provider = Annotated[
    Literal["cpu", "cuda", "tensorrt"] | None,
    MODEL("ONNX Runtime's execution provider. Without it cpu is used; one that would fall back is refused."),
]
CudaGraph = Annotated[
    bool,
    MODEL("Replay an inference as one CUDA graph (--provider cuda or tensorrt, --runtime tensorrt).", "--cuda-graph"),
]
Threads = Annotated[
    int | None, MODEL("Threads of the runtime. Without it LiteRT uses 1, and TensorFlow its own number.", min=1)
]
Scale = Annotated[
    float | None,
    MODEL("Scale of the int8 inputs, for a float model. Without it the benchmark's 0.5847029089927673 is used."),
]
ZeroPoint = Annotated[
    int | None,
    MODEL("Zero point of the int8 inputs, to be given with --input-scale. Without it the benchmark's 83 is used."),
]
Timed = Annotated[
    Literal["reference", "end-to-end"],
    MODEL("What a window times: what the reference firmware times, or the dequantization of each input too."),
]
Stages = Annotated[
    Literal["split", "fused"], MODEL("Time each stage of an inference, or run an inference as one call.")
]
Dataset = Annotated[
    Path | None, INPUTS("A folder with y_labels.csv, or an .npz file. Without it the shipped inputs are used.")
]
Nvtx = Annotated[
    bool | None,
    RECORDING("Push NVTX ranges. Without it they are pushed where a tool is attached.", "--nvtx/--no-nvtx"),
]
Name = Annotated[
    str | None, RECORDING("Name of the run and of its folder. Without it the time and the host's name make one.")
]
Traces = Annotated[Path, RECORDING("Folder of the runs.", file_okay=False)]


def refuse_missing(traces: Path) -> None:
    """
    Nothing where the folder of the runs is there, or something else in its place, which is told elsewhere.

    Raises:
        UsageError: if it is not there.
    """
    try:
        traces.stat()
    except FileNotFoundError:
        remedy = f"name the folder of the runs; `{command_line('demo', traces=traces)}` makes one"
        raise UsageError(f"--traces {traces}", "no such folder", remedy) from None
    except OSError:
        return


def _there(traces: Path) -> Path:
    # The one that nobody names comes with the first run.
    if traces != DEFAULT_TRACES:
        refuse_missing(traces)
    return traces


TracesThere = Annotated[Path, RECORDING("Folder of the runs.", file_okay=False, callback=_there)]
"""For a command that reads them."""
Run = Annotated[str, typer.Argument(help="A run: its folder, its name, or `last`.")]


def _known_device(name: str | None) -> str | None:
    """Tells a device of no table before a model or a run is read."""
    if name not in (None, "cpu"):
        from tracer.model.devices import find_device

        find_device(str(name))
    return name


LimitsOf = Annotated[
    str | None,
    LIMITS(
        "The device whose limits are used: nano, tx2, xavier-nx, orin-nano or another Jetson (a wrong "
        "name lists them), or cpu to measure this CPU. Without it the board is used, where it is known.",
        callback=_known_device,
    ),
]
ProfilerPairs = Annotated[
    int,
    PROFILER(
        "Captures that are paired with the same inferences while the profiler rests, spread over the windows: they "
        "tell what it adds. On a GPU each takes some 3.5 s. 0 makes one capture a window and no pairs.",
        min=0,
    ),
]
Inferences = Annotated[int | None, SUMMARY("Number of inferences that the profiled program ran, warm-ups included.")]
WallMs = Annotated[
    float | None, SUMMARY("Wall time of all these inferences in ms; the GPU's share of it is then given.")
]
CpuMs = Annotated[
    float | None,
    SUMMARY("CPU time of all these inferences in ms, as clock() gives it. It gives no share of wall time."),
]
FullNames = Annotated[bool, OUTPUT("Show every kernel by its whole name.", "--full-names")]
All = Annotated[bool, OUTPUT("Show every row of a long table on a terminal; piped it is whole.", "--all")]
Quiet = Annotated[bool, OUTPUT("Show no progress bar.", "--quiet")]
Html = Annotated[
    Path | None,
    OUTPUT("Write the report as one HTML file, which opens without a server or network.", "--html", metavar="FILE"),
]
Json = Annotated[bool, OUTPUT("Print one JSON document.", "--json")]
