"""Time the candidates in turn, and see what each answers."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import Candidate
from runner.dataset import Dataset
from tracer.accuracy.confusion import top1_of

LEAD_NS = 5_000_000
"""
Of one candidate's turn, not timed. After TensorFlow's turn ONNX Runtime took 1.5 times as long for a millisecond, and
1.1 times for the next one and a half (two cores): a DUT has neither.
"""

BLOCK_NS = 5_000_000
"""Of one candidate's turn, timed: short against the moods of the machine."""

LEAST_ROUNDS = 25

Clock = Callable[[], int]


def measure_rounds(
    candidates: Sequence[Candidate],
    seconds: float,
    advance: Callable[[float], object] = lambda _: None,
    clock: Clock = time.perf_counter_ns,
) -> NDArray[np.float64]:
    """
    Time each candidate once a round, in an order that changes from round to round.

    ``seconds`` are of each candidate, about; at least ``LEAST_ROUNDS`` rounds are made. ``advance`` takes the share
    of the work that was done, in 0 to 1; ``clock`` gives nanoseconds.

    Returns:
        Nanoseconds an inference, the median of each turn, float64 (rounds, candidates).
    """
    turns = [_turn(one.infer, clock) for one in candidates]
    rounds = max(LEAST_ROUNDS, int(seconds * 1e9 / (LEAD_NS + BLOCK_NS)))
    times = np.zeros((rounds, len(candidates)))
    order = np.random.default_rng(0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            for column in order.permutation(len(candidates)):
                lead, count = turns[column]
                times[number, column] = _median_ns(candidates[column].infer, lead, count, clock)
            advance(1 / rounds)
            gc.collect(0)
    finally:
        if collecting:
            gc.enable()
    return times


def top1(
    candidate: Candidate, dataset: Dataset, limit: int | None = None, advance: Callable[[], object] = lambda: None
) -> tuple[float, int]:
    """
    The share of inputs that a candidate answers rightly.

    ``limit`` None takes all inputs; ``advance`` is called an input.

    Returns:
        The share, and of how many inputs.
    """
    labels = dataset.labels[:limit]
    vectors = []
    for index in range(len(labels)):
        candidate.load(dataset.input(index))
        vectors.append(candidate.probabilities())
        advance()
    return top1_of(np.array(vectors, np.float64), labels), len(labels)


def _turn(infer: Callable[[], object], clock: Clock) -> tuple[int, int]:
    """How many inferences of a turn are not timed, and how many are, after some that only warm up."""
    for _ in range(5):
        infer()
    length = max(1.0, _median_ns(infer, 1, 5, clock))
    return max(1, round(LEAD_NS / length)), max(1, int(BLOCK_NS / length))


def _median_ns(infer: Callable[[], object], lead: int, count: int, clock: Clock) -> float:
    """
    Of ``count`` inferences after ``lead``, each timed: a mean would hold the time in which others had the CPU.

    The two clock readings, some 0.1 us, are in it.
    """
    for _ in range(lead):
        infer()
    edges = [0] * (2 * count)
    for place in range(0, 2 * count, 2):
        edges[place] = clock()
        infer()
        edges[place + 1] = clock()
    return float(np.median(np.diff(np.reshape(edges, (count, 2)), axis=1)))
