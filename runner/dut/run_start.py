"""Before a run is ready: cheap checks, the model, the warm-up, and what tracing and splitting cost."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from runner.device.board import power_mode
from runner.device.gpu_facts import run_gpu_facts
from runner.device.host import host_facts
from runner.inference.known_answers import check_known_answers
from runner.inference.models import ModelChoice, known_answers_of, load_pipeline, model_facts
from runner.inference.pipeline import Pipeline
from runner.inference.run_costs import RunCosts
from runner.inference.speed_environment import speed_environment
from runner.inference.startup import settle
from runner.launches import taken_launch
from runner.limits.run_cost import run_board, run_cost
from runner.nsys.installation import attached_profiler
from runner.runtime_output import RuntimeOutput, tell
from tracer.figure_text import counted, time_text
from tracer.recording.nvtx_ranges import NvtxRanges, open_ranges
from tracer.runs.run_info import RunInfo, new_run_info

RUNTIME_LOG = "runtime.log"
"""In a run: what the runtime said while it loaded and warmed up; absent where it said nothing."""


@dataclass(frozen=True, slots=True)
class RangesWanted:
    """Whether NVTX ranges are to be pushed, and in a sentence why or why not."""

    push: bool
    why: str


def ranges_wanted(environment: Mapping[str, str], *, asked: bool | None, captures: bool) -> RangesWanted:
    """
    Push ranges where something would record them: a tool that is attached, or a capture; ``asked`` decides instead.

    Without a tool a range costs its two calls and is lost.
    """
    if asked is not None:
        return RangesWanted(asked, "--nvtx" if asked else "--no-nvtx")
    tool = attached_profiler(environment)
    if tool is not None:
        return RangesWanted(push=True, why=f"{tool['name']} is attached")
    if captures:
        return RangesWanted(push=True, why="inferences are to be captured")
    return RangesWanted(push=False, why="no tool is attached that would record them")


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A pipeline that is warm, its ranges, what is known of the run, its costs, and what the runtime said."""

    pipeline: Pipeline
    ranges: NvtxRanges | None
    info: RunInfo
    costs: RunCosts
    said: str

    @property
    def latency_ns(self) -> int:
        """Of an inference, from the end of the warm-up."""
        return int(self.info.startup["median_ns"])


def start(
    name: str,
    choice: ModelChoice,
    line: tuple[str | None, int | None],
    profiler: dict[str, Any] | None,
    output: RuntimeOutput,
    *,
    nvtx: RangesWanted,
) -> StartedRun:
    """
    Load, warm up and measure the costs, and say what is being done.

    ``line`` is the port and its rate, None without one. ``output`` keeps what the runtime writes.
    """
    launch_set = taken_launch()
    tell(f"loading {choice.path.name}")
    with output.kept():
        pipeline, checked, loaded_s = _loaded(choice)
    ranges = open_ranges() if nvtx.push else None
    tell(f"warming up on {pipeline.backend.name}, until three medians agree")
    with output.kept():
        startup = {"load_s": round(loaded_s, 3), **settle(pipeline, on_batch=_moving(output))}
    costs = _costs(pipeline, output, nvtx=nvtx.push)
    info = new_run_info(
        name=name,
        command=[Path(sys.argv[0]).name, *sys.argv[1:]],
        port=line[0],
        baud=line[1],
        startup=startup,
        **costs.facts,
        nvtx=_nvtx_facts(ranges, nvtx),
        profiler=profiler or attached_profiler(os.environ),
        cost=run_cost(choice.path, tell),
        **_machine_facts(pipeline),
        launch_set=launch_set,
        **_pipeline_facts(choice, pipeline, checked),
    )
    return StartedRun(pipeline, ranges, info, costs, output.text())


def _loaded(choice: ModelChoice) -> tuple[Pipeline, dict[str, Any] | None, float]:
    """A pipeline with an input of zeros, the check by answers that are known of its model, and seconds to load."""
    began = time.perf_counter()
    pipeline = load_pipeline(choice)
    loaded_s = time.perf_counter() - began
    known = known_answers_of(choice.path)
    checked = None if known is None else check_known_answers(pipeline, known)
    pipeline.load(bytes(pipeline.buffer_sizes[0]))
    return pipeline, checked, loaded_s


def keep_runtime_log(folder: Path, said: str) -> None:
    """Put what the runtime said into a run; a disk that does not take it will be told of by what matters."""
    if said:
        with suppress(OSError):
            (folder / RUNTIME_LOG).write_text(said, encoding="utf-8")


def _moving(output: RuntimeOutput) -> Callable[[int, float], None]:
    """Progress of the warm-up, on one line of a terminal and nowhere else."""
    shown = sys.stderr.isatty()

    def show(inferences: int, median_ns: float) -> None:
        if shown:
            output.say(f"\r\x1b[K{counted(inferences, 'inference')}, {time_text(median_ns)} each\r")

    return show


def _nvtx_facts(ranges: NvtxRanges | None, wanted: RangesWanted) -> dict[str, Any]:
    if ranges is not None:
        return {"ranges": True, "why": wanted.why, "version": ranges.version, "layer": "nvtx._lib.lib"}
    why = "the installed nvtx has no lower layer that we know" if wanted.push else wanted.why
    return {"ranges": False, "why": why}


def _costs(pipeline: Pipeline, output: RuntimeOutput, *, nvtx: bool) -> RunCosts:
    split = pipeline.mode == "split"
    tell(f"measuring what recording{' and splitting' if split else ''} cost{'s' * (not split)}")
    costs = RunCosts(pipeline, nvtx=nvtx, split=split)
    with output.kept():
        costs.measure()
    return costs


def _machine_facts(pipeline: Pipeline) -> dict[str, Any]:
    gpu = run_gpu_facts(str(pipeline.backend.device), os.environ)
    return {"board": run_board(gpu["gpus"]), "machine": {**host_facts(), "power_mode": power_mode()}, **gpu}


def _pipeline_facts(choice: ModelChoice, pipeline: Pipeline, checked: dict[str, Any] | None) -> dict[str, Any]:
    backend, quantization = pipeline.backend, pipeline.quantization
    packages = ("kws-trace", "numpy", "nvtx", "pyarrow")
    versions = {name: metadata.version(name) for name in packages}
    shown = None if quantization is None else {"scale": quantization.scale, "zero_point": quantization.zero_point}
    return {
        "model": model_facts(choice.path),
        "backend": {
            **{name: getattr(backend, name) for name in ("name", "version", "way", "device", "threads")},
            "known_answers": checked,
        },
        "timed": pipeline.timed,
        "stages_mode": pipeline.mode,
        "stages": [name for name, _ in pipeline.stages()],
        "quantization": shown,
        "versions": {**versions, backend.name: backend.version},
        "environment": speed_environment(),
    }
