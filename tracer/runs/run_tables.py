"""The tables of a run as Arrow's: its parts, and the rows of its journal that none of them covers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracer.arrow_arrays import encode, integers, present
from tracer.errors import first_line
from tracer.given_files import check_file
from tracer.runs.journal import JournalRow
from tracer.runs.parts import Part
from tracer.runs.schema import SINCE_VERSION_2, TABLES
from tracer.runs.tables import rows_table
from tracer.stages import SERIAL_STAGES


def part_tables(
    name: str,
    parts: Iterable[Part],
    uncovered: Callable[[list[Part]], list[JournalRow]],
    run_id: str,
    drop: Callable[[str], None],
) -> Iterator[pa.Table]:
    """
    A table of a run, that of a part at a time, then that of the journal; at least one.

    Args:
        name: one of ``TABLES``.
        parts: of that table, in their order.
        uncovered: gives the rows of the journal that none of the parts holds that could be read.
        run_id: of the run.
        drop: is told in a sentence of each part that is damaged.
    """
    whole = []
    for part in parts:
        try:
            table = read_table(part.path, TABLES[name])
        except (pa.ArrowException, OSError, ValueError, LookupError) as error:
            drop(f"{name}/{part.path.name} is damaged ({first_line(error)}): what it held is left out")
            continue
        whole.append(part)
        yield table
    rows = uncovered(whole)
    if rows or not whole:
        yield rows_table(name, rows, run_id)


def joined(name: str, tables: Iterable[pa.Table]) -> pa.Table:
    """One table of what ``part_tables`` gives; all but the spans by window."""
    table = pa.concat_tables(tables).unify_dictionaries()
    # Sorting and casting import what takes a quarter of a second, and the parts are in their order.
    sorted_already = name == "spans" or not (np.diff(integers(table, "window", missing=1 << 62)) < 0).any()
    return table if sorted_already else table.sort_by("window")


def commands_by_window(spans: pa.Table) -> dict[int, int]:
    """How many commands came over the line since the window before, by window."""
    stage = encode(spans, "stage")
    read = (stage.codes == stage.code_of(SERIAL_STAGES[0])) & present(spans, "window")
    windows, counts = np.unique(integers(spans, "window")[read], return_counts=True)
    return dict(zip(windows.tolist(), counts.tolist(), strict=True))


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The columns of a Parquet file of a run, refused by Arrow's own errors where its pages are damaged."""
    check_file(path)
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read(columns=schema.names)
    for name in SINCE_VERSION_2.intersection(schema.names).difference(table.schema.names):
        table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    table = table.select(schema.names)
    table = table if table.schema == schema else table.cast(schema)
    # Checksums are of pages: damage to what describes them may still point outside a dictionary.
    table.validate(full=True)
    return table
