"""The kernel level as a whole: GPU work that is known, from the export of nsys to the figures of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.dut.profiler_launch import take_in
from tests.gpu_runs import (
    COPY_NS,
    EXECUTOR,
    KERNEL_NS,
    MAIN,
    PROCESS,
    PUSH_NS,
    WORK,
    Clock,
    add_ranges,
    add_work,
    capture_window,
    captured_windows,
    gpu_export,
    ranges_of,
    recorded_run,
    rows,
    stages,
    usual_windows,
    works,
)
from tests.nsys_export import NsysExport
from tests.recorded import STAGES, window
from tracer.recording.window import RecordedWindow
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun

Report = dict[str, Any]


def ingested(folder: Path, windows: Sequence[RecordedWindow], exports: Sequence[NsysExport]) -> StoredRun:
    run = recorded_run(folder / "traces", windows)
    return take_in(run, [one.write(folder / f"capture-{number}.sqlite") for number, one in enumerate(exports)])


LEFT = {"share": None, "spread": None}


def report_of(folder: Path, captures: int = 1) -> Report:
    windows = usual_windows(captures)
    return build_report(ingested(folder, windows, [gpu_export(one) for one in captured_windows(windows)]))


def walls_of(windows: Sequence[RecordedWindow]) -> np.ndarray:
    """Lengths of the ranges of the inferences that count."""
    found = [one.edges[one.warmups :, -1] - one.edges[one.warmups :, 0] for one in captured_windows(windows)]
    return np.concatenate(found) + 2 * PUSH_NS


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(tmp_path_factory.mktemp("one"))


def test_every_kernel_lands_in_its_stage_though_another_thread_launched_it(report: Report) -> None:
    assert stages(report) == {"host_to_device": (1, 1_000), "session_run": (4, 20_500), "readback": (1, 2_000)}
    assert report["gpu"]["outside"]["works"] == report["gpu"]["outside"]["without_launch"] == 0


def test_kernels_and_copies_are_counted_to_the_nanosecond(report: Report) -> None:
    assert works(report, "kernels") == {"conv": (40, 20 * 17_000), "softmax": (20, 20 * 3_000)}
    assert works(report, "copies") == {
        "[CUDA memcpy Device-to-Host]": (20, 20 * 2_000),
        "[CUDA memcpy Host-to-Device]": (20, 20 * 1_000),
        "[CUDA memset]": (20, 20 * 500),
    }
    conv = report["kernels"][0]
    assert (conv["mean_ns"], conv["per_inference"], conv["share"]) == (8_500, 2, pytest.approx(0.85))
    assert {one["name"]: one["bytes"] for one in report["copies"]}["[CUDA memcpy Host-to-Device]"] == 20 * 490
    assert report["gpu"]["kernel_ns"]["mean"] == KERNEL_NS
    spread = report["gpu"]["kernel_ns"]["spread"]
    assert (spread["low"], spread["high"]) == (KERNEL_NS, KERNEL_NS)
    assert report["gpu"]["copy_ns"]["mean"] == COPY_NS
    assert report["gpu"]["busy_ns"]["mean"] == KERNEL_NS + COPY_NS


def test_busy_and_the_kinds_of_overhead_sum_to_the_wall_time(report: Report) -> None:
    gpu, walls = report["gpu"], walls_of(usual_windows())
    assert gpu["wall_ns"]["mean"] == pytest.approx(walls.mean(), abs=1e-6)
    parts = sum(one["mean"] for one in report["overhead"].values())
    assert parts + KERNEL_NS + COPY_NS == pytest.approx(walls.mean(), abs=1e-6)
    assert parts == pytest.approx(gpu["overhead_ns"]["mean"], abs=1e-6)
    shares = [gpu["busy_ns"], *report["overhead"].values()]
    assert sum(one["share"] for one in shares) == pytest.approx(1)
    # Launches stand alone on their thread, before the kernels: three, and calls for two copies and a memset.
    assert report["overhead"]["launch"]["mean"] == 3 * 400
    assert report["overhead"]["copy_call"]["mean"] == 3 * 400
    # Before, between and after three stages, less what the readings lie within: two of a push, two of a pop and push.
    assert report["overhead"]["tracer"]["mean"] == 8 * PUSH_NS


def test_every_gain_has_its_interval_and_none_exceeds_what_its_stage_takes_unprofiled(report: Report) -> None:
    gains = {(one["group"], one["name"]): one for one in report["gains"]}
    assert {"kernel", "copy", "launch", "framework"} <= {name for group, name in gains if group == "kind"}
    assert {name for group, name in gains if group == "stage"} == set(STAGES)
    means = {one["stage"]: one["total_ns"] / one["count"] for one in report["stages"]}
    for (group, name), one in gains.items():
        assert one["interval_ns"][0] <= one["gain_ns"] <= one["interval_ns"][1]
        assert one["gain_ns"] <= (means[name] * 1.001 if group == "stage" else 43_000)


def test_every_rate_is_at_or_above_the_one_that_leads_the_report(tmp_path: Path) -> None:
    windows = usual_windows()
    run = ingested(tmp_path, windows, [gpu_export(windows[1])])
    # One interruption: the mean wall time is far from the median one.
    other = replace(capture_window(0, 0, 50, 5), kind="performance")
    other.edges[-1, -1] += 5_000_000
    beside = recorded_run(tmp_path / "traces", [other], name="other")
    report = build_report(run, beside)
    shown = build_report(beside)["median_rate_hz"] or 1e9 / report["gpu"]["unprofiled"]["wall_ns"]
    assert {"launch", "copy"} <= {one["name"] for one in report["gains"]}
    for one in report["gains"]:
        for rate in (one["rate_hz"], *one["rate_interval_hz"]):
            assert rate is None or rate >= shown


def test_the_unprofiled_wall_time_is_that_of_the_timed_windows_of_the_same_run(report: Report) -> None:
    beside = report["gpu"]["unprofiled"]
    assert (beside["run"], beside["inferences"], beside["wall_ns"]) == ("run", 10, 43_000)
    assert beside["busy_ns"] == KERNEL_NS + COPY_NS
    assert beside["overhead_ns"] == 43_000 - KERNEL_NS - COPY_NS
    assert beside["busy_share"] + beside["overhead_share"] == pytest.approx(1)
    assert beside["profiler_ratio"] == pytest.approx(walls_of(usual_windows()).mean() / 43_000)


def test_two_captures_are_one_level_of_twice_the_counts_and_the_same_means(tmp_path: Path, report: Report) -> None:
    twice = report_of(tmp_path, captures=2)
    assert twice["gpu"]["inferences"] == 40
    assert stages(twice) == stages(report)
    for key in ("kernels", "copies"):
        assert works(twice, key) == {name: (2 * n, 2 * ns) for name, (n, ns) in works(report, key).items()}
    assert {one["name"]: one["count"] for one in twice["api"]} == {
        one["name"]: 2 * one["count"] for one in report["api"]
    }
    for name in ("kernel_ns", "copy_ns"):
        assert {**twice["gpu"][name], **LEFT} == {**report["gpu"][name], **LEFT}
        assert (twice["gpu"][name]["spread"]["unit"], twice["gpu"][name]["spread"]["kind"]) == ("capture", "range")
    assert twice["gpu"]["wall_ns"]["mean"] == pytest.approx(walls_of(usual_windows(2)).mean(), abs=1e-6)
    assert twice["gpu"]["unprofiled"]["inferences"] == 20


def test_nothing_of_the_warmups_is_counted(report: Report) -> None:
    assert report["gpu"]["inferences"] == 20
    assert not [one for one in report["kernels"] if "warming up" in one["name"]]
    assert {one["name"]: one["count"] for one in report["api"]} == {
        "cudaLaunchKernel": 60,
        "cudaMemcpyAsync": 40,
        "cudaMemsetAsync": 20,
    }
    assert report["gpu"]["outside"]["calls"] == 0
    assert report["gpu"]["launch_delay_ns"]["kernels"] == 60


def test_the_wall_time_of_a_run_that_is_named_takes_the_place_of_this_ones(tmp_path: Path) -> None:
    windows = usual_windows()
    run = ingested(tmp_path, windows, [gpu_export(windows[1])])
    slower = replace(capture_window(0, 0, 50, 5), kind="performance")
    other = recorded_run(tmp_path / "traces", [slower], name="other")
    beside = build_report(run, other)["gpu"]["unprofiled"]
    walls = slower.edges[5:, -1] - slower.edges[5:, 0]
    assert (beside["run"], beside["inferences"]) == ("other", 50)
    assert beside["wall_ns"] == pytest.approx(walls.mean())
    words = ["report", "run", "--traces", str(tmp_path / "traces"), "--json"]
    said = CliRunner().invoke(app, [*words, "--unprofiled", "other"])
    assert json.loads(said.stdout)["gpu"]["unprofiled"] == beside


def test_without_a_timed_window_both_parts_are_of_the_profiled_run(tmp_path: Path) -> None:
    run = ingested(tmp_path, [capture_window(0, 0)], [gpu_export(capture_window(0, 0))])
    report = build_report(run)
    assert report["gpu"]["unprofiled"] is None
    assert report["gpu"]["busy_ns"]["mean"] == KERNEL_NS + COPY_NS
    wall = report["gpu"]["wall_ns"]["mean"]
    assert all(one["rate_hz"] is None or one["rate_hz"] >= 1e9 / wall for one in report["gains"])


def test_a_cuda_graph_traced_as_one_block_counts_as_kernel_of_the_stage_that_launched_it(tmp_path: Path) -> None:
    windows = usual_windows()
    export = gpu_export(windows[1])
    ranges = rows(ranges_of(windows[1], Clock(rate_ppm=0.0)), slice(3, None))
    at = ranges.stage_start_ns[:, 1] + 50_000
    ids = 90_000 + np.arange(20)
    export.calls(at, at + 900, "cudaGraphLaunch_v10000", process=PROCESS, thread=MAIN, correlation_id=ids)
    export.graphs(at + 2_000, at + 8_000, 5, process=PROCESS, correlation_id=ids)
    report = build_report(ingested(tmp_path, windows, [export]))
    assert stages(report)["session_run"] == (5, 26_500)
    assert report["gpu"]["kernel_ns"]["mean"] == KERNEL_NS + 6_000
    assert sorted(one["total_ns"] for one in report["kernels"]) == [60_000, 120_000, 340_000]
    assert report["overhead"]["launch"]["mean"] == 3 * 400 + 900


def test_work_of_another_process_is_counted_apart_and_in_no_figure(tmp_path: Path, report: Report) -> None:
    windows = usual_windows()
    export = gpu_export(windows[1])
    add_work(export, replace(ranges_of(windows[1], Clock(rate_ppm=0.0)), process=4_242), suffix=" of another")
    other = build_report(ingested(tmp_path, windows, [export]))
    assert other["gpu"]["outside"]["other_processes"] == 23 * len(WORK)
    for key in ("kernels", "copies", "api", "overhead", "kernels_by_stage"):
        assert other[key] == report[key]


def test_kernels_that_nobody_or_no_inference_launched_are_listed_outside_but_what_ran_has_its_time(
    tmp_path: Path,
) -> None:
    windows = usual_windows()
    export = gpu_export(windows[1])
    ranges = ranges_of(windows[1], Clock(rate_ppm=0.0))
    inside = int(ranges.stage_start_ns[10, 1]) + 60_000
    after = int(ranges.end_ns[-1])
    export.kernels([inside], [inside + 5_000], "of before", process=PROCESS, correlation_id=None)
    own = {"process": PROCESS, "correlation_id": [77_777]}
    export.calls([after + 1_000], [after + 1_500], "cudaLaunchKernel_v7000", thread=EXECUTOR, **own)
    export.kernels([after + 3_000], [after + 4_000], "of after", **own)
    report = build_report(ingested(tmp_path, windows, [export]))
    outside = report["gpu"]["outside"]
    assert (outside["works"], outside["without_launch"], outside["total_ns"]) == (1, 1, 6_000)
    assert outside["of_it_inside_inferences_ns"] == 5_000
    assert (outside["calls"], outside["calls_ns"]) == (1, 500)
    assert {one["name"] for one in report["kernels"]} == {"conv", "softmax"}
    assert report["gpu"]["kernel_ns"]["mean"] == KERNEL_NS + 5_000 / 20


def test_a_fused_run_has_its_kernels_under_the_inference(tmp_path: Path) -> None:
    one = capture_window(1, 12, fused=True)
    split = ranges_of(capture_window(1, 12), Clock(rate_ppm=0.0))
    export = NsysExport()
    add_ranges(export, ranges_of(one, Clock(rate_ppm=0.0)))
    add_work(export, split)
    timed = window(0, 10, 2)
    fused = replace(timed, stages=one.stages, edges=timed.edges[:, [0, -1]])
    report = build_report(ingested(tmp_path, [fused, one], [export]))
    assert stages(report) == {"inference": (6, KERNEL_NS + COPY_NS)}
    assert report["gpu"]["kernel_ns"]["mean"] == KERNEL_NS


def test_cuda_traced_without_work_and_not_traced_are_told_apart(tmp_path: Path) -> None:
    for name, kinds, said in (
        ("traced", ("Cuda", "NvtxEvents"), "no kernel and no CUDA call recorded"),
        ("not", ("NvtxEvents",), "no kernel recorded: CUDA was not traced"),
    ):
        windows = usual_windows()
        export = NsysExport(capture=kinds)
        add_ranges(export, ranges_of(windows[1], Clock()))
        gpu = build_report(ingested(tmp_path / name, windows, [export]))["gpu"]
        assert any(note.startswith(said) for note in gpu["notes"]), gpu["notes"]
        assert gpu["has_gpu_work"] is False
