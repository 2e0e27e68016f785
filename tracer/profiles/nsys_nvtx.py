"""
NVTX ranges of an Nsight Systems export.

``NVTX_EVENTS`` holds ranges, marks and names in one table, told apart by ``eventType``. A range's text stands in the
row or, registered, in ``StringIds``; a domain's name stands in the row that made it, of the same process. The payload
stands in the column of its own type. A range that was open when the capture ended has no end or, as real captures of
2022.4 show, the capture's end.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracer.arrow_arrays import arrow, arrow_flags, dense_groups, valid
from tracer.arrow_arrays import numbers as integers
from tracer.figure_text import counted
from tracer.profiles.nsys_export import Export, filled, whole
from tracer.profiles.nsys_names import StringIds, encode_names
from tracer.profiles.nsys_processes import ProcessNumbers, thread_numbers
from tracer.profiles.profile import NVTX_RANGES

_PAYLOADS = ("int64Value", "uint64Value", "int32Value", "uint32Value")
NVTX_COLUMNS = ("start", "end", "eventType", "globalTid", "text", "textId", "domainId", *_PAYLOADS)


def nvtx_ranges(
    export: Export,
    rows: pa.Table,
    strings: StringIds,
    types: dict[str, int],
    numbers: ProcessNumbers,
    duration_ns: int | None,
) -> tuple[pa.Table, list[str]]:
    """
    Make ``NVTX_RANGES`` of the rows of ``NVTX_EVENTS``, and sentences for the user on what is amiss with them.

    ``rows`` has the columns of ``NVTX_COLUMNS`` that exist, of the event types in ``types`` (their numbers by name);
    ``duration_ns`` is the end of the capture, on the clock of the rows.

    Raises:
        ProfileError: if a start, a type or a thread is null.
    """
    if not rows.num_columns:
        return pa.Table.from_batches([], NVTX_RANGES), []
    types_of_rows = whole(export, "NVTX_EVENTS", rows, "eventType")
    made, rows = _apart(rows, np.flatnonzero(types_of_rows == types["NvtxDomainCreate"]))
    start = whole(export, "NVTX_EVENTS", rows, "start")
    end, open_end = _ends(rows, duration_ns)
    backwards = ~open_end & (end < start)
    ids = whole(export, "NVTX_EVENTS", rows, "globalTid")
    processes = numbers.process(ids)
    domains, nameless = _domains(_domain_names(export, made, strings, numbers), rows, processes)
    columns = {
        "process": arrow(processes),
        "thread": arrow(thread_numbers(ids)),
        "domain": domains,
        "name": _names(rows, strings),
        "payload": _payloads(rows),
        "style": _styles(whole(export, "NVTX_EVENTS", rows, "eventType"), types),
        "start_ns": arrow(start),
        "end_ns": arrow(end, open_end),
    }
    table = pa.table(columns).cast(NVTX_RANGES)
    table = table.filter(arrow_flags(~backwards)) if backwards.any() else table
    return table, _notes(int(backwards.sum()), nameless)


def _notes(backwards: int, nameless: int) -> list[str]:
    notes = []
    if backwards:
        one, more = "NVTX range ends before it starts and is", "NVTX ranges end before they start and are"
        notes.append(f"{counted(backwards, one, more)} left out")
    if nameless:
        ranges = counted(nameless, "NVTX range is", "NVTX ranges are")
        notes.append(f"{ranges} of domains whose names the export does not give")
    return notes


def _styles(types_of_rows: NDArray[np.int64], types: dict[str, int]) -> pa.DictionaryArray:
    push_pop = np.isin(types_of_rows, [types["NvtxPushPopRange"], types["NvtxtPushPopRange"]])
    return encode_names(["start_end", "push_pop"], push_pop.astype(np.int64))


def _apart(rows: pa.Table, places: NDArray[np.int64]) -> tuple[pa.Table, pa.Table]:
    """Rows at some places and all others; they are few, and slices between them copy nothing."""
    edges = [-1, *places.tolist(), rows.num_rows]
    others = [rows.slice(before + 1, after - before - 1) for before, after in pairwise(edges)]
    made = [rows.slice(place, 1) for place in places.tolist()]
    return pa.concat_tables([rows.slice(0, 0), *made]), pa.concat_tables(others)


def _ends(rows: pa.Table, duration_ns: int | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    End of each range, and whether it was open at the capture's end.

    There nsys closes what is open: at the capture's end, or, where the process outlived it, later. Rows that all lie
    later have another clock.
    """
    ends = rows.column("end")
    unknown = ~valid(ends)
    values = integers(ends)
    if duration_ns is None:
        return values, unknown
    later = values > duration_ns
    cut = values == duration_ns if later[~unknown].all() else values >= duration_ns
    return values, unknown | cut


def _names(rows: pa.Table, strings: StringIds) -> pa.ChunkedArray | pa.Array:
    """Text of each row, its own or registered; null where it has neither."""
    none = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    own = rows.column("text") if "text" in rows.column_names else none
    if own.null_count == 0 and rows.num_rows:
        return own.dictionary_encode()
    ids = filled(rows, "textId", -1)
    null = ids < 0 if "textId" not in rows.column_names else ~valid(rows.column("textId"))
    if own.null_count == rows.num_rows and not null.any():
        return strings.encode(ids)
    registered = strings.encode(ids[~null])
    spelled = own.combine_chunks().dictionary_encode()
    codes = np.zeros(rows.num_rows, np.int64)
    codes[~null] = integers(registered.indices)
    has_text = valid(own)
    codes[has_text] = len(registered.dictionary) + integers(spelled.indices)[has_text]
    names = registered.dictionary.to_pylist() + spelled.dictionary.to_pylist()
    return encode_names(names, codes, null & ~has_text)


def _payloads(rows: pa.Table) -> pa.ChunkedArray | pa.Array:
    """Whole-number payload of each row, in whichever column holds it; a floating one is none."""
    found = [rows.column(name) for name in _PAYLOADS if name in rows.column_names]
    used = [column for column in found if column.null_count < rows.num_rows]
    if not used:
        return pa.nulls(rows.num_rows, pa.int64())
    return used[0] if len(used) == 1 else pc.coalesce(*used)


def _domain_names(
    export: Export, made: pa.Table, strings: StringIds, numbers: ProcessNumbers
) -> dict[tuple[int, int], str]:
    """Name of each domain by process and ``domainId``."""
    names: dict[tuple[int, int], str] = {}
    if made.num_rows and "domainId" in made.column_names:
        processes = numbers.process(whole(export, "NVTX_EVENTS", made, "globalTid")).tolist()
        texts = _names(made, strings).to_pylist()
        for process, number, text in zip(processes, filled(made, "domainId", 0).tolist(), texts, strict=True):
            if text is not None:
                names[process, number] = text
    return names


def _domains(
    names: dict[tuple[int, int], str], rows: pa.Table, processes: NDArray[np.int64]
) -> tuple[pa.DictionaryArray, int]:
    """Domain of each row, null for the default one; and how many rows are of a domain without a name."""
    numbers = filled(rows, "domainId", 0)
    null = numbers == 0
    if null.all():
        return encode_names([], np.zeros(len(numbers), np.int64), null), 0
    used, of_rows = dense_groups(numbers)
    owners, of_owners = dense_groups(processes)
    pairs = [(owner, number) for owner in owners.tolist() for number in used.tolist()]
    codes = of_owners * len(used) + of_rows
    texts = [names.get(pair, f"domain {pair[1]}") for pair in pairs]
    nameless = np.array([pair not in names for pair in pairs], bool)
    return encode_names(texts, codes, null), int((nameless[codes] & ~null).sum())
