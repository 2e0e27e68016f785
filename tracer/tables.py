"""From rows of the journal to the tables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracer.schema import PACKING, RESULTS, SPANS, WINDOWS
from tracer.stages import INFERENCE, INFERENCE_STAGES, SERIAL_STAGES

ROW_GROUP = 1 << 20
"""Spans of a row group: what of a long window is in memory at once while it is written."""

_STAGES = (INFERENCE, *INFERENCE_STAGES, *SERIAL_STAGES)
_CODES = {name: code for code, name in enumerate(_STAGES)}


def span_batches(rows: Sequence[pa.RecordBatch], run_id: str) -> Iterator[pa.RecordBatch]:
    """
    The spans of journal rows, stage by stage: neighbours then differ little and pack small.

    Args:
        rows: batches of the journal, one row each.
        run_id: of the run.
    """
    for stage in _STAGES:
        for row in rows:
            if stage in SERIAL_STAGES:
                yield from _serial_spans(row, stage, run_id)
            else:
                yield from _inference_spans(row, stage, run_id)


def span_count(row: pa.RecordBatch) -> int:
    """Spans that a journal row will make."""
    stages = len(row.column("stages")[0])
    inferences: int = row.column("inferences")[0].as_py() + row.column("warmups")[0].as_py()
    return stages * inferences + len(row.column("serial_stage")[0])


def write_spans(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Write spans as one Parquet file, packed as ``schema.PACKING`` says; small batches share a row group."""
    with pq.ParquetWriter(path, SPANS, **PACKING) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            waiting.append(batch)
            if sum(len(one) for one in waiting) >= ROW_GROUP:
                writer.write_table(_joined(waiting), row_group_size=ROW_GROUP)
                waiting = []
        if waiting:
            writer.write_table(_joined(waiting), row_group_size=ROW_GROUP)


def spans_table(rows: Sequence[pa.RecordBatch], run_id: str) -> pa.Table:
    """All spans of journal rows at once."""
    return _joined(list(span_batches(rows, run_id)))


def windows_table(rows: Sequence[pa.RecordBatch], run_id: str) -> pa.Table:
    """One row a window; the tail of a run, which is no window, is left out."""
    return _plain_table(rows, run_id, WINDOWS)


def results_table(rows: Sequence[pa.RecordBatch], run_id: str) -> pa.Table:
    """The output vector of each complete window."""
    table = _plain_table(rows, run_id, RESULTS)
    return table.filter(table["probabilities"].is_valid())


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches, SPANS) if batches else SPANS.empty_table()
    return table.unify_dictionaries().combine_chunks()


def _plain_table(rows: Sequence[pa.RecordBatch], run_id: str, schema: pa.Schema) -> pa.Table:
    tables = []
    for row in rows:
        if row.column("window")[0].as_py() < 0:
            continue
        columns = [
            _constant(run_id, 1) if field.name == "run_id" else row.column(field.name).cast(field.type)
            for field in schema
        ]
        tables.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(tables, schema).unify_dictionaries().combine_chunks()


def _inference_spans(row: pa.RecordBatch, stage: str, run_id: str) -> Iterator[pa.RecordBatch]:
    stages = row.column("stages")[0].as_py()
    if stage not in stages:
        return
    place, width = stages.index(stage), len(stages) + 1
    edges: NDArray[np.int64] = row.column("edges").values.to_numpy().reshape(-1, width)
    first, warmups = row.column("first_inference")[0].as_py(), row.column("warmups")[0].as_py()
    for begin in range(0, len(edges), ROW_GROUP):
        part = edges[begin : begin + ROW_GROUP]
        start = np.ascontiguousarray(part[:, place])
        numbers = np.arange(begin, begin + len(part))
        yield _spans(row, stage, run_id, start, part[:, place + 1] - start, first + numbers, numbers < warmups)


def _serial_spans(row: pa.RecordBatch, stage: str, run_id: str) -> Iterator[pa.RecordBatch]:
    code = SERIAL_STAGES.index(stage)
    mask = row.column("serial_stage").values.to_numpy() == code
    if mask.any():
        start = row.column("serial_start_ns").values.to_numpy()[mask]
        duration = row.column("serial_duration_ns").values.to_numpy()[mask]
        yield _spans(row, stage, run_id, start, duration, None, np.zeros(len(start), bool))


def _spans(
    row: pa.RecordBatch,
    stage: str,
    run_id: str,
    start: NDArray[np.int64],
    duration: NDArray[np.int64],
    inference: NDArray[np.int64] | None,
    warmup: NDArray[np.bool_],
) -> pa.RecordBatch:
    count = len(start)
    number = row.column("window")[0].as_py()
    # The tail of a run is spans of the line without a window.
    window = pa.nulls(count, pa.int32()) if number < 0 else pa.array(np.full(count, number, np.int32))
    codes = pa.array(np.full(count, _CODES[stage], np.int8))
    columns = [
        _constant(run_id, count),
        window,
        pa.nulls(count, pa.int64()) if inference is None else pa.array(inference),
        pa.DictionaryArray.from_arrays(codes, pa.array(_STAGES)),
        pa.array(start),
        pa.array(duration),
        pa.array(warmup),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SPANS)


def _constant(run_id: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([run_id]))
