"""The breakdown of any profile: the kernel level of a report, of units in place of inferences."""

from __future__ import annotations

from typing import Literal, TypedDict

from tracer.report_types.estimates import EstimateFigures
from tracer.report_types.gpu import KernelFigures
from tracer.report_types.run import StageFigures


class UnitRange(TypedDict):
    """
    What a unit is.

    ``name`` is the range as ``--range`` takes it, or words for units that are none; ``how`` it was chosen, which
    ``sentence`` says in words. ``unit`` is what one is called, our own inferences being that; ``window_ns`` is null
    of all but fixed windows. ``skipped`` units were left out at the start, as was asked.
    """

    name: str
    how: Literal["named range", "outermost range that repeats", "synchronisations", "windows", "whole capture"]
    sentence: str
    unit: Literal["unit", "inference"]
    window_ns: int | None
    skipped: int


class UnitWall(TypedDict):
    """Wall time of the units in nanoseconds, under the profiler; ``spread`` is of the median."""

    mean: float
    median: float
    p90: float
    p99: float
    total: int
    spread: EstimateFigures


class SlowPart(TypedDict):
    """A part of the slowest unit, and the median of that part over all units."""

    ns: int
    median_ns: float


class SlowestUnit(TypedDict):
    """
    The unit that took the longest.

    ``number`` counts from 0 in the order of processes, threads and starts (of our inferences it is their own number);
    ``start_ns`` is of the capture's clock, ``ratio`` to the median unit. ``parts`` are exposed; they sum to its time.
    """

    number: int
    process: int
    thread: int
    start_ns: int
    wall_ns: int
    ratio: float
    sentence: str
    parts: dict[str, SlowPart]


class UnitThread(TypedDict):
    """
    Units that follow one another: of a process, or, where its units overlap, of one thread, else null.

    Times are of a unit in the mean. ``shared_beside_ns``: its GPUs ran others' work beside its own;
    ``shared_alone_ns``: only others'. Both are of other units' threads and of other processes.
    """

    process: int
    executable: str | None
    thread: int | None
    count: int
    wall_ns: float
    busy_ns: float
    shared_beside_ns: float
    shared_alone_ns: float


class UnitGpu(TypedDict):
    """A GPU by its CUDA number, and while it ran the process's work; of a unit in the mean."""

    process: int
    device: int
    busy_ns: float
    busy_share: float


class BreakdownReport(KernelFigures):
    """
    Where the time of a program's units went: ``inferences``, ``per_inference`` and the like are of its units.

    ``unknown_works`` may be of several units that overlapped, and are in none of them.
    """

    schema_version: int
    profile: str
    range: UnitRange
    count: int
    wall_ns: UnitWall
    stages: list[StageFigures]
    slowest: SlowestUnit | None
    threads: list[UnitThread]
    gpus: list[UnitGpu]
    unknown_works: int
    notes: list[str]
