"""What values ``run.json`` may hold, to the last nested one: a file of others is refused, naming the place."""

from __future__ import annotations

import math
import types
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

from tracer.given_json import read_json
from tracer.report_types.run import CostGroup, CudaFacts, GpuFacts, MachineFacts
from tracer.terminal_text import printable

LIMIT_BYTES = 64 << 20
"""Of a ``run.json``; one of a thousand captures has 1 MB."""

LARGEST = 2**63 - 1
"""Whole numbers are int64 wherever they go on to."""


class _Model(TypedDict, total=False):
    name: str | None
    path: str | None
    sha256: str | None
    format: str | None


class _KnownAnswers(TypedDict):
    inputs: int
    largest_difference: float
    allowed: float


class _Backend(TypedDict, total=False):
    name: str | None
    version: str | None
    way: str | None
    known_answers: _KnownAnswers | None
    device: str | None
    threads: int | None


class _Quantization(TypedDict):
    scale: float
    zero_point: int


class _Spread(TypedDict):
    kind: Literal["interval", "range", "none"]
    low: float | None
    high: float | None
    unit: str
    count: int
    reason: str
    speeds: tuple[float, float] | None  # a list of any length would be read as two speeds


class _Energy(TypedDict, total=False):
    line: str
    chip: str
    name: str
    offset: int
    hold_ns: int


class _RecorderCost(TypedDict, total=False):
    ns_per_inference: float | None
    ns_per_inference_with_nvtx: float | None
    ns_per_inference_without_nvtx: float | None
    stages: int
    groups: list[CostGroup]


class _SplittingCost(TypedDict, total=False):
    split_ns: float
    fused_ns: float
    ratio: float
    interval: tuple[float, float]
    spread: _Spread
    groups: list[CostGroup]


class _Startup(TypedDict, total=False):
    load_s: float | None
    inferences: int | None
    seconds: float | None
    median_ns: float | None
    stable: bool | None


class _Nvtx(TypedDict, total=False):
    ranges: bool
    version: str | None
    layer: str | None
    why: str


class _Profiler(TypedDict, total=False):
    name: str
    version: str | None
    preset: str | None
    traced: list[str]
    by: str


class _Cost(TypedDict, total=False):
    operations: int | None
    macs: int | None
    parameters: int | None
    weight_bytes: int | None
    moved_bytes: int | None
    least_moved_bytes: int | None
    arithmetic: list[str]
    not_counted: int | None


class _Clock(TypedDict):
    offset_ns: float
    rate_ppm: float
    outside_ns: float
    bracket_ns: float


class _CaptureRest(TypedDict, total=False):
    experimental: bool
    notes: list[str]
    process: int | None
    file: str
    ingested: str


class _Capture(_CaptureRest):
    source: str
    version: str
    traced: list[str]
    first_inference: int
    inferences: int
    clock: _Clock
    gpu_work: int


class _Journal(TypedDict, total=False):
    rows: int
    lost: list[int]


SHAPES: dict[str, Any] = {
    "state": Literal["recording", "complete", "recovered"],
    "timed": Literal["reference", "end-to-end"],
    "stages_mode": Literal["split", "fused"],
    "model": _Model,
    "backend": _Backend,
    "quantization": _Quantization | None,
    "energy": _Energy | None,
    "recorder_cost": _RecorderCost,
    "splitting_cost": _SplittingCost | None,
    "startup": _Startup,
    "nvtx": _Nvtx,
    "profiler": _Profiler | None,
    "cost": _Cost,
    "gpus": list[GpuFacts],
    "cuda": CudaFacts,
    "machine": MachineFacts,
    "captures": list[_Capture],
    "journal": _Journal,
}
"""Of the fields of ``RunInfo`` whose own type says less; keys that are not named here may hold anything."""


def read_facts(path: Path) -> Any:
    """
    Parse a ``run.json``; what a terminal would obey is taken out of its texts.

    Raises:
        OSError: if it cannot be read, or is no file of at most ``LIMIT_BYTES``.
        ValueError: if it is no JSON, as ``parsed_json`` takes it.
    """
    return _cleaned(read_json(path, LIMIT_BYTES))


def misfit(value: object, hint: Any, place: str) -> str | None:
    """The place within ``value`` whose kind is not that of ``hint``, with what is there; None where all fit."""
    kind = get_origin(hint)
    if kind in (Union, types.UnionType):
        found = [misfit(value, one, place) for one in get_args(hint)]
        # Of an optional object it is what is wrong within it that helps.
        within = [one for one in found if one != f"{place} is {_shown(value)}"]
        return None if None in found else (within or found)[0]
    if kind is Literal:
        fits = value in get_args(hint)
    elif is_typeddict(hint):
        return _misfit_of_keys(value, hint, place)
    elif kind is dict and isinstance(value, dict):
        return _first(misfit(one, get_args(hint)[1], f"{place}.{key}") for key, one in value.items())
    elif kind is list and isinstance(value, list):
        return _first(misfit(one, get_args(hint)[0], f"{place}[{number}]") for number, one in enumerate(value))
    elif kind is tuple and isinstance(value, list) and len(value) == len(get_args(hint)):
        pairs = zip(value, get_args(hint), strict=True)
        return _first(misfit(one, inner, f"{place}[{number}]") for number, (one, inner) in enumerate(pairs))
    else:
        fits = _is(value, hint)
    return None if fits else f"{place} is {_shown(value)}"


def _misfit_of_keys(value: object, hint: Any, place: str) -> str | None:
    if not isinstance(value, dict):
        return f"{place} is {_shown(value)}"
    absent = sorted(hint.__required_keys__ - value.keys())
    if absent:
        return f"{place} lacks {absent[0]}"
    return _first(misfit(value[key], one, f"{place}.{key}") for key, one in _hints(hint).items() if key in value)


@cache
def _hints(hint: Any) -> dict[str, Any]:
    return get_type_hints(hint)


def _is(value: object, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint in (int, float):
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
        return whole or (hint is float and isinstance(value, float) and math.isfinite(value))
    return isinstance(value, hint) if isinstance(hint, type) else False


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {printable(key): _cleaned(one) for key, one in value.items()}
    return value
