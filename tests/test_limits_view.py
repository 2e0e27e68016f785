"""The Limits page: its rows and chart are the report's figures, on runs with and without a counted model."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.limits_charts import roofline_chart
from dashboard.limits_view import (
    LIMIT,
    MEASURED,
    THROUGH_MEMORY,
    default_device,
    device_frame,
    headline,
    limit_frame,
    place_frame,
    roofline,
    round_frame,
)
from tests import dashboard_runs as runs
from tests.recorded import info
from tests.test_dashboard import opened, words
from tests.test_run_cost import COST, GPU
from tracer.command_line import command_line
from tracer.figure_text import time_text
from tracer.model.devices import Limits, devices, find_device
from tracer.model.published import place_among
from tracer.model.roofline import attainable_per_s, build_limits
from tracer.reports.report import build_report
from tracer.reports.run_limits import limits_lines, run_limits
from tracer.runs.run_store import stored_run

LIMITS = Limits("a device", 10, 1e9, 20e9, 40e9, 5e9, "a test")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.plain_run(folder, "plain")
    runs.plain_run(folder, "counted", cost=COST)
    runs.plain_run(folder, "orin", cost=COST, board="orin-nx", backend=GPU)
    runs.plain_run(folder, "empty", [], cost=COST, board="nano", backend=GPU)
    return folder


def test_the_points_are_the_limit_and_the_measured_rate_at_its_intensities() -> None:
    shown = roofline(build_limits(40_000, 50_000, 5_000, LIMITS, measured_ns=20_000, weight_bytes=0))
    points = shown.points.set_index("point")
    # 40,000 operations in 20 us are 2 G/s; the peak is 20 G/s, the ridge at 20 / 5 operations a byte.
    assert points["per_s"].to_dict() == {LIMIT: 20e9, MEASURED: 2e9, THROUGH_MEMORY: 2e9}
    assert points["intensity"].to_dict() == {LIMIT: 8, MEASURED: 8, THROUGH_MEMORY: 0.8}
    assert points["time"].to_dict() == {LIMIT: "2.00 us", MEASURED: "20.00 us", THROUGH_MEMORY: "20.00 us"}
    assert shown.ridge == 4
    assert shown.across == (0.2, 32)


@settings(deadline=None)
@given(
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.none() | st.floats(1, 1e12),
)
def test_every_point_lies_within_the_axes_and_the_roof_reaches_across(
    operations: int, moved: int, least: int, measured_ns: float | None
) -> None:
    shown = roofline(build_limits(operations, moved, least, LIMITS, measured_ns, weight_bytes=0))
    low, high = shown.across
    below, above = shown.upward
    assert 0 < low < high
    assert 0 < below < above
    for row in shown.points.to_dict("records"):
        assert low < row["intensity"] < high
        assert below < row["per_s"] < above
    assert shown.roof["intensity"].iloc[0] == pytest.approx(low)
    assert shown.roof["intensity"].iloc[-1] == pytest.approx(high)
    assert shown.ridge in shown.roof["intensity"].tolist()
    assert all(row["per_s"] == attainable_per_s(row["intensity"], LIMITS) for row in shown.roof.to_dict("records"))


def test_both_axes_are_logarithmic_and_the_ridge_is_marked() -> None:
    chart = roofline_chart(roofline(build_limits(40_000, 50_000, 5_000, LIMITS, 20_000, weight_bytes=0)))
    rule, text, roof, points = chart["layer"]
    assert (rule["mark"]["type"], rule["data"]["values"][0]["intensity"]) == ("rule", 4)
    assert text["data"]["values"][0]["text"] == "ridge 4.00"
    assert (roof["encoding"]["x"]["scale"]["type"], roof["encoding"]["y"]["scale"]["type"]) == ("log", "log")
    assert [row["point"] for row in points["data"]["values"]] == [LIMIT, MEASURED, THROUGH_MEMORY]
    # Nothing moves: no intensity, and the roof alone.
    bare = roofline_chart(roofline(build_limits(40_000, 0, 0, LIMITS, 20_000, weight_bytes=0)))
    assert len(bare["layer"]) == 3


def test_the_devices_are_the_table_s_with_the_limit_of_this_model() -> None:
    frame = device_frame(replace(info(), cost=COST), 43_000)
    assert frame["device"].tolist() == [device.name for device in devices()]
    nano = frame.set_index("device").loc["Jetson Nano"]
    assert nano["limit, us"] == 23.8
    assert nano["source"] == find_device("nano").source


def test_the_run_s_own_board_comes_first_else_the_nano() -> None:
    assert default_device(replace(info(), board="orin-nx")) == "orin-nx"
    assert default_device(replace(info(), board="odd")) is default_device(info()) is None


def test_the_run_stands_between_its_faster_and_slower_neighbours() -> None:
    placed = place_among(4_305_000)
    frame = place_frame(placed)
    rates = frame["inf/s"].tolist()
    assert rates == sorted(rates, reverse=True)
    own = frame[frame["submitter"] == "this run"]
    assert own["inf/s"].tolist() == [pytest.approx(232.3, abs=0.05)]
    assert frame[""].tolist() == ["faster", "faster", "", "slower", "slower"]
    assert round_frame(placed).loc[0, "v0.5"] == "3 of 6"


def test_the_first_figures_are_the_table_s() -> None:
    limits = run_limits(replace(info(), cost=COST, board="nano", backend=GPU), (None, None), 4_305_000)
    assert limits is not None
    figures = {label: figure for label, figure, _ in headline(limits)}
    table = dict(limit_frame(limits).to_numpy().tolist())
    assert figures["Limit"] == "23.79 us"
    assert table["limit (with the weights)"] == f"23.79 us ({figures['Bound by']}-bound)"
    assert table["utilisation of the float32 peak"] == figures["Of the float32 peak"] == "0.6 %"


def metrics(shown: Any) -> dict[str, str]:
    return {one.label: one.value for one in shown.metric}


def test_the_page_shows_the_report_s_limits_on_the_run_s_board(traces: Path) -> None:
    report = build_report(stored_run("orin", traces))
    shown = opened("limits", traces, run="orin")
    assert not shown.exception
    assert metrics(shown)["Limit"] == time_text(report["limits"]["limit_ns"])
    assert metrics(shown)["Measured, median"] == time_text(report["inference"]["median_ns"])
    assert shown.selectbox(key="device_widget_orin").value == "orin-nx"
    for line in limits_lines(report["limits"], report["published"], report["why_no_place"]):
        assert line in words(shown)
    assert "device" not in shown.query_params


def test_a_device_is_chosen_by_the_address_and_goes_into_it(traces: Path) -> None:
    shown = opened("limits", traces, run="orin", device="agx-orin")
    assert "Limit on Jetson AGX Orin 64GB" in words(shown)
    assert "another device than the run's" in words(shown)
    shown.selectbox(key="device_widget_orin").set_value("tx2").run()
    assert shown.query_params["device"] in ("tx2", ["tx2"])
    shown.selectbox(key="device_widget_orin").set_value("orin-nx").run()
    assert "device" not in shown.query_params
    for strange in ("tk1", "../x", "x" * 5000, "<b>"):
        shown = opened("limits", traces, run="orin", device=strange)
        assert not shown.exception
        assert shown.selectbox(key="device_widget_orin").value == "orin-nx"


def test_a_run_of_an_unknown_board_is_set_against_a_device_that_is_chosen_and_no_other(traces: Path) -> None:
    shown = opened("limits", traces, run="counted")
    assert not shown.exception
    assert not shown.metric
    assert "Choose a device" in words(shown)
    shown = opened("limits", traces, run="counted", device="nano")
    assert "Not the run's own board" in words(shown)
    assert "Limit on Jetson Nano" in words(shown)


def test_a_run_without_a_counted_model_says_what_counts_it_and_why_it_has_no_place(traces: Path) -> None:
    shown = opened("limits", traces, run="plain")
    assert not shown.exception
    assert f"`{command_line('cost', 'MODEL', '--run', 'plain', '--device', 'NAME', traces=traces)}`" in words(shown)
    assert not shown.metric
    assert "Published results: no place (not rule-valid: 5 of 5 windows under 10 s)" in words(shown)


def test_a_run_without_a_time_has_its_limit_alone(traces: Path) -> None:
    shown = opened("limits", traces, run="empty", device="nano")
    assert not shown.exception
    assert list(metrics(shown)) == ["Limit", "Bound by"]
    assert "No inference was timed" in words(shown)


@pytest.mark.parametrize("kind", [*runs.KINDS, "damaged"])
def test_no_kind_of_run_is_an_exception_on_the_page(tmp_path: Path, kind: str) -> None:
    make = runs.damaged_run if kind == "damaged" else runs.KINDS[kind]
    make(tmp_path, kind)
    if kind != "damaged":
        runs.with_info(tmp_path / kind, cost=COST, board=runs.HOSTILE)
    shown = opened("limits", tmp_path, run=kind)
    assert not shown.exception
    texts = [str(one.value) for name in ("markdown", "caption") for one in getattr(shown, name)]
    assert not any(re.search(r"(?<!\\)<img", text) for text in texts), "every sign is escaped"
