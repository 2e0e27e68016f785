"""A real ``nsys profile`` of a real DUT: every range arrives, and fits the run's own spans. Needs nsys installed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from runner.dataset import shipped_dataset
from runner.dut.collectors import CAPTURE_WARMUPS
from runner.dut.profiler_launch import take_in
from tests.conftest import ROOT
from tests.needs import needs_nsys
from tests.serial_client import Client, below_profiler, running_dut
from tracer.captures.clock_fit import span_edges
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges
from tracer.captures.stored_capture import read_capture
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import timed_inferences
from tracer.runs.windows import RunWindow, profiler_pairs

pytestmark = [needs_nsys, pytest.mark.slow]

SECRET = "a-password-of-the-environment"
OLDEST_NVTX = ROOT / ".venv" / "nvtx-0.2.12"
"""Where ``.ci/run`` puts the oldest nvtx that we allow."""


def drive(folder: Path, windows: int) -> None:
    with Client(folder / "dut") as client:
        client.load(shipped_dataset().input(0))
        for _ in range(windows):
            assert client.ask(b"infer 100 5%")[-1] == "m-ready"


def environment(**more: str) -> Mapping[str, str]:
    return {**os.environ, "KWS_SECRET": SECRET, **more}


def end(child: subprocess.Popen[str]) -> str:
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    return said


def lengths_of_spans_and_ranges(run: StoredRun, ranges: InferenceRanges) -> tuple[np.ndarray, np.ndarray]:
    """Of each stage of each inference: both are of one stretch of code."""
    edges = span_edges(run, ranges.numbers).edges
    return np.diff(edges, axis=1), ranges.stage_end_ns - ranges.stage_start_ns


def _inferences(run: StoredRun, window: RunWindow) -> list[int]:
    return [int(number) for number in timed_inferences(run, windows=[window]).number]


def test_a_run_under_nsys_has_every_range_of_its_captures_and_one_clock_fits_them(tmp_path: Path) -> None:
    options = ["--nsys", "--capture-inferences", "40", "--capture-windows", "2", "--profiler-pairs", "3"]
    with running_dut(tmp_path, options, environment=environment()) as child:
        drive(tmp_path, windows=2)
        end(child)
    run = stored_run(tmp_path / "traces" / "run")
    assert run.state == "complete"
    assert [facts["inferences"] for facts in run.info.captures] == [40 + CAPTURE_WARMUPS] * 3
    pairs = profiler_pairs(run.each_window)
    assert [one.number for one in pairs] == [0, 1, 2]
    assert [one.captured.number < one.uncaptured.number for one in pairs] == [True, False, True]
    captured = {number for one in pairs for number in _inferences(run, one.captured)}
    assert {facts["first_inference"] + CAPTURE_WARMUPS for facts in run.info.captures} <= captured
    for number, facts in enumerate(run.info.captures):
        ranges = stage_ranges(read_capture(run, number))
        assert ranges.stages == ("host_to_device", "session_run", "readback")
        assert np.diff(ranges.numbers).tolist() == [1] * (len(ranges) - 1)
        assert abs(facts["clock"]["rate_ppm"]) < 1000
        # The reading that ends a span follows the range's end, and the one that begins it precedes its begin.
        # How much a range is shorter is the machine's; the two clocks differ by less than 1000 ppm and a reading.
        spans, inside = lengths_of_spans_and_ranges(run, ranges)
        assert (inside < spans * 1.001 + 2000).all()
        assert (inside > 0).all()
    report = build_report(run)
    assert report["gpu"]["inferences"] == 120
    assert report["gpu"]["unprofiled"]["inferences"] == 200
    assert report["inference"]["count"] == 200
    assert "no kernel and no CUDA call recorded" in " ".join(report["gpu"]["notes"])
    texts = [path.read_bytes() for path in (tmp_path / "traces" / "run").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in text for text in texts)


@pytest.mark.parametrize("oldest", [False, True])
def test_a_capture_made_by_hand_is_ingested_with_the_newest_nvtx_and_with_the_oldest(
    tmp_path: Path, oldest: bool
) -> None:
    if oldest and not OLDEST_NVTX.is_dir():
        pytest.skip(f"needs nvtx 0.2.12 in {OLDEST_NVTX}, where .ci/run puts it")
    paths = [str(OLDEST_NVTX)] if oldest else []
    seen = environment(PYTHONPATH=os.pathsep.join([*paths, str(ROOT)]))
    nsys = ["nsys", "profile", "-t", "nvtx", "-s", "none", "--cpuctxsw=none", "-o", str(tmp_path / "x")]
    with running_dut(tmp_path, before=nsys, environment=seen) as child:
        drive(tmp_path, windows=2)
        [dut] = below_profiler(tmp_path)
        os.kill(dut, signal.SIGINT)
        child.communicate(timeout=120)
    run = stored_run(tmp_path / "traces" / "run")
    assert run.info.profiler == {"name": "nsys", "by": "hand"}
    assert run.info.nvtx["version"] == "0.2.12" or not oldest
    reports = [path for path in tmp_path.iterdir() if path.suffix in (".nsys-rep", ".qdstrm")]
    run = take_in(run, reports[:1])
    assert [facts["inferences"] for facts in run.info.captures] == [210]
    assert len(stage_ranges(read_capture(run, 0)).numbers) == 210


def test_a_kill_in_the_middle_of_a_block_leaves_a_run_whose_earlier_pairs_are_whole(tmp_path: Path) -> None:
    options = ["--nsys", "--capture-windows", "1", "--profiler-pairs", "2", "--capture-inferences", "40"]
    with running_dut(tmp_path, options, environment=environment()) as child:
        drive(tmp_path, windows=1)
        with Client(tmp_path / "dut") as client:
            client.begin(10_000_000)
            [dut] = below_profiler(tmp_path)
            os.kill(dut, signal.SIGKILL)
        child.communicate(timeout=120)
    run = stored_run(tmp_path / "traces" / "run")
    assert run.state == "recovered"
    assert [one.number for one in profiler_pairs(run.each_window)] == [0, 1]
    assert build_report(run)["inference"]["count"] == 100
