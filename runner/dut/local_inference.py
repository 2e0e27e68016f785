"""Inference over local files: the stages and the record of a run, without a serial line."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from runner.dataset import load_dataset, shipped_dataset
from runner.dut.recorded_run import OpenRun, RunJob, open_run
from runner.inference.window_runner import Readings, StopFlag, StopSignal
from tracer.accuracy.confusion import auc_of, top1_of
from tracer.command_line import command_line
from tracer.errors import DatasetError, UsageError
from tracer.recording.window import RecordedWindow, SerialSpan

_REMEDY = "give files of 490 bytes (int8) or 1960 (float32), or --dataset DIR"


@dataclass(frozen=True, slots=True)
class LocalInputs:
    """Names and bytes of the inputs, and their classes where they are known."""

    names: list[str]
    inputs: list[bytes]
    labels: NDArray[np.int64] | None


def local_inputs(files: list[Path], dataset: Path | None) -> LocalInputs:
    """
    The inputs that a user named: files, a dataset, or neither for the shipped one.

    Raises:
        KwsTraceError: if both are given, or one cannot be read.
    """
    if files and dataset is not None:
        raise UsageError("FILES and --dataset: name inputs one way or the other")
    if not files:
        loaded = load_dataset(dataset) if dataset is not None else shipped_dataset()
        return LocalInputs(loaded.names, [loaded.input(i) for i in range(len(loaded.names))], loaded.labels)
    return LocalInputs([path.name for path in files], [_read(path) for path in files], None)


def infer_inputs(job: RunJob, inputs: LocalInputs, repeat: int, warmups: int) -> dict[str, Any]:
    """
    Run the model over each input and record it; a signal ends it early, complete as far as it came.

    Returns:
        ``run``, ``complete``, ``inferences``, ``elapsed_ns``, ``median_ns``, ``predictions``, and ``top1`` and
        ``auc`` where labels exist.
    """
    stop = StopFlag()
    stop.install()
    vectors: list[NDArray[np.float32]] = []
    durations: list[NDArray[np.int64]] = []
    with open_run(job, stop) as opened, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("inferences", total=len(inputs.inputs))
        for number, data in enumerate(inputs.inputs):
            durations.append(_one_window(opened, number, data, repeat, warmups))
            if stop.stopped:
                break
            vectors.append(opened.pipeline.backend.probabilities())
            progress.advance(task)
    name = opened.writer.name
    timed = np.concatenate(durations)
    outcome = {
        "run": name,
        "complete": len(vectors) == len(inputs.inputs) and not opened.problems,
        "inferences": int(timed.size),
        "elapsed_ns": int(timed.sum()),
        "median_ns": int(np.median(timed)) if timed.size else None,
        "predictions": [
            {"file": file, "class": int(vector.argmax()), "probabilities": [round(float(p), 6) for p in vector]}
            for file, vector in zip(inputs.names, vectors, strict=False)
        ],
    }
    if inputs.labels is not None and vectors:
        labels = inputs.labels[: len(vectors)]
        stacked = np.array(vectors, np.float64)
        outcome["top1"] = top1_of(stacked, labels)
        outcome["auc"] = auc_of(stacked, labels)
    return outcome


def print_outcome(outcome: dict[str, Any], traces: Path, *, as_json: bool) -> None:
    """The outcome as JSON, or as a few lines and, for a handful of inputs, what each was taken for."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(outcome))
        return
    if len(outcome["predictions"]) <= 20:
        for one in outcome["predictions"]:
            best = max(one["probabilities"])
            console.print(f"{one['file']}: class {one['class']} ({best:.3f})", markup=False)
    if outcome["inferences"]:
        elapsed, median = outcome["elapsed_ns"] / 1e9, outcome["median_ns"] / 1e3
        console.print(f"{outcome['inferences']} inferences in {elapsed:.3f} s, median {median:.1f} us an inference")
    if outcome.get("top1") is not None:
        auc = "not defined for these labels" if outcome["auc"] is None else f"{outcome['auc']:.4f}"
        console.print(f"Top-1: {100 * outcome['top1']:.1f}%  AUC: {auc}")
    hint = command_line("report", outcome["run"], traces=traces)
    console.print(f"recorded: {hint}", markup=False, highlight=False, soft_wrap=True)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(path, error.strerror or "unreadable", _REMEDY) from None
    if len(data) not in (490, 1960):
        raise DatasetError(path, f"it has {len(data)} bytes", _REMEDY)
    return data


def _one_window(opened: OpenRun, number: int, data: bytes, repeat: int, warmups: int) -> NDArray[np.int64]:
    """Run and record one input; returns the wall time of each timed inference, int64 nanoseconds."""
    load_start = time.perf_counter_ns()
    opened.pipeline.load(data)
    load_end = time.perf_counter_ns()
    names, loop = opened.runner.prepare()
    readings, first = Readings(len(names) + 1), opened.runner.next_inference
    state, cpu = "complete", time.process_time_ns()
    start_ns = load_end
    try:
        opened.runner.run(loop, warmups, readings)
        start_ns, cpu = time.perf_counter_ns(), time.process_time_ns()
        opened.runner.run(loop, repeat, readings)
    except StopSignal:
        state = "aborted"
    end_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns() - cpu
    made = min(warmups, readings.inferences)
    complete = state == "complete"
    edges = readings.edges()
    opened.writer.append(
        RecordedWindow(
            window=number,
            kind="accuracy" if repeat == 1 else "performance",
            state=state,
            inferences=readings.inferences - made,
            warmups=made,
            lap_start_us=start_ns // 1000,
            lap_end_us=end_ns // 1000 if complete else None,
            start_ns=start_ns,
            end_ns=end_ns,
            cpu_ns=cpu_ns,
            first_inference=first,
            stages=names,
            edges=edges,
            serial=(SerialSpan("load", load_start, load_end - load_start),),
            input_sha256=hashlib.sha256(data).hexdigest(),
            probabilities=tuple(map(float, opened.pipeline.backend.probabilities())) if complete else None,
            recorder_ns=readings.recorder_ns,
        )
    )
    opened.writer.make_parts_if_due()
    return np.asarray(edges[made:, -1] - edges[made:, 0])
