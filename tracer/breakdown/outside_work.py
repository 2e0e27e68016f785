"""What does not stay within its stage or its inference: spill, work of nobody, threads that poll."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.captures.cuda_calls import QUERY
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask


@dataclass(frozen=True, slots=True)
class Spill:
    """
    GPU work that outlasts the stage, or the inference, that launched it.

    Args:
        stage_ns: nanoseconds of work run after the end of its stage, summed over works; shape (n, s), n inferences
            and s stage names. What was launched between stages has no stage to outlast.
        stage_works: how many works those are; the same shape.
        inference_ns: nanoseconds after the end of the inference, shape (n,).
        inference_works: how many works those are.
    """

    stage_ns: Ints
    stage_works: Ints
    inference_ns: Ints
    inference_works: Ints


@dataclass(frozen=True, slots=True)
class OutsideWork:
    """
    Rows that belong to no inference.

    Args:
        gpu: rows of GPU work whose launching call began in no inference.
        unlaunched: rows of GPU work whose launching call the capture does not have.
        calls: rows of CUDA calls that began in no inference.
        gpu_ns: time of ``gpu`` and ``unlaunched``, summed over works.
        inside_ns: how much of that ran during an inference, and stands in its breakdown.
        calls_ns: time of ``calls``, summed.
    """

    gpu: Ints
    unlaunched: Ints
    calls: Ints
    gpu_ns: int
    inside_ns: int
    calls_ns: int


@dataclass(frozen=True, slots=True)
class Polling:
    """Queries (``cudaEventQuery``) made within inferences by other threads than theirs: one row a thread."""

    thread: Ints
    queries: Ints
    total_ns: Ints


def spill(work: InferenceWork) -> Spill:
    """Work beyond the end of the stage and of the inference during which it was launched."""
    size, stages = len(work.inferences), len(work.stage_names)
    inference, row = work.gpu_inference, work.gpu_stage
    staged = np.flatnonzero(row >= 0)
    late = _after(work, staged, work.stages.end_ns[row[staged]])
    place = inference[staged] * stages + work.stages.stage[row[staged]]
    mine = np.flatnonzero(inference >= 0)
    later = _after(work, mine, work.inferences.end_ns[inference[mine]])
    return Spill(
        stage_ns=_sums(place, late, size * stages).reshape(size, stages),
        stage_works=_sums(place, late > 0, size * stages).reshape(size, stages),
        inference_ns=_sums(inference[mine], later, size),
        inference_works=_sums(inference[mine], later > 0, size),
    )


def outside_work(work: InferenceWork) -> OutsideWork:
    """List what no inference launched or called."""
    gpu, calls, inferences = work.gpu, work.calls, work.inferences
    unlaunched = np.flatnonzero(gpu.call < 0)
    launched = np.flatnonzero((gpu.call >= 0) & (work.gpu_inference < 0))
    rows = np.r_[launched, unlaunched]
    outer = np.flatnonzero(work.call_inference < 0)
    # Time within inferences up to a moment; a work's share is the difference between its end and its start.
    lengths = np.r_[0, np.cumsum(inferences.end_ns - inferences.start_ns)]

    def inside_before(times: Ints) -> Ints:
        row = np.searchsorted(inferences.start_ns, times, side="right") - 1
        part = np.minimum(times, inferences.end_ns[row]) - inferences.start_ns[row]
        return np.where(row >= 0, lengths[row] + part, 0)

    inside = 0
    if len(inferences) and len(rows):
        inside = int((inside_before(gpu.end_ns[rows]) - inside_before(gpu.start_ns[rows])).sum())
    return OutsideWork(
        gpu=launched,
        unlaunched=unlaunched,
        calls=outer,
        gpu_ns=int((gpu.end_ns[rows] - gpu.start_ns[rows]).sum()),
        inside_ns=inside,
        calls_ns=int((calls.end_ns[outer] - calls.start_ns[outer]).sum()),
    )


def polling(work: InferenceWork) -> Polling:
    """Count the queries that own nothing, by thread."""
    calls, row = work.calls, work.call_inference
    rows = np.flatnonzero((calls.kind == QUERY) & (row >= 0))
    rows = rows[calls.thread[rows] != work.inferences.thread[row[rows]]]
    threads, place = np.unique(calls.thread[rows], return_inverse=True)
    length = calls.end_ns[rows] - calls.start_ns[rows]
    return Polling(
        thread=threads,
        queries=np.bincount(place, minlength=len(threads)).astype(np.int64),
        total_ns=_sums(place, length, len(threads)),
    )


def _after(work: InferenceWork, rows: Ints, end_ns: Ints) -> Ints:
    return np.maximum(work.gpu.end_ns[rows] - np.maximum(work.gpu.start_ns[rows], end_ns), 0)


def _sums(place: Ints, values: Ints | Mask, size: int) -> Ints:
    return np.bincount(place, values, minlength=size).astype(np.int64)
