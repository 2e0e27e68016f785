"""The report's figures, against a run whose figures are known."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.recorded import STEPS_NS, info, window
from tracer.figure_text import time_text
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.reports.report import build_report
from tracer.reports.report_text import render_report, render_side_by_side
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.statistics import percentiles
from tracer.statistics.intervals import clustered


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    recorder = RunWriter.create(tmp_path, "run", info(), lambda _: None)
    recorder.append(window(0, inferences=10, warmups=2))
    recorder.append(window(1, inferences=1, warmups=0, first=12))
    cut = window(2, inferences=4, warmups=0, first=13, state="aborted")
    # As many commands as load an input: else the window before it, on the same input, was a host's calibration.
    loads = tuple(SerialSpan("serial_read", cut.start_ns - 90_000 + 1_000 * at, 500) for at in range(20))
    recorder.append(RecordedWindow(**{n: getattr(cut, n) for n in RecordedWindow.__slots__} | {"serial": loads}))
    recorder.close()
    return build_report(stored_run("run", tmp_path))


def test_the_figures_are_those_of_the_timed_inferences_of_complete_windows(report: dict[str, Any]) -> None:
    assert report["inference"]["count"] == 10
    assert report["inference"]["total_ns"] == 430_000
    assert report["inference"]["median_ns"] == 43_000
    stages = {one["stage"]: one for one in report["stages"]}
    assert [stages[name]["median_ns"] for name in ("host_to_device", "session_run", "readback")] == list(STEPS_NS)
    assert sum(one["share"] for one in report["stages"]) == pytest.approx(1)
    assert sum(one["total_ns"] for one in report["stages"]) == report["inference"]["total_ns"]


def test_a_window_has_its_official_rate_and_why_it_is_not_valid(report: dict[str, Any]) -> None:
    first, accuracy, aborted = report["windows"]
    assert (accuracy["kind"], accuracy["valid"], accuracy["why"][0]) == ("accuracy", False, "of the accuracy pass")
    assert (first["inferences"], first["duration_ns"], first["wall_duration_ns"]) == (10, 430_000, 430_000)
    assert first["rate_hz"] == pytest.approx(1e9 / 43_000)
    assert report["median_rate_hz"] == first["rate_hz"]
    assert first["valid"] is False
    assert "under 10 s" in first["why"][0]
    assert (aborted["state"], aborted["duration_ns"]) == ("aborted", None)


def test_what_was_left_out_and_what_tracing_cost_is_told(report: dict[str, Any]) -> None:
    assert report["left_out"]["warmups"] == 2
    assert report["left_out"]["aborted_windows"] == 1
    assert report["accuracy"]["windows"] == 1
    assert report["recorder"]["share"] == pytest.approx(0.01)
    assert report["splitting"]["ratio"] == 1.075


def test_the_text_fits_a_terminal_and_leads_with_the_rate(report: dict[str, Any]) -> None:
    out = io.StringIO()
    render_report(report, Console(file=out, width=80))
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.index("inf/s, median of 1 window ") < text.index("session_run")
    assert "Splitting: 1.075" in text
    render_side_by_side([report, report], Console(file=out, width=80))
    assert "93.0 %" in out.getvalue()


def test_a_run_without_a_window_has_a_report(tmp_path: Path) -> None:
    RunWriter.create(tmp_path, "run", info(), lambda _: None).close()
    report = build_report(stored_run("run", tmp_path))
    assert report["inference"]["count"] == 0
    assert any("no window" in note for note in report["notes"])
    render_report(report, Console(file=io.StringIO(), width=80))


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=50))
def test_an_interval_holds_between_the_extremes_and_percentiles_are_in_order(values: list[int]) -> None:
    found = clustered(values, [])
    assert min(values) <= found.low <= found.value <= found.high <= max(values)
    spread = percentiles(values)
    assert spread["median_ns"] <= spread["p90_ns"] <= spread["p99_ns"]


@pytest.mark.parametrize(
    ("ns", "text"),
    [(None, "-"), (0, "0 ns"), (999, "999 ns"), (47_250, "47.25 us"), (2.5e6, "2.50 ms"), (11e9, "11.000 s")],
)
def test_a_time_is_told_in_its_unit(ns: float | None, text: str) -> None:
    assert time_text(ns) == text
