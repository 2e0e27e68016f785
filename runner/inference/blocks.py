"""A block of inferences, timed by the wall and by the CPU, and two ways of running it in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tracer.recording.inference_loop import Stage, compose_loop, untraced_loop
from tracer.recording.nvtx_ranges import NvtxRanges
from tracer.reports.overhead_ledger import PairTimes

WARM = 2
"""Inferences before each timed block: whoever ran before has the caches."""


@dataclass(frozen=True, slots=True)
class BlockTime:
    """Of a whole block: wall time, and CPU time of the process with all its threads, nanoseconds."""

    wall_ns: int
    cpu_ns: int


Block = Callable[[int], BlockTime]
"""Runs so many inferences."""

Stages = Sequence[tuple[str, Stage]]
"""Name and callable of each stage of an inference."""


def untraced_block(stages: Stages) -> Block:
    """Inferences without a reading or a range."""
    return _timed(untraced_loop([stage for _, stage in stages]))


def recorded_block(stages: Stages, ranges: NvtxRanges | None) -> Block:
    """Inferences as a run records them, with ranges where there are some."""
    loop = compose_loop(stages, ranges)
    number = 0

    def run(count: int) -> None:
        nonlocal number
        raw: list[int] = []
        loop(number, count, raw.extend)
        number += count

    return _timed(run)


def measure_pairs(subject: Block, base: Block, inferences: int, pairs: int) -> PairTimes:
    """Run both in turn, each first every other time: the machine's moods meet both."""
    wall, cpu = np.zeros((pairs, 2), np.int64), np.zeros((pairs, 2), np.int64)
    for pair in range(pairs):
        for column in (0, 1) if pair % 2 else (1, 0):
            took = (subject, base)[column](inferences)
            wall[pair, column], cpu[pair, column] = took.wall_ns, took.cpu_ns
    return PairTimes(inferences, wall, cpu)


def median_block(block: Block, blocks: int) -> Block:
    """So many blocks in a row as one, with their median times: one that another program interrupted does not show."""

    def several(count: int) -> BlockTime:
        took = [block(count) for _ in range(blocks)]
        wall_ns, cpu_ns = np.median([(one.wall_ns, one.cpu_ns) for one in took], axis=0)
        return BlockTime(int(wall_ns), int(cpu_ns))

    return several


def inferences_in(block: Block, wanted_ns: float) -> int:
    """How many inferences take ``wanted_ns``; at least two."""
    block(3)
    each = min(block(3).wall_ns for _ in range(3)) / 3
    return max(2, round(wanted_ns / max(1.0, each)))


def _timed(run: Callable[[int], None]) -> Block:
    def block(count: int) -> BlockTime:
        run(WARM)
        cpu, start = time.process_time_ns(), time.perf_counter_ns()
        run(count)
        end = time.perf_counter_ns()
        return BlockTime(end - start, time.process_time_ns() - cpu)

    return block
