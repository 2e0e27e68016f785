"""The same candidates over several inputs at a time: whether they answer as they do singly, and what one takes."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import Absent, Candidate
from runner.bench.runtimes.candidates import Advance, Models, found_candidates
from runner.bench.runtimes.measure import measure_rounds
from runner.dataset import Dataset
from runner.inference.known_answers import ALLOWED_FLOAT32, ALLOWED_GPU, largest_difference
from tracer.errors import UsageError
from tracer.figure_text import count_text, seconds_text, significant_text
from tracer.reports.batch_table import BatchTimes, MeasuredBatch

MOST = 4096
"""Inputs in a batch: in TensorFlow 0.33 GB for each of its ways, and 2.5 s of a core."""

MOST_SECONDS = 2.0
"""For a batch: its rounds take at least 30 times as long. XLA on a CPU takes 4.5 s for one of 512."""

INT8_STEP = 1 / 256
"""Of an int8 softmax; LiteRT fixes its scale. A batch may round the other way."""


def batches_of(text: str | None) -> tuple[int, ...]:
    """
    The sizes in ``1,8,64``, in order and once each; 1 is always among them. None gives none.

    Raises:
        UsageError: if one is no whole number from 1 to ``MOST``.
    """
    if text is None:
        return ()
    sizes = [one.strip() for one in text.split(",")]
    for size in sizes:
        if re.fullmatch("[0-9]{1,9}", size) is None or not 1 <= int(size) <= MOST:
            problem = f"{size or 'nothing'} is no size of a batch from 1 to {count_text(MOST)}"
            raise UsageError(f"--batch {text}", problem, "give sizes with commas between them, such as 1,8,64,512")
    return tuple(sorted({1, *map(int, sizes)}))


def measure_batch(
    models: Models,
    batch: int,
    dataset: Dataset,
    singles: Mapping[str, NDArray[np.float32]],
    seconds: float,
    advance: Advance,
) -> MeasuredBatch:
    """
    Time every candidate that runs ``batch`` inputs at a time and answers as it does singly.

    ``singles`` are the answers of each candidate to the inputs of ``dataset``, by name, float32 (inputs, 12).
    """
    places = np.arange(batch) % len(dataset.names)
    data = b"".join(dataset.input(int(place)) for place in places)
    with found_candidates(models, advance, batch) as found:
        held: list[Candidate] = []
        differences: list[float] = []
        absent = list(found.absent)
        for one in found.candidates:
            if one.name not in singles:
                absent.append(Absent(one.name, "it did not run one input at a time", "see above"))
                continue
            one.load(data)
            answers, known = one.probabilities(), singles[one.name][places]
            difference = largest_difference(answers, known) if answers.shape == known.shape else np.inf
            if difference > _allowed(one):
                absent.append(_refused(one, difference))
            elif (seconds_taken := _seconds(one)) > MOST_SECONDS:
                absent.append(_too_slow(one, seconds_taken))
            else:
                held.append(one)
                differences.append(difference)
        times = measure_rounds(held, seconds, lambda share: advance("times", share)) / batch
    rows = [BatchTimes(one.name, one.device, times[:, place], differences[place]) for place, one in enumerate(held)]
    return MeasuredBatch(batch, rows, [asdict(one) for one in absent])


def _allowed(candidate: Candidate) -> float:
    """How far a probability of a batch may lie from that of the same runtime alone."""
    if candidate.input_type == "int8":
        return INT8_STEP
    return ALLOWED_GPU if candidate.on_gpu else ALLOWED_FLOAT32


def _seconds(candidate: Candidate) -> float:
    began = time.perf_counter()
    candidate.infer()
    return time.perf_counter() - began


def _too_slow(candidate: Candidate, seconds: float) -> Absent:
    problem = f"a batch takes {seconds_text(seconds)}, and more than {seconds_text(MOST_SECONDS)} is not timed"
    return Absent(candidate.name, problem, "measure it with a smaller batch")


def _refused(candidate: Candidate, difference: float) -> Absent:
    said, limit = (significant_text(value) for value in (difference, _allowed(candidate)))
    problem = f"its answers in a batch differ from the single ones by up to {said}, and {limit} is allowed"
    return Absent(candidate.name, problem, "run it one input at a time, or take another version")


def single_batch(candidates: Sequence[Candidate], times: NDArray[np.float64], absent: list[Absent]) -> MeasuredBatch:
    """Batch 1: what was timed of single inferences, nanoseconds (rounds, candidates)."""
    rows = [BatchTimes(one.name, one.device, times[:, place], None) for place, one in enumerate(candidates)]
    return MeasuredBatch(1, rows, [asdict(one) for one in absent])
