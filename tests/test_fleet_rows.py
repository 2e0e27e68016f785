"""What a fleet keeps of a run, whole: its row, its damage, the tables of it, and the files beside the index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dashboard_runs import damaged_capture_run, gpu_run, plain_run, recording_run, with_info
from tests.recorded import window
from tracer.errors import MalformedTraceError, UsageError, WriteError
from tracer.fleet import answers
from tracer.fleet.baselines import baseline_runs, read_baselines, set_baseline, unset_baseline
from tracer.fleet.damage import damage_of
from tracer.fleet.fleet_row import configuration_of, fleet_row
from tracer.fleet.kept_inferences import KeptInferences, whole_files
from tracer.fleet.kept_launches import kept_launches
from tracer.fleet.tables import RUNS, fleet_tables
from tracer.runs.run_store import stored_run
from tracer.whole_files import written_whole


def steady_run(traces: Path, name: str = "one") -> Path:
    """Two windows of three inferences, of exactly 43 us each, behind a warm-up."""
    facts = {"board": "device-0", "host": "lab", "versions": {"fake": "7"}, "machine": {"governor": "performance"}}
    return plain_run(traces, name, [window(0), window(1, first=4)], model={"name": "kws", "sha256": "ab"}, **facts)


def test_a_row_is_the_runs_configuration_its_figures_and_its_parts(tmp_path: Path) -> None:
    folder, kept = steady_run(tmp_path), []
    info = stored_run(folder).info
    row = fleet_row(folder, lambda *told: kept.append(told) or {"path": "p"})
    ((of, identity, walls),) = kept
    assert (of, identity, walls.tolist()) == (folder, info.run_id, [43_000] * 6)
    part = "part-000000000000-000000000001.parquet"
    assert row == {
        "state": "complete",
        "device": "device-0",
        "model_sha256": "ab",
        "runtime": "fake",
        "runtime_version": "7",
        "power_mode": "performance",
        "timed": "reference",
        "stages_mode": "split",
        "run_id": info.run_id,
        "created": info.created,
        "schema_version": 2,
        "host": "lab",
        "model": "kws",
        "launch_set": None,
        "damage": [],
        "median_ns": 43_000,
        "p90_ns": 43_000,
        "p99_ns": 43_000,
        "windows": [0, 1],
        "inferences": 6,
        "kept": {"path": "p"},
        "rate_hz": pytest.approx(1e9 / 43_000),
        "rule_valid": False,
        "trust": "bad",
        "trusted": False,
        "parts": None,
        "files": {"spans": [part], "windows": [part], "gpu_work": []},
    }


def test_a_configuration_lacks_in_words_what_was_not_recorded(tmp_path: Path) -> None:
    folder = plain_run(tmp_path, "one", board=None, cpu="", backend={"device": "CPU"}, model={"name": "kws"})
    unknown = dict.fromkeys(("device", "model_sha256", "runtime", "runtime_version", "power_mode"), "not recorded")
    assert configuration_of(stored_run(folder).info) == {**unknown, "timed": "reference", "stages_mode": "split"}
    with_info(folder, machine={"power_mode": "15W", "governor": "performance"}, cpu="a CPU")
    with_info(folder, backend={"name": "litert", "device": "CPU"}, versions={"litert": "1", "fake": "2"})
    assert configuration_of(stored_run(folder).info) == {
        **unknown,
        "device": "a CPU",
        "power_mode": "15W",
        "runtime": "litert",
        "runtime_version": "1",
        "timed": "reference",
        "stages_mode": "split",
    }


def test_a_captured_run_has_the_parts_of_an_inference_and_its_captures_files(tmp_path: Path) -> None:
    row = fleet_row(gpu_run(tmp_path, "gpu"))
    parts = row["parts"]
    assert list(parts)[:4] == ["GPU busy", "overhead", "kernel", "copy"]
    assert parts["GPU busy"] == pytest.approx(parts["kernel"] + parts["copy"])
    assert row["files"]["gpu_work"] == ["capture-000000.parquet"]


def test_what_keeps_a_run_out_of_a_fleet_is_told_in_sentences(tmp_path: Path) -> None:
    writer = recording_run(tmp_path, "now")
    assert fleet_row(tmp_path / "now")["damage"] == ["it is being recorded"]
    writer.close()
    damaged = fleet_row(damaged_capture_run(tmp_path, "capture"))
    assert damaged["damage"] == ["gpu_work/capture-000000.parquet cannot be read: it has 230 rows"]
    assert "rate_hz" not in damaged
    folder = steady_run(tmp_path)
    # Of the second window an inference and the warm-up are gone, and rows of a third are there.
    (path,) = (folder / "spans").glob("*.parquet")
    table = pq.read_table(path).to_pandas()
    table = table[~((table["window"] == 1) & (table["inference"].isin([4, 5])))]
    extra = table[table["window"] == 0].assign(window=2)
    pq.write_table(pa.Table.from_pandas(pd.concat([table, extra]), pq.read_schema(path), preserve_index=False), path)
    assert damage_of(stored_run(folder)) == [
        "window 1: spans has 2 of 3 inferences",
        "window 1: spans has 0 of 1 warm-ups",
        "spans has 1 window that windows has not",
    ]


def test_the_tables_of_a_fleet_have_a_row_a_run_a_window_and_a_part(tmp_path: Path) -> None:
    row = {"name": "one", "folder": str(tmp_path / "one"), **fleet_row(steady_run(tmp_path))}
    other = {**row, "folder": str(tmp_path / "two"), "parts": {"GPU busy": 7.0}, "windows": [3]}
    tables = fleet_tables([row, other])
    listed = {name: row.get(name) for name in RUNS.names if name != "run"}
    assert tables.runs.to_pylist() == [
        {"run": 0, **listed, "median_ns": 43_000.0, "p90_ns": 43_000.0, "p99_ns": 43_000.0},
        {"run": 1, **listed, "folder": str(tmp_path / "two")},
    ]
    assert listed["schema_version"] == 2
    assert tables.inference_windows.to_pylist() == [{"run": n, "window": w} for n, w in ((0, 0), (0, 1), (1, 3))]
    assert tables.profiled.to_pylist() == [{"run": 1, "part": "GPU busy", "mean_ns": 7.0}]
    part = "part-000000000000-000000000001.parquet"
    assert tables.files == {
        "spans": [f"{tmp_path}/{name}/spans/{part}" for name in ("one", "two")],
        "windows": [f"{tmp_path}/{name}/windows/{part}" for name in ("one", "two")],
        "gpu_work": [],
    }


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptInferences:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return KeptInferences(tmp_path / "traces")


def test_the_wall_times_of_a_run_are_kept_packed_and_asked_for_whole(tmp_path: Path, kept: KeptInferences) -> None:
    walls = np.arange(40_000, 41_000, dtype=np.int64)
    told = kept.keep(tmp_path / "traces" / "one", "id", walls)
    assert told is not None
    path, row = Path(told["path"]), {"inferences": 1000, "kept": told}
    assert path.is_relative_to(tmp_path / "cache")
    assert path.stat().st_size == told["bytes"] < 8000
    table = pq.read_table(path)
    assert table.column_names == ["run_id", "wall_ns"]
    assert (set(table["run_id"].to_pylist()), table["wall_ns"].to_pylist()) == ({"id"}, walls.tolist())
    packed = pq.read_metadata(path).row_group(0)
    assert {packed.column(number).compression for number in (0, 1)} == {"UNCOMPRESSED"}
    assert "DELTA_BINARY_PACKED" in packed.column(1).encodings
    assert kept.has(row)
    assert whole_files([row, {"inferences": 0, "kept": None}]) == [str(path)]
    assert whole_files([row, {"inferences": 3, "kept": None}]) is None
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    # Damage of the same size is found, and gone for the next question.
    assert kept.has(row)
    assert whole_files([row]) is None
    assert not path.exists()
    assert whole_files([row]) is None
    assert not kept.has(row)
    assert kept.keep(tmp_path / "traces" / "one", "id", walls[:0]) is None


def test_what_two_processes_keep_of_a_run_at_once_has_a_name_each(tmp_path: Path, kept: KeptInferences) -> None:
    with mock.patch("tracer.fleet.kept_inferences.written_whole", side_effect=written_whole) as written:
        told = kept.keep(tmp_path / "one", "id", np.array([1], np.int64))
    assert told is not None
    written.assert_called_once_with(Path(told["path"]), shared=True, lasting=False)


def test_files_of_runs_that_are_gone_are_removed_though_another_removes_them_too(
    tmp_path: Path, kept: KeptInferences
) -> None:
    walls = np.array([1], np.int64)
    first, second = (kept.keep(tmp_path / "traces" / name, "id", walls) for name in ("one", "two"))
    assert first is not None
    assert second is not None
    listed = Path.iterdir

    def one_vanishes(folder: Path) -> Iterator[Path]:
        yield folder / "vanished"
        yield from listed(folder)

    with mock.patch.object(Path, "iterdir", one_vanishes):
        kept.keep_only([tmp_path / "traces" / "two"])
    assert [Path(one["path"]).exists() for one in (first, second)] == [False, True]


def test_without_a_cache_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.fleet.kept_inferences.index_path", lambda *_: None)
    kept = KeptInferences(tmp_path)
    assert kept.keep(tmp_path / "one", "id", np.array([1], np.int64)) is None
    kept.keep_only([])
    assert not any(tmp_path.iterdir())


def test_a_baseline_that_cannot_be_read_or_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    set_baseline(tmp_path, "gold", {"id": "run"})
    assert json.loads(path.read_text()) == {"version": 1, "baselines": {"gold": {"id": "run"}}}
    for text, told in (
        ('{"version": 2, "baselines": {}}', "it is not of version 1; use the kws-trace that wrote it"),
        ('{"version": 1, "baselines": {"gold": 7}}', "it holds no baselines; delete it, and set them again"),
        ('{"version": 1}', "it holds no baselines; delete it, and set them again"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MalformedTraceError) as refused:
            read_baselines(tmp_path)
        assert str(refused.value) == f"{path}: {told}"
    path.unlink()
    path.mkdir()
    with pytest.raises(MalformedTraceError, match="it is not readable"):
        read_baselines(tmp_path)
    nowhere = tmp_path / "nowhere"
    with pytest.raises(WriteError) as unwritten:
        set_baseline(nowhere, "gold", {"id": "run"})
    assert str(unwritten.value) == (
        f"{nowhere / 'baselines.json'}: it cannot be written (No such file or directory); "
        "give --traces a folder of runs that you may write to"
    )


def test_two_who_set_a_baseline_at_once_write_to_a_name_each(tmp_path: Path) -> None:
    with mock.patch("tracer.fleet.baselines.write_json") as write:
        set_baseline(tmp_path, "gold", {"id": "run"})
    value = {"version": 1, "baselines": {"gold": {"id": "run"}}}
    write.assert_called_once_with(tmp_path / "baselines.json", value, shared=True)


def test_a_baseline_of_no_such_name_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    set_baseline(tmp_path, "gold", {"id": "run"})
    with pytest.raises(UsageError) as refused:
        unset_baseline(tmp_path, "silver")
    made = f"baseline --traces {tmp_path} set NAME RUN` makes one"
    assert str(refused.value).startswith(f"silver: no baseline in {tmp_path} has that name; there are gold; `")
    assert str(refused.value).endswith(made)
    with pytest.raises(UsageError) as refused:
        baseline_runs([tmp_path / "none"], "gold", ["s3://bucket/runs"])
    assert str(refused.value).startswith("gold: no baseline in s3://bucket/runs has that name; there is none yet; `")
    assert str(refused.value).endswith("baseline set NAME RUN` where they lie makes one")


def test_a_run_that_became_another_is_no_launch_of_its_baseline(tmp_path: Path) -> None:
    run = stored_run(steady_run(tmp_path))
    set_baseline(tmp_path, "gold", {run.info.run_id: "one"})
    assert [one.name for one in kept_launches("gold", tmp_path)] == ["one"]
    set_baseline(tmp_path, "gold", {"another": "one"})
    with pytest.raises(UsageError) as refused:
        kept_launches("gold", tmp_path)
    assert str(refused.value) == "--baseline: one is another run than the one of gold; set it again"


@pytest.mark.parametrize(
    ("engine", "query", "master", "told"),
    [
        ("trino", "rates", None, "--engine trino: it has no exact quantile; use duckdb, or spark with --master"),
        (
            "clickhouse",
            "rates",
            None,
            "--engine clickhouse: its quantile is an approximation; use duckdb, or spark with --master",
        ),
        (
            "sqlite",
            "rates",
            None,
            "--engine sqlite: nothing holds its figures against DuckDB's; use duckdb, or spark with --master",
        ),
        (
            "spark",
            "rates",
            None,
            "--master: it is the URL of a Spark cluster; --engine spark --master spark://HOST:7077",
        ),
        (
            "duckdb",
            "rates",
            "u",
            "--master: it is the URL of a Spark cluster; --engine spark --master spark://HOST:7077",
        ),
        ("spark", "sql", "u", "sql: Spark cannot be kept from other files; ask DuckDB, without --engine"),
    ],
)
def test_an_engine_that_would_give_other_figures_is_refused(
    engine: str, query: str, master: str | None, told: str
) -> None:
    with pytest.raises(UsageError) as refused:
        answers.checked_engine(engine, query, master)
    assert str(refused.value) == told


def test_engines_that_give_the_same_figures_are_taken() -> None:
    answers.checked_engine("duckdb", "sql", None)
    answers.checked_engine("spark", "rates", "spark://host:7077")
