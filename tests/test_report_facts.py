"""What a report says of a run beside its table, in whole lines: what was measured with what, the mean, the close."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.dashboard_runs import plain_run
from tests.recorded import window
from tracer.reports.machine_report import machine_lines
from tracer.reports.report import build_report
from tracer.reports.report_text import closing_lines, mean_line, render_report, render_side_by_side, run_facts
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_store import stored_run


@pytest.mark.parametrize(("threads", "told"), [(None, "the runtime's own choice"), (1, "1")])
def test_the_facts_of_a_run_are_named_and_one_that_was_not_recorded_is_a_dash(
    tmp_path: Path, threads: int | None, told: str
) -> None:
    backend = {"name": "fake", "device": "CPU", "threads": threads}
    versions = {"numpy": "2.1", "python": "3.12"}
    about = {"host": "bench", "cpu": "A CPU", "created": "2026-01-02T03:04:05+00:00", "port": "/dev/x"}
    run = plain_run(tmp_path, "run", [window(0)], backend=backend, versions=versions, **about)
    assert run_facts(build_report(stored_run(run))) == [
        ("state", "complete"),
        ("recorded", "2026-01-02T03:04:05+00:00"),
        ("machine", "bench"),
        ("processor", "A CPU"),
        ("model", "kws"),
        ("model's SHA-256", "-"),
        ("runtime", "fake"),
        ("device", "CPU"),
        ("threads", told),
        ("timed", "reference"),
        ("stages", "split"),
        ("host's port", "/dev/x"),
        ("frequencies", "Frequencies not recorded"),
        ("profiler in the run", "none"),
        ("version of numpy", "2.1"),
        ("version of python", "3.12"),
    ]


def test_the_mean_and_what_closes_a_report_are_told_whole(tmp_path: Path) -> None:
    report = build_report(stored_run(plain_run(tmp_path, "run", [window(0), window(1, first=4)], cpu="")))
    assert mean_line(report) == (
        "An inference: mean 43.00 us, median 43.00 us; "
        "a window's rate is 1 over its own mean, and the official rate is that of the median window"
    )
    (machine,) = machine_lines(report["run"])
    lacking = "governor, processors allowed, whether in a virtual machine, whether in a container"
    assert machine == f"Machine: processor not known; not known: {lacking}"
    assert closing_lines(report) == [
        "The tracer's own cost: 430 ns an inference (1.0 %)",
        "Splitting: 1.075 times the fused inference (1.070 to 1.080), 43.00 us against 40.00 us",
        "Frequencies not recorded",
        machine,
        "Published results: no place (not rule-valid: 2 windows, not 5)",
        "Left out: 2 warm-ups, 0 aborted windows",
        "Note: 2 performance windows: an official result has 5",
    ]


def test_a_window_without_length_has_no_share_of_a_cpu_and_the_others_are_judged(tmp_path: Path) -> None:
    # 1 us of CPU time in 129 us.
    run = plain_run(tmp_path, "run", [window(0, inferences=0, warmups=0), window(1)])
    checks = {one["key"]: one for one in stored_trust(stored_run(run))["checks"]}
    assert checks["cpu share"]["evidence"] == "the DUT had 0.8 % of a CPU"
    assert checks["length"]["evidence"] == "the shortest window lasts 0.000 s"


def test_a_runtime_s_name_with_brackets_stands_in_a_report_and_beside_others_as_it_is(tmp_path: Path) -> None:
    backend = {"name": "fake[/x]", "device": "CPU [red]", "threads": 1}
    report = build_report(stored_run(plain_run(tmp_path, "run", [window(0)], backend=backend)))
    console = Console(width=120, file=io.StringIO())
    render_report(report, console)
    render_side_by_side([report], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "kws on fake[/x] (CPU [red]), timed reference, stages split\n" in text
    assert "fake[/x]: 23,255.814 inf/s, median of 1 window " in " ".join(text.split())
