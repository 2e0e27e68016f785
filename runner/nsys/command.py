"""The ``nsys profile`` command line of a bounded capture, and its environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.nsys.installation import Nsys
from tracer.errors import NotInstalledError
from tracer.recording.nvtx_ranges import CAPTURE_RANGE, DOMAIN

_TRACES = {"light": ("cuda", "nvtx"), "deep": ("cuda", "nvtx", "cudnn", "cublas", "osrt")}
_NEEDED = ("capture-range", "capture-range-end", "nvtx-capture", "output", "trace")

CAPTURE_BYTES = {"light": 4_000_000, "deep": 24_000_000}
"""Of one capture's intermediate file before its events: 1.4 and 23.3 MB measured with nsys 2022.4, without a GPU."""

INFERENCE_BYTES = 200_000
"""Of an inference's events, generously: a hundred kernels with their calls, at 1 kB each."""


def refuse_too_old(nsys: Nsys) -> None:
    """Capture ranges are what bounds a capture."""
    missing = [name for name in _NEEDED if name not in nsys.options]
    if missing:
        problem = f"{nsys.path} {nsys.version} has no --{missing[0]}"
        raise NotInstalledError("nsys", problem, "install 2020.4 or newer, or use --profiler tensorflow")


def profile_command(nsys: Nsys, preset: str, captures: int, output: Path, program: Sequence[str]) -> list[str]:
    """
    Run ``program`` under nsys; each of its first ``captures`` capture ranges becomes a report of its own.

    ``light`` traces CUDA and NVTX, for figures. ``deep`` adds the libraries, the operating system's calls and the
    nodes of CUDA graphs, for causes: it slows what it looks at.

    Options and values that this nsys does not have are left out; it adds a number to ``output``, which has no suffix.

    Raises:
        NotInstalledError: if this nsys has no capture ranges.
    """
    refuse_too_old(nsys)
    wanted = {
        "trace": ",".join(traced(nsys, preset)),
        # Its processor sampling costs what is to be measured.
        "sample": "none",
        "cpuctxsw": "none",
        "cuda-graph-trace": "node" if preset == "deep" else "graph",
        # On by default since 2025: it orders streams that the program does not. Which event was recorded stays.
        "cuda-event-trace": "false",
        "capture-range": "nvtx",
        "nvtx-capture": f"{CAPTURE_RANGE}@{DOMAIN}",
        "capture-range-end": f"repeat:{captures}",
        # The DUT answers on when the last capture is made, and ends by its own signal.
        "kill": "none",
        "wait": "all",
        "output": str(output),
    }
    options = [f"--{name}={value}" for name, value in wanted.items() if name in nsys.options]
    return [str(nsys.path), "profile", *options, *program]


def nsys_environment(scratch: Path) -> dict[str, str]:
    """That of this process for nsys and what it runs, with its temporary files in ``scratch``."""
    environment = {**os.environ, "TMPDIR": str(scratch.resolve())}
    # Text that is not registered would not start a capture range either.
    environment.setdefault("NSYS_NVTX_PROFILER_REGISTER_ONLY", "0")
    return environment


def traced(nsys: Nsys, preset: str) -> tuple[str, ...]:
    """What a preset asks of this nsys to trace."""
    return tuple(name for name in _TRACES[preset] if name in nsys.traces or name in ("cuda", "nvtx"))


def estimated_bytes(preset: str, inferences: int, captures: int) -> int:
    """What the intermediate files may take, about; they go when the run is ingested."""
    return captures * (CAPTURE_BYTES[preset] + inferences * INFERENCE_BYTES)
