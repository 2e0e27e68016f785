"""The tables of a run: columns, units and how they are packed."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tracer.runs.parts import TABLE_NAMES

_NAMES = pa.dictionary(pa.int8(), pa.string())
_RUN_ID = pa.dictionary(pa.int32(), pa.string())

SPANS = pa.schema(
    [
        pa.field("run_id", _RUN_ID, nullable=False),
        pa.field("window", pa.int32()),
        pa.field("inference", pa.int64()),
        pa.field("stage", _NAMES, nullable=False),
        pa.field("start_ns", pa.int64(), nullable=False),
        pa.field("duration_ns", pa.int64(), nullable=False),
        pa.field("warmup", pa.bool_(), nullable=False),
    ]
)
"""
One stage of one inference.

``inference`` is null for stages of the serial line, ``window`` for those after the last window. That the others are
never null saves the writer their levels, a quarter of its time.
"""

WINDOWS = pa.schema(
    [
        ("run_id", _RUN_ID),
        ("window", pa.int32()),
        ("kind", pa.string()),
        ("state", pa.string()),
        ("inferences", pa.int64()),
        ("warmups", pa.int64()),
        ("lap_start_us", pa.int64()),
        ("lap_end_us", pa.int64()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("recorder_ns", pa.int64()),
        ("pair", pa.int32()),
        ("load_start", pa.float64()),
        ("load_end", pa.float64()),
    ]
)
SINCE_VERSION_2 = frozenset({"pair", "load_start", "load_end", "sync_kind", "sync_stream", "sync_event"})
"""Columns that runs of version 1 lack: they read as null there."""

RESULTS = pa.schema(
    [
        ("run_id", _RUN_ID),
        ("window", pa.int32()),
        ("input_sha256", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)
TABLES: Mapping[str, pa.Schema] = dict(zip(TABLE_NAMES, (SPANS, WINDOWS, RESULTS), strict=True))

JOURNAL = pa.schema(
    [
        ("seq", pa.int64()),
        ("facts", pa.string()),
        ("check", pa.int64()),
        ("edges", pa.large_list(pa.int64())),
        ("serial", pa.large_list(pa.int64())),
    ]
)
"""
One row a window, in one batch, so that a window is there whole or not at all.

``facts`` is JSON: a column a field took 0.5 ms a window to make, this takes a tenth. ``check`` is the CRC-32 of the
rest: what a lost power supply leaves may be whole in length and zero in content.
"""

PACKING = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": ["run_id", "stage", "window"],
    "column_encoding": {
        "inference": "DELTA_BINARY_PACKED",
        "start_ns": "DELTA_BINARY_PACKED",
        "duration_ns": "DELTA_BINARY_PACKED",
    },
    "write_page_checksum": True,
    "write_statistics": ["window", "inference", "start_ns"],
}
"""Of the spans table: both among the fastest and the smallest that were tried."""
