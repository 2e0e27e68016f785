"""The kernel level as a whole: GPU work that is known, from the export of nsys to the figures of the report."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from runner.capture import CAPTURE_RANGE, CAPTURE_WARMUPS, NvtxCapture
from runner.captured_run import take_in
from runner.cli import app
from runner.dataset import shipped_dataset
from runner.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.nsys.installation import find_nsys
from runner.nsys.reports import export_sqlite
from runner.window_runner import StopFlag
from tests.capture_rig import CapturedDut, NotedRanges
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
    usual_windows,
)
from tests.nsys_export import NsysExport
from tests.recorded import STAGES, info, window
from tests.serial_client import Client, running_dut
from tests.test_dut import load
from tracer.kernels.inference_ranges import InferenceRanges, stage_ranges
from tracer.profiles.open_profile import open_profile
from tracer.recording.window import RecordedWindow
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun, open_run
from tracer.runs.run_writer import RunWriter

Report = dict[str, Any]


def ingested(folder: Path, windows: Sequence[RecordedWindow], exports: Sequence[NsysExport]) -> StoredRun:
    run = recorded_run(folder / "traces", windows)
    return take_in(run, [one.write(folder / f"capture-{number}.sqlite") for number, one in enumerate(exports)])


def report_of(folder: Path, captures: int = 1) -> Report:
    windows = usual_windows(captures)
    return build_report(ingested(folder, windows, [gpu_export(one) for one in captured_windows(windows)]))


def walls_of(windows: Sequence[RecordedWindow]) -> np.ndarray:
    """Lengths of the ranges of the inferences that count."""
    found = [one.edges[one.warmups :, -1] - one.edges[one.warmups :, 0] for one in captured_windows(windows)]
    return np.concatenate(found) + 2 * PUSH_NS


def works(report: Report, key: str) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["count"], one["total_ns"]) for one in report[key]}


def stages(report: Report) -> dict[str | None, tuple[float, float]]:
    found = report["kernels_by_stage"]
    return {one["stage"]: (one["works_per_inference"], one["ns_per_inference"]) for one in found}


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
    assert report["gpu"]["kernel_ns"]["interval"] == [KERNEL_NS, KERNEL_NS]
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


def test_every_gain_has_its_interval_and_is_an_upper_bound_beside_an_unprofiled_wall_time(report: Report) -> None:
    gains = {(one["group"], one["name"]): one for one in report["gains"]}
    assert {"kernel", "copy", "launch", "framework"} <= {name for group, name in gains if group == "kind"}
    assert {name for group, name in gains if group == "stage"} == set(STAGES)
    for one in gains.values():
        assert one["interval_ns"][0] <= one["gain_ns"] <= one["interval_ns"][1]
        assert one["upper_bound"] is True
        assert one["gain_ns"] <= 43_000


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
        assert {**twice["gpu"][name], "share": None} == {**report["gpu"][name], "share": None}
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
    assert not any(one["upper_bound"] for one in report["gains"])


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
        ("traced", ("Cuda", "NvtxEvents"), "CUDA was traced and the GPU did nothing"),
        ("not", ("NvtxEvents",), "CUDA was not traced: whether a GPU worked is not known"),
    ):
        windows = usual_windows()
        export = NsysExport(capture=kinds)
        add_ranges(export, ranges_of(windows[1], Clock()))
        gpu = build_report(ingested(tmp_path / name, windows, [export]))["gpu"]
        assert any(note.startswith(said) for note in gpu["notes"]), gpu["notes"]
        assert gpu["has_gpu_work"] is False


def busy_by_hand(intervals: np.ndarray, start: int, end: int) -> int:
    """Nanoseconds in [start, end) that one of the intervals covers, each looked at."""
    covered = np.zeros(end - start, bool)
    for begin, stop in intervals:
        covered[max(begin - start, 0) : max(stop - start, 0)] = True
    return int(covered.sum())


@pytest.fixture(scope="module")
def dut_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredRun, NotedRanges]:
    """The shipped model behind a DUT in this process, captured twice."""
    folder, noted = tmp_path_factory.mktemp("dut"), NotedRanges()
    pipeline = load_pipeline(ModelChoice(SHIPPED_TFLITE))
    facts = replace(info("run"), stages=[name for name, _ in pipeline.stages()])
    writer = RunWriter.create(folder, "run", facts, lambda _: None)
    script: list[bytes | Exception] = [load(shipped_dataset().input(0)), *[b"infer 40 5%"] * 3]
    CapturedDut(script, pipeline, writer, NvtxCapture(noted.api, 25, 2), StopFlag()).serve()
    pipeline.backend.close()
    writer.close()
    return open_run(folder / "run"), noted


def noted_ranges(noted: NotedRanges, capture: int, clock: Clock) -> InferenceRanges:
    """What a profiler has of one capture of the DUT in this process."""
    _, begins, ends = noted.columns(CAPTURE_RANGE)
    payloads, starts, stops = noted.columns("inference")
    inside = (starts > begins[capture]) & (starts < ends[capture])
    columns = [noted.columns(stage)[1:] for stage in STAGES]
    return InferenceRanges(
        process=PROCESS,
        numbers=np.array(payloads, np.int64)[inside],
        thread=np.full(int(inside.sum()), MAIN),
        start_ns=clock.of(starts[inside]),
        end_ns=clock.of(stops[inside]),
        stages=STAGES,
        stage_start_ns=np.stack([clock.of(start[inside]) for start, _ in columns], axis=1),
        stage_end_ns=np.stack([clock.of(end[inside]) for _, end in columns], axis=1),
    )


def test_a_real_run_with_kernels_added_from_another_thread_has_each_in_its_stage(
    tmp_path: Path, dut_run: tuple[StoredRun, NotedRanges]
) -> None:
    run, noted = dut_run
    paths, expected = [], []
    for number in range(2):
        clock = Clock(offset_ns=10**15 * number - 10**9, rate_ppm=-25.0 + 50 * number)
        ranges = noted_ranges(noted, number, clock)
        export = NsysExport()
        add_ranges(export, ranges)
        counted = rows(ranges, slice(CAPTURE_WARMUPS, None))
        add_work(export, rows(ranges, slice(CAPTURE_WARMUPS)), suffix=", warming up")
        kernels = add_work(export, counted, ids=10_001)
        expected += [
            busy_by_hand(kernels, begin, end) for begin, end in zip(counted.start_ns, counted.end_ns, strict=True)
        ]
        paths.append(export.write(tmp_path / f"capture-{number}.sqlite"))
    report = build_report(take_in(run, paths))
    assert report["gpu"]["inferences"] == 50
    assert stages(report) == {"host_to_device": (1, 1_000), "session_run": (4, 20_500), "readback": (1, 2_000)}
    assert works(report, "kernels") == {"conv": (100, 50 * 17_000), "softmax": (50, 50 * 3_000)}
    assert report["gpu"]["kernel_ns"]["mean"] == pytest.approx(np.mean(expected), abs=1e-6)
    parts = report["gpu"]["busy_ns"]["mean"] + sum(one["mean"] for one in report["overhead"].values())
    assert parts == pytest.approx(report["gpu"]["wall_ns"]["mean"], abs=1e-6)
    assert report["gpu"]["unprofiled"]["inferences"] == 120


@pytest.mark.skipif(shutil.which("nsys") is None, reason="nsys is not installed (Debian: nsight-systems)")
def test_a_real_capture_with_kernels_added_to_it_has_each_in_its_stage(tmp_path: Path) -> None:
    options = ["--nsys", "--capture-inferences", "30", "--capture-windows", "1"]
    with running_dut(tmp_path, options) as child:
        client = Client(tmp_path / "dut")
        client.load(shipped_dataset().input(0))
        assert client.ask(b"infer 100 5%")[-1] == "m-ready"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    run = open_run(tmp_path / "traces" / "run")
    [report_file] = (tmp_path / "traces" / "run.profile").glob("*.nsys-rep")
    exported = export_sqlite(find_nsys(), report_file, tmp_path)
    ranges = stage_ranges(open_profile(exported))
    with sqlite3.connect(exported) as database:
        machine = database.execute("SELECT max(globalTid) >> 48 FROM NVTX_EVENTS").fetchone()[0]
    database.close()
    export = NsysExport(schema="3.0.0", machine=machine)
    add_work(export, rows(ranges, slice(CAPTURE_WARMUPS)), suffix=", warming up")
    add_work(export, rows(ranges, slice(CAPTURE_WARMUPS, None)), ids=10_001)
    report = build_report(take_in(run, [export.onto(exported)], replace_old=True))
    assert report["gpu"]["inferences"] == 30
    assert stages(report) == {"host_to_device": (1, 1_000), "session_run": (4, 20_500), "readback": (1, 2_000)}
    assert works(report, "kernels") == {"conv": (60, 30 * 17_000), "softmax": (30, 30 * 3_000)}
    assert report["gpu"]["unprofiled"]["inferences"] == 100
    parts = report["gpu"]["busy_ns"]["mean"] + sum(one["mean"] for one in report["overhead"].values())
    assert parts == pytest.approx(report["gpu"]["wall_ns"]["mean"], abs=1e-6)
