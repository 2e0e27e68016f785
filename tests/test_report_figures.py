"""The report's rules: what counts, what sums, what is valid."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.recorded import info, window
from tracer.figure_text import share_text
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.reports.report import build_report
from tracer.reports.report_text import rate_line, render_report
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

STAGES = ("dequantize", "host_to_device", "session_run", "readback")


def changed(recorded: RecordedWindow, **facts: Any) -> RecordedWindow:
    return RecordedWindow(**{**{name: getattr(recorded, name) for name in RecordedWindow.__slots__}, **facts})


def report_of(traces: Path, *windows: RecordedWindow, about: RunInfo | None = None) -> dict[str, Any]:
    recorder = RunWriter.create(traces, "run", about or info(), lambda _: None)
    for one in windows:
        recorder.append(one)
    recorder.close()
    found = build_report(stored_run("run", traces))
    assert json.loads(json.dumps(found)) == found
    return found


def of_steps(
    steps: list[list[int]], stages: tuple[str, ...], warmups: int, number: int, first: int
) -> RecordedWindow:
    """A window whose stages take ``steps`` nanoseconds, with 10 ns of the loop's own between inferences."""
    count, width = len(steps), len(stages) + 1
    table = np.array([[10, *row] for row in steps], np.int64).reshape(count, width)
    edges = 1_000_000 * (number + 1) + np.cumsum(table).reshape(count, width)
    made = window(number, count - warmups, warmups, first=first)
    return changed(made, kind="performance", stages=stages, edges=edges)


runs = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.just(STAGES[:width]),
        st.lists(
            st.tuples(
                st.lists(st.lists(st.integers(0, 10**7), min_size=width, max_size=width), min_size=1, max_size=20),
                st.integers(0, 3),
            ),
            min_size=1,
            max_size=4,
        ),
    )
)


@settings(max_examples=60, deadline=None)
@given(run=runs)
def test_the_stages_of_any_run_sum_to_its_inferences_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory, run: tuple[tuple[str, ...], list[tuple[list[list[int]], int]]]
) -> None:
    stages, recorded = run
    windows, expected, first = [], [], 0
    for number, (steps, asked) in enumerate(recorded):
        warmups = min(asked, len(steps))
        windows.append(of_steps(steps, stages, warmups, number, first))
        expected += [sum(row) for row in steps[warmups:]]
        first += len(steps)
    found = report_of(tmp_path_factory.mktemp("traces"), *windows)
    assert found["inference"]["count"] == len(expected)
    assert found["inference"]["total_ns"] == sum(expected) == sum(one["total_ns"] for one in found["stages"])
    if expected:
        assert found["inference"]["median_ns"] == round(float(np.median(expected)))
    if sum(expected):
        assert sum(one["share"] for one in found["stages"]) == pytest.approx(1)


def test_five_windows_of_ten_seconds_are_valid_and_the_rate_is_their_median(tmp_path: Path) -> None:
    rates = [100, 101, 102, 104, 110]
    windows = [
        changed(
            window(number, inferences=4, first=5 * number),
            inferences=4,
            lap_start_us=5_000_000,
            lap_end_us=5_000_000 + round(4e6 / rate * 1000),
            end_ns=window(number).start_ns + 41_000_000_000,
        )
        for number, rate in enumerate(rates)
    ]
    found = report_of(tmp_path, *windows)
    assert all(one["valid"] and not one["why"] for one in found["windows"])
    assert found["median_rate_hz"] == pytest.approx(0.102, rel=1e-6)
    assert (
        rate_line(found)
        == "0.102 inf/s, median of 5 windows (rule-valid; bad: the DUT had < 0.1 % of a CPU, and 1 doubtful)"
    )


def test_a_window_is_not_valid_when_either_clock_says_under_ten_seconds(tmp_path: Path) -> None:
    base = window(0)
    long_laps = changed(base, lap_end_us=base.lap_start_us + 10_000_000 if base.lap_start_us else None)
    long_wall = changed(window(1, first=4), end_ns=window(1).start_ns + 10_000_000_000)
    found = report_of(tmp_path, long_laps, long_wall)
    assert [one["why"] for one in found["windows"]] == [["under 10 s of wall time"], ["under 10 s by the laps"]]


def test_a_fused_inference_has_a_time_and_no_stages(tmp_path: Path) -> None:
    fused = of_steps([[500], [700], [900]], ("inference",), 1, 0, 0)
    found = report_of(tmp_path, fused, about=replace(info(), stages_mode="fused", splitting_cost=None))
    assert found["stages"] == []
    assert (found["inference"]["count"], found["inference"]["median_ns"]) == (2, 800)
    assert any("fused" in note for note in found["notes"])


def test_a_stage_that_the_model_does_not_need_is_absent(tmp_path: Path) -> None:
    found = report_of(tmp_path, window(0))
    assert [one["stage"] for one in found["stages"]] == ["host_to_device", "session_run", "readback"]


def test_an_accuracy_pass_alone_is_what_the_figures_are_of_and_says_so(tmp_path: Path) -> None:
    found = report_of(tmp_path, *[window(number, 1, 1, first=2 * number) for number in range(30)])
    assert (found["inference"]["count"], found["accuracy"]["inferences"], found["left_out"]["warmups"]) == (
        30,
        30,
        30,
    )
    assert found["median_rate_hz"] is None
    assert any("of the accuracy pass" in note for note in found["notes"])
    out = io.StringIO()
    render_report(found, Console(file=out, width=80))
    assert "Accuracy pass: 30 windows" in out.getvalue()
    assert "Performance windows" not in out.getvalue()


def test_serial_stages_have_their_share_of_the_session(tmp_path: Path) -> None:
    line = (SerialSpan("serial_read", 1_000_000_000, 250_000_000), SerialSpan("load", 1_250_000_000, 500_000_000))
    one = changed(
        window(0, inferences=0, warmups=0), serial=(*line, SerialSpan("serial_write", 1_999_000_000, 1_000_000))
    )
    found = report_of(tmp_path, one)
    assert found["session_ns"] == 1_000_000_000
    shares = {stage["stage"]: stage["share_of_session"] for stage in found["serial"]}
    assert shares == {"serial_read": 0.25, "load": 0.5, "serial_write": 0.001}


def test_what_a_damaged_part_held_is_told_in_the_report(tmp_path: Path) -> None:
    report_of(tmp_path, window(0))
    part = next((tmp_path / "run" / "spans").glob("*.parquet"))
    part.write_bytes(b"PAR1" * 20)
    found = build_report(stored_run("run", tmp_path))
    assert found["inference"]["count"] == 0
    assert any(part.name in sentence for sentence in found["left_out"]["dropped"])
    out = io.StringIO()
    render_report(found, Console(file=out, width=200))
    assert part.name in out.getvalue()


def test_facts_that_a_run_lacks_are_left_out_of_the_text(tmp_path: Path) -> None:
    bare = replace(
        info(), model={}, backend={}, recorder_cost={}, splitting_cost={"ratio": 2.0}, gaps=[{"why": "EIO"}]
    )
    out = io.StringIO()
    render_report(report_of(tmp_path, window(0), about=bare), Console(file=out, width=80))
    assert "The line ended from ? to ?: EIO" in out.getvalue()
    said = io.StringIO()
    render_report(report_of(tmp_path / "other", window(0)), Console(file=said, width=120))
    tables = [" ".join(line.split()) for line in said.getvalue().replace("\u2503", " ").splitlines()]
    assert "window inferences laps inf/s inf/s by wall clock rule-valid" in tables
    assert "Splitting" not in out.getvalue()


@pytest.mark.parametrize(("share", "text"), [(None, "-"), (0, "0.0 %"), (0.0001, "< 0.1 %"), (0.9304, "93.0 %")])
def test_a_share_never_reads_as_nothing(share: float | None, text: str) -> None:
    assert share_text(share) == text
