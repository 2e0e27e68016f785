"""The figures of a kernel level, by hand from a capture of a few rows, and the lines that lead with them."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from tests.profiles import Row, call, copy, inference, kernel, profile
from tracer.captures.chosen_units import chosen_units
from tracer.profiles.profile import Profile
from tracer.report_types.gpu import Gain
from tracer.reports.breakdown_text import busy_lines, ledger_lines, render_kernel_level
from tracer.reports.kernel_report import kernel_figures
from tracer.reports.overview_rows import unit_icicle
from tracer.reports.unit_report import build_breakdown, profile_level

US = 1_000
OURS = "kws-trace:inference"
LAUNCHES = ((10, 1), (20, 2), (30, 3), (40, 4), (210, 6))
"""When each was called, and after how long its kernel of 2 us began; in us."""


def capture(more: tuple[Row, ...] = (), name: str = "k{}") -> Profile:
    """Two inferences of 82 us, four kernels in the first and one in the second; a call of 7 us between them."""
    ranges = [row for number in (0, 1) for row in inference(number, 200 * US * number, [("run", 80 * US)], gap=US)]
    calls = [call("cudaLaunchKernel", at * US, (at + 1) * US, one) for one, (at, _) in enumerate(LAUNCHES)]
    work = [
        kernel(name.format(one), (at + late) * US, (at + late + 2) * US, one)
        for one, (at, late) in enumerate(LAUNCHES)
    ]
    return profile([*work, *more], [*calls, call("cudaMalloc", 100 * US, 107 * US, None)], ranges)


def gpu_of(found: Profile, **more: Any) -> Any:
    return kernel_figures(profile_level(found, chosen_units(found, OURS), **more))["gpu"]


def test_delays_and_calls_outside_are_counted_by_hand() -> None:
    gpu = gpu_of(capture())
    # Of 1, 2, 3, 4, 6 us: nine tenths of the way lie at 4 + 0.6 * 2 us, 99 hundredths at 4 + 0.96 * 2 us.
    assert gpu["launch_delay_ns"] == {"median": 3_000, "p90": pytest.approx(5_200), "p99": pytest.approx(5_920)} | {
        "kernels": 5
    }
    nothing = dict.fromkeys(
        ("works", "without_launch", "total_ns", "of_it_inside_inferences_ns", "other_processes"), 0
    )
    assert gpu["outside"] == {**nothing, "calls": 1, "calls_ns": 7_000}


def test_why_no_copy_is_shown_is_a_note_where_there_is_none() -> None:
    assert gpu_of(capture())["notes"] == ["no copy was called while the capture lasted"]
    assert gpu_of(capture((copy("Host-to-Device", 60 * US, 61 * US, 0),)))["notes"] == []


@pytest.mark.parametrize("experimental", [False, True])
def test_a_reader_that_no_real_file_has_tested_is_told(experimental: bool) -> None:
    assert gpu_of(replace(capture(), experimental=experimental))["experimental"] is experimental


def test_the_answer_says_of_which_run_its_two_parts_are() -> None:
    lines = busy_lines(gpu_of(capture(), wall_ns=50_000.0))
    assert lines[:2] == [
        "GPU busy 0.005 ms (10.0 %), runtime overhead 0.045 ms (90.0 %)",
        "(GPU profiled, wall time without the profiler; an inference in the mean; frequencies not recorded)",
    ]


def test_the_ledgers_row_of_the_capture_s_profiler_stands_beside_its_own_ratio() -> None:
    row = {"name": "nsys, collecting", "added_ns": 12_000.0, "ratio": 1.5}
    report: Any = {"ledger": {"conditions": [{**row, "name": "recorder"}, row]}, "gpu": gpu_of(capture())}
    assert ledger_lines(report) == [
        "By `kws-trace overhead` nsys, collecting adds 12.00 us to an inference: 1.500 times"
    ]
    for absent in ("ledger", "gpu"):
        assert ledger_lines({**report, absent: None}) == []


def test_no_figure_of_a_gain_is_folded_in_80_columns() -> None:
    one: Gain = {
        "name": "a_stage_of_a_long_name_that_a_program_gave_it",
        "group": "stage",
        "gain_ns": 999_990.0,
        "interval_ns": [999_510.0, 1_020_000.0],
        "rate_hz": 1_234_567.8,
        "bound": "at most",
        "reason": "",
    }
    out = io.StringIO()
    render_kernel_level({**build_breakdown(capture(), OURS), "gains": [one]}, Console(file=out, width=80))
    (line,) = [line for line in out.getvalue().splitlines() if "at most" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[1:] == ["at most 999.99 us", "999.51 us to 1.02 ms", "≤ 1,234,567.8"]


def test_a_bar_of_a_kernel_has_a_short_label_and_its_whole_name() -> None:
    parts = unit_icicle(build_breakdown(capture(name="void a::b<Op{}>(int)"), OURS))
    found = {one["part"]: one["name"] for one in parts if one["level"] == "kernel"}
    assert found == {f"b (Op{number})": f"void a::b<Op{number}>(int)" for number in range(5)}
    many = tuple(kernel(f"more{number}", (50 + number) * US, (51 + number) * US, 3) for number in range(5))
    parts = unit_icicle(build_breakdown(capture(many), OURS))
    names = [(one["part"], one["name"]) for one in parts if one["level"] == "kernel"]
    assert (len(names), names[-1]) == (9, ("other kernels", "other kernels"))


@pytest.mark.parametrize(("pattern", "each"), [(OURS, "an inference"), ("kws-trace:run", "a unit")])
def test_bars_without_the_profiler_are_of_what_a_reader_calls_a_unit(pattern: str, each: str) -> None:
    parts = unit_icicle(build_breakdown(capture(), pattern, wall_ns=50_000.0))
    assert [one["of"] for one in parts if one["level"] == "GPU, overhead"] == [f"{each} without the profiler"] * 2
