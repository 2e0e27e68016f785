"""What a device could do, what others published, and what profiling costs."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from tracer.report_types import Recorded
from tracer.report_types.estimates import EstimateFigures

Moved: TypeAlias = Literal["input and output", "with the weights", "every tensor"]


class RooflinePoint(TypedDict):
    """``intensity`` in operations a byte, null where no bytes move; rates in operations a second."""

    name: str
    intensity: float | None
    attainable_per_s: float
    reached_per_s: float | None
    measured_ns: float | None


class Utilisation(TypedDict):
    """What a measured inference reached of a device."""

    measured_ns: float
    operations_per_s: float
    utilisation_peak: float
    utilisation_gentle: float | None
    needed_bytes_per_s: float
    bandwidth_share: float


class Traffic(TypedDict):
    """
    Bytes of an inference between memory and cores under one assumption of what caches keep: from the report's of 2021
    (everything but input and output stays on the chip) to every operation going to memory.

    ``bound`` says which takes longer on the device, these bytes or the arithmetic at the float32 peak; the bandwidth
    needed is that of moving them within the time of one operation a core and cycle, and within the measured time.
    """

    what: Moved
    bytes: int
    memory_ns: float
    bound: Literal["memory", "compute"]
    needed_bytes_per_s_gentle: float | None
    needed_bytes_per_s: float | None


class DeviceAlone(TypedDict):
    """
    What a device could do, in operations and bytes a second.

    ``fp16_per_s`` is of a Jetson's CUDA cores, of the tensor cores of a GPU in a PC; ``tf32_per_s`` of those.
    """

    device: str
    source: str
    cores: int
    clock_hz: float | None
    fp32_per_s: float
    fp16_per_s: float | None
    tf32_per_s: float | None
    bytes_per_s: float
    ridge_operations_per_byte: float


class DeviceLimits(DeviceAlone):
    """
    An inference against a device, as ``tracer.model.roofline`` has it.

    ``limit_ns`` is what no program can beat: the longer of the arithmetic at the peak and of the least traffic, and
    ``bound`` says which. ``point`` has the intensity of the least traffic, ``point_through_memory`` that of
    ``moved_bytes``: how far caches help decides between them. ``gentle`` is one operation a core and cycle.
    """

    operations: int
    moved_bytes: int
    least_moved_bytes: int
    peak_ns: float
    peak_fp16_ns: float | None
    memory_ns: float
    least_memory_ns: float
    gentle_ns: float | None
    limit_ns: float
    bound: Literal["memory", "compute"]
    needed_bytes_per_s_gentle: float | None
    point: RooflinePoint
    point_through_memory: RooflinePoint
    traffic: list[Traffic]
    measured: Utilisation | None


class RunLimits(DeviceLimits):
    """Of a run; ``key`` is ``cpu`` for a measured one, a frequency is null where the device's highest was taken."""

    key: str
    gpu_hz: float | None
    memory_hz: float | None
    notes: list[str]


class Rank(TypedDict):
    """1 is the fastest; ``of`` counts this result too."""

    rank: int
    of: int


class PublishedResult(TypedDict):
    """``times`` is its latency over the run's."""

    round: str
    submitter: str
    system: str
    latency_ns: float
    times: float
    source: str


class Place(Rank):
    """
    Among the published results of a division in a ``round``; ``faster`` and ``slower`` are the nearest of that round,
    from fast to slow. ``rounds`` has the rank in each.
    """

    latency_ns: float
    division: str
    round: str
    rounds: dict[str, Rank]
    faster: list[PublishedResult]
    slower: list[PublishedResult]


class LedgerCondition(TypedDict):
    """What one way of looking adds to an untraced inference."""

    name: str
    version: str | None
    where: str
    launches: int
    pairs: int
    untraced_ns: float
    traced_ns: float
    added_ns: float
    added_spread: EstimateFigures
    ratio: float
    ratio_spread: EstimateFigures
    cpu_ratio: float | None
    cpu_ratio_spread: EstimateFigures | None
    launch_ratios: list[float]


class Ledger(TypedDict, total=False):
    """What ``kws-trace overhead`` measured of the run's configuration."""

    conditions: list[LedgerCondition]
    absent: list[dict[str, str]]
    model: Recorded
    backend: Recorded
    stages_mode: str
