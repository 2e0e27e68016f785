"""From rows of the journal to the tables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracer.journal import JournalRow
from tracer.schema import PACKING, RESULTS, SPANS, WINDOWS
from tracer.stages import INFERENCE, INFERENCE_STAGES, SERIAL_STAGES

ROW_GROUP = 1 << 18
"""Spans of a row group: what of a long window is in memory at once while it is written."""

_STAGES = (INFERENCE, *INFERENCE_STAGES, *SERIAL_STAGES)
_STAGE_NAMES = pa.array(_STAGES)


def span_batches(rows: Sequence[JournalRow], run_id: str) -> Iterator[pa.RecordBatch]:
    """
    The spans of journal rows, stage by stage: neighbours then differ little and pack small.

    Args:
        rows: of the journal.
        run_id: of the run.

    Yields:
        Batches of ``schema.SPANS``, of at most ``ROW_GROUP`` spans.
    """
    ids = pa.array([run_id])
    for stage in (INFERENCE, *INFERENCE_STAGES):
        for group in _groups([row for row in rows if stage in row.facts["stages"] and len(row.edges)]):
            yield _batch(ids, stage, *_inference_columns(group, stage))
    for code, stage in enumerate(SERIAL_STAGES):
        spans = [(row, row.serial[row.serial[:, 0] == code]) for row in rows]
        counts = [len(found) for _, found in spans]
        if sum(counts):
            numbers = np.repeat(np.array([row.facts["window"] for row in rows], np.int32), counts)
            found = np.concatenate([found for _, found in spans])
            yield _batch(
                ids, stage, numbers, None, found[:, 1].copy(), found[:, 2].copy(), np.zeros(len(found), bool)
            )


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
        pq.write_table(rows_table(table, rows, run_id), path, compression="zstd")


def spans_table(rows: Sequence[JournalRow], run_id: str) -> pa.Table:
    """All spans of journal rows at once."""
    return pa.Table.from_batches(list(span_batches(rows, run_id)), SPANS)


def rows_table(table: str, rows: Sequence[JournalRow], run_id: str) -> pa.Table:
    """
    The rows of a table that rows of the journal make.

    Args:
        table: ``spans``, ``windows`` (the tail of a run, which is none, is left out) or ``results`` (the windows
            that have an output).
        rows: of the journal.
        run_id: of the run.
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
        else pa.array([one[field.name] for one in facts], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


_Slice = tuple[JournalRow, int, int]
"""A row and the first and the end of some of its inferences."""


def _groups(rows: Iterable[JournalRow]) -> Iterator[list[_Slice]]:
    """Small rows together and large ones in pieces, so that each group has at most ``ROW_GROUP`` inferences."""
    group: list[_Slice] = []
    free = ROW_GROUP
    for row in rows:
        begin = 0
        while begin < len(row.edges):
            end = min(begin + free, len(row.edges))
            group.append((row, begin, end))
            free -= end - begin
            begin = end
            if not free:
                yield group
                group, free = [], ROW_GROUP
    if group:
        yield group


_Columns = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def _inference_columns(group: Sequence[_Slice], stage: str) -> _Columns:
    """Window, inference, start, duration and warmup of each inference of ``group``."""
    places = [row.facts["stages"].index(stage) for row, _, _ in group]
    starts = [row.edges[begin:end, place] for (row, begin, end), place in zip(group, places, strict=True)]
    ends = [row.edges[begin:end, place + 1] for (row, begin, end), place in zip(group, places, strict=True)]
    counts = [end - begin for _, begin, end in group]
    begins = np.repeat(np.array([begin for _, begin, _ in group], np.int64), counts)
    inside = np.arange(sum(counts)) - np.repeat(np.cumsum(counts) - counts, counts) + begins
    firsts, warmups, windows = (
        np.array([row.facts[name] for row, _, _ in group], np.int64)
        for name in ("first_inference", "warmups", "window")
    )
    start = np.concatenate(starts)
    return (
        np.repeat(windows.astype(np.int32), counts),
        np.repeat(firsts, counts) + inside,
        start,
        np.concatenate(ends) - start,
        inside < np.repeat(warmups, counts),
    )


def _batch(
    ids: pa.Array,
    stage: str,
    window: NDArray[np.int32],
    inference: NDArray[np.int64] | None,
    start: NDArray[np.int64],
    duration: NDArray[np.int64],
    warmup: NDArray[np.bool_],
) -> pa.RecordBatch:
    count = len(start)
    # The tail of a run is spans of the line without a window.
    tail = window < 0
    columns = [
        _constant(ids, 0, count, np.int32),
        pa.array(window, mask=tail if tail.any() else None),
        pa.nulls(count, pa.int64()) if inference is None else pa.array(inference),
        _constant(_STAGE_NAMES, _STAGES.index(stage), count, np.int8),
        pa.array(start),
        pa.array(duration),
        pa.array(warmup),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SPANS)


def _constant(names: pa.Array, code: int, count: int, kind: type[np.int8] | type[np.int32]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.full(count, code, kind)), names, safe=False)
