"""A run, its windows and stages, and the device under it."""

from __future__ import annotations

from typing import TypedDict

from tracer.report_types import Recorded
from tracer.report_types.estimates import EstimateFigures


class GpuFacts(TypedDict, total=False):
    """
    A GPU of the machine; null where it was not told.

    ``used`` says whether the run's backend used it; ``ecc``, ``persistence`` and ``mig`` are ``on``, ``off`` or ``not
    supported``.
    """

    name: str | None
    uuid: str | None
    used: bool | None
    compute_capability: str | None
    memory_bytes: int | None
    ecc: str | None
    persistence: str | None
    mig: str | None
    power_limit_mw: int | None


class CudaFacts(TypedDict, total=False):
    """NVIDIA's driver, the CUDA that it and the runtime have, cuDNN; ``mps`` says whether that service ran."""

    driver: str | None
    driver_version: str | None
    runtime_version: str | None
    cudnn: str | None
    mps: bool | None


class MachineFacts(TypedDict, total=False):
    """The host; ``cpu_quota`` is in processors, null without one, ``..._seen_by`` says where it was seen."""

    governor: str | None
    power_mode: str | None
    processors: int | None
    processors_allowed: int | None
    cpu_quota: float | None
    virtual_machine: bool | None
    virtual_machine_seen_by: str | None
    container: bool | None
    container_seen_by: str | None


class RunFacts(TypedDict):
    """
    What was recorded, where, with what; ``name`` is that of the folder.

    ``gpus``, ``cuda`` and ``machine`` are empty in runs of versions that did not record them.
    """

    name: str
    run_id: str
    state: str
    created: str
    host: str
    cpu: str
    model: Recorded
    backend: Recorded
    gpus: list[GpuFacts]
    cuda: CudaFacts
    machine: MachineFacts
    timed: str
    stages_mode: str
    port: str | None
    energy: Recorded | None
    versions: dict[str, str]
    startup: Recorded
    profiler: Recorded | None
    gaps: list[dict[str, str]]
    more_gaps: int


class PulseFigures(TypedDict):
    """
    Pulses of energy mode's timestamp pin: their width (the median, the least and the most), and the call that lowered
    the pin (the median and the longest), within which it fell.
    """

    line: str
    pulses: int
    width_ns: float
    narrowest_ns: float
    widest_ns: float
    fall_call_ns: float
    longest_fall_call_ns: float


class WindowFigures(TypedDict):
    """
    A window: its length and rate by the laps told to the host and by the recorder, and why it is not valid.

    ``window`` is its number in the tables; ``ordinal`` counts performance windows from 1, null for others.
    """

    window: int
    ordinal: int | None
    kind: str
    state: str
    inferences: int
    warmups: int
    duration_ns: int | None
    rate_hz: float | None
    wall_duration_ns: int
    wall_rate_hz: float | None
    cpu_ns: int
    valid: bool
    why: list[str]


class Percentiles(TypedDict):
    """Of at least one duration."""

    median_ns: int
    p90_ns: int
    p99_ns: int


class Spread(TypedDict):
    """Of durations; percentiles are null where there is none."""

    count: int
    total_ns: int
    median_ns: int | None
    p90_ns: int | None
    p99_ns: int | None


class StageFigures(Spread):
    """A stage; ``share`` is of the wall time of the timed inferences."""

    stage: str
    share: float | None


class InferenceFigures(StageFigures):
    """The timed inferences as wholes; ``spread`` is of their median, by windows."""

    spread: EstimateFigures


class SerialFigures(Spread):
    """A stage of the serial line; the session is the time from the first span to the end of the last."""

    stage: str
    share_of_session: float | None


class AccuracyPass(Percentiles):
    """The windows of the accuracy pass, by wall time."""

    windows: int
    inferences: int
    total_ns: int


class CostGroup(TypedDict, total=False):
    """
    Pairs of blocks measured at one moment of a run; lists have a value a pair, in nanoseconds an inference.

    ``start_ns`` and ``end_ns`` are of the clock of spans and windows, ``cpu_ns`` is of the process between them, the
    load averages are the machine's, of the last minute. A block has ``inferences``.
    """

    start_ns: int
    end_ns: int
    cpu_ns: int
    load_start: float | None
    load_end: float | None
    inferences: int
    with_nvtx_ns: list[float] | None
    without_nvtx_ns: list[float]
    split_ns: list[float]
    fused_ns: list[float]


class RecorderCost(TypedDict, total=False):
    """What a run measured of its own recorder before it was ready, and after its first windows."""

    ns_per_inference: int
    ns_per_inference_with_nvtx: int
    ns_per_inference_without_nvtx: int
    stages: int
    groups: list[CostGroup]


class RecorderFigures(RecorderCost):
    """``share`` of the median inference; ``conversion_ns`` was spent between windows."""

    share: float | None
    conversion_ns: int


class SplittingCost(TypedDict, total=False):
    """The split inference against the fused one, before the run was ready and after its first windows."""

    split_ns: float
    fused_ns: float
    ratio: float
    spread: EstimateFigures
    groups: list[CostGroup]


class LeftOut(TypedDict):
    """What is in no figure; ``dropped`` says in sentences what was lost."""

    warmups: int
    aborted_windows: int
    serial_spans_outside_windows: int
    dropped: list[str]
    captured: int


class Frequencies(TypedDict):
    """Of one source during a window."""

    median_hz: float
    min_hz: float
    max_hz: float


class EnergyFigures(TypedDict):
    """Of the whole board during a window, from the power of its ``rails``; without rails of a PC's GPU alone."""

    mj: float
    mj_per_inference: float
    rails: list[str]
    interval_ms: int
    step_mw: int


class Hottest(TypedDict):
    """The zone with the highest temperature during a window, in thousandths of a degree Celsius."""

    zone: str
    max_mc: int


class DeviceWindow(TypedDict):
    """A window's samples; ``changed`` and ``throttled`` name sources, ``frequencies`` is by source."""

    window: int
    samples: int
    changed: list[str]
    throttled: list[str]
    frequencies: dict[str, Frequencies]
    hottest: Hottest | None
    energy: EnergyFigures | None


class DeviceFigures(TypedDict):
    """What was sampled; ``note`` says that nothing was, ``marked`` numbers windows that changed or throttled."""

    note: str | None
    windows: list[DeviceWindow]
    marked: list[int]
