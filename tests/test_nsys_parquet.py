"""The reader of Nsight Systems' Parquet export, on folders made from SQLite ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.test_nsys_refusals import small
from tests.test_nsys_sqlite import same_tables
from tracer.errors import ProfileError
from tracer.profiles.nsys_parquet import read_nsys_parquet
from tracer.profiles.nsys_sqlite import read_nsys_sqlite


def parquet_of(path: Path, folder: Path) -> Path:
    """One file a table, as ``nsys export --type parquetdir`` lays them out."""
    folder.mkdir()
    with sqlite3.connect(path) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            cursor = database.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
            pq.write_table(
                pa.table(dict(zip(names, map(pa.array, columns), strict=True))), folder / f"{table}.parquet"
            )
    database.close()
    return folder


def test_a_folder_of_parquet_files_reads_as_the_sqlite_export_of_the_same_capture(tmp_path: Path) -> None:
    path = small().write(tmp_path / "x.sqlite")
    profile = read_nsys_parquet(parquet_of(path, tmp_path / "x_pqtdir"))
    expected = read_nsys_sqlite(path)
    assert same_tables(profile, expected)
    assert (profile.traced, profile.version) == (expected.traced, expected.version)
    assert (profile.experimental, profile.notes) == (False, expected.notes)


def test_a_real_capture_reads_alike_from_parquet(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "nsys" / "h100_2gpu_1s.sqlite"
    copy = tmp_path / "x.sqlite"
    copy.write_bytes(path.read_bytes())
    assert same_tables(read_nsys_parquet(parquet_of(copy, tmp_path / "x")), read_nsys_sqlite(path))


def test_narrower_integers_and_dictionaries_are_widened(tmp_path: Path) -> None:
    folder = parquet_of(small().write(tmp_path / "x.sqlite"), tmp_path / "x")
    file = folder / "CUPTI_ACTIVITY_KIND_KERNEL.parquet"
    rows = pq.read_table(file)
    types = {"deviceId": pa.uint32(), "correlationId": pa.uint32(), "demangledName": pa.int32(), "start": pa.uint64()}
    pq.write_table(rows.cast(pa.schema([(name, types.get(name, pa.int64())) for name in rows.column_names])), file)
    strings = pq.read_table(folder / "StringIds.parquet")
    coded = strings.set_column(1, "value", strings["value"].cast(pa.large_string()).dictionary_encode())
    pq.write_table(coded, folder / "StringIds.parquet")
    assert read_nsys_parquet(folder).gpu_work["name"].to_pylist() == ["gemm"]


def test_a_folder_without_a_table_of_nsys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="holds no Parquet file"):
        read_nsys_parquet(tmp_path)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "cats.parquet")
    with pytest.raises(ProfileError, match="none of the tables"):
        read_nsys_parquet(tmp_path)
    with pytest.raises(ProfileError, match="cannot be read"):
        read_nsys_parquet(tmp_path / "none")


def test_a_damaged_file_of_a_folder_is_named(tmp_path: Path) -> None:
    folder = parquet_of(small().write(tmp_path / "x.sqlite"), tmp_path / "x")
    file = folder / "StringIds.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ProfileError, match=r"StringIds\.parquet cannot be read"):
        read_nsys_parquet(folder)
