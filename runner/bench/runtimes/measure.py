"""Time the candidates in turn, and see what each answers."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import Candidate
from runner.dataset import Dataset

LEAD_NS = 5_000_000
"""
Of one candidate's turn, not timed. After TensorFlow's turn ONNX Runtime took 1.5 times as long for a millisecond, and
1.1 times for the next one and a half (two cores): a DUT has neither.
"""

BLOCK_NS = 5_000_000
"""Of one candidate's turn, timed: short against the moods of the machine."""

LONG_NS = 100_000_000
"""Of an inference or a batch that is timed without a lead: what another's turn left cold is under 1 % of it."""

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

    ``seconds`` are of each candidate, about: of the one whose turn takes longest, where one inference takes longer
    than a turn should; at least ``LEAST_ROUNDS`` rounds are made. ``advance`` takes the share
    of the work that was done, in 0 to 1; ``clock`` gives nanoseconds.

    Returns:
        Nanoseconds an inference, the median of each turn, float64 (rounds, candidates).
    """
    turns = [_turn(one.infer, clock) for one in candidates]
    longest = max([LEAD_NS + BLOCK_NS, *(turn.length_ns for turn in turns)])
    rounds = max(LEAST_ROUNDS, int(seconds * 1e9 / longest))
    times = np.zeros((rounds, len(candidates)))
    order = np.random.default_rng(0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            for column in order.permutation(len(candidates)):
                turn = turns[column]
                times[number, column] = _median_ns(candidates[column].infer, turn.lead, turn.timed, clock)
            advance(1 / rounds)
            gc.collect(0)
    finally:
        if collecting:
            gc.enable()
    return times


def answers_to(
    candidate: Candidate, dataset: Dataset, advance: Callable[[], object] = lambda: None
) -> NDArray[np.float32]:
    """
    What a candidate answers to each input; ``advance`` is called an input.

    Returns:
        Probabilities, float32 (inputs, 12).
    """
    vectors = []
    for index in range(len(dataset.names)):
        candidate.load(dataset.input(index))
        vectors.append(candidate.probabilities())
        advance()
    return np.array(vectors, np.float32)


class _Turn(NamedTuple):
    """How many inferences of a turn are not timed, how many are, and how long all take."""

    lead: int
    timed: int
    length_ns: float


def _turn(infer: Callable[[], object], clock: Clock) -> _Turn:
    """A candidate's turn, after some inferences that only warm up."""
    if _median_ns(infer, 0, 1, clock) > LONG_NS:
        length = _median_ns(infer, 0, 1, clock)
    else:
        length = max(1.0, _median_ns(infer, 5, 5, clock))
    if length > LONG_NS:
        return _Turn(0, 1, length)
    lead, timed = max(1, round(LEAD_NS / length)), max(1, int(BLOCK_NS / length))
    return _Turn(lead, timed, (lead + timed) * length if length > BLOCK_NS else 0.0)


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
