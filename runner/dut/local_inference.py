"""Inference over local files: the stages and the record of a run, without a serial line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from runner.dataset import chosen_dataset, read_input
from runner.dut.run_job import RecordingRun, RunJob, recording_run
from runner.dut.window_record import WindowNotes, recorded_window, run_noted
from runner.inference.window_runner import Readings, StopFlag, StopSignal
from tracer.accuracy.confusion import auc_of, top1_of
from tracer.command_line import command_line
from tracer.errors import UsageError
from tracer.figure_text import auc_text, counted, number_text, share_text, time_text
from tracer.terminal_text import terminal

_REMEDY = "give files of 490 bytes (int8) or 1960 (float32), or --dataset DIR"


def local_inputs(files: list[Path], dataset: Path | None) -> tuple[list[str], list[bytes], NDArray[np.int64] | None]:
    """
    The inputs that a user named: files, a dataset, or neither for the shipped one.

    Returns:
        Their names, their bytes, and their classes (N,) where they are known.
    """
    if files and dataset is not None:
        raise UsageError("FILES and --dataset: name inputs one way or the other")
    if not files:
        loaded = chosen_dataset(dataset)
        return loaded.names, [loaded.input(i) for i in range(len(loaded.names))], loaded.labels
    return [path.name for path in files], [read_input(path, _REMEDY, _REMEDY) for path in files], None


def infer_inputs(job: RunJob, files: list[Path], dataset: Path | None, repeat: int, warmups: int) -> dict[str, Any]:
    """
    Run the model over each of the ``local_inputs`` and record it; a signal ends it early, complete as far as it came.

    Returns:
        ``run``, ``complete``, ``inferences``, ``elapsed_ns``, ``median_ns``, ``predictions``, and ``top1`` and
        ``auc`` where labels exist.
    """
    names, inputs, labels = local_inputs(files, dataset)
    stop = StopFlag()
    stop.install()
    vectors: list[NDArray[np.float32]] = []
    durations: list[NDArray[np.int64]] = []
    progress = Progress(console=terminal(stderr=True), transient=True)
    with recording_run(job, stop) as opened, progress:
        task = progress.add_task("inferences", total=len(inputs))
        for number, data in enumerate(inputs):
            durations.append(_one_window(opened, number, data, repeat, warmups))
            if stop.stopped:
                break
            vectors.append(opened.pipeline.backend.probabilities())
            progress.advance(task)
    timed = np.concatenate(durations)
    outcome = {
        "run": opened.writer.name,
        "complete": len(vectors) == len(inputs) and not opened.problems,
        "inferences": int(timed.size),
        "elapsed_ns": int(timed.sum()),
        "median_ns": int(np.median(timed)) if timed.size else None,
        "predictions": [
            {"file": file, "class": int(vector.argmax()), "probabilities": [round(float(p), 6) for p in vector]}
            for file, vector in zip(names, vectors, strict=False)
        ],
    }
    if labels is not None and vectors:
        answered = np.array(vectors, np.float64), labels[: len(vectors)]
        outcome |= {"top1": top1_of(*answered), "auc": auc_of(*answered)}
    return outcome


def print_outcome(outcome: dict[str, Any], traces: Path, *, as_json: bool) -> None:
    """The outcome as JSON, or as a few lines and, for a handful of inputs, what each was taken for."""
    console = terminal()
    if as_json:
        console.print_json(json.dumps(outcome))
        return
    if len(outcome["predictions"]) <= 20:
        for one in outcome["predictions"]:
            best = max(one["probabilities"])
            console.print(f"{one['file']}: class {one['class']} ({number_text(best, 3)})", markup=False)
    if outcome["inferences"]:
        elapsed, median = time_text(outcome["elapsed_ns"]), time_text(outcome["median_ns"])
        console.print(f"{counted(outcome['inferences'], 'inference')} in {elapsed}, median {median} an inference")
    if outcome.get("top1") is not None:
        auc = "not defined for these labels" if outcome["auc"] is None else auc_text(outcome["auc"])
        console.print(f"Top-1: {share_text(outcome['top1'])}  AUC: {auc}")
    hint = command_line("report", outcome["run"], traces=traces)
    console.print(f"recorded: {hint}", markup=False, highlight=False, soft_wrap=True)


def _one_window(opened: RecordingRun, number: int, data: bytes, repeat: int, warmups: int) -> NDArray[np.int64]:
    """Run and record one input; returns the wall time of each timed inference, int64 nanoseconds."""
    start_ns = time.perf_counter_ns()
    opened.pipeline.load(data)
    serial = [("load", start_ns, time.perf_counter_ns() - start_ns)]
    names, loop = opened.runner.prepare()
    readings = Readings(len(names) + 1)
    notes = WindowNotes("accuracy" if repeat == 1 else "performance", opened.runner.next_inference)
    probabilities = None
    try:
        run_noted(opened.runner, loop, notes, readings, warmups, repeat)
        probabilities = tuple(map(float, opened.pipeline.backend.probabilities()))
    except StopSignal:
        pass  # what was made until then is recorded as a window that was cut short
    window = recorded_window(number, notes, names, readings, serial, data, probabilities)
    opened.writer.append(window)
    if notes.kind == "performance" and window.state == "complete":
        opened.measure_costs()
    opened.writer.make_parts_if_due()
    timed = window.edges[window.warmups :]
    return np.asarray(timed[:, -1] - timed[:, 0])
