"""
What a synchronising or ordering call of an Nsight Systems export names: a stream, an event.

The kind comes from the call's name: nsys 2024.2.3 numbers ``syncType`` otherwise than its own table of labels says (a
``cuEventQuery`` has the number of a stream wait). Stream and event are of the row with the same correlation id, in
``CUPTI_ACTIVITY_KIND_SYNCHRONIZATION`` or, of a recorded event, ``CUPTI_ACTIVITY_KIND_CUDA_EVENT``.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import Integers, arrow, encode, integers
from tracer.profiles.nsys_export import Export, fetch_existing, filled
from tracer.profiles.nsys_processes import ProcessNumbers

_KINDS = (
    ("stream", re.compile(r"(cuda|cu)StreamSynchronize")),
    ("event", re.compile(r"(cuda|cu)EventSynchronize")),
    ("device", re.compile(r"(cuda|cu)(Device|Ctx|Thread)Synchronize")),
    ("stream_wait", re.compile(r"(cuda|cu)StreamWaitEvent")),
    ("record", re.compile(r"(cuda|cu)EventRecord")),
)
_TABLES = ("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "CUPTI_ACTIVITY_KIND_CUDA_EVENT")
_COLUMNS = ("correlationId", "globalPid", "streamId", "eventId")
NO_STREAM = 0xFFFFFFFF
"""``streamId`` or ``eventId`` of a row that names none."""
_PROCESS = 1 << 40
"""Above every correlation id, which has 32 bits."""


def with_syncs(calls: pa.Table, export: Export, processes: ProcessNumbers) -> pa.Table:
    """``calls`` with ``sync_kind``, ``sync_stream`` and ``sync_event`` filled in, where the export has them."""
    rows = [fetch_existing(export, table, _COLUMNS) for table in _TABLES]
    rows = [one for one in rows if set(_COLUMNS) <= set(one.column_names)]
    if not rows:
        return calls
    return fill_syncs(
        calls, *(np.concatenate(parts) for parts in zip(*(_row(one, processes) for one in rows), strict=True))
    )


def sync_key(process: Integers, correlation: Integers) -> Integers:
    """One number for a call of a process, as ``fill_syncs`` takes it."""
    return process * _PROCESS + correlation


def fill_syncs(calls: pa.Table, keys: Integers, stream: Integers, event: Integers) -> pa.Table:
    """
    ``calls`` with its three columns of synchronisation filled in, by name and by what else is known of a call.

    ``keys`` are those of calls (``sync_key``), ``stream`` and ``event`` what each names, ``NO_STREAM`` for none.
    """
    named = encode(calls, "name")
    kind_of_name = [
        next((kind for kind, name in _KINDS if name.match(one)), None) for one in named.values.to_pylist()
    ]
    known = (
        np.array([kind is not None for kind in kind_of_name], bool)[named.codes] if len(calls) else np.zeros(0, bool)
    )
    if not len(keys) or not known.any():
        return calls
    order = np.argsort(keys, kind="stable")
    mine = sync_key(integers(calls, "process"), integers(calls, "correlation_id", -1))
    place = order[np.minimum(np.searchsorted(keys[order], mine), len(keys) - 1)]
    found = known & (keys[place] == mine)
    kinds = np.array([*(kind or "" for kind in kind_of_name)], object)[named.codes]
    # A device's synchronise names nothing, and needs no row.
    told = found | (kinds == "device")
    filled_in = {
        "sync_kind": pa.array(kinds, pa.string(), mask=~told).dictionary_encode(),
        "sync_stream": arrow(stream[place], ~found | (stream[place] == NO_STREAM)),
        "sync_event": arrow(event[place], ~found | (event[place] == NO_STREAM)),
    }
    for name, column in filled_in.items():
        at = calls.schema.get_field_index(name)
        calls = calls.set_column(at, calls.schema.field(name), column.cast(calls.schema.field(name).type))
    return calls


def _row(rows: pa.Table, processes: ProcessNumbers) -> tuple[Integers, Integers, Integers]:
    process = processes.process(filled(rows, "globalPid", 0))
    return (
        sync_key(process, filled(rows, "correlationId", -2)),
        filled(rows, "streamId", NO_STREAM),
        filled(rows, "eventId", NO_STREAM),
    )
