"""From rows of the journal to the tables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracer.runs.journal import JournalRow
from tracer.runs.schema import PACKING, RESULTS, SINCE_VERSION_2, SPANS, WINDOWS
from tracer.stages import INFERENCE, INFERENCE_STAGES, SERIAL_STAGES

ROW_GROUP = 1 << 18
"""Spans of a row group: what of a long window is in memory at once while it is written."""

BLOCK = 1 << 16
"""Inferences whose spans stand together, stage by stage: few enough to stay in a processor's cache meanwhile."""

_STAGES = (INFERENCE, *INFERENCE_STAGES, *SERIAL_STAGES)
# Made here for another reason too: the first pa.array imports pandas, which should not happen between windows.
_STAGE_NAMES = pa.array(_STAGES)


def span_batches(rows: Sequence[JournalRow], run_id: str) -> Iterator[pa.RecordBatch]:
    """
    The spans of journal rows, stage by stage: neighbours then differ little and pack small.

    Yields:
        Batches of ``schema.SPANS``, each of one stage; those of inferences of at most ``BLOCK``.
    """
    ids = pa.array([run_id])
    for stages in dict.fromkeys(tuple(row.facts["stages"]) for row in rows):
        for block in _blocks(row for row in rows if tuple(row.facts["stages"]) == stages):
            edges = np.concatenate([row.edges[begin:end] for row, begin, end in block]).T.copy()
            window, inference, warmup = _numbers(block)
            for place, stage in enumerate(stages):
                start, duration = edges[place], edges[place + 1] - edges[place]
                yield _batch(ids, stage, window, inference, start, duration, warmup)
    windows = np.array([row.facts["window"] for row in rows], np.int32)
    for code, stage in enumerate(SERIAL_STAGES):
        found = [row.serial[row.serial[:, 0] == code] for row in rows]
        spans = np.concatenate(found) if found else np.empty((0, 3), np.int64)
        if len(spans):
            numbers = np.repeat(windows, [len(one) for one in found])
            # The tail of a run is spans of the line without a window.
            window = pa.array(numbers, mask=numbers < 0)
            inference, warmup = pa.nulls(len(spans), pa.int64()), pa.array(np.zeros(len(spans), bool))
            yield _batch(ids, stage, window, inference, spans[:, 1].copy(), spans[:, 2].copy(), warmup)


def write_spans(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """
    Write spans as one Parquet file, packed as ``schema.PACKING`` says; small batches share a row group.

    Raises:
        OSError: if the disk does not take it.
    """
    with pq.ParquetWriter(path, SPANS, **PACKING) as writer:
        waiting: list[pa.RecordBatch] = []
        count = 0
        for batch in batches:
            if waiting and count + len(batch) > ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=ROW_GROUP)
                waiting, count = [], 0
            waiting.append(batch)
            count += len(batch)
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=ROW_GROUP)


def write_table(path: Path, table: str, rows: Sequence[JournalRow], run_id: str) -> None:
    """
    Write one table of a run, from rows of the journal, as one Parquet file.

    Raises:
        OSError: if the disk does not take it.
    """
    if table == "spans":
        write_spans(path, span_batches(rows, run_id))
    else:
        pq.write_table(rows_table(table, rows, run_id), path, compression="zstd", write_page_checksum=True)


def spans_table(rows: Sequence[JournalRow], run_id: str) -> pa.Table:
    """All spans of journal rows at once."""
    return pa.Table.from_batches(list(span_batches(rows, run_id)), SPANS)


def rows_table(table: str, rows: Sequence[JournalRow], run_id: str) -> pa.Table:
    """
    The rows of a table that rows of the journal make.

    Of ``windows`` the tail of a run, which is none, is left out; ``results`` has the windows with an output.
    """
    if table == "spans":
        return spans_table(rows, run_id)
    windows = [row.facts for row in rows if row.facts["window"] >= 0]
    if table == "windows":
        return _facts_table(windows, run_id, WINDOWS)
    return _facts_table([facts for facts in windows if facts["probabilities"] is not None], run_id, RESULTS)


def _facts_table(facts: Sequence[Mapping[str, Any]], run_id: str, schema: pa.Schema) -> pa.Table:
    columns = [
        _constant(pa.array([run_id]), 0, len(facts), np.int32)
        if field.name == "run_id"
        else pa.array([_fact(one, field.name) for one in facts], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _fact(facts: Mapping[str, Any], name: str) -> Any:
    return facts.get(name) if name in SINCE_VERSION_2 else facts[name]


_Slice = tuple[JournalRow, int, int]
"""A row and the first and the end of some of its inferences."""


def _blocks(rows: Iterable[JournalRow]) -> Iterator[list[_Slice]]:
    """Small rows together and large ones in pieces, so that each block has at most ``BLOCK`` inferences."""
    block: list[_Slice] = []
    free = BLOCK
    for row in rows:
        begin = 0
        while begin < len(row.edges):
            end = min(begin + free, len(row.edges))
            block.append((row, begin, end))
            free -= end - begin
            begin = end
            if not free:
                yield block
                block, free = [], BLOCK
    if block:
        yield block


def _numbers(block: Sequence[_Slice]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Window, number and warmup of each inference of ``block``."""
    counts = [end - begin for _, begin, end in block]
    inside = np.concatenate([np.arange(begin, end) for _, begin, end in block])
    firsts, warmups, windows = (
        np.repeat(np.array([row.facts[name] for row, _, _ in block], np.int64), counts)
        for name in ("first_inference", "warmups", "window")
    )
    return pa.array(windows.astype(np.int32)), pa.array(firsts + inside), pa.array(inside < warmups)


def _batch(
    ids: pa.Array,
    stage: str,
    window: pa.Array,
    inference: pa.Array,
    start: NDArray[np.int64],
    duration: NDArray[np.int64],
    warmup: pa.Array,
) -> pa.RecordBatch:
    run_id = _constant(ids, 0, len(start), np.int32)
    name = _constant(_STAGE_NAMES, _STAGES.index(stage), len(start), np.int8)
    columns = [run_id, window, inference, name, pa.array(start), pa.array(duration), warmup]
    return pa.RecordBatch.from_arrays(columns, schema=SPANS)


def _constant(names: pa.Array, code: int, count: int, kind: type[np.int8] | type[np.int32]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.full(count, code, kind)), names, safe=False)
