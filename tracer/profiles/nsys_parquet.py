"""
Reads the Parquet export of Nsight Systems (``nsys export --type parquetdir``): a folder with a file for each table.

Its tables and columns are those of the SQLite export (2024.2); integer widths may differ and are widened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.errors import ProfileError, first_line
from tracer.given_files import check_file, too_many_rows
from tracer.profiles.nsys_export import column_schema, damaged_export, not_nsys_export, unreadable_export
from tracer.profiles.nsys_tables import read_export
from tracer.profiles.profile import Profile


def read_nsys_parquet(folder: Path) -> Profile:
    """
    Read an Nsight Systems Parquet export.

    Raises:
        ProfileError: if there is no such folder, it is no such export, a file of it is damaged, or of a newer schema.
    """
    return read_export(ParquetExport(folder, _columns(folder)))


@dataclass(frozen=True, slots=True)
class ParquetExport:
    """An export in a folder of Parquet files, one a table."""

    path: Path
    columns: dict[str, frozenset[str]] = field(repr=False)

    def fetch(self, table: str, columns: Sequence[str], event_types: Sequence[int] = ()) -> pa.Table:
        """As ``Export.fetch`` says."""
        wanted = [("eventType", "in", list(event_types))] if event_types else None
        file = self.path / f"{table}.parquet"
        try:
            rows: pa.Table = pq.read_table(file, columns=list(columns), filters=wanted, partitioning=None)
            rows = rows.select(list(columns)).cast(column_schema(columns))
            rows.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged_export(self.path, f"its {file.name} cannot be read ({first_line(error)})") from None
        return rows


def _columns(folder: Path) -> dict[str, frozenset[str]]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".parquet")
    except OSError as error:
        raise unreadable_export(folder, error) from None
    if not files:
        raise not_nsys_export(folder, "the folder holds no Parquet file")
    columns = {}
    for file in files:
        try:
            check_file(file)
            facts = pq.read_metadata(file)
            problem = too_many_rows(facts.num_rows)
            if problem is not None:
                raise ProfileError(file, problem, "or export a shorter time")
            columns[file.stem] = frozenset(facts.schema.to_arrow_schema().names)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged_export(folder, f"its {file.name} cannot be read ({first_line(error)})") from None
    return columns
