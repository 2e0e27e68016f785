"""What a call of the CUDA runtime or driver, or of AMD's HIP, does to the path of an inference, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CALL_KINDS = ("launch", "copy", "synchronise", "query", "other", "prepare", "order", "context")
"""A call's kind, where it is stored as a number: its place here."""

LAUNCH, COPY, SYNCHRONISE, QUERY, OTHER, PREPARE, ORDER, CONTEXT = range(8)

# A name as the profilers give it: `cudaLaunchKernel_v7000`, `cuMemcpyHtoDAsync_v2_ptsz`, `cuLaunchKernel_ptds`.
_SUFFIXES = re.compile(r"(_v\d+|_ptsz|_ptds)+\Z")
# TensorFlow's profiler does not name the call: its reader does, by the work.
_LAUNCH = re.compile(
    r"((cuda|cu|hip)(Launch(?!HostFunc)\w*|GraphLaunch)|hip(Ext)?(Hcc)?(Module)?LaunchKernel\w*|\[CUDA launch\])\Z"
)
_COPY = re.compile(r"((cuda|cu|hip)(Memcpy|Memset)\w*|\[CUDA (memcpy|memset) call\])\Z")
_SYNCHRONISE = re.compile(r"(cuda|cu|hip)(Stream|Event|Device|Ctx|Thread)Synchronize\Z")
_QUERY = re.compile(r"(cuda|cu|hip)(Stream|Event)Query\Z")
_PREPARE = re.compile(
    r"(cuda|cu|hip)(Stream(GetCaptureInfo|IsCapturing)|(Kernel|Func|Module|Library|Occupancy)\w+|GetFuncBySymbol)\Z"
    r"|__(cuda|hip)(Push|Pop)CallConfiguration\Z"
)
_ORDER = re.compile(r"(cuda|cu|hip)(EventRecord(WithFlags)?|StreamWaitEvent)\Z")
_CONTEXT = re.compile(r"(cu|hip)Ctx\w+\Z|(cuda|hip)(Set|Get)Device(Flags)?\Z|(cu|hip)DevicePrimaryCtx\w+\Z")
_PATTERNS = (
    (LAUNCH, _LAUNCH),
    (COPY, _COPY),
    (SYNCHRONISE, _SYNCHRONISE),
    (QUERY, _QUERY),
    (PREPARE, _PREPARE),
    (ORDER, _ORDER),
    (CONTEXT, _CONTEXT),
)


def base_name(name: str) -> str:
    """The call's name without the suffixes of its version and of its default stream."""
    return _SUFFIXES.sub("", name)


def classify_call(name: str) -> str:
    """
    One of ``CALL_KINDS``.

    ``launch`` gives the GPU a kernel or a graph, ``copy`` a memcpy or a memset (blocking or not), ``synchronise``
    returns when the GPU has finished something, ``query`` asks whether it has. ``prepare`` finds or asks for what a
    launch needs (a function, its name, whether a stream is being captured), ``order`` queues an order between streams
    (``cudaStreamWaitEvent``, ``cudaEventRecord``), ``context`` sets or asks for a context or device. A host function
    is ``other``, as is everything else. Names are those of the CUDA runtime and driver API references, and of HIP's.
    """
    return CALL_KINDS[_code(name)]


def call_kinds(names: Sequence[str]) -> NDArray[np.int8]:
    """``classify_call`` of each name, as places in ``CALL_KINDS``; each different name is looked at once."""
    codes = {name: _code(name) for name in set(names)}
    return np.fromiter((codes[name] for name in names), np.int8, len(names))


def _code(name: str) -> int:
    base = base_name(name)
    return next((code for code, pattern in _PATTERNS if pattern.match(base)), OTHER)
