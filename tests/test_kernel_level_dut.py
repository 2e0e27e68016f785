"""Captures of a real DUT with GPU work added to them: every kernel lands in its stage."""

from __future__ import annotations

import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.dataset import shipped_dataset
from runner.dut.capture_plan import CaptureChoice
from runner.dut.collectors import CAPTURE_WARMUPS, nsys_capture
from runner.dut.profiler_launch import take_in
from runner.inference.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.inference.window_runner import StopFlag
from runner.nsys.installation import find_nsys
from runner.nsys.reports import export_sqlite
from tests.capture_rig import CapturedDut, NotedRanges
from tests.gpu_runs import (
    MAIN,
    PROCESS,
    Clock,
    add_ranges,
    add_work,
    rows,
    stages,
    works,
)
from tests.needs import needs_nsys
from tests.nsys_export import NsysExport
from tests.recorded import STAGES, info
from tests.serial_client import Client, running_dut
from tests.test_dut import load
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges
from tracer.profiles.open_profile import read_profile_file
from tracer.recording.nvtx_ranges import CAPTURE_RANGE
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter

Report = dict[str, Any]


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
    CapturedDut(script, pipeline, writer, nsys_capture(noted.api, CaptureChoice(25, 2)), StopFlag()).serve()
    pipeline.backend.close()
    writer.close()
    return stored_run(folder / "run"), noted


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


@needs_nsys
@pytest.mark.slow
def test_a_real_capture_with_kernels_added_to_it_has_each_in_its_stage(tmp_path: Path) -> None:
    options = ["--nsys", "--capture-inferences", "30", "--capture-windows", "1", "--profiler-pairs", "0"]
    with running_dut(tmp_path, options) as child, Client(tmp_path / "dut") as client:
        client.load(shipped_dataset().input(0))
        assert client.ask(b"infer 100 5%")[-1] == "m-ready"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    run = stored_run(tmp_path / "traces" / "run")
    [report_file] = (tmp_path / "traces" / "run.profile").glob("*.nsys-rep")
    exported = export_sqlite(find_nsys(), report_file, tmp_path)
    ranges = stage_ranges(read_profile_file(exported))
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
