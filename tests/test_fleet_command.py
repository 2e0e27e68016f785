"""``kws-trace fleet`` and ``baseline`` over folders of runs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.pull.places import PlacedFile, UrlPlace
from tests.dashboard_runs import damaged_run, damaged_spans_run, gpu_run, recovered_run, with_info
from tests.fleet_runs import fleet_run
from tests.many_runs import age
from tracer.errors import KwsTraceError, UsageError
from tracer.fleet.answers import engine_answer
from tracer.fleet.baselines import set_baseline
from tracer.fleet.engine import DuckDb
from tracer.fleet.fleet import fleet_folders, read_fleet
from tracer.fleet.tables import CONFIGURATION, fleet_tables
from tracer.runs.run_store import stored_run
from tracer.runs.timed_inferences import timed_inferences

pytest.importorskip("ibis", reason="needs the extra fleet")
fsspec = pytest.importorskip("fsspec", reason="needs the extra fleet")

SAMPLE = Path(__file__).parent.parent / "traces" / "sample-cpu"


def fleet(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["fleet", *words])
    assert isinstance(result.exception, SystemExit | KwsTraceError | None), result.exception
    # Outside of the command line's `main` an error of ours is not yet an exit code.
    assert getattr(result.exception, "exit_code", result.exit_code) == code, result.output
    return result.stdout


def rows(*words: str, code: int = 0) -> list[dict[str, Any]]:
    return json.loads(fleet(*words, "--json", code=code))["rows"]


def launches(root: Path, day: int, count: int, **facts: Any) -> None:
    for number in range(count):
        fleet_run(root, f"d{day}-{number}", 24 * day + number, seed=10 * day + number, performance=2, **facts)


def test_the_figures_are_those_of_the_runs_themselves_and_both_schema_versions_are_read(tmp_path: Path) -> None:
    launches(tmp_path, 0, 3)
    shutil.copytree(SAMPLE, tmp_path / "version-1")
    found = {row["runtime"]: row for row in rows("latency", "--root", str(tmp_path))}
    for runtime, names in (("litert", ["d0-0", "d0-1", "d0-2"]), ("tensorflow", ["version-1"])):
        walls = np.concatenate([timed_inferences(stored_run(tmp_path / name)).wall_ns for name in names])
        row = found[runtime]
        assert row["inferences"] == len(walls)
        told = [row[name] for name in ("median_ns", "p90_ns", "p99_ns")]
        assert told == pytest.approx(np.percentile(walls, [50, 90, 99]), rel=1e-12)


def test_percentiles_are_the_same_without_what_was_kept_and_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "traces"
    launches(root, 0, 3)
    for folder in root.iterdir():
        age(folder)
    with DuckDb(fleet_tables(read_fleet([root]).rows)) as engine:
        (first,) = engine_answer(engine, "latency", base=None, fail_over=0.02, limit=20)
        assert "spans" in engine._unopened
    (folder,) = (tmp_path / "cache" / "kws-trace" / "inferences").iterdir()
    files = sorted(folder.iterdir())
    assert len(files) == 3
    whole = [one.read_bytes() for one in files]
    files[0].unlink()
    files[1].write_bytes(whole[1][:-1])
    files[2].write_bytes(whole[2][:-1] + b"x")
    for kept in (whole[:2], whole):
        # Damage that leaves the size is found when the times are asked for: these are then summed from the spans.
        assert rows("latency", "--root", str(root)) == [first]
        assert [one.read_bytes() for one in sorted(folder.iterdir())] == kept
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null")
        assert rows("latency", "--root", str(root)) == [first]
    shutil.rmtree(root / "d0-1")
    assert rows("latency", "--root", str(root))[0]["launches"] == 2
    assert len(list(folder.iterdir())) == 2


def test_runs_that_are_damaged_unfinished_or_copies_are_named_and_left_out(tmp_path: Path) -> None:
    launches(tmp_path, 0, 1)
    damaged_run(tmp_path, "no-json")
    damaged_spans_run(tmp_path, "no-spans")
    recovered_run(tmp_path, "killed")
    shutil.copytree(tmp_path / "d0-0", tmp_path / "twin")
    other = fleet_run(tmp_path, "strange", 5) / "spans"
    (part,) = other.glob("*.parquet")
    table = pq.read_table(part)
    ids = pa.array(["another"] * len(table)).dictionary_encode()
    pq.write_table(table.set_column(0, table.schema.field(0).with_type(ids.type), ids), part)
    found = json.loads(fleet("rates", "--root", str(tmp_path), "--json"))
    assert [row["launches"] for row in found["rows"]] == [1]
    words = {"no-json": "not readable", "no-spans": "damaged", "killed": "--recover", "twin": "the same run"}
    for name, word in {**words, "strange": "of another run"}.items():
        (sentence,) = [one for one in found["left_out"] if f"/{name}" in one.split(":")[0]]
        assert word in sentence


MODEL = {"name": "kws", "format": "tflite"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "facts", "value"),
    [
        ("device", {"board": "device-1"}, "device-1"),
        ("device", {"board": None, "cpu": ""}, "not recorded"),
        ("model_sha256", {"model": {**MODEL, "sha256": "ff"}}, "ff"),
        ("model_sha256", {"model": MODEL}, "not recorded"),
        ("runtime", {"backend": {"device": "CPU"}}, "not recorded"),
        ("runtime_version", {"versions": {"litert": "1.4.1"}}, "1.4.1"),
        ("runtime_version", {"versions": {}}, "not recorded"),
        ("power_mode", {"machine": {"power_mode": "15W", "governor": "performance"}}, "15W"),
        ("power_mode", {"machine": {}}, "not recorded"),
        ("timed", {"timed": "end-to-end"}, "end-to-end"),
        ("stages_mode", {"stages_mode": "fused"}, "fused"),
    ],
)
def test_runs_that_differ_in_one_field_or_lack_it_are_of_two_configurations(
    tmp_path: Path, column: str, facts: dict[str, Any], value: str
) -> None:
    for number, name in enumerate(("one", "other")):
        fleet_run(tmp_path, name, number, seed=number, performance=1, inferences=5, captured=3)
    with_info(tmp_path / "other", **facts)
    found = read_fleet([tmp_path]).rows
    assert value in {row[column] for row in found}
    with DuckDb(fleet_tables(found)) as engine:
        for query in ("rates", "latency", "overhead", "kernels", "trust", "regressions", "outliers"):
            answered = engine_answer(engine, query, base=None, fail_over=0.02, limit=20)
            told = {tuple(row[name] for name in CONFIGURATION) for row in answered}
            assert told == {tuple(row[name] for name in CONFIGURATION) for row in found}, query
            assert len(told) == 2


def test_roots_are_folders_or_patterns_each_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        launches(tmp_path / name / "traces", 0, 1)
    folders = fleet_folders([str(tmp_path / "*" / "traces"), str(tmp_path / "one" / "traces")])
    assert len(folders) == 2
    assert len(read_fleet(folders).rows) == 2
    (tmp_path / "[ot]ne").mkdir()
    assert fleet_folders([str(tmp_path / "[ot]ne")]) == [tmp_path / "[ot]ne"]
    fleet("rates", "--root", str(tmp_path / "nowhere"), code=2)
    assert len(rows("rates", "--root", f"file://{tmp_path / 'one' / 'traces'}")) == 1


def test_the_runs_behind_a_url_are_asked_as_they_are_there_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    memory, traces, url = fsspec.filesystem("memory"), tmp_path / "traces", "memory://fleet/traces"
    launches(traces, 0, 3)
    memory.put(str(traces), "/fleet/traces", recursive=True)

    def asked() -> tuple[list[int], list[str]]:
        found = json.loads(fleet("rates", "--root", url, "--json"))
        return [row["launches"] for row in found["rows"]], found["left_out"]

    opened = UrlPlace._open
    with monkeypatch.context() as patch:
        patch.setattr(
            UrlPlace, "_open", lambda place, file: refused(file) if "d0-2/sp" in file.path else opened(place, file)
        )
        counts, left_out = asked()
    assert counts == [2]
    assert "d0-2" in left_out[0]
    assert asked() == ([3], [])
    with_info(traces / "d0-1", board="another")
    memory.rm("/fleet/traces/d0-0", recursive=True)
    memory.put(str(traces / "d0-1" / "run.json"), "/fleet/traces/d0-1/run.json")
    assert asked() == ([1, 1], [])
    memory.pipe("/fleet/traces/d0-1/run.json", b"{")
    counts, left_out = asked()
    assert counts == [1]
    assert left_out[0].startswith(f"{url}: d0-1/run.json")
    set_baseline(traces, "gold", {stored_run("d0-2", traces).info.run_id: "d0-2"})
    memory.put(str(traces / "baselines.json"), "/fleet/traces/baselines.json")
    fleet("regressions", "--root", url, "--baseline", "gold", code=3)
    memory.rm("/fleet/traces/baselines.json")
    error = CliRunner().invoke(app, ["fleet", "regressions", "--root", url, "--baseline", "gold"]).exception
    assert str(error).startswith(f"gold: no baseline in {url} has that name")
    assert str(tmp_path) not in str(error)
    memory.rm("/fleet", recursive=True)
    fleet("rates", "--root", url, code=2)


def refused(file: PlacedFile) -> IO[bytes]:
    raise ConnectionError(file.path)


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_the_package_that_a_url_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    error = CliRunner().invoke(app, ["fleet", "rates", "--root", "s3://bucket/runs"]).exception
    assert isinstance(error, UsageError)
    assert "s3fs" in str(error)


def test_a_slower_firmware_fails_the_job_and_junit_says_which(tmp_path: Path) -> None:
    root = ("--root", str(tmp_path))
    launches(tmp_path, 0, 5)
    assert rows("regressions", *root, code=3)[0]["why_not"]
    baseline = CliRunner().invoke(
        app, ["baseline", "set", "gold", *(f"d0-{n}" for n in range(5)), "--traces", *root[1:]]
    )
    assert baseline.exit_code == 0
    launches(tmp_path, 1, 3, slower=1.2)
    (row,) = rows("regressions", *root, "--baseline", "gold", code=1)
    assert (row["failed"], row["base_launches"], row["launches"]) == (True, 5, 3)
    assert row["slowdown"] == pytest.approx(0.2, abs=0.05)
    fleet("regressions", *root, "--baseline", "gold", "--fail-over", "0.5")
    suites = ElementTree.fromstring(fleet("regressions", *root, "--baseline", "gold", "--junit", code=1))
    assert suites.attrib == {"tests": "1", "failures": "1", "errors": "0"}
    assert "slower" in suites.find(".//failure").attrib["message"]
    assert "| yes | yes |" in fleet("regressions", *root, "--baseline", "gold", "--markdown", code=1)
    assert "FAILED: device-0" in fleet("regressions", *root, "--baseline", "gold", code=1)
    fleet("regressions", *root, "--baseline", "nobody", code=2)


def test_compare_takes_a_kept_baseline_and_unset_forgets_it(tmp_path: Path) -> None:
    launches(tmp_path, 0, 5)
    launches(tmp_path, 1, 1, slower=1.2)
    told = ("--traces", str(tmp_path), "--json")
    call = CliRunner().invoke
    call(app, ["baseline", "set", "gold", *(f"d0-{n}" for n in range(5)), *told])
    found = json.loads(call(app, ["compare", "d1-0", "--baseline", "gold", *told]).stdout)
    assert (found["baseline"], found["comparisons"][0]["run"]) == ("gold", "d1-0")
    assert list(json.loads(call(app, ["baseline", "list", *told]).stdout)) == ["gold"]
    assert json.loads(call(app, ["baseline", "unset", "gold", *told]).stdout) == {}
    for words in (("unset", "gold"), ("set", "gold")):
        assert isinstance(call(app, ["baseline", *words, *told]).exception, UsageError)


def test_kernels_and_overhead_are_of_the_captures(tmp_path: Path) -> None:
    gpu_run(tmp_path, "gpu")
    launches(tmp_path, 0, 1)
    parts = {row["part"]: row["mean_ns"] for row in rows("overhead", "--root", str(tmp_path))}
    assert parts["GPU busy"] > 0
    assert parts["launch"] > 0
    found = rows("kernels", "--root", str(tmp_path), "--limit", "3")
    assert len(found) == 3
    assert found[0]["total_ns"] >= found[1]["total_ns"]


def test_csv_has_a_line_a_row(tmp_path: Path) -> None:
    launches(tmp_path, 0, 1)
    (row,) = csv.DictReader(io.StringIO(fleet("trust", "--root", str(tmp_path), "--csv")))
    assert (row["device"], row["launches"]) == ("device-0", "1")


def test_a_name_that_is_a_pattern_or_has_quotes_is_that_of_one_run(tmp_path: Path) -> None:
    names = ("run[1]", "run1", "st*r", "st2r", "wh?t", "{a,b}", "it's é")
    for number, name in enumerate(names):
        fleet_run(tmp_path, name, number, configuration=number, seed=number)
    found = rows("latency", "--root", str(tmp_path))
    assert [row["inferences"] for row in found] == [100] * len(names)
    text = "SELECT count(*) AS n FROM runs WHERE name = 'it''s é'"
    assert rows("sql", text, "--root", str(tmp_path)) == [{"n": 1}]


def test_sql_reads_the_tables_and_nothing_else(tmp_path: Path) -> None:
    launches(tmp_path / "traces", 0, 2)
    root = ("--root", str(tmp_path / "traces"))
    (row,) = rows("sql", "SELECT count(*) AS n FROM spans JOIN runs USING (run_id) WHERE run = 1", *root)
    assert row["n"] == stored_run(tmp_path / "traces" / "d0-1").spans().num_rows
    secret, stolen = tmp_path / "secret.csv", tmp_path / "stolen.csv"
    secret.write_text("a\n1\n")
    part = next((tmp_path / "traces").rglob("spans/*.parquet"))
    before = part.read_bytes()
    for text in (
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM '{secret}'",
        f"COPY runs TO '{stolen}'",
        f"COPY runs TO '{part}'",
        f"EXPLAIN ANALYZE COPY runs TO '{stolen}'",
        f"ATTACH '{stolen}'",
        "DELETE FROM runs",
        "SET enable_external_access = true",
        "SELECT 1; DROP TABLE runs",
        "nonsense",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        f"SELECT * FROM query($$COPY runs TO '{stolen}'$$)",
        f"EXPORT DATABASE '{stolen}'",
    ):
        fleet("sql", text, *root, code=2)
    assert not stolen.exists()
    assert part.read_bytes() == before


def test_words_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    launches(tmp_path, 0, 1)
    root = ("--root", str(tmp_path))
    for words in (("sql",), ("rates", "SELECT 1"), ("rates", "--junit"), ("rates", "--json", "--csv"), ("weather",)):
        fleet(*words, *root, code=2)
