"""
Many small parts of a run's tables made one, row for row.

The new part covers the rows of the journal that the old ones covered, and readers leave out a part within another's
(``parts.parts_of``): so a kill between any two steps loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.errors import RunError, WriteError, first_line
from tracer.runs.parts import Part, part_path, parts_of, superseded
from tracer.runs.run_files import held
from tracer.runs.run_index import RunIndex
from tracer.runs.run_info import read_run_info
from tracer.runs.run_tables import read_table
from tracer.runs.schema import TABLES
from tracer.runs.tables import write_spans
from tracer.whole_files import sync, written_whole


@dataclass(slots=True)
class Compaction:
    """By name of the run how many parts became how many; a sentence for each run that was left as it is."""

    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def compact_runs(traces: Path, progress: Callable[[int, int], None] = lambda *_: None) -> Compaction:
    """
    Compact every run of a folder that is closed and whole; ``progress`` is told how many of how many were looked at.

    Raises:
        WriteError: if the disk does not take it; each run then reads as before.
    """
    found = Compaction()
    listed = RunIndex(traces).listed
    for number, one in enumerate(listed):
        progress(number, len(listed))
        name = one.folder.name
        if one.error is not None:
            found.left.append(str(one.error))
            continue
        try:
            with held(one.folder, name):
                before, after = compact_run(one.folder)
        except RunError as error:
            found.left.append(str(error))
            continue
        if before != after:
            found.parts[name] = before, after
    return found


def compact_run(folder: Path) -> tuple[int, int]:
    """
    Compact a run whose lock is held; returns how many parts it had and has.

    Raises:
        RunError: if it was not closed, or a part cannot be read; then the parts of that table are as they were.
        WriteError: if the disk does not take it; then it reads as before.
    """
    if read_run_info(folder / "run.json").state == "recording" or any(folder.glob("journal-*.arrows")):
        raise RunError(folder.name, "it was not closed", f"`kws-trace runs --recover {folder.name}` first")
    before = after = 0
    for table in TABLES:
        there = folder / table
        before += sum(1 for _ in there.glob("part-*.parquet"))
        try:
            for group in _neighbours(parts_of(there)):
                if len(group) > 1:
                    _join(folder, table, group)
            for part in superseded(there):
                part.path.unlink()
            if there.is_dir():
                sync(there)
        except OSError as error:
            raise WriteError(there, "its parts cannot be joined", error, "make room; nothing is lost") from None
        after += len(parts_of(there))
    return before, after


def _neighbours(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts that follow one another: where one is gone, its rows stay missing by the names of the others."""
    group: list[Part] = []
    for part in parts:
        if group and part.first != group[-1].last + 1:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _join(folder: Path, table: str, parts: Sequence[Part]) -> None:
    schema = TABLES[table]
    path = part_path(folder, table, parts[0].first, parts[-1].last)
    with written_whole(path) as temporary:
        if table == "spans":
            write_spans(temporary, (batch for part in parts for batch in _read(part, schema).to_batches()))
        else:
            joined = pa.concat_tables([_read(part, schema) for part in parts]).unify_dictionaries()
            pq.write_table(joined, temporary, compression="zstd", write_page_checksum=True)
        _compare(Part(temporary, parts[0].first, parts[-1].last), parts, schema)


def _read(part: Part, schema: pa.Schema) -> pa.Table:
    try:
        return read_table(part.path, schema)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        why = f"{part.path.parent.name}/{part.path.name} cannot be read ({first_line(error)})"
        raise RunError(part.path.parent.parent.name, why, "it is left as it is") from None


def _compare(new: Part, parts: Sequence[Part], schema: pa.Schema) -> None:
    """Column by column, so that two copies of one are in memory, not of all."""
    for column in schema:
        only = pa.schema([column])
        old = pa.concat_tables([_read(part, only) for part in parts])
        if not _values(_read(new, only)).equals(_values(old)):
            raise RunError(new.path.parent.parent.name, f"{column.name} came out otherwise", "it is left as it is")


def _values(table: pa.Table) -> pa.ChunkedArray:
    column = table.column(0)
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
