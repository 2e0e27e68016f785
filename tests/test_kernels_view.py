"""The Kernels page's tables: the report's figures, and details that sum to them."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.kernel_detail import STAGED, KernelDetail, kernel_detail
from dashboard.kernels_charts import delay_axis, delay_drawing, kernel_drawing, ranked
from dashboard.kernels_view import (
    KERNELS_CHARTED,
    REST,
    call_frame,
    charted,
    copy_frame,
    csv_bytes,
    kernel_frame,
    parquet_bytes,
    searched,
)
from tests.dashboard_runs import HOSTILE, three_kinds
from tracer.breakdown.kernel_level import KernelLevel, kernel_level
from tracer.kernels.self_time import self_times
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_kinds(tmp_path_factory.mktemp("traces"))


@pytest.fixture(scope="module")
def report(traces: Path) -> dict[str, Any]:
    return build_report(stored_run("gpu", traces))


@pytest.fixture(scope="module")
def level(traces: Path) -> KernelLevel:
    found = kernel_level(stored_run("gpu", traces))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def detail(level: KernelLevel) -> KernelDetail:
    return kernel_detail(level)


def test_the_tables_hold_the_reports_figures(report: dict[str, Any]) -> None:
    kernels, copies, calls = kernel_frame(report), copy_frame(report), call_frame(report)
    assert kernels["whole_name"].tolist() == [one["name"] for one in report["kernels"]]
    assert (kernels["total_ms"] * 1e6).tolist() == pytest.approx([one["total_ns"] for one in report["kernels"]])
    assert kernels["share"].sum() == pytest.approx(100)
    assert copies["bytes"].tolist() == [one["bytes"] for one in report["copies"]]
    # Host to device: 1960 bytes in 2000 ns; GB/s are bytes a nanosecond.
    to_device = copies[copies["name"].str.contains("Host-to-Device")].iloc[0]
    assert to_device["gb_per_s"] == pytest.approx(0.98)
    assert to_device["bytes_per_inference"] == 1960
    assert calls["count"].tolist() == [one["count"] for one in report["api"]]
    assert set(calls["kind"]) == {"launch", "copy", "synchronise"}


def test_kernels_by_stage_sum_to_the_kernels(report: dict[str, Any], detail: KernelDetail) -> None:
    kernels = kernel_frame(report).set_index("whole_name")
    staged = detail.staged.groupby("whole_name")[["count", "us_per_inference"]].sum()
    for name, row in staged.iterrows():
        assert row["count"] == kernels.loc[name, "count"]
        assert row["us_per_inference"] == pytest.approx(kernels.loc[name, "us_per_inference"])
    assert len(staged) == len(kernels)
    assert set(detail.staged["stage"]) == {"session_run"}


def test_the_launch_delays_count_every_kernel_once(report: dict[str, Any], detail: KernelDetail) -> None:
    assert detail.delays["kernels"].sum() == report["gpu"]["launch_delay_ns"]["kernels"]
    assert (detail.delays["from_us"] * 1000 <= report["gpu"]["launch_delay_ns"]["p99"]).any()
    assert (detail.delays["above"] - detail.delays["below"] == detail.delays["kernels"]).all()


def test_operations_stand_in_for_kernels_where_the_host_did_the_work(traces: Path) -> None:
    level = kernel_level(stored_run("ops", traces))
    assert level is not None
    detail = kernel_detail(level)
    # The chart of the page then draws their own time, by stage.
    assert detail.staged["us_per_inference"].sum() == pytest.approx(detail.operations["self_us"].sum())
    assert not len(detail.delays)
    assert detail.operations["per_inference"].tolist() == [1.0] * 8
    assert detail.operations["count"].tolist() == [20] * 8


def nested(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Thread, start and end of operations that are nested as calls are."""
    found = []
    for thread in range(draw(st.integers(1, 2))):
        open_until = [200]
        for start in sorted(draw(st.lists(st.integers(0, 150), max_size=12))):
            while start >= open_until[-1]:
                open_until.pop()
            end = draw(st.integers(start + 1, open_until[-1]))
            found.append((thread, start, end))
            open_until.append(end)
    return found


@given(st.composite(nested)())
def test_own_times_are_what_painting_the_innermost_operation_gives(operations: list[tuple[int, int, int]]) -> None:
    painted = [0] * len(operations)
    for thread in (0, 1):
        for moment in range(200):
            # Of equal operations the later one lies in the earlier.
            over = [
                (start, -end, row)
                for row, (where, start, end) in enumerate(operations)
                if where == thread and start <= moment < end
            ]
            if over:
                painted[max(over)[2]] += 1
    columns = np.array(operations, np.int64).reshape(-1, 3).T
    assert self_times(*columns).tolist() == painted


def test_a_kernels_link_leads_to_the_inference_in_which_it_took_its_median_time(
    level: KernelLevel, report: dict[str, Any], detail: KernelDetail
) -> None:
    frame = kernel_frame(report, detail, {**report, "kernels": report["kernels"][1:]}, "gpu")
    work = level.profile.gpu_work.to_pandas().assign(inference=level.attribution.inference)
    for row in frame.itertuples():
        mine = work[(work["name"] == row.whole_name) & (work["inference"] >= 0)]
        mine = mine[np.isin(mine["inference"], level.ranges.numbers[level.keep])]
        took = (mine["end_ns"] - mine["start_ns"]).sort_values()
        asked = parse_qs(urlsplit(row.timeline).query)
        there = (mine["end_ns"] - mine["start_ns"])[mine["inference"] == int(asked["inference"][0])]
        assert took.iloc[(len(took) - 1) // 2] in there.tolist()
        assert asked["run"] == ["gpu"]
    assert frame["launch_us"].median() == pytest.approx(report["gpu"]["launch_delay_ns"]["median"] / 1e3, rel=0.05)
    assert frame["against_us"][0] == frame["us_per_inference"][0]
    assert frame["against_us"][1:].tolist() == [0] * (len(frame) - 1)


def test_a_run_without_a_kernel_level_has_empty_tables(traces: Path) -> None:
    report = build_report(stored_run("plain", traces))
    report = {**report, "kernels": [], "copies": [], "api": [], "gpu": {}}
    assert [len(made(report)) for made in (kernel_frame, copy_frame, call_frame)] == [0, 0, 0]


def test_a_search_looks_into_whole_names_and_takes_no_pattern(report: dict[str, Any]) -> None:
    kernels = kernel_frame(report)
    assert searched(kernels, "  SGEMM ")["whole_name"].str.contains("sgemm").all()
    assert len(searched(kernels, "CUDNN")) == 1
    assert not len(searched(kernels, ".*"))
    assert searched(kernels, "<img")["whole_name"].tolist() == [HOSTILE]
    assert len(searched(kernels, "")) == len(kernels)


def test_files_hold_the_table_and_a_name_is_no_formula(report: dict[str, Any]) -> None:
    kernels = kernel_frame(report)
    kernels.loc[0, "name"] = "=cmd()"
    back = pd.read_csv(io.BytesIO(csv_bytes(kernels)))
    assert back["name"][0] == "'=cmd()"
    assert back["total_ms"].tolist() == pytest.approx(kernels["total_ms"].tolist())
    assert pd.read_parquet(io.BytesIO(parquet_bytes(kernels))).equals(kernels)


def test_the_chart_has_the_longest_kernels_and_all_others_as_one() -> None:
    rows = [(f"void k<{n}>(int)", f"void k<{n}>(int)", "session_run", 1, 1.0, float(n)) for n in range(1, 41)]
    frame = charted(pd.DataFrame(rows, columns=list(STAGED)))
    assert len(frame) == KERNELS_CHARTED + 1
    assert frame["us_per_inference"].sum() == sum(range(1, 41))
    assert frame.set_index("kernel").loc[REST, "us_per_inference"] == sum(range(1, 26))
    # Forty kernels have the short name `k`: each bar is of one of them.
    assert frame["kernel"].is_unique
    order = ranked(frame)
    assert order[-1] == REST
    drawn = kernel_drawing(frame, "us")
    places = [drawn.index(f">{escape(name)}</span>") for name in order]
    assert places == sorted(places)


def test_the_axis_of_delays_has_room_where_every_delay_is_the_same(detail: KernelDetail) -> None:
    assert len(np.unique(detail.delays["from_us"])) == 1
    axis = delay_axis(detail.delays)
    assert axis.low < detail.delays["from_us"].min() < detail.delays["to_us"].max() < axis.high
    assert len(axis.ticks()) > 1
    assert delay_drawing(detail.delays).count("background:#") >= len(detail.delays)
