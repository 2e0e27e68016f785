"""The queries over a fleet, on tables whose answers are worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t

from tests.dashboard_runs import plain_run
from tracer.fleet import answers
from tracer.fleet.fleet_row import fleet_row
from tracer.fleet.kept_inferences import KeptInferences
from tracer.fleet.tables import INFERENCE_WINDOWS, PROFILED, RUNS
from tracer.profiles.profile import GPU_WORK

pytest.importorskip("ibis", reason="needs the extra fleet")

import ibis

from tracer.fleet import queries

A = {"device": "nano", "model_sha256": "aa", "runtime": "litert", "runtime_version": "1", "power_mode": "MAXN"}
A |= {"timed": "reference", "stages_mode": "split"}
B = {**A, "power_mode": "5W"}


def runs(*rows: dict[str, Any]) -> Any:
    every = [{"run": number, "run_id": f"id-{number}", "host": "one", **row} for number, row in enumerate(rows)]
    return memory([{name: row.get(name) for name in RUNS.names} for row in every], RUNS)


def memory(rows: list[dict[str, Any]], schema: pa.Schema) -> Any:
    return ibis.memtable(pa.Table.from_pylist(rows, schema))


def answer(query: Any) -> list[dict[str, Any]]:
    return ibis.duckdb.connect().to_pyarrow(query).to_pylist()


def spans(*rows: tuple[int, int, int | None, str, int, bool]) -> Any:
    names = ("run_id", "window", "inference", "stage", "duration_ns", "warmup")
    types = (pa.string(), pa.int32(), pa.int64(), pa.string(), pa.int64(), pa.bool_())
    schema = pa.schema(list(zip(names, types, strict=True)))
    return memory([dict(zip(names, (f"id-{row[0]}", *row[1:]), strict=True)) for row in rows], schema)


def test_the_mean_of_a_few_launches_has_students_interval_and_of_two_none() -> None:
    row = {"mean_log": 5.0, "deviation_log": 0.02, "launches": 4}
    half = t.ppf(0.975, 3) * 0.02 / 2
    found = answers._with_interval({**row})
    assert found["mean_hz"] == pytest.approx(np.exp(5))
    assert found["mean_low_hz"] == pytest.approx(np.exp(5 - half), rel=1e-4)
    assert found["mean_high_hz"] == pytest.approx(np.exp(5 + half), rel=1e-4)
    three = answers._with_interval({**row, "launches": 3})
    assert np.log(three["mean_high_hz"]) - 5 == pytest.approx(t.ppf(0.975, 2) * 0.02 / np.sqrt(3), rel=1e-3)
    two = answers._with_interval({**row, "launches": 2})
    assert two == {"launches": 2, "mean_hz": pytest.approx(np.exp(5)), "mean_low_hz": None, "mean_high_hz": None}


def test_a_fleet_without_runs_has_no_outliers_and_no_regressions() -> None:
    assert [answers.answer([], query) for query in ("outliers", "regressions")] == [[], []]


def test_kept_inferences_are_there_where_their_file_has_its_size(tmp_path: Path) -> None:
    kept = KeptInferences(tmp_path)
    path = tmp_path / "kept"
    row = {"inferences": 5, "kept": {"path": str(path), "bytes": 3}}
    assert not kept.has(row)
    path.write_bytes(b"abc")
    assert kept.has(row)
    path.write_bytes(b"abcd")
    assert not kept.has(row)
    assert not kept.has({"inferences": 5, "kept": None})
    assert kept.has({"inferences": 0})


def test_a_row_knows_the_set_of_launches_that_its_run_is_of(tmp_path: Path) -> None:
    folder = plain_run(tmp_path, "run", launch_set={"id": "s", "name": "set", "number": 1, "launches": 5})
    assert fleet_row(folder)["launch_set"] == "s"
    assert fleet_row(plain_run(tmp_path, "other"))["launch_set"] is None


def test_a_rate_is_the_median_of_the_launches_of_a_configuration() -> None:
    found = answer(
        queries.rates(
            runs(
                {**A, "rate_hz": 100.0, "created": "2026-01-01"},
                {**A, "rate_hz": 130.0, "created": "2026-01-03", "host": "two"},
                {**A, "rate_hz": 110.0, "created": "2026-01-02"},
                {**A, "created": "2026-01-09"},
                {**B, "rate_hz": 50.0, "created": "2026-01-01"},
            )
        )
    )
    assert [(row["power_mode"], row["launches"], row["boards"], row["rate_hz"]) for row in found] == [
        ("5W", 1, 1, 50.0),
        ("MAXN", 3, 2, 110.0),
    ]
    assert (found[1]["low_hz"], found[1]["high_hz"], found[1]["newest"]) == (100.0, 130.0, "2026-01-03")


def test_latency_is_of_timed_inferences_in_windows_that_count_and_of_whole_ones() -> None:
    """Walls 10, 20, 30 and 40 ns: by linear interpolation the median is 25, the 90th percentile 37, the 99th 39.7."""
    work = [(0, 0, 0, 4), (0, 0, 1, 14), (1, 0, 0, 24), (1, 1, 7, 34)]
    rows = [(run, window, number, "session_run", ns, False) for run, window, number, ns in work]
    rows += [(run, window, number, "readback", 6, False) for run, window, number, _ in work]
    rows += [(0, 0, 2, "session_run", 999, True), (0, 0, None, "serial_read", 999, False)]
    rows += [(1, 2, 8, "session_run", 999, False)]
    counted = memory([{"run": run, "window": window} for run, window in ((0, 0), (1, 0), (1, 1))], INFERENCE_WINDOWS)
    table = runs({**A, "inferences": 2}, {**A, "inferences": 2}, {**A, "inferences": 0})
    (row,) = answer(queries.latency(table, queries.inferences(table, counted, spans(*rows))))
    assert (row["launches"], row["inferences"], row["median_ns"]) == (2, 4, 25.0)
    assert (row["p90_ns"], row["p99_ns"]) == pytest.approx((37.0, 39.7), rel=1e-12)


def test_overhead_is_the_mean_over_launches_of_each_part() -> None:
    parts = [(0, "GPU busy", 10.0), (1, "GPU busy", 30.0), (0, "launch", 5.0)]
    table = memory([{"run": run, "part": part, "mean_ns": ns} for run, part, ns in parts], PROFILED)
    found = answer(queries.overhead(runs(A, A), table))
    assert [(row["part"], row["launches"], row["mean_ns"], row["high_ns"]) for row in found] == [
        ("GPU busy", 2, 20.0, 30.0),
        ("launch", 1, 5.0, 5.0),
    ]


def test_kernels_come_by_the_time_that_they_took_in_all_captures() -> None:
    work = [(0, "kernel", "a", 10), (1, "kernel", "a", 20), (1, "kernel", "b", 31), (1, "memcpy", "c", 999)]
    columns = [(one.name, getattr(one.type, "value_type", one.type)) for one in GPU_WORK]
    rows = [
        {"run_id": f"id-{run}", "kind": kind, "name": name, "start_ns": 100, "end_ns": 100 + ns}
        for run, kind, name, ns in work
    ]
    gpu_work = memory(rows, pa.schema([("run_id", pa.string()), *columns]))
    found = answer(queries.kernels(runs(A, A), gpu_work, limit=5))
    assert [(row["kernel"], row["launches"], row["count"], row["total_ns"], row["median_ns"]) for row in found] == [
        ("b", 1, 1, 31, 31.0),
        ("a", 2, 2, 30, 15.0),
    ]
    assert len(answer(queries.kernels(runs(A, A), gpu_work, limit=1))) == 1


def test_trust_counts_the_launches_by_their_worst_check() -> None:
    states = [("bad", False, None), ("fine", True, True), ("doubtful", False, True)]
    rows = [{**A, "trust": state, "trusted": trusted, "rule_valid": valid} for state, trusted, valid in states]
    (row,) = answer(queries.trust(runs(*rows)))
    assert (row["launches"], row["rule_valid"], row["trusted"]) == (3, 2, 1)
    assert (row["bad"], row["doubtful"], row["unknown"]) == (1, 1, 0)


def test_launches_come_oldest_first_within_a_configuration() -> None:
    rows = [{**A, "created": f"2026-01-0{day}", "median_ns": 1.0, "folder": "f"} for day in (3, 1, 2)]
    found = answer(queries.launches(runs(*rows, {**A, "created": "2026-01-04"})))
    assert [row["created"] for row in found] == ["2026-01-01", "2026-01-02", "2026-01-03"]
