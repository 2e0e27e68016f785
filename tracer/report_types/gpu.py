"""The GPU timeline; times of a part of an inference are nanoseconds, a spread is of the median."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from tracer.report_types.estimates import EstimateFigures

Group: TypeAlias = Literal["change", "kind", "stage", "bound"]
"""Of a gain: what a program can change, a kind or a stage of the time, and a bound that nothing exceeds."""

Bound: TypeAlias = Literal["at most"]
"""What a figure is that is no estimate."""


class PartFigures(TypedDict):
    """A part of a profiled inference; means sum to the wall time, ``share`` is of it."""

    mean: float
    median: float
    spread: EstimateFigures
    share: float


class OverheadFigures(PartFigures):
    """``cpu_total``: with what ran under the GPU's work, in the mean."""

    cpu_total: float


class Unprofiled(TypedDict):
    """
    Wall time without the profiler, and its two parts: kinds of overhead are not rescaled.

    ``profiler_pairs_ratio`` is by the pairs of windows with the profiler and without, but for those
    ``profiler_pairs_left_out`` of which one was interrupted; null where there are none.
    """

    run: str
    inferences: int
    wall_ns: float
    wall_median_ns: float
    busy_ns: float
    busy_share: float
    overhead_ns: float
    overhead_share: float
    profiler_ratio: float | None
    profiler_median_ratio: float
    profiler_pairs_ratio: float | None
    profiler_pairs_spread: EstimateFigures | None
    profiler_pairs_left_out: int


class VerdictFigures(TypedDict):
    """What bounds the inferences."""

    key: str
    sentence: str


class LaunchDelay(TypedDict):
    """From a launch to the start of its kernel, in nanoseconds."""

    median: float
    p90: float
    p99: float
    kernels: int


class SpilledWork(TypedDict):
    """GPU work that outlasts what launched it, of all inferences."""

    works: int
    total_ns: int


class Spill(TypedDict):
    """By stage, and out of the inference."""

    stages: dict[str, SpilledWork]
    inference: SpilledWork


class OutsideWork(TypedDict):
    """GPU work and CUDA calls outside every inference."""

    works: int
    without_launch: int
    total_ns: int
    of_it_inside_inferences_ns: int
    calls: int
    calls_ns: int
    other_processes: int


class InflationFigures(TypedDict):
    """
    What the profiler adds, in nanoseconds, fitted to half of the pairs of windows with it and without it.

    ``held_out_ns`` is the mean error on the other half, whose inferences it lengthened by ``held_out_added_ns``.
    """

    per_call_ns: float
    per_work_ns: float
    pairs: int
    held_out_ns: float
    held_out_added_ns: float


class GpuFigures(TypedDict):
    """
    The profiled inferences; ``gaps_ns`` is the GPU's idle time by cause, of an inference in the mean.

    ``interrupted`` inferences are left out: the profiler did something for itself in them. ``unrecorded`` says in
    words which CUDA calls have no GPU record; null where each has one.
    """

    source: str
    version: str
    experimental: bool
    traced: list[str]
    inferences: int
    has_gpu_work: bool
    unrecorded: str | None
    computing_known: bool
    wall_ns: PartFigures
    kernel_ns: PartFigures
    copy_ns: PartFigures
    busy_ns: PartFigures
    overhead_ns: PartFigures
    unprofiled: Unprofiled | None
    verdict: VerdictFigures
    queued_share: float | None
    gaps_ns: dict[str, float]
    launch_delay_ns: LaunchDelay | None
    spill: Spill
    outside: OutsideWork
    polling_queries: int
    frequencies: str | None
    interrupted: int
    inflation: InflationFigures | None
    notes: list[str]


class CallFigures(TypedDict):
    """CUDA calls of one name that began in the inferences; ``per_inference`` and ``ns_per_inference`` are means."""

    name: str
    count: int
    per_inference: float
    total_ns: int
    ns_per_inference: float
    mean_ns: float


class WorkFigures(CallFigures):
    """GPU work of one name; ``share`` is of the GPU time of its kinds."""

    short_name: str
    median_ns: float
    share: float
    bytes: int


class StageWork(TypedDict):
    """GPU work by the stage that launched it, null between stages; of an inference in the mean."""

    stage: str | None
    works_per_inference: float
    ns_per_inference: float


class Gain(TypedDict):
    """
    What an inference without a part would save in the mean, by replay; null where it cannot be told.

    ``name`` is that of a ``Removal``. A ``gain_ns`` that is a ``bound`` is the most that any assumption leaves, for
    ``reason``, which is empty else. ``interval_ns`` is 95 % over captures, with the delays at their ends
    and under each assumption on the profiler. ``rate_hz`` is the rate now times ``wall / (wall - gain)``, null where
    too little would be left.
    """

    name: str
    group: Group
    gain_ns: float | None
    interval_ns: list[float] | None
    rate_hz: float | None
    rate_interval_hz: list[float | None]
    bound: Bound | None
    reason: str


class KernelFigures(TypedDict):
    """The GPU timeline; ``gpu`` is null where the run has none."""

    gpu: GpuFigures | None
    overhead: dict[str, OverheadFigures]
    kernels: list[WorkFigures]
    copies: list[WorkFigures]
    kernels_by_stage: list[StageWork]
    api: list[CallFigures]
    gains: list[Gain]
