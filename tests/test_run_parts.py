"""Parts of a run's tables by their names alone: which are read, which are superseded, which are gone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dashboard_runs import plain_run
from tests.recorded import window
from tracer.runs.compaction import compact_run
from tracer.runs.journal import JournalRow
from tracer.runs.parts import Part, missing_logs, missing_rows, part_path, parts_of, superseded
from tracer.runs.run_tables import joined, read_table
from tracer.runs.schema import TABLES
from tracer.runs.tables import rows_table, write_spans

GONE = "is missing: the figures are without what it held"


def part(table: str, first: int, last: int) -> Part:
    return Part(part_path(Path("run"), table, first, last), first, last)


def test_a_part_within_another_is_superseded_and_files_of_other_names_are_none(tmp_path: Path) -> None:
    rows = [(0, 3), (0, 1), (2, 3), (4, 4), (5, 9), (9, 9)]
    paths = {one: part_path(tmp_path, "spans", *one) for one in rows}
    assert paths[0, 3] == tmp_path / "spans" / "part-000000000000-000000000003.parquet"
    paths[0, 3].parent.mkdir()
    for path in (*paths.values(), tmp_path / "spans" / "part-1.parquet", tmp_path / "spans" / "part-0-1.parquet.new"):
        path.touch()
    kept, left = [(0, 3), (4, 4), (5, 9)], [(0, 1), (2, 3), (9, 9)]
    assert parts_of(tmp_path / "spans") == [Part(paths[one], *one) for one in kept]
    assert superseded(tmp_path / "spans") == [Part(paths[one], *one) for one in left]
    assert parts_of(tmp_path / "windows") == []


def test_each_stretch_of_rows_that_a_table_lacks_is_told_by_the_name_that_another_table_s_part_has() -> None:
    parts = {
        "spans": [part("spans", 0, 1), part("spans", 4, 5)],
        "windows": [part("windows", 0, 1), part("windows", 2, 3), part("windows", 4, 5)],
        "results": [part("results", 1, 1)],
    }
    # Rows 6 and 7 are in the journal and lost; 8 is nowhere, and no table has a part of that name.
    last = f"the part of row 8 {GONE}"
    assert missing_rows(parts, [6], {"rows": 9, "lost": [7]}) == [
        f"spans/part-000000000002-000000000003.parquet {GONE}",
        f"spans: {last}",
        f"windows: {last}",
        f"results: the part of row 0 {GONE}",
        f"results: the part of the rows 2 to 5 of the journal {GONE}",
        f"results: {last}",
    ]
    # Where nobody counted the tables are held against each other and against the journal.
    assert missing_rows({"spans": [part("spans", 0, 1)], "windows": []}, [3], {}) == [
        f"spans: the part of row 2 {GONE}",
        f"windows: the part of the rows 0 to 2 of the journal {GONE}",
    ]
    assert missing_rows({"spans": [], "windows": []}, [], {}) == []
    assert missing_rows({"spans": [part("spans", 0, 3)]}, [], {"rows": 4, "lost": []}) == []


def test_a_session_up_to_the_last_one_without_its_log_is_told(tmp_path: Path) -> None:
    assert missing_logs(tmp_path) == []
    for name in ("session-2/log.txt", "session-4/note", "session-x/log.txt", "sessions/log.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    rest = "/log.txt is missing: what that session's host saw is not known"
    assert missing_logs(tmp_path) == [f"{name}{rest}" for name in ("session", "session-3", "session-4")]


def test_a_compacted_part_is_packed_as_one_that_a_writer_made(tmp_path: Path) -> None:
    def packing(path: Path) -> list[tuple[str, str, set[str]]]:
        group = pq.read_metadata(path).row_group(0)
        columns = [group.column(number) for number in range(group.num_columns)]
        return [(one.path_in_schema, one.compression, set(one.encodings)) for one in columns]

    folder = plain_run(tmp_path, "run")
    before = {table: next((folder / table).iterdir()) for table in TABLES}
    packed = {table: packing(path) for table, path in before.items()}
    tables = {table: read_table(path, TABLES[table]) for table, path in before.items()}
    count = len(tables["windows"])
    for table, path in before.items():
        path.unlink()
        for number in range(2):
            # The same rows twice, as a run of twice the windows would have them.
            target = part_path(folder, table, number * count, number * count + count - 1)
            pq.write_table(tables[table], target, write_page_checksum=True)
    assert compact_run(folder) == (6, 3)
    for table in TABLES:
        (path,) = (folder / table).iterdir()
        assert path == part_path(folder, table, 0, 2 * count - 1)
        assert packing(path) == packed[table]


def test_spans_are_packed_small_and_found_by_window_inference_and_time(tmp_path: Path) -> None:
    path = next((plain_run(tmp_path, "run") / "spans").iterdir())
    group = pq.read_metadata(path).row_group(0)
    columns = {one.path_in_schema: one for one in map(group.column, range(group.num_columns))}
    assert {name for name, one in columns.items() if one.compression != "ZSTD"} == set()
    statistics = {name for name, one in columns.items() if one.is_stats_set and one.statistics.has_min_max}
    assert statistics == {"window", "inference", "start_ns"}
    packed = {
        kind: {name for name, one in columns.items() if kind in one.encodings}
        for kind in ("DELTA_BINARY_PACKED", "RLE_DICTIONARY")
    }
    assert packed == {
        "DELTA_BINARY_PACKED": {"inference", "start_ns", "duration_ns"},
        "RLE_DICTIONARY": {"run_id", "stage", "window"},
    }
    # What is never null is stored without levels.
    assert {field.name for field in pq.read_schema(path) if field.nullable} == {"window", "inference"}


@pytest.mark.parametrize(("most", "groups"), [(28, [28, 28]), (27, [14] * 4), (13, [13, 1] * 4)])
def test_batches_share_a_row_group_as_long_as_they_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, groups: list[int]
) -> None:
    monkeypatch.setattr("tracer.runs.tables.ROW_GROUP", most)
    batches = [rows_table("spans", [JournalRow.of(window(one), one)], "id").combine_chunks() for one in range(4)]
    write_spans(tmp_path / "part", (batch for one in batches for batch in one.to_batches()))
    written = pq.read_metadata(tmp_path / "part")
    assert [written.row_group(one).num_rows for one in range(written.num_row_groups)] == groups
    assert pq.read_table(tmp_path / "part").to_pylist() == [row for one in batches for row in one.to_pylist()]


@pytest.mark.parametrize("table", TABLES)
def test_a_part_with_a_byte_that_is_another_is_known_by_its_checksum(tmp_path: Path, table: str) -> None:
    path = next((plain_run(tmp_path, "run") / table).iterdir())
    column = pq.read_metadata(path).row_group(0).column(1)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC checksum"):
        read_table(path, TABLES[table])


def test_tables_of_parts_are_joined_by_window_and_the_spans_as_they_stand() -> None:
    def parts_with(table: str, *parts: list[int]) -> list[pa.Table]:
        rows = [rows_table(table, [JournalRow.of(window(one), one) for one in numbers], "id") for numbers in parts]
        assert [len(one) > 0 for one in rows] == [True] * len(parts)
        return rows

    for table in ("windows", "results"):
        assert joined(table, parts_with(table, [2, 3], [0])).column("window").to_pylist() == [0, 2, 3]
        assert joined(table, parts_with(table, [0], [2])).column("window").to_pylist() == [0, 2]
    spans = parts_with("spans", [2, 3], [0])
    assert joined("spans", spans).to_pylist() == [row for one in spans for row in one.to_pylist()]
