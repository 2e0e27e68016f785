"""What the names and details of XLA's events say, in ``xplane.pb`` and in the JSON that is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tracer.profiles.columns import MEMSET_NAME, copy_name

Row = tuple[Any, ...]

RANGE_PREFIX = "kws-trace:"
"""What the names of our ranges begin with: a TraceMe has no domain."""

STEP_NUMBER = "step_num"
"""What a step carries: ``tf.profiler.experimental.Trace``, ``jax.profiler.StepTraceAnnotation``."""

_OP = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./>-]*:[A-Z_][A-Za-z0-9_/]*")
_DIRECTIONS = {"MemcpyH2D": "HtoD", "MemcpyD2H": "DtoH", "MemcpyD2D": "DtoD", "MemcpyP2P": "PtoP"}
_CALL = re.compile(r"(cuda|cu)[A-Z]\w*")
_CALL_NAMES = {
    **dict.fromkeys(("kernel", "graph"), "[CUDA launch]"),
    **{kind: f"[CUDA {kind} call]" for kind in ("memcpy", "memset")},
}
"""
Of a host's CUDA call whose name the profile does not tell, by the kind of work that it gave the GPU.

TensorFlow 2.21 writes the kernel's name, or the copy's, in the place of the call's.
"""


def host_kind(name: str) -> str:
    """``range`` of one of ours, ``op`` of an operation, ``runtime`` of a frame around them."""
    if name.startswith(RANGE_PREFIX):
        return "range"
    return "op" if _OP.fullmatch(name) else "runtime"


def work_kind(name: str, details: Mapping[str, str]) -> str | None:
    """The kind in ``GPU_WORK`` of an event on a stream; None of what is not the device's work."""
    if "memcpy_details" in details or name.startswith("Memcpy"):
        return "memcpy"
    if "Memset_details" in details or name == "Memset":
        return "memset"
    if "cuda_graph_exec_id" in details:
        return "graph"
    if "kernel_details" in details:
        return "kernel"
    # Allocations and the profiler's own overhead lie on streams too; they are not the device's work.
    return None


def work_name(kind: str, name: str) -> str:
    """The name in ``GPU_WORK``."""
    if kind == "memcpy":
        return copy_name(_DIRECTIONS.get(name, name.removeprefix("Memcpy")))
    return MEMSET_NAME if kind == "memset" else name


def work_bytes(details: Mapping[str, str]) -> int | None:
    """Bytes of a copy or a set; None where they are not told."""
    told = details.get("memcpy_details", "") + " " + details.get("Memset_details", "")
    match = re.search(r"\b(?:size|num_bytes):(\d{1,18})\b", told)
    return int(match[1]) if match else None


def named_calls(calls: Iterable[Row], work: Iterable[Row]) -> list[Row]:
    """Rows of a host's calls, each with a name that tells what it does, by the rows of the work that they gave."""
    given = {one[8]: one[3] for one in work}
    named = []
    for process, thread, name, start, end, correlation in calls:
        kind = given.get(correlation) or work_kind(name, {}) or "kernel"
        called = name if _CALL.fullmatch(name) else _CALL_NAMES[kind]
        named.append((process, thread, called, start, end, correlation))
    return named
