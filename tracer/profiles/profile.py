"""What every reader of a profile gives: GPU work, API calls, ranges and host operations as tables of one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

_TYPES = {"": pa.int64(), "int32": pa.int32(), "text": pa.dictionary(pa.int32(), pa.string())}


def _schema(columns: str) -> pa.Schema:
    """Columns in order, each ``name`` or ``name:type``, int64 where no type stands; one with ``?`` may be null."""
    parts = [(*column.rstrip("?").partition(":"), column.endswith("?")) for column in columns.split()]
    return pa.schema([pa.field(name, _TYPES[kind], nullable=null) for name, _, kind, null in parts])


GPU_WORK = _schema("process device:int32 stream kind:text name:text bytes? start_ns end_ns correlation_id?")
"""
One kernel, memcpy or memset on the device.

``kind`` is ``kernel``, ``memcpy``, ``memset`` or ``graph`` (a CUDA graph traced as one block). ``name`` is the whole
demangled name of a kernel, ``[CUDA memcpy Host-to-Device]`` and the like of a copy. ``bytes`` is null of a kernel.
``correlation_id`` is that of the call in ``API_CALLS`` of the same process that launched it; null where unknown.
"""

API_CALLS = _schema(
    "process thread name:text start_ns end_ns correlation_id? sync_kind:text? sync_stream? sync_event?"
)
"""
One call of the CUDA runtime or driver; ``name`` without a version suffix (``cudaLaunchKernel``).

``sync_kind`` is ``stream``, ``event`` or ``device`` of a call that waits for one, ``stream_wait`` of one that orders
a stream behind an event, ``record`` of one that records an event in a stream; which ones, ``sync_stream`` and
``sync_event`` say. Null of other calls, and of all where the profiler did not tell.
"""

NVTX_RANGES = _schema("process thread domain:text? name:text? payload? style:text start_ns end_ns?")
"""
One NVTX range. ``domain`` is null for the default one; ``style`` is ``push_pop`` or ``start_end``; ``end_ns`` is
null where the capture ended first.
"""

HOST_OPS = _schema("process thread kind:text name:text start_ns end_ns")
"""
One operation on a host thread: ``op`` (TensorFlow's executor running one), ``runtime`` (TensorFlow's own frames
around its ops, as ``SessionRun``), ``library`` (cuDNN, cuBLAS), ``os``, ``profiler`` (what it did for itself in the
program's threads). Rows of a thread may nest.
"""

PROFILE_TABLES: Mapping[str, pa.Schema] = {
    "gpu_work": GPU_WORK,
    "api_calls": API_CALLS,
    "nvtx_ranges": NVTX_RANGES,
    "host_ops": HOST_OPS,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """
    A capture with a timeline. All times are nanoseconds of one clock, the capture's own.

    Args:
        path: the file that was read; nothing was written to it or beside it.
        source: ``nsys``, ``nvprof``, ``tensorflow``, ``pytorch``, ``jax``, ``onnxruntime`` or ``trtexec``.
        version: of the tool or of the file's schema, as the file has it.
        traced: what the capture recorded, of ``cuda``, ``nvtx``, ``osrt``, ``cudnn``, ``cublas``, ``ops``. An empty
            table of something traced means that nothing happened; of something else, that nobody looked.
        processes: executable of each process id that the file names.
        experimental: no real file has tested this reader; a note says of what.
        notes: sentences for the user: what the file cannot tell, what was lost.
    """

    path: Path
    source: str
    version: str
    traced: frozenset[str]
    gpu_work: pa.Table
    api_calls: pa.Table
    nvtx_ranges: pa.Table
    host_ops: pa.Table
    processes: Mapping[int, str] = field(default_factory=dict)
    experimental: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One line of a summary: ``kind`` is as in ``GPU_WORK``, or ``api``."""

    kind: str
    name: str
    count: int
    total_ns: int
    share: float | None
    """Of the GPU's (or of the API calls') total, as printed; between 0 and 1."""


@dataclass(frozen=True, slots=True)
class ProfileSummary:
    """A profile that has totals and no timeline, as nvprof's text: it cannot say where in an inference work lies."""

    path: Path
    source: str
    rows: tuple[SummaryRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def timeline_remedy(self) -> str:
        """How a user gets what this one does not have."""
        more = {"nvprof": "`nvprof --export-profile FILE`", "trtexec": "`trtexec --exportTimes=FILE`"}[self.source]
        return f"record one with `nsys profile`, or export it with {more}"
